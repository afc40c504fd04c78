//! Secrets that are one line of a file: API keys and passphrases. Refuses a file that others can read, or that is not this user's.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};
use zeroize::Zeroizing;

const MOST_BYTES: u64 = 4096;

/// The first line of a file of mode 0600, without its end.
pub fn secret_line(path: &Path) -> io::Result<Zeroizing<String>> {
    vault::own::check_file(path)?;
    let file = File::open(path)?;
    let mut text = Zeroizing::new(String::with_capacity(4096));
    file.take(MOST_BYTES).read_to_string(&mut text)?;
    let line = Zeroizing::new(text.lines().next().unwrap_or_default().trim().to_owned());
    if line.is_empty() { Err(io::Error::new(io::ErrorKind::InvalidData, "the first line is empty")) } else { Ok(line) }
}
