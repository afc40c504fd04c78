//! A terminal of its own for the command, and a person who reads it and types. Linux: `setsid` gives the terminal.
#![allow(dead_code, reason = "not every test uses every part")]

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A test that waits longer for a text has failed.
const MOST: Duration = Duration::from_secs(60);

pub struct Terminal {
    child: Child,
    screen: Option<File>,
    /// What came and was not asked for yet.
    ahead: String,
    /// All that ever stood there.
    pub seen: String,
    bytes: Vec<u8>,
}

impl Terminal {
    /// Runs the command in a session whose terminal this is; its descriptors are replaced, all else stays.
    pub fn start(command: &Command) -> Self {
        let pty = nix::pty::openpty(None, None).unwrap();
        let mut inside = Command::new("setsid");
        inside.arg("--ctty").arg(command.get_program()).args(command.get_args()).env_clear();
        inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
        inside.env("PATH", std::env::var_os("PATH").unwrap());
        if let Some(folder) = command.get_current_dir() {
            inside.current_dir(folder);
        }
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let child = inside.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let screen = Some(File::from(pty.master));
        Self { child, screen, ahead: String::new(), seen: String::new(), bytes: vec![] }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn screen(&self) -> &File {
        self.screen.as_ref().unwrap()
    }

    /// Takes in what comes within this time at most; whether more may come.
    fn take(&mut self, most: Duration) -> bool {
        let timeout = PollTimeout::try_from(most).unwrap();
        let ready = poll(&mut [PollFd::new(self.screen().as_fd(), PollFlags::POLLIN)], timeout).unwrap();
        if ready == 0 {
            return true;
        }
        let mut chunk = [0; 4096];
        // A terminal that nobody holds any more is an end like any other.
        let Ok(length @ 1..) = self.screen().read(&mut chunk) else { return false };
        self.bytes.extend_from_slice(&chunk[..length]);
        let whole = match std::str::from_utf8(&self.bytes) {
            Ok(_) => self.bytes.len(),
            Err(e) if e.error_len().is_none() => e.valid_up_to(),
            Err(_) => self.bytes.len(),
        };
        let text = String::from_utf8_lossy(&self.bytes[..whole]).into_owned();
        self.bytes.drain(..whole);
        self.ahead.push_str(&text);
        self.seen.push_str(&text);
        true
    }

    /// Reads until this text stands there; gives everything before it.
    pub fn until(&mut self, text: &str) -> String {
        let begun = Instant::now();
        loop {
            if let Some(at) = self.ahead.find(text) {
                let rest = self.ahead.split_off(at + text.len());
                return std::mem::replace(&mut self.ahead, rest);
            }
            let goes_on = self.take(Duration::from_millis(200));
            assert!(goes_on && begun.elapsed() < MOST, "no {text:?} in: {}", self.seen);
        }
    }

    /// Reads to the end of the program; its status.
    pub fn end(&mut self) -> i32 {
        let begun = Instant::now();
        while self.take(Duration::from_millis(200)) {
            assert!(begun.elapsed() < MOST, "it goes on: {}", self.seen);
            if let Some(status) = self.child.try_wait().unwrap() {
                while poll(&mut [PollFd::new(self.screen().as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).unwrap() > 0
                    && self.take(Duration::ZERO)
                {}
                return status.code().unwrap_or(-1);
            }
        }
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    pub fn say(&mut self, line: &str) {
        self.type_in(&format!("{line}\n"));
    }

    pub fn type_in(&mut self, keys: &str) {
        self.screen().write_all(keys.as_bytes()).unwrap();
    }

    /// Whether keys are shown now.
    pub fn shows_keys(&self) -> bool {
        tcgetattr(self.screen()).unwrap().local_flags.contains(LocalFlags::ECHO)
    }

    /// Waits for a prompt that shows no keys.
    pub fn until_unseen(&mut self, prompt: &str) {
        self.until(prompt);
        assert!(!self.shows_keys(), "{}", self.seen);
    }

    /// The window is closed.
    pub fn close(&mut self) {
        self.screen = None;
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    pub fn wait(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
