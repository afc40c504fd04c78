//! What is this user's alone: folders of mode 0700, files of mode 0600, and nothing on the way to them that others could
//! exchange. The one check for data folder, sockets, databases and key files. Refuses with the command that mends it, and
//! repairs nothing where somebody else may have put something.

use std::io;
use std::path::Path;

/// Why something is not this user's alone. Each sentence ends with what to do.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    #[error("{path} belongs to another user (number {owner}): {mend}")]
    Foreign { path: String, owner: u32, mend: String },
    #[error("others can get at {path} (mode {mode:04o}): {mend}")]
    Open { path: String, mode: u32, mend: String },
    /// Whoever may write to a folder can put another one in the place of what is in it.
    #[error("everybody can write to {path} (mode {mode:04o}), and so exchange what is in it: {mend}")]
    Way { path: String, mode: u32, mend: String },
    #[error("{path} is not a folder")]
    NoFolder { path: String },
    #[error("{path}: {source}")]
    File { path: String, source: io::Error },
}

impl From<OwnError> for io::Error {
    fn from(error: OwnError) -> Self {
        let kind = match &error {
            OwnError::File { source, .. } => source.kind(),
            OwnError::NoFolder { .. } => io::ErrorKind::NotADirectory,
            _ => io::ErrorKind::PermissionDenied,
        };
        Self::new(kind, error)
    }
}

/// Makes a folder for this user alone, with those above it that are missing, or checks one that is there. One that others
/// could look into, and only this user could fill, is closed.
pub fn make_folder(dir: &Path) -> Result<(), OwnError> {
    let failed = |source| OwnError::File { path: dir.display().to_string(), source };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(failed)?;
    #[cfg(unix)]
    unix::set_right(dir).map_err(failed)?;
    check_folder(dir)
}

/// Makes an empty file for this user alone, or checks one that is there. One that others could read, and only this user
/// could write, is closed: what is a secret already is for [`check_file`].
pub fn make_file(path: &Path) -> Result<(), OwnError> {
    let failed = |source| OwnError::File { path: path.display().to_string(), source };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(failed)?;
    #[cfg(unix)]
    unix::close_file(&file).map_err(failed)?;
    drop(file);
    check_file(path)
}

/// Whether a folder is this user's alone, what lies in it is nobody else's, and nobody can exchange it.
pub fn check_folder(dir: &Path) -> Result<(), OwnError> {
    #[cfg(unix)]
    unix::folder(dir)?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}

/// Whether a file is this user's alone, and nobody can exchange it. One that is not there yet is fine, if nobody can put
/// one in its place.
pub fn check_file(path: &Path) -> Result<(), OwnError> {
    #[cfg(unix)]
    unix::file(path)?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// As a shell reads it.
#[cfg(unix)]
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// The path with every link followed; as it was named where it leads nowhere.
#[cfg(unix)]
fn real(path: &Path) -> std::path::PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    std::fs::canonicalize(&whole).unwrap_or(whole)
}

#[cfg(unix)]
mod unix {
    use super::{OwnError, quoted, real};
    use std::fs::{File, Metadata, Permissions};
    use std::io;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;

    const ROOT: u32 = 0;
    const STICKY: u32 = 0o1000;

    fn us() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn look(path: &Path) -> Result<Metadata, OwnError> {
        std::fs::metadata(path).map_err(|source| OwnError::File { path: path.display().to_string(), source })
    }

    /// A folder of this user that nobody else could write to becomes private.
    pub fn set_right(dir: &Path) -> io::Result<()> {
        let found = std::fs::metadata(dir)?;
        let only_read = found.mode() & 0o077 != 0 && found.mode() & 0o022 == 0;
        match found.is_dir() && found.uid() == us() && only_read {
            true => std::fs::set_permissions(dir, Permissions::from_mode(0o700)),
            false => Ok(()),
        }
    }

