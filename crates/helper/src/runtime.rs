//! Where a running Countersign is to be found: one small file, readable by the user alone, written whole or
//! not at all and removed at the end. Refuses to believe a file that somebody else could have written.

use crate::os;
use serde::{Deserialize, Serialize};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wallet::{ProofKey, Wallet};

/// Between two looks whether the file is still there.
const LOOK: Duration = Duration::from_secs(2);

/// The runtime file's content. Programs read the address here instead of guessing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeFile {
    /// "main" or "devnet".
    pub profile: String,
    pub pid: u32,
    /// The port, "127.0.0.1:4020".
    pub address: String,
    /// The port once more, as a Unix socket in a folder of its own; absent where the system has none.
    pub unix_socket: Option<PathBuf>,
    /// For the owner's command line; app tokens are worth nothing there.
    pub control_socket: Option<PathBuf>,
    pub version: String,
    /// RFC 3339.
    pub started_at: String,
}

/// The paths of one profile.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub data_dir: PathBuf,
    pub runtime_file: PathBuf,
    /// Absent where their usual paths are too long for a socket and no owner has chosen others yet.
    pub sockets: Option<Sockets>,
}

/// The sockets of one profile. The apps' own has a folder to itself: that one is what a container is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sockets {
    pub dir: PathBuf,
    pub apps_dir: PathBuf,
    pub apps: PathBuf,
    pub control: PathBuf,
}

impl Sockets {
    fn in_dir(dir: PathBuf, apps: &str, control: &str) -> Self {
        let apps_dir = dir.join("apps");
        Self { apps: apps_dir.join(apps), control: dir.join(control), apps_dir, dir }
    }

    fn of_data_dir(dir: PathBuf) -> Self {
        Self::in_dir(dir, "port.sock", "control.sock")
    }

    fn fit(&self) -> bool {
        self.apps.as_os_str().len().max(self.control.as_os_str().len()) <= os::SOCKET_PATH
    }
}

/// In the data folder: where the sockets are, when they can't be where they usually are.
const ELSEWHERE: &str = "sockets";

impl Places {
    /// With a folder of its own everything is inside it; else sockets and runtime file are where the system
    /// keeps such things. Refuses a profile name that is not a plain word.
    pub fn of(profile: &str, data_dir: Option<&Path>) -> Result<Self> {
        let word = (1..=32).contains(&profile.len()) && profile.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !word {
            return Err(Error::new(ErrorKind::InvalidInput, "a profile's name has 1 to 32 letters, digits or hyphens"));
        }
        let default = || {
            wallet::default_dir(profile)
                .ok_or_else(|| Error::new(ErrorKind::NotFound, "this user has no data folder; name one"))
        };
        // Told to programs that run elsewhere: a name relative to here means nothing there.
        let own = data_dir.map(std::path::absolute).transpose()?;
        let data_dir = own.clone().map_or_else(default, Ok)?;
        let (runtime_file, usual) = match os::runtime_dir().filter(|_| own.is_none()) {
            Some(dir) => {
                let dir = dir.join("countersign");
                let file = dir.join(format!("{profile}.json"));
                let control = format!("{profile}-control.sock");
                (file, Sockets::in_dir(dir, &format!("{profile}.sock"), &control))
            }
            None => (data_dir.join("runtime.json"), Sockets::of_data_dir(data_dir.join("run"))),
        };
        let sockets = if usual.fit() { Some(usual) } else { elsewhere(&data_dir) };
        Ok(Self { data_dir, runtime_file, sockets })
    }

    /// For the owner: the folders of the sockets, made or checked.
    pub fn make_sockets(&mut self) -> Result<Sockets> {
        let sockets = match self.sockets.take() {
            Some(sockets) => sockets,
            None => {
                let dir = os::fresh_dir()?;
                let note = self.data_dir.join(ELSEWHERE);
                let _ = std::fs::remove_file(&note);
                os::create_private(&note)?.write_all(dir.as_os_str().as_encoded_bytes())?;
                Sockets::of_data_dir(dir)
            }
        };
        os::private_dir(&sockets.dir)?;
        os::private_dir(&sockets.apps_dir)?;
        self.sockets = Some(sockets.clone());
        Ok(sockets)
    }
}

