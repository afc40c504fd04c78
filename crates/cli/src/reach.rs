//! Reaching the owner's desk: the one in a running Countersign through its control socket, or our own for
//! the length of the command. Never both: the profile's lock sees to it.

use crate::args::Global;
use crate::console::Console;
use crate::exit::Fail;
use crate::show::{OFF, WARN, note, safe};
use futures::{Stream, StreamExt};
use helper::verb::ExportStream;
use helper::{Client, Owner, OwnerOptions, Verb};
use std::pin::Pin;
use view::{Desk, ExportFormat, Failure, FilterView};

pub type Pieces = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Failure>> + Send>>;

pub enum Reach {
    /// We hold the wallet ourselves.
    Here(Desk),
    /// A running Countersign holds it.
    There(Client),
}

impl Reach {
    pub async fn owner(global: &Global) -> Result<Self, Fail> {
        match Self::running(global).await {
            Some(client) => Ok(Self::There(client)),
            None => Ok(Self::Here(Owner::quiet(options(global)).await?)),
        }
    }

    pub async fn running(global: &Global) -> Option<Client> {
        let client = Client::find(&global.profile(), global.data_dir.as_deref()).await?;
        if let Some(other) = client.other_version() {
            note!(
                "{WARN}The running Countersign is version {}, this command is {}.{OFF} End the older of the two and start it \
                 again; until then some commands may not be understood.",
                safe(other),
                env!("CARGO_PKG_VERSION")
            );
        }
        Some(client)
    }

    /// An export as bytes; a failure in the middle is the last item.
    pub async fn export(&self, filter: FilterView, format: ExportFormat) -> Result<Pieces, Failure> {
        Ok(match self {
            Self::Here(desk) => {
                let mut pieces = desk.stream_export(filter, format).await?;
                Box::pin(futures::stream::poll_fn(move |cx| pieces.poll_recv(cx)))
            }
            Self::There(client) => {
                let pieces = client.export(&ExportStream { filter, format }).await?;
                Box::pin(pieces.map(|piece| piece.map(|bytes| bytes.to_vec())))
            }
        })
    }

    /// Calls a verb that takes the passphrase, which is asked for once all else is right: without it the owner says
    /// what else is wrong.
    pub async fn prove<V: Verb>(
        &self,
        console: &Console,
        verb: impl Fn(Option<String>) -> V,
    ) -> Result<V::Output, Fail> {
        match self.call(verb(None)).await {
            Err(failure) if failure.field.as_deref() == Some("passphrase") => {}
            done => return Ok(done?),
        }
        let passphrase = console.passphrase("Passphrase: ").await?.to_string();
        Ok(self.call(verb(Some(passphrase))).await?)
    }

    pub async fn call<V: Verb>(&self, verb: V) -> Result<V::Output, Failure> {
        match self {
            Self::Here(desk) => verb.run(desk).await,
            Self::There(client) => client.call(verb).await,
        }
    }
}

/// An owner without a window on the folder that the arguments name.
pub fn options(global: &Global) -> OwnerOptions {
    OwnerOptions {
        data_dir: global.data_dir.clone(),
        profile: global.profile(),
        headless: true,
        new_ledger: global.new_ledger,
        ..OwnerOptions::default()
    }
}
