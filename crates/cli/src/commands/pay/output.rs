//! Where what is paid for goes. Opened before anything is requested: an output that can't be written costs nothing.
//! What a file does not take to its end comes out on standard output instead, because it was paid for.

use crate::exit::{Fail, Status};
use crate::show::safe;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// A file, or standard output.
pub struct Output {
    file: Option<Target>,
    trouble: Option<String>,
}

struct Target {
    path: PathBuf,
    file: File,
    /// It was not there before.
    made: bool,
    /// A file on a disk: what it took can be read back.
    plain: bool,
    begun: bool,
    written: u64,
}

impl Output {
    /// Opens it and changes nothing: a file that is there keeps its content until the new one comes.
    pub fn open(path: Option<&Path>) -> Result<Self, Fail> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            return Ok(Self { file: None, trouble: None });
        };
        let made = std::fs::symlink_metadata(path).is_err();
        let opened = File::options().write(true).create(true).truncate(false).open(path);
        let opened = opened.and_then(|file| Ok((file.metadata()?.is_file(), file)));
        let (plain, file) = opened.map_err(|e| {
            Fail::of(Status::Usage, format!("--output {}: {e}", safe(&path.display().to_string())))
                .advice("Nothing was requested or paid. Name a file that can be written.")
        })?;
        let target = Target { path: path.to_owned(), file, made, plain, begun: false, written: 0 };
        Ok(Self { file: Some(target), trouble: None })
    }

    /// The content begins: what the file held before goes.
    pub fn begin(&mut self) -> io::Result<()> {
        let begun = match &mut self.file {
            Some(target) => {
                target.begun = true;
                if target.plain { target.file.set_len(0) } else { Ok(()) }
            }
            None => Ok(()),
        };
        begun.or_else(|e| self.elsewhere(&e))
    }

    /// The next piece. `BrokenPipe`: whoever reads has enough. Any other error: it came out nowhere.
    pub fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        match self.file.as_mut().map(|target| target.write(piece)) {
            Some(Ok(())) => return Ok(()),
            Some(Err(e)) if e.kind() == ErrorKind::BrokenPipe => return Err(e),
            Some(Err(e)) => self.elsewhere(&e)?,
            None => {}
        }
        print(piece)
    }

    /// The content is complete: it is on the disk, or told.
    pub fn end(&mut self) -> io::Result<()> {
        match self.file.as_ref().filter(|target| target.plain).map(|target| target.file.sync_all()) {
            Some(Err(e)) => self.elsewhere(&e),
            _ => Ok(()),
        }
    }

    /// Why the file has not got it; then it came out on standard output.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// The file took no more. What it has is printed, then what follows.
    fn elsewhere(&mut self, error: &io::Error) -> io::Result<()> {
        let Some(target) = self.file.take() else { return Ok(()) };
        let name = safe(&target.path.display().to_string());
        if !target.plain {
            let taken = target.written;
            self.trouble = Some(format!("{name}: {error}; it took {taken} bytes, the rest is on standard output"));
            return Ok(());
        }
        self.trouble = Some(format!("{name}: {error}; all of it is on standard output"));
        if target.written > 0 {
            let mut taken = File::open(&target.path)?.take(target.written);
            let mut piece = vec![0; 64 * 1024];
            loop {
                match taken.read(&mut piece)? {
                    0 => break,
                    length => print(piece.get(..length).unwrap_or_default())?,
                }
            }
        }
        // Half of it in a new file would pass for the whole.
        if target.made {
            let _ = std::fs::remove_file(&target.path);
        }
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Nothing was bought, so nothing new stays behind.
        if let Some(target) = self.file.as_ref().filter(|target| target.made && target.plain && !target.begun) {
            let _ = std::fs::remove_file(&target.path);
        }
    }
}

impl Target {
    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece)?;
        self.written = self.written.saturating_add(piece.len() as u64);
        Ok(())
    }
}

fn print(piece: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(piece)?;
    out.flush()
}