/// Where an owner put the sockets, while that folder is this user's alone; after that another one is chosen.
fn elsewhere(data_dir: &Path) -> Option<Sockets> {
    let dir = PathBuf::from(os::read_private(&data_dir.join(ELSEWHERE)).ok()?);
    wallet::check_folder(&dir).ok()?;
    Some(Sockets::of_data_dir(dir)).filter(Sockets::fit)
}

/// Where a profile keeps everything: the folder that the user named, or the user's own for that profile.
pub fn data_dir(profile: &str, named: Option<&Path>) -> Result<PathBuf> {
    Ok(Places::of(profile, named)?.data_dir)
}

/// The profile whose Nile is the chain inside the program.
pub(crate) const DEVNET: &str = "devnet";

/// The profile that a folder belongs to, once it was opened.
pub fn profile_of(data_dir: &Path) -> Option<String> {
    let name = std::fs::read_to_string(data_dir.join("profile")).ok()?;
    Some(name.trim().to_owned())
}

pub(crate) fn mark_profile(data_dir: &Path, profile: &str) -> Result<()> {
    if profile_of(data_dir).is_some() {
        return Ok(());
    }
    os::create_private(&data_dir.join("profile"))?.write_all(format!("{profile}\n").as_bytes())
}

/// The runtime file of a running owner, written again where somebody took it away.
pub(crate) struct Told {
    file: RuntimeFile,
    path: PathBuf,
    /// Whose proof key stands in it, too.
    wallet: Wallet,
    over: Mutex<bool>,
}

impl Told {
    /// Writes it, and looks after it as long as this is held.
    pub fn start(file: RuntimeFile, path: &Path, wallet: &Wallet) -> Result<Arc<Self>> {
        file.write(path, wallet.proof_key())?;
        let (path, wallet) = (path.to_owned(), wallet.clone());
        let told = Arc::new(Self { file, path, wallet, over: Mutex::new(false) });
        let held = Arc::downgrade(&told);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                match held.upgrade() {
                    Some(told) => told.look(),
                    None => return,
                }
            }
        });
        Ok(told)
    }

    pub fn file(&self) -> &RuntimeFile {
        &self.file
    }

    fn look(&self) {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        if *over || !os::is_gone(&self.path) {
            return;
        }
        match os::remade_dir(&self.path).and_then(|()| self.file.write(&self.path, self.wallet.proof_key())) {
            Ok(()) => tracing::info!(path = %self.path.display(), "the runtime file was gone and is back"),
            Err(error) => tracing::debug!(%error, path = %self.path.display(), "the runtime file is gone"),
        }
    }

    /// Takes the file away for good.
    pub fn end(&self) {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.file.remove(&self.path);
    }
}

impl RuntimeFile {
    /// Where the file of a profile is; `data_dir` as given by the user, if it was.
    pub fn path(profile: &str, data_dir: Option<&Path>) -> Result<PathBuf> {
        Ok(Places::of(profile, data_dir)?.runtime_file)
    }

    /// Reads the file of a running Countersign. Not there: none runs.
    pub fn read(profile: &str, data_dir: Option<&Path>) -> Result<Self> {
        let text = os::read_private(&Self::path(profile, data_dir)?)?;
        serde_json::from_str(&text).map_err(|e| Error::new(ErrorKind::InvalidData, e))
    }

    /// With the key by which a program that has no token yet knows this wallet: it stands in the file alone.
    pub(crate) fn write(&self, path: &Path, proof_key: &ProofKey) -> Result<()> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Written<'a> {
            #[serde(flatten)]
            file: &'a RuntimeFile,
            proof_key: &'a str,
        }

        let draft = path.with_extension(format!("{}.tmp", self.pid));
        let _ = std::fs::remove_file(&draft);
        let mut file = os::create_private(&draft)?;
        let mut text = serde_json::to_vec_pretty(&Written { file: self, proof_key: proof_key.reveal() })?;
        text.push(b'\n');
        let written = file.write_all(&text).and_then(|()| std::fs::rename(&draft, path));
        if written.is_err() {
            let _ = std::fs::remove_file(&draft);
        }
        written
    }

    /// Removes the file, unless another process has taken the place over.
    pub(crate) fn remove(&self, path: &Path) {
        let ours = os::read_private(path)
            .is_ok_and(|text| serde_json::from_str::<Self>(&text).is_ok_and(|f| f.pid == self.pid));
        if ours {
            let _ = std::fs::remove_file(path);
        }
    }
}
