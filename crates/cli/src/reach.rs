//! Reaching the owner's desk: the one in a running Countersign through its control socket, or our own for
//! the length of the command. Never both: the profile's lock sees to it.

use crate::args::Global;
use crate::console::Console;
use crate::exit::{Fail, Status};
use crate::show::{OFF, WARN, note, safe};
use futures::{Stream, StreamExt};
use helper::verb::{ExportStream, Question};
use helper::{Client, Owner, OwnerOptions, Quiet, Verb};
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use view::export::pipe::Piece;
use view::{Code, Desk, ExportFormat, Failure, FilterView, QuestionView};

pub type Pieces = Pin<Box<dyn Stream<Item = Result<Piece, Failure>> + Send>>;

/// An owner that runs answers at once, whatever else it does.
const ANSWER: Duration = Duration::from_secs(5);

pub enum Reach {
    /// We hold the wallet ourselves, and serve others.
    Here(Desk),
    /// We hold the wallet for the length of this command.
    Alone(Quiet),
    /// A running Countersign holds it.
    There(Client),
}

impl Reach {
    pub async fn owner(global: &Global) -> Result<Self, Fail> {
        match Self::running(global).await? {
            Some(client) => Ok(Self::There(client)),
            None => Ok(Self::Alone(Owner::quiet(options(global)).await?)),
        }
    }

    /// The owner after one that ended: its socket goes a moment before its hold on the wallet.
    pub async fn next(global: &Global) -> Result<Self, Fail> {
        let end = tokio::time::Instant::now() + ANSWER;
        loop {
            match Self::owner(global).await {
                Err(fail) if fail.status == Status::Elsewhere && tokio::time::Instant::now() < end => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                reached => return reached,
            }
        }
    }

    /// We hold the wallet, so a question is asked here.
    pub fn is_ours(&self) -> bool {
        !matches!(self, Self::There(_))
    }

    /// The owner that was asked is gone.
    pub async fn is_gone(&self) -> bool {
        match self {
            Self::There(client) => !client.answers(ANSWER).await,
            _ => false,
        }
    }

    pub async fn running(global: &Global) -> Result<Option<Client>, Fail> {
        let found = Client::find(&global.profile(), global.data_dir.as_deref()).await;
        let Some(client) = found else { return Ok(None) };
        if !client.answers(ANSWER).await {
            return Err(client.silent().into());
        }
        if let Some(other) = client.other_version() {
            note!(
                "{WARN}The running Countersign is version {}, this command is {}.{OFF} End the older of the two and start it \
                 again; until then some commands may not be understood.",
                safe(other),
                env!("CARGO_PKG_VERSION")
            );
        }
        Ok(Some(client))
    }

    /// Ready once this question does not stand any more as it was shown: answered, ended, or another one by now.
    pub async fn until_over(&self, q: &QuestionView) {
        let news: Pin<Box<dyn Stream<Item = ()> + Send>> = match self {
            Self::Here(desk) => Box::pin(news(desk)),
            Self::Alone(quiet) => Box::pin(news(quiet.desk())),
            Self::There(client) => match client.events().await {
                Ok(events) => Box::pin(events.map(drop)),
                // Whoever is asked next says so.
                Err(_) => return std::future::pending().await,
            },
        };
        tokio::pin!(news);
        loop {
            match self.call(Question { id: q.id.clone() }).await {
                Ok(now) if now.digest != q.digest => return,
                Err(failure) if failure.code == Code::NotFound => return,
                // Whatever else is wrong is told to whoever answers.
                Ok(_) | Err(_) => {}
            }
            if news.next().await.is_none() {
                return;
            }
        }
    }

    /// An export as bytes, which this command writes by itself; a failure in the middle is the last item.
    pub async fn export(&self, filter: FilterView, format: ExportFormat) -> Result<Pieces, Failure> {
        Ok(match self {
            Self::Here(desk) => streamed(desk, filter, format).await?,
            Self::Alone(quiet) => streamed(quiet.desk(), filter, format).await?,
            Self::There(client) => Box::pin(client.export(&ExportStream { filter, format }).await?),
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
            Self::Alone(quiet) => verb.run(quiet.desk()).await,
            Self::There(client) => client.call(verb).await,
        }
    }
}

/// That something happened, whatever it was.
fn news(desk: &Desk) -> impl Stream<Item = ()> + Send + use<> {
    futures::stream::unfold(desk.subscribe(), |mut events| async move {
        match events.recv().await {
            Err(RecvError::Closed) => None,
            Ok(_) | Err(RecvError::Lagged(_)) => Some(((), events)),
        }
    })
}

async fn streamed(desk: &Desk, filter: FilterView, format: ExportFormat) -> Result<Pieces, Failure> {
    let mut pieces = desk.stream_export(filter, format).await?;
    Ok(Box::pin(futures::stream::poll_fn(move |cx| pieces.poll_recv(cx))))
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
