//! Systems without Unix sockets: TCP only, no control socket. Files rely on the permissions of the user's
//! own folders.

use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// Never made here: it stands for a socket's stream.
pub(crate) type SocketStream = tokio::io::DuplexStream;

pub(crate) struct SocketListener(());

impl SocketListener {
    pub fn bind(_: &Path) -> Result<Self> {
        Err(Error::from(ErrorKind::Unsupported))
    }
}

impl serve::Accept for SocketListener {
    type Stream = SocketStream;

    async fn next(&self) -> Result<Option<serve::Arrival<SocketStream>>> {
        Err(Error::from(ErrorKind::Unsupported))
    }
}

pub(crate) async fn connect(_: &Path) -> Result<SocketStream> {
    Err(Error::from(ErrorKind::Unsupported))
}

pub(crate) fn is_gone(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|e| e.kind() == ErrorKind::NotFound)
}

pub(crate) fn remade_dir(file: &Path) -> Result<()> {
    private_dir(file.parent().ok_or(ErrorKind::NotFound)?)
}

pub(crate) fn peer(_: &SocketStream) -> Option<u32> {
    None
}

pub(crate) fn private_dir(dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir)
}

pub(crate) fn create_private(path: &Path) -> Result<File> {
    File::options().write(true).create_new(true).open(path)
}

pub(crate) fn read_private(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
}

pub(crate) fn inode(_: &Path) -> Option<u64> {
    None
}

pub(crate) const SOCKET_PATH: usize = usize::MAX;

pub(crate) fn fresh_dir() -> Result<PathBuf> {
    Err(Error::from(ErrorKind::Unsupported))
}

pub(crate) fn runtime_dir() -> Option<PathBuf> {
    None
}

pub(crate) fn no_core_dumps() {}