    /// As [`set_right`], for a file that is open: it can't be exchanged meanwhile.
    pub fn close_file(file: &File) -> io::Result<()> {
        let found = file.metadata()?;
        let only_read = found.mode() & 0o077 != 0 && found.mode() & 0o022 == 0;
        match found.is_file() && found.uid() == us() && only_read {
            true => file.set_permissions(Permissions::from_mode(0o600)),
            false => Ok(()),
        }
    }

    pub fn folder(dir: &Path) -> Result<(), OwnError> {
        let found = look(dir)?;
        let path = dir.display().to_string();
        if !found.is_dir() {
            return Err(OwnError::NoFolder { path });
        }
        if found.uid() != us() {
            let mend =
                "use a folder of your own, or have it given to you (chown) after a look at what is in it".to_owned();
            return Err(OwnError::Foreign { path, owner: found.uid(), mend });
        }
        if found.mode() & 0o077 != 0 {
            let look = if found.mode() & 0o022 != 0 { " after a look at what is in it" } else { "" };
            let mend = format!("chmod 700 {}{look}", quoted(dir));
            return Err(OwnError::Open { path, mode: found.mode() & 0o7777, mend });
        }
        link(dir)?;
        way(dir)?;
        let entries = std::fs::read_dir(dir).map_err(|source| OwnError::File { path, source })?;
        for entry in entries.flatten() {
            // Gone meanwhile, or ours, or the system's.
            let Ok(found) = entry.metadata() else { continue };
            if ![us(), ROOT].contains(&found.uid()) {
                let path = entry.path();
                let mend = format!("look at it, then remove it: rm {}", quoted(&path));
                return Err(OwnError::Foreign { path: path.display().to_string(), owner: found.uid(), mend });
            }
        }
        Ok(())
    }

    pub fn file(file: &Path) -> Result<(), OwnError> {
        let path = file.display().to_string();
        match std::fs::metadata(file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(OwnError::File { path, source }),
            Ok(found) if found.uid() != us() => {
                let mend = "use a file of your own, or have it given to you (chown) after a look at it".to_owned();
                return Err(OwnError::Foreign { path, owner: found.uid(), mend });
            }
            Ok(found) if found.is_file() && found.mode() & 0o077 != 0 => {
                let mend = format!("chmod 600 {}", quoted(file));
                return Err(OwnError::Open { path, mode: found.mode() & 0o7777, mend });
            }
            Ok(_) => {}
        }
        link(file)?;
        way(file)
    }

