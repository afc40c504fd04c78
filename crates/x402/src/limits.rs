//! How large a message may be. Every limit is applied before the work that it bounds.

use crate::Malformed;

/// A header's value as it came, before base64 is undone: 16 KiB. The largest seen in the field is 2.5 KB.
pub const HEADER_BYTES: usize = 16 * 1024;
/// A JSON document: 64 KiB.
pub const BODY_BYTES: usize = 64 * 1024;
/// How deep objects and lists may nest.
pub const DEPTH: usize = 16;
/// How many payment options one document may offer.
pub const ACCEPTS: usize = 16;

pub(crate) fn header(text: &str) -> Result<(), Malformed> {
    at_most("header", text.len(), HEADER_BYTES)
}

pub(crate) fn body(length: usize) -> Result<(), Malformed> {
    at_most("document", length, BODY_BYTES)
}

fn at_most(field: &str, length: usize, most: usize) -> Result<(), Malformed> {
    if length <= most {
        return Ok(());
    }
    Err(Malformed::new(field, &format!("{length} bytes"), format!("at most {most} bytes")))
}
