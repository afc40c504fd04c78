//! The file of an export: written beside its name, durable before it has it, readable by its owner alone.
//! Refuses to leave half a file: what is not finished is removed; and to replace a file unless told to, also one that
//! came meanwhile.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

pub struct Part {
    target: PathBuf,
    part: PathBuf,
    replace: bool,
    out: BufWriter<File>,
    finished: bool,
}

impl Part {
    /// # Errors
    /// `AlreadyExists` where there is such a file and it may not be replaced.
    pub fn open(target: &Path, replace: bool) -> io::Result<Self> {
        if !replace && target.try_exists()? {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        let mut name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(".part");
        let part = target.with_file_name(name);
        // What a crash left is ours to write over, but never through a link.
        match std::fs::remove_file(&part) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let out = BufWriter::with_capacity(1 << 16, options.open(&part)?);
        Ok(Self { target: target.to_owned(), part, replace, out, finished: false })
    }

    pub fn finish(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        self.name()?;
        self.finished = true;
        #[cfg(unix)]
        if let Some(folder) = self.target.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Gives it its name. A second name fails where there is one already, which a renaming would replace.
    fn name(&self) -> io::Result<()> {
        if !self.replace {
            match std::fs::hard_link(&self.part, &self.target) {
                Ok(()) => return std::fs::remove_file(&self.part),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(e),
                // A file system without second names.
                Err(_) if self.target.try_exists()? => return Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) => {}
            }
        }
        std::fs::rename(&self.part, &self.target)
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing is lost with it; a part that stays is written over the next time.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}
