//! Secrets that are one line of a file: API keys and passphrases. Refuses a file that others can read.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};
use zeroize::Zeroizing;

const MOST_BYTES: u64 = 4096;

/// The first line of a file of mode 0600, without its end.
pub fn secret_line(path: &Path) -> io::Result<Zeroizing<String>> {
    let file = File::open(path)?;
    // Asked of the open file, so that it can't be exchanged in between.
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&file.metadata()?.permissions()) & 0o077 != 0 {
        let message = format!("others can read {}: its mode has to be 0600", path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    let mut text = Zeroizing::new(String::with_capacity(4096));
    file.take(MOST_BYTES).read_to_string(&mut text)?;
    let line = Zeroizing::new(text.lines().next().unwrap_or_default().trim().to_owned());
    if line.is_empty() { Err(io::Error::new(io::ErrorKind::InvalidData, "the first line is empty")) } else { Ok(line) }
}
