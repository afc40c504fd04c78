//! The files: `countersign.DATE.log` (UTC), one a day, the oldest removed. A day's file is bounded: an error that
//! repeats forever fills no disk. Refuses folders that others may read by making them private.

use crate::scrub::scrub;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::fmt::MakeWriter;

/// So many files are kept.
pub const DAYS: usize = 14;
/// Most bytes of one day.
pub const DAY_BYTES: u64 = 20 << 20;
const DAY_SECS: u64 = 86_400;

/// A writer of whole, scrubbed lines.
#[derive(Clone)]
pub(crate) struct Daily(Arc<Mutex<State>>);

struct State {
    file: RollingFileAppender,
    day: u64,
    written: u64,
}

impl Daily {
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        #[cfg(unix)]
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        let file = RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix("countersign")
            .filename_suffix("log")
            .max_log_files(DAYS)
            .build(folder)
            .map_err(io::Error::other)?;
        // What an earlier process of today wrote counts too.
        let written = files(folder).last().and_then(|path| fs::metadata(path).ok()).map_or(0, |found| found.len());
        Ok(Self(Arc::new(Mutex::new(State { file, day: today(), written }))))
    }
}

/// The log files of a folder, oldest first.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("countersign.") && name.ends_with(".log")
    };
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).filter(ours).collect();
    found.sort();
    found
}

/// Days since 1970 UTC, by which the files are named.
fn today() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs() / DAY_SECS)
}

impl State {
    fn line(&mut self, line: &str) -> io::Result<()> {
        let today = today();
        if today != self.day {
            (self.day, self.written) = (today, 0);
        }
        if self.written >= DAY_BYTES {
            return Ok(());
        }
        let line = scrub(line);
        self.written += line.len() as u64;
        self.file.write_all(line.as_bytes())?;
        if self.written >= DAY_BYTES {
            self.file.write_all(b"(this day's log is full; it goes on tomorrow)\n")?;
        }
        self.file.flush()
    }
}

/// One event: collected whole, so that a secret can't hide between two writes.
pub(crate) struct Line<'a> {
    text: Vec<u8>,
    to: &'a Daily,
}

impl<'a> MakeWriter<'a> for Daily {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { text: Vec::new(), to: self }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let mut state = self.to.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that can't be written is no reason to stop anything.
        let _ = state.line(&String::from_utf8_lossy(&self.text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reaches_todays_file_scrubbed_and_only_the_owner_may_look() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("logs");
        let daily = Daily::open(&folder).unwrap();
        // In two writes, as a formatter does it.
        {
            let mut line = daily.make_writer();
            line.write_all(b"WARN asked with Bearer abcdef").unwrap();
            line.write_all(b"0123456789 at https://a.example/x?key=1\n").unwrap();
        }
        let files = files(&folder);
        assert_eq!(files.len(), 1);
        let text = fs::read_to_string(&files[0]).unwrap();
        assert_eq!(text, "WARN asked with Bearer … at https://a.example/x?key=…\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn a_day_is_bounded_and_says_so_once_and_a_restart_does_not_begin_again() {
        let folder = tempfile::tempdir().unwrap();
        drop(Daily::open(folder.path()).unwrap());
        let file = files(folder.path()).remove(0);
        fs::File::options().write(true).open(&file).unwrap().set_len(DAY_BYTES - 10).unwrap();
        for _ in 0..2 {
            let daily = Daily::open(folder.path()).unwrap();
            for _ in 0..3 {
                daily.make_writer().write_all(b"the node did not answer\n").unwrap();
            }
        }
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches("did not answer").count(), 1);
        assert_eq!(text.matches("full").count(), 1);
    }

    #[test]
    fn only_a_fortnight_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        for day in 1..=20 {
            fs::write(folder.path().join(format!("countersign.2020-01-{day:02}.log")), "old\n").unwrap();
        }
        fs::write(folder.path().join("somebody-elses.log"), "kept\n").unwrap();
        let daily = Daily::open(folder.path()).unwrap();
        daily.make_writer().write_all(b"new\n").unwrap();
        assert!(files(folder.path()).len() <= DAYS, "{:?}", files(folder.path()));
        assert!(folder.path().join("somebody-elses.log").exists());
    }
}
