//! Telling a success to the one caller that may have it: written down before the answer leaves, taken back when it
//! never does. Refuses to tell it to a second caller, and to anybody when it can't be written down.

use crate::{
    Facilitator, StoreError,
    settle::unwritten,
    store::{Claim, Store},
};
use axum::body::{Body, Bytes};
use futures::stream;
use std::convert::Infallible;
use tokio::sync::oneshot;
use tron::TxId;

/// A success that is noted as told. Dropped before it left, it counts as not told.
pub(crate) struct Told {
    store: Store,
    id: TxId,
    left: bool,
}

impl Told {
    /// The answer is out of our hands.
    pub(crate) fn left(mut self) {
        self.left = true;
    }

    /// A body that tells, when it is taken, that the answer left. A connection that ended before never takes it.
    pub(crate) fn body(self, text: String) -> Body {
        Body::from_stream(stream::once(async move {
            self.left();
            Ok::<_, Infallible>(Bytes::from(text))
        }))
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if !self.left
            && let Err(error) = self.store.untell(self.id)
        {
            unwritten(&error);
        }
    }
}

impl Facilitator {
    /// `None`: somebody else was told, or will be.
    pub(crate) async fn tell(&self, id: TxId, claim: Option<Claim>) -> Result<Option<Told>, StoreError> {
        let (store, now) = (self.store().clone(), self.config().clock.now());
        let (answer, told) = oneshot::channel();
        // A task of its own: a caller that hangs up now must not leave a success noted that nobody hears of.
        self.tasks().spawn(async move {
            let told = store.tell(id, claim, now).await;
            // Unheard it is dropped, and so taken back.
            let _ = answer.send(told.map(|told| told.then(|| Told { store: store.clone(), id, left: false })));
        });
        told.await.unwrap_or(Ok(None))
    }
}
