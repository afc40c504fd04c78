//! What a file's bytes say: UTF-8, or UTF-16 as PowerShell's `>` and Windows' Notepad write it, with or without the mark
//! at its beginning.

/// Bytes that are no text in any of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("from byte {at} on it is no text, neither UTF-8 nor UTF-16")]
pub struct NoText {
    /// Counted from 0.
    pub at: usize,
}

/// The text of a file. The mark at its beginning is left out.
pub fn text(bytes: Vec<u8>) -> Result<String, NoText> {
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, 2, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, 2, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest.to_vec(), 3),
        _ => match zeros(&bytes) {
            (true, false) => utf16(&bytes, 0, u16::from_be_bytes),
            (false, true) => utf16(&bytes, 0, u16::from_le_bytes),
            _ => utf8(bytes, 0),
        },
    }
}

/// Whether most first, and most second, bytes of the pairs are zero: ASCII in UTF-16.
fn zeros(bytes: &[u8]) -> (bool, bool) {
    let pairs = bytes.len() / 2;
    let count = |at: usize| bytes.iter().skip(at).step_by(2).filter(|byte| **byte == 0).count();
    let most = |count: usize| pairs > 1 && 2 * count > pairs;
    (most(count(0)), most(count(1)))
}

fn utf8(bytes: Vec<u8>, before: usize) -> Result<String, NoText> {
    String::from_utf8(bytes).map_err(|e| NoText { at: before + e.utf8_error().valid_up_to() })
}

fn utf16(bytes: &[u8], before: usize, unit: fn([u8; 2]) -> u16) -> Result<String, NoText> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut out = String::with_capacity(pairs.len());
    let mut at = before;
    for read in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let character = read.map_err(|_| NoText { at })?;
        at += 2 * character.len_utf16();
        out.push(character);
    }
    if rest.is_empty() { Ok(out) } else { Err(NoText { at }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_text_is_read_and_bytes_that_are_none_are_named() {
        let said = "HTTP/1.1 402 Payment Required\r\n€ 天 𝄞";
        let little: Vec<u8> = said.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = said.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: &[u8], text: &[u8]| [mark, text].concat();
        for bytes in [
            said.as_bytes().to_vec(),
            marked(&[0xef, 0xbb, 0xbf], said.as_bytes()),
            marked(&[0xff, 0xfe], &little),
            marked(&[0xfe, 0xff], &big),
            little.clone(),
            big,
        ] {
            assert_eq!(text(bytes.clone()).as_deref(), Ok(said), "{bytes:?}");
        }
        assert_eq!(text(b"abc\xff\xfe".to_vec()), Err(NoText { at: 3 }));
        assert_eq!(text(marked(&[0xef, 0xbb, 0xbf], b"a\x80")), Err(NoText { at: 4 }));
        assert_eq!(text(marked(&[0xff, 0xfe], &little[..little.len() - 1])), Err(NoText { at: 2 + little.len() - 4 }));
        assert_eq!(text(marked(&[0xff, 0xfe], &[0x41, 0, 0, 0xdc])), Err(NoText { at: 4 }));
        assert_eq!(text(vec![]).as_deref(), Ok(""));
        assert_eq!(text(vec![0]).as_deref(), Ok("\0"));
    }
}
