//! The profile's lock, and whether the file system can lock at all: the record needs locks of byte ranges, too. Tells a
//! folder that another process holds from one that nobody can.

use crate::OpenError;
use std::fs::{File, TryLockError};
use std::path::Path;

/// Why there is no lock.
#[derive(Debug)]
pub(crate) enum NoLock {
    /// Another process has it.
    Held,
    /// The file system does not lock.
    Never(std::io::Error),
}

impl NoLock {
    pub fn at(self, dir: &Path) -> OpenError {
        let dir = dir.display().to_string();
        match self {
            Self::Held => OpenError::AlreadyOpen { dir },
            Self::Never(error) => OpenError::NoLocks { dir, detail: error.to_string() },
        }
    }
}

/// Takes the lock at once, or says why not.
pub(crate) fn take(file: &File) -> Result<(), NoLock> {
    match file.try_lock() {
        Ok(()) => ranges(file).map_err(NoLock::Never),
        Err(TryLockError::WouldBlock) => Err(NoLock::Held),
        Err(TryLockError::Error(error)) => Err(NoLock::Never(error)),
    }
}

/// Locks a byte as the record's database does, and gives it free.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn ranges(file: &File) -> std::io::Result<()> {
    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;
    let set = |kind: libc::c_short| {
        let range =
            libc::flock { l_type: kind, l_whence: libc::SEEK_SET as libc::c_short, l_start: 0, l_len: 1, l_pid: 0 };
        fcntl(file, FcntlArg::F_SETLK(&range))
    };
    match set(libc::F_WRLCK as libc::c_short) {
        Ok(_) => set(libc::F_UNLCK as libc::c_short).map(drop).map_err(Into::into),
        // Where both kinds of lock are one, ours is in the way: they work.
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn ranges(_: &File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_held_is_told_from_a_file_that_cannot_be_locked() {
        let dir = tempfile::tempdir().unwrap();
        let open = || File::options().create(true).truncate(false).write(true).open(dir.path().join("lock")).unwrap();
        let first = open();
        take(&first).unwrap();
        assert!(matches!(take(&open()), Err(NoLock::Held)));
        drop(first);
        take(&open()).unwrap();
        // A file that is open for reading takes no lock of bytes that are written.
        assert!(matches!(take(&File::open(dir.path().join("lock")).unwrap()), Err(NoLock::Never(_))));
    }
}
