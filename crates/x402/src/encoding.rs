//! Undoes what `Content-Encoding` names: gzip, deflate, brotli. Stops at the size that a document may have, whatever
//! a packed one would grow to; refuses other codings by their name, and bytes that are packed without saying so.

use crate::{Malformed, limits};
use std::borrow::Cow;
use std::io::Read;

/// The body as it was before it was packed. `codings` is the header's value, empty when there is none.
pub fn unpack<'b>(codings: &str, body: &'b [u8]) -> Result<Cow<'b, [u8]>, Malformed> {
    limits::body(body.len())?;
    let mut bytes = Cow::Borrowed(body);
    let named: Vec<String> = codings.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    // The last one named was applied last.
    for coding in named.iter().rev().filter(|name| !name.is_empty() && *name != "identity") {
        bytes = Cow::Owned(one(coding, &bytes)?);
    }
    match bytes.as_ref() {
        // Nothing that a text begins with.
        [0x1f, 0x8b, ..] => Err(Malformed::new("body", "gzip without a Content-Encoding that says so", TEXT)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Err(Malformed::new("body", "zstd without a Content-Encoding that says so", TEXT))
        }
        _ => Ok(bytes),
    }
}

const TEXT: &str = "text, or gzip, deflate or br named in Content-Encoding";

fn one(coding: &str, body: &[u8]) -> Result<Vec<u8>, Malformed> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    match coding {
        "gzip" | "x-gzip" => read(coding, flate2::read::MultiGzDecoder::new(body)),
        // By the standard with zlib's frame; some servers leave it out.
        "deflate" => read(coding, flate2::read::ZlibDecoder::new(body))
            .or_else(|_| read(coding, flate2::read::DeflateDecoder::new(body))),
        "br" => read(coding, brotli_decompressor::Decompressor::new(body, 4096)),
        other => Err(Malformed::new("content-encoding", other, "gzip, deflate or br")),
    }
}

fn read(coding: &str, packed: impl Read) -> Result<Vec<u8>, Malformed> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limits::BODY_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    packed
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|e| Malformed::new("body", &format!("no {coding}: {e}"), format!("what {coding} unpacks")))?;
    limits::body(bytes.len())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write};
    use std::io::Write;

    const TEXT: &[u8] = b"{\"x402Version\":2}";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = write::GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn what_is_named_is_undone() {
        let mut zlib = write::ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(TEXT).unwrap();
        let mut raw = write::DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(TEXT).unwrap();
        // One stored block of brotli: `{"x402Version":2}` uncompressed.
        let mut br = vec![0x0b, 0x08, 0x80];
        br.extend_from_slice(TEXT);
        br.push(0x03);
        for (codings, packed) in [
            ("", TEXT.to_vec()),
            ("identity", TEXT.to_vec()),
            ("gzip", gzip(TEXT)),
            ("GZIP", gzip(TEXT)),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
            ("gzip, gzip", gzip(&gzip(TEXT))),
            ("br", br),
        ] {
            assert_eq!(unpack(codings, &packed).unwrap().as_ref(), TEXT, "{codings}");
        }
    }

    #[test]
    fn what_is_not_named_broken_or_too_large_is_told() {
        let found = |codings: &str, bytes: &[u8]| unpack(codings, bytes).unwrap_err().found;
        assert_eq!(found("zstd", TEXT), "zstd");
        assert!(found("", &gzip(TEXT)).starts_with("gzip without"));
        assert!(found("gzip", TEXT).starts_with("no gzip"));
        let bomb = gzip(&vec![b' '; 50_000_000]);
        assert!(bomb.len() < limits::BODY_BYTES);
        assert_eq!(found("gzip", &bomb), "65537 bytes");
    }
}
