//! Files that only their owner reads, written so that a crash leaves the old content or the new, never a mix.
//! The one place that knows about permission bits; where the system has none, the folder's rights have to do.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// Replaces `path`: a new file beside it, synced, renamed over it, and the folder synced.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut beside = name.to_owned();
    beside.push(".new");
    let new = path.with_file_name(beside);
    // Left from a crash; a link put there by someone else goes with it.
    match std::fs::remove_file(&new) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let written = write_new(&new, bytes).and_then(|()| std::fs::rename(&new, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&new);
    }
    written?;
    sync_folder(path)
}

/// Writes a file that must not exist yet, readable by its owner only, and syncs it.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a rename or a new name in the folder of `path` durable.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    // Windows has no handle to a folder that could be synced; its rename is journalled.
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Reads at most `limit` bytes; a larger file is an error of kind `FileTooLarge`.
pub fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    read_all(File::open(path)?, limit)
}

/// As [`read`], but refuses with `PermissionDenied` what is another user's, or someone else may read.
pub fn read_owner_only(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    // Asked of the open file, so that it can't be exchanged in between.
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let found = file.metadata()?;
        if found.mode() & 0o077 != 0 || found.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
    }
    read_all(file, limit)
}

fn read_all(file: File, limit: usize) -> io::Result<Vec<u8>> {
    // Reserved at once: growing would leave copies of a secret behind.
    let mut bytes = Vec::with_capacity(limit + 1);
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}
