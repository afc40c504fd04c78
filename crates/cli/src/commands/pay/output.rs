//! Where what is paid for goes. Opened before anything is requested: an output that can't be written costs nothing.
//! What a file does not take to its end comes out on standard output instead, because it was paid for. A terminal gets
//! text alone, with what would act on it shown as signs; whatever else was paid for is kept in a file.

use crate::escape::{Foreign, is_text};
use crate::exit::{Fail, Status};
use crate::show::safe;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

/// A file, or standard output.
pub struct Output {
    file: Option<Target>,
    trouble: Option<String>,
    /// Where standard output is a terminal: what it got so far.
    screen: Option<Screen>,
    /// Somebody pays for it: it may not be lost.
    paid: bool,
    kept: Option<PathBuf>,
}

#[derive(Default)]
struct Screen {
    foreign: Foreign,
    begun: bool,
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
        let screen = io::stdout().is_terminal().then(Screen::default);
        let mut output = Self { file: None, trouble: None, screen, paid: false, kept: None };
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            return Ok(output);
        };
        let made = std::fs::symlink_metadata(path).is_err();
        let opened = File::options().write(true).create(true).truncate(false).open(path);
        let opened = opened.and_then(|file| Ok((file.metadata()?.is_file(), file)));
        let (plain, file) = opened.map_err(|e| {
            Fail::of(Status::Usage, format!("--output {}: {e}", safe(&path.display().to_string())))
                .advice("Nothing was requested or paid. Name a file that can be written.")
        })?;
        let target = Target { path: path.to_owned(), file, made, plain, begun: false, written: 0 };
        output.file = Some(target);
        Ok(output)
    }

    /// What comes now was paid for.
    pub fn was_paid(mut self) -> Self {
        self.paid = true;
        self
    }

    /// The file that was made because a terminal is no place for the content.
    pub fn kept(&self) -> Option<&Path> {
        self.kept.as_deref()
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
            None if !self.is_for_the_screen(piece) => {
                self.keep()?;
                return self.write(piece);
            }
            None => {}
        }
        self.put(piece)
    }

    /// The first piece decides whether a terminal gets it.
    fn is_for_the_screen(&self, piece: &[u8]) -> bool {
        self.screen.as_ref().is_none_or(|screen| screen.begun || piece.is_empty() || is_text(piece))
    }

    /// A new file for what is no text: here, or where temporary files are.
    fn keep(&mut self) -> io::Result<()> {
        if !self.paid {
            return Err(io::Error::other("it is no text, and this is a terminal; name a file with -o"));
        }
        let mut number = [0; 6];
        getrandom::fill(&mut number).map_err(|e| io::Error::other(e.to_string()))?;
        let name = format!("countersign-{}.bin", hex::encode(number));
        let (path, file) = std::env::current_dir()
            .and_then(|folder| new(folder.join(&name)))
            .or_else(|_| new(std::env::temp_dir().join(&name)))?;
        self.kept = Some(path.clone());
        self.file = Some(Target { path, file, made: true, plain: true, begun: true, written: 0 });
        Ok(())
    }

    /// On standard output: as it is, or as a terminal may have it.
    fn put(&mut self, piece: &[u8]) -> io::Result<()> {
        match &mut self.screen {
            Some(screen) => {
                screen.begun |= !piece.is_empty();
                print(screen.foreign.shown(piece).as_bytes())
            }
            None => print(piece),
        }
    }

    /// The content is complete: it is on the disk, or told.
    pub fn end(&mut self) -> io::Result<()> {
        if let Some(Err(e)) = self.file.as_ref().filter(|target| target.plain).map(|target| target.file.sync_all()) {
            self.elsewhere(&e)?;
        }
        self.end_of_screen()
    }

    /// What follows on a terminal is not the content's.
    fn end_of_screen(&mut self) -> io::Result<()> {
        match self.screen.take().filter(|screen| screen.begun) {
            Some(mut screen) => print(screen.foreign.end().as_bytes()),
            None => Ok(()),
        }
    }

    /// Why the file has not got it; then it came out on standard output.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// The file took no more. What it has is printed, then what follows.
    fn elsewhere(&mut self, error: &io::Error) -> io::Result<()> {
        let Some(target) = self.file.take() else { return Ok(()) };
        self.kept = None;
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
                    length => self.put(piece.get(..length).unwrap_or_default())?,
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
        let _ = self.end_of_screen();
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

/// A file that was not there, readable by its owner alone.
fn new(path: PathBuf) -> io::Result<(PathBuf, File)> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    Ok((path, file))
}

fn print(piece: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(piece)?;
    out.flush()
}