    /// A link of somebody else leads wherever he wants tomorrow.
    fn link(path: &Path) -> Result<(), OwnError> {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_symlink() && ![us(), ROOT].contains(&found.uid()) => {
                let mend = format!("name what it leads to, {}", quoted(&real(path)));
                Err(OwnError::Foreign { path: path.display().to_string(), owner: found.uid(), mend })
            }
            _ => Ok(()),
        }
    }

    /// Every folder above it: where everybody may write, everybody may put another one there; a folder like /tmp, where
    /// each may only touch his own, is fine.
    fn way(path: &Path) -> Result<(), OwnError> {
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        for folder in whole.ancestors().skip(1).chain(real(path).ancestors().skip(1)) {
            let Ok(found) = std::fs::metadata(folder) else { continue };
            if found.is_dir() && found.mode() & 0o002 != 0 && found.mode() & STICKY == 0 {
                let mend = format!("chmod o-w {}", quoted(folder));
                return Err(OwnError::Way { path: folder.display().to_string(), mode: found.mode() & 0o7777, mend });
            }
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn at(path: &Path, mode: u32) {
        set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_that_others_can_get_at_is_refused_with_the_command_that_mends_it() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("it's mine");
        make_folder(&dir).unwrap();
        assert_eq!(mode(&dir), 0o700);
        std::fs::write(dir.join("vault.json"), "{}").unwrap();
        for open in [0o777, 0o770, 0o730, 0o775, 0o722, 0o1777, 0o2770] {
            at(&dir, open);
            let error = make_folder(&dir).unwrap_err();
            assert!(matches!(&error, OwnError::Open { mode, .. } if *mode == open), "{error}");
            assert_eq!(mode(&dir), open, "nothing was changed");
            let mend = error.to_string().rsplit(": ").next().unwrap().replace(" after a look at what is in it", "");
            let done = std::process::Command::new("sh").arg("-c").arg(&mend).status().unwrap();
            assert!(done.success(), "{mend}");
            make_folder(&dir).unwrap();
        }
    }

    #[test]
    fn a_folder_that_only_we_could_fill_is_closed_and_one_that_anybody_could_is_not() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("fresh");
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("config.toml"), "").unwrap();
        for open in [0o755, 0o750, 0o701, 0o744] {
            at(&dir, open);
            assert!(matches!(check_folder(&dir), Err(OwnError::Open { .. })), "looking changes nothing");
            assert_eq!(mode(&dir), open);
            make_folder(&dir).unwrap();
            assert_eq!(mode(&dir), 0o700);
        }
        at(&dir, 0o777);
        assert!(matches!(make_folder(&dir), Err(OwnError::Open { .. })));
    }

    #[test]
    fn a_way_that_everybody_can_write_to_is_refused_unless_each_may_only_touch_his_own() {
        let root = tempfile::tempdir().unwrap();
        let open = root.path().join("open");
        let dir = open.join("a/b");
        make_folder(&dir).unwrap();
        let file = dir.join("key");
        std::fs::write(&file, "x").unwrap();
        at(&file, 0o600);
        at(&open, 0o777);
        assert!(matches!(check_folder(&dir), Err(OwnError::Way { .. })));
        assert!(matches!(check_file(&file), Err(OwnError::Way { .. })));
        // Through a link as well, which stands somewhere good itself.
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&dir, &link).unwrap();
        assert!(matches!(check_folder(&link), Err(OwnError::Way { .. })));
        at(&open, 0o1777);
        check_folder(&dir).unwrap();
        check_folder(&link).unwrap();
        check_file(&file).unwrap();
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_and_one_that_is_not_there_is_fine() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("database");
        check_file(&file).unwrap();
        std::fs::write(&file, "x").unwrap();
        for open in [0o644, 0o660, 0o666, 0o604] {
            at(&file, open);
            let error = check_file(&file).unwrap_err().to_string();
            assert!(error.ends_with(&format!(": chmod 600 {}", file.display())), "{error}");
        }
        at(&file, 0o600);
        check_file(&file).unwrap();
        at(&file, 0o400);
        check_file(&file).unwrap();
    }

    #[test]
    fn a_database_that_others_could_read_is_closed_and_one_that_they_could_write_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("database");
        make_file(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        std::fs::write(&file, "rows").unwrap();
        at(&file, 0o644);
        make_file(&file).unwrap();
        assert_eq!((mode(&file), std::fs::read_to_string(&file).unwrap().as_str()), (0o600, "rows"));
        for open in [0o666, 0o660, 0o622] {
            at(&file, open);
            assert!(matches!(make_file(&file), Err(OwnError::Open { .. })));
            assert_eq!(mode(&file), open);
        }
    }

    /// Only the system's administrator can give something away.
    #[test]
    fn what_belongs_to_somebody_else_is_refused() {
        const NOBODY: u32 = 65_534;
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("wallet");
        make_folder(&dir).unwrap();
        let planted = dir.join("config.toml");
        std::fs::write(&planted, "").unwrap();
        if std::os::unix::fs::chown(&planted, Some(NOBODY), None).is_err() {
            return;
        }
        assert!(matches!(check_folder(&dir), Err(OwnError::Foreign { owner: NOBODY, .. })));
        assert!(matches!(check_file(&planted), Err(OwnError::Foreign { owner: NOBODY, .. })));
        std::fs::remove_file(&planted).unwrap();
        check_folder(&dir).unwrap();
        std::os::unix::fs::chown(&dir, Some(NOBODY), None).unwrap();
        assert!(matches!(make_folder(&dir), Err(OwnError::Foreign { owner: NOBODY, .. })));
    }
}
