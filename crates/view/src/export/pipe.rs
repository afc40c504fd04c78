//! An export as a stream of pieces, from the thread that writes to whoever reads. Never holds more than a few
//! pieces: a slow reader slows the export down. Refuses to go on when nobody reads any more.

use crate::Failure;
use crate::jobs::broken;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

const PIECE: usize = 1 << 16;

/// Some bytes of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub bytes: Vec<u8>,
    /// How many rows were written with it. With the last piece: all of them.
    pub rows: u64,
}

/// What comes out: bytes, and at the end a failure if it is not whole.
pub type Pieces = mpsc::Receiver<Result<Piece, Failure>>;

pub(super) struct Pipe {
    buffer: Vec<u8>,
    rows: Arc<AtomicU64>,
    pieces: mpsc::Sender<Result<Piece, Failure>>,
    ended: bool,
}

/// `rows` is counted by whoever writes.
pub(super) fn pipe(rows: Arc<AtomicU64>) -> (Pipe, Pieces) {
    let (pieces, out) = mpsc::channel(4);
    (Pipe { buffer: Vec::with_capacity(PIECE), rows, pieces, ended: false }, out)
}

impl Pipe {
    fn send(&mut self) -> io::Result<()> {
        let bytes = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
        let rows = self.rows.load(Ordering::Relaxed);
        self.pieces.blocking_send(Ok(Piece { bytes, rows })).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Says how it went. A whole export just ends.
    pub fn end(mut self, failure: Option<Failure>) {
        self.ended = true;
        if let Some(failure) = failure {
            // Nobody reads any more: nobody needs to know.
            let _ = self.pieces.blocking_send(Err(failure));
        }
    }
}

impl Drop for Pipe {
    /// Whoever broke off never said how it went, and what came out looks whole.
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.pieces.blocking_send(Err(broken()));
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() { Ok(()) } else { self.send() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_breaks_off_is_told_after_what_came_out() {
        let (mut pipe, mut pieces) = pipe(Arc::new(AtomicU64::new(1)));
        let writing = tokio::task::spawn_blocking(move || {
            pipe.write_all(b"[{}").unwrap();
            pipe.flush().unwrap();
            panic!("out of luck");
        });
        assert_eq!(pieces.recv().await, Some(Ok(Piece { bytes: b"[{}".to_vec(), rows: 1 })));
        assert_eq!(pieces.recv().await, Some(Err(broken())));
        assert_eq!(pieces.recv().await, None);
        assert!(writing.await.is_err());
    }
}
