//! An export on its way through the control socket: the rows so far and the length, each in front of its bytes, and an
//! empty frame at the end of a whole one. Refuses to take what ends without it for whole.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use view::export::pipe::Piece;

/// Rows as u64, length as u32, both with the high byte first.
const HEAD: usize = 12;
/// Far above what the owner sends at once.
const MOST: usize = 16 << 20;

pub(super) fn of(piece: &Piece) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEAD + piece.bytes.len());
    frame.put_u64(piece.rows);
    frame.put_u32(u32::try_from(piece.bytes.len()).unwrap_or(u32::MAX));
    frame.put_slice(&piece.bytes);
    frame.freeze()
}

pub(super) fn end() -> Bytes {
    Bytes::from_static(&[0; HEAD])
}

/// Frames out of a stream of bytes that comes in any pieces.
#[derive(Default)]
pub(super) struct Frames(BytesMut);

/// What was read so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Piece(Piece),
    /// More bytes are needed.
    More,
    /// The export is whole.
    Whole,
    /// This is no export.
    Broken,
}

impl Frames {
    pub fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub fn next(&mut self) -> Next {
        let Some(mut head) = self.0.get(..HEAD) else { return Next::More };
        let (rows, length) = (head.get_u64(), head.get_u32());
        let Ok(length) = usize::try_from(length) else { return Next::Broken };
        match length {
            0 => Next::Whole,
            MOST.. => Next::Broken,
            _ if self.0.len() < HEAD + length => Next::More,
            _ => {
                self.0.advance(HEAD);
                Next::Piece(Piece { bytes: self.0.split_to(length).to_vec(), rows })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_however_they_were_cut_and_half_of_them_is_not_whole() {
        let pieces = [(b"id,at".to_vec(), 0), (vec![7; 70_000], 900), (b"x".to_vec(), 901)];
        let pieces = pieces.map(|(bytes, rows)| Piece { bytes, rows });
        let mut all: Vec<u8> = pieces.iter().flat_map(|piece| of(piece).to_vec()).collect();
        all.extend(end());
        for cut in [1, 7, 12, 4_096, all.len()] {
            let (mut frames, mut read, mut last) = (Frames::default(), Vec::new(), Next::More);
            for part in all.chunks(cut) {
                frames.put(part);
                loop {
                    match frames.next() {
                        Next::Piece(piece) => read.push(piece),
                        other => {
                            last = other;
                            break;
                        }
                    }
                }
            }
            assert_eq!((read.as_slice(), &last), (pieces.as_slice(), &Next::Whole), "{cut}");
        }
        let mut half = Frames::default();
        half.put(&all[..all.len() - 1]);
        while let Next::Piece(_) = half.next() {}
        assert_eq!(half.next(), Next::More);
        let mut foreign = Frames::default();
        foreign.put(b"HTTP/1.1 200 OK and whatever else");
        assert_eq!(foreign.next(), Next::Broken);
    }
}
