//! An export as a stream of pieces, from the thread that writes to whoever reads. Never holds more than a few
//! pieces: a slow reader slows the export down. Refuses to go on when nobody reads any more.

use crate::Failure;
use std::io::{self, Write};
use tokio::sync::mpsc;

const PIECE: usize = 1 << 16;

/// What comes out: bytes, and at the end a failure if it is not whole.
pub type Pieces = mpsc::Receiver<Result<Vec<u8>, Failure>>;

pub(super) struct Pipe {
    buffer: Vec<u8>,
    pieces: mpsc::Sender<Result<Vec<u8>, Failure>>,
}

pub(super) fn pipe() -> (Pipe, Pieces) {
    let (pieces, out) = mpsc::channel(4);
    (Pipe { buffer: Vec::with_capacity(PIECE), pieces }, out)
}

impl Pipe {
    fn send(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
        self.pieces.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Says how it went. A whole export just ends.
    pub fn end(self, failure: Option<Failure>) {
        if let Some(failure) = failure {
            // Nobody reads any more: nobody needs to know.
            let _ = self.pieces.blocking_send(Err(failure));
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
