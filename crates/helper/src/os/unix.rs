//! Unix: modes, peer credentials, sockets in a private folder, no core dumps. Refuses folders and files of
//! another user.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixStream};

pub(crate) type SocketStream = UnixStream;

/// A socket path has to fit into the kernel's structure.
const SOCKET_PATH: usize = 100;

/// A listener whose strangers are turned away.
pub(crate) struct SocketListener(UnixListener);

impl SocketListener {
    /// Binds a socket that only this user can open. The caller holds the profile's lock, so a socket that is
    /// still there belongs to a process that is gone.
    pub fn bind(path: &Path) -> Result<Self> {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
            Ok(_) => return Err(Error::new(ErrorKind::AlreadyExists, "something that is not a socket is there")),
            Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(Self(listener))
    }

    /// The next caller, or none when it was another user's process.
    pub async fn accept(&self) -> Result<Option<SocketStream>> {
        let (stream, _) = self.0.accept().await?;
        let ours = stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw());
        Ok(ours.then_some(stream))
    }
}

pub(crate) async fn connect(path: &Path) -> Result<SocketStream> {
    UnixStream::connect(path).await
}

/// Makes a folder for this user alone, or checks that it is one.
pub(crate) fn private_dir(dir: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let found = std::fs::symlink_metadata(dir)?;
    if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::new(ErrorKind::PermissionDenied, "the folder is not this user's"));
    }
    std::fs::set_permissions(dir, Permissions::from_mode(0o700))
}

/// A new file for this user alone.
pub(crate) fn create_private(path: &Path) -> Result<File> {
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

/// Reads a file that only this user could have written.
pub(crate) fn read_private(path: &Path) -> Result<String> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    if found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o077 != 0 {
        return Err(Error::new(ErrorKind::PermissionDenied, "the file is not this user's alone"));
    }
    std::io::read_to_string(file)
}

/// What the kernel knows a file by.
pub(crate) fn inode(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|found| found.ino())
}

/// Where sockets go: the folder asked for, or a short one for this user where that one's path is too long.
pub(crate) fn socket_dir(wanted: PathBuf) -> PathBuf {
    use sha2::{Digest, Sha256};
    if wanted.as_os_str().len() + "/control.sock".len() <= SOCKET_PATH {
        return wanted;
    }
    let name = hex::encode(&Sha256::digest(wanted.as_os_str().as_encoded_bytes())[..8]);
    std::env::temp_dir().join(format!("countersign-{name}"))
}

/// The user's folder for sockets and process files, `$XDG_RUNTIME_DIR` where the system has one.
pub(crate) fn runtime_dir() -> Option<PathBuf> {
    dirs::runtime_dir().filter(|dir| dir.is_dir())
}

/// No memory image is written when the process crashes, and others of this user can't attach to it.
pub(crate) fn no_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    if let Err(e) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(error = %e, "core dumps stay as the system has them");
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Err(e) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(error = %e, "the process stays dumpable");
    }
}
