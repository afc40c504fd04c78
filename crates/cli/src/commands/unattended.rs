//! A passphrase without a person: a file that only its owner reads, or a credential that systemd hands to the
//! service. Refuses a file that others can read, and takes nothing from an argument or a variable: the one
//! variable that is looked at names systemd's folder.

use crate::args::{Global, Serve};
use crate::console::Line;
use crate::exit::Fail;
use crate::show::safe;
use std::io;
use std::path::Path;

/// The credential's name in the unit: `LoadCredential=countersign.passphrase:…`.
const CREDENTIAL: &str = "countersign.passphrase";
/// Far above any passphrase.
const MAX_BYTES: usize = 4096;

/// What was given for this start; `None` where a person types, or where it stays locked.
pub fn passphrase(serve: &Serve, global: &Global) -> Result<Option<Line>, Fail> {
    if let Some(path) = &serve.passphrase_file {
        return first_line(path, wallet::read_private(path, MAX_BYTES)).map(Some);
    }
    if serve.locked || global.passphrase_fd.is_some() {
        return Ok(None);
    }
    let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") else { return Ok(None) };
    let path = Path::new(&folder).join(CREDENTIAL);
    // Who may read it is systemd's matter: an access list shows as rights of the group.
    match std::fs::read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        read => first_line(&path, read).map(Some),
    }
}

fn first_line(path: &Path, read: io::Result<Vec<u8>>) -> Result<Line, Fail> {
    let shown = safe(&path.display().to_string());
    let bytes = read.map(zeroize::Zeroizing::new).map_err(|e| match e.kind() {
        // The system's own refusal carries its code; ours, for rights that are too wide, has none.
        io::ErrorKind::PermissionDenied if e.raw_os_error().is_none() => {
            Fail::plain(format!("others can read {shown}, so the passphrase in it is no secret"))
                .advice("Take their rights away (chmod 600), and change the passphrase if it mattered.")
        }
        io::ErrorKind::FileTooLarge => Fail::plain(format!("{shown} has more than {MAX_BYTES} bytes")),
        _ => Fail::plain(format!("{shown}: {e}")),
    })?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = std::str::from_utf8(line).map_err(|_| Fail::plain(format!("{shown} is not text")))?;
    match text.trim_end_matches('\r') {
        "" => Err(Fail::plain(format!("the first line of {shown} is empty"))),
        text => Ok(Line::new(text.to_owned())),
    }
}
