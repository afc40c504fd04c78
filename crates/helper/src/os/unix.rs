//! Unix: modes, peer credentials, sockets in a private folder, no core dumps. Refuses folders and files of
//! another user.

use serve::{Accept, Arrival, From, Peer};
use std::fs::{File, Permissions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};

pub(crate) type SocketStream = UnixStream;

/// A socket path has to fit into the kernel's structure.
pub(crate) const SOCKET_PATH: usize = 100;

/// Between two looks whether a socket is still where it is looked for.
const LOOK: Duration = Duration::from_secs(2);

/// A listener whose strangers are turned away. Systems empty the folder of sockets at a logout: a socket that is gone
/// comes back at its place.
pub(crate) struct SocketListener {
    path: PathBuf,
    now: Mutex<Arc<UnixListener>>,
}

impl SocketListener {
    /// Binds a socket that only this user can open. The caller holds the profile's lock, so a socket that is
    /// still there belongs to a process that is gone.
    pub fn bind(path: &Path) -> Result<Self> {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
            Ok(_) => return Err(Error::new(ErrorKind::AlreadyExists, "something that is not a socket is there")),
            Err(_) => {}
        }
        Ok(Self { path: path.to_owned(), now: Mutex::new(Arc::new(bound(path)?)) })
    }
}

impl Accept for SocketListener {
    type Stream = SocketStream;

    /// The next caller, or none when it was another user's process.
    async fn next(&self) -> Result<Option<Arrival<SocketStream>>> {
        loop {
            let now = Arc::clone(&self.now.lock().unwrap_or_else(PoisonError::into_inner));
            let stream = tokio::select! {
                accepted = now.accept() => accepted?.0,
                () = tokio::time::sleep(LOOK) => {
                    self.come_back();
                    continue;
                }
            };
            let peer = stream.peer_cred().map_or(Peer::Unknown, |peer| Peer::of_user(peer.uid()));
            return Ok((peer == Peer::Own).then_some(Arrival { stream, from: From::Peer(peer) }));
        }
    }
}

impl SocketListener {
    /// Binds again what is gone. Whatever else is there by now stays: another owner may have the place.
    fn come_back(&self) {
        if !is_gone(&self.path) {
            return;
        }
        let again = remade_dir(&self.path).and_then(|()| bound(&self.path));
        match again {
            Ok(listener) => {
                *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(listener);
                tracing::info!(path = %self.path.display(), "a socket was gone and is back");
            }
            // Until the next login there may be no folder to put it in.
            Err(error) => tracing::debug!(%error, path = %self.path.display(), "a socket is gone"),
        }
    }
}

fn bound(path: &Path) -> Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Whether nothing is there.
pub(crate) fn is_gone(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|e| e.kind() == ErrorKind::NotFound)
}

/// The folder of a file, made again where its own folder is there: that one is the system's.
pub(crate) fn remade_dir(file: &Path) -> Result<()> {
    let dir = file.parent().ok_or(ErrorKind::NotFound)?;
    if !dir.parent().is_some_and(Path::is_dir) {
        return Err(ErrorKind::NotFound.into());
    }
    private_dir(dir)
}

/// A process of this very user behind the socket: what is said there may be the passphrase.
pub(crate) async fn connect(path: &Path) -> Result<SocketStream> {
    let stream = UnixStream::connect(path).await?;
    match stream.peer_cred()?.uid() == rustix::process::geteuid().as_raw() {
        true => Ok(stream),
        false => Err(Error::new(ErrorKind::PermissionDenied, "another user's process listens there")),
    }
}

/// The process at the other end.
pub(crate) fn peer(stream: &SocketStream) -> Option<u32> {
    // None, where the process is of a namespace that can't be seen from here.
    u32::try_from(stream.peer_cred().ok()?.pid()?).ok().filter(|pid| *pid != 0)
}

/// Makes a folder for this user alone, or checks that it is one.
pub(crate) fn private_dir(dir: &Path) -> Result<()> {
    Ok(wallet::make_folder(dir)?)
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

/// A new folder for sockets with a short name that nobody can guess, so that nobody was there before.
pub(crate) fn fresh_dir() -> Result<PathBuf> {
    let mut name = [0_u8; 16];
    getrandom::fill(&mut name).map_err(|_| Error::other("the system gave no random numbers"))?;
    let parent = runtime_dir().unwrap_or_else(std::env::temp_dir);
    let dir = parent.join(format!("countersign-{}", hex::encode(name)));
    // Not `private_dir`: it has to be new.
    std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(&dir)?;
    Ok(dir)
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
