//! A terminal on Unix: job control, what is pending, echo.

use super::{BACKGROUND, Counts, Heard, STANDS, Waits};
use crate::console::{Line, Screen};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::termios::{FlushArg, LocalFlags, SetArg, SpecialCharacterIndices, Termios};
use nix::sys::termios::{tcflush, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, read, tcgetpgrp};
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Between two looks whether the terminal came back.
const LOOK: Duration = Duration::from_millis(250);
/// More than a terminal gives at once.
const CHUNK: usize = 4096;
const CTRL_C: u8 = 0x03;
const CTRL_Z: u8 = 0x1a;

/// The terminal's own settings while others are in force.
static OWN: Mutex<Option<Termios>> = Mutex::new(None);

fn own() -> MutexGuard<'static, Option<Termios>> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process in the background that reads from its terminal, or writes to one that minds, is stopped by the system, and
/// then nobody gets an answer. With these two signals blocked the call fails instead. Before any thread begins.
pub fn never_stop() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTTIN);
    signals.add(Signal::SIGTTOU);
    // Where it can't be done the terminal is only looked after by asking first.
    let _ = signals.thread_block();
}

/// Gives the terminal back as it was; what was typed unseen is for nobody.
pub fn restore() {
    if let Some(own) = own().take()
        && place() == Place::Mine
    {
        let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &own);
    }
}

/// The terminal that was there at the start is not there any more.
pub fn is_gone() -> bool {
    super::is_there() && place() == Place::Gone
}

/// Whether this process may read from its terminal now.
pub fn is_foreground() -> bool {
    place() == Place::Mine
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Mine,
    /// The terminal belongs to another job.
    Background,
    Gone,
}

fn place() -> Place {
    match tcgetpgrp(io::stdin()) {
        Ok(group) if group == getpgrp() => Place::Mine,
        Ok(_) => Place::Background,
        // A terminal without job control for us: nobody is in front.
        Err(Errno::ENOTTY) if tcgetattr(io::stdin()).is_ok() => Place::Mine,
        Err(_) => Place::Gone,
    }
}

enum Ready {
    Input,
    /// Woken, or the time is over.
    Woken,
    Gone,
}

/// Waits for keys, for whoever gives up, or for time to pass.
fn wait(keys: bool, wake: &PipeReader, most: Option<Duration>) -> Ready {
    let stdin = io::stdin();
    let timeout = most.map_or(PollTimeout::NONE, |most| PollTimeout::try_from(most).unwrap_or(PollTimeout::MAX));
    let mut both = [PollFd::new(wake.as_fd(), PollFlags::POLLIN), PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    let watched = if keys { &mut both[..] } else { &mut both[..1] };
    match poll(watched, timeout) {
        Ok(0) | Err(Errno::EINTR | Errno::EAGAIN) => return Ready::Woken,
        Ok(_) => {}
        Err(_) => return Ready::Gone,
    }
    let has = |of: &PollFd<'_>, what: PollFlags| of.revents().is_some_and(|came| came.intersects(what));
    let [woken, input] = &both;
    if has(woken, PollFlags::POLLIN) {
        let mut wake = wake;
        let _ = wake.read(&mut [0; CHUNK]);
        return Ready::Woken;
    }
    if keys && has(input, PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL) {
        return Ready::Gone;
    }
    if keys && has(input, PollFlags::POLLIN) { Ready::Input } else { Ready::Woken }
}

/// Throws away what was typed; whether a line was among it.
fn discard() -> bool {
    let stdin = io::stdin();
    let mut one = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    let pending = matches!(poll(&mut one, PollTimeout::ZERO), Ok(1..));
    let _ = tcflush(io::stdin(), FlushArg::TCIFLUSH);
    pending
}

/// The reader of the terminal: one, on a thread of its own.
pub struct Terminal {
    wake: Arc<PipeReader>,
    screen: Screen,
    /// Keys are not shown, and come one by one.
    hidden: bool,
    told: bool,
    told_of_questions: bool,
}

impl Terminal {
    pub fn new(wake: Arc<PipeReader>, screen: Screen) -> Self {
        Self { wake, screen, hidden: false, told: false, told_of_questions: false }
    }

    /// Shows a prompt and reads a line.
    pub fn line(&mut self, prompt: &str, counts: Counts, waits: &Waits) -> Heard {
        'anew: loop {
            if let Some(heard) = self.in_front(counts, waits) {
                return heard;
            }
            if counts == Counts::Nothing && self.hidden {
                // Perhaps the rest of a passphrase whose question is over: unseen up to its end.
                match self.keys(waits) {
                    Keys::Line(_) | Keys::End => self.seen(),
                    Keys::Over => return Heard::Over,
                    Keys::Gone => return Heard::Gone,
                    Keys::Background => {}
                }
                continue;
            }
            let early = match counts {
                Counts::All | Counts::Nothing => false,
                Counts::FromNow => discard(),
                Counts::OnceItStood => {
                    let before = discard();
                    let end = Instant::now() + STANDS;
                    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
                        if waits.is_over() {
                            return Heard::Over;
                        }
                        if matches!(wait(false, &self.wake, Some(left)), Ready::Gone) {
                            return Heard::Gone;
                        }
                    }
                    if place() != Place::Mine {
                        continue 'anew;
                    }
                    discard() || before
                }
            };
            if waits.is_over() {
                return Heard::Over;
            }
            self.shown(SetArg::TCSAFLUSH);
            if early && counts == Counts::OnceItStood {
                self.screen.put(format_args!("What was typed before counts for nothing.\n"));
            }
            self.screen.put(format_args!("{prompt}"));
            let mut line = Zeroizing::new(Vec::with_capacity(CHUNK));
            loop {
                if waits.is_over() {
                    return Heard::Over;
                }
                match wait(true, &self.wake, None) {
                    Ready::Input => {}
                    Ready::Woken => continue,
                    Ready::Gone => return Heard::Gone,
                }
                if place() != Place::Mine {
                    continue 'anew;
                }
                let mut chunk = Zeroizing::new([0; CHUNK]);
                match read(io::stdin(), &mut chunk[..]) {
                    Ok(0) if line.is_empty() => return if place() == Place::Gone { Heard::Gone } else { Heard::End },
                    Ok(0) => return Heard::Line(text(&line)),
                    Ok(length) => line.extend_from_slice(chunk.get(..length).unwrap_or_default()),
                    Err(Errno::EINTR | Errno::EAGAIN) => continue,
                    Err(_) if place() == Place::Background => continue 'anew,
                    Err(_) => return Heard::Gone,
                }
                if line.ends_with(b"\n") {
                    return Heard::Line(text(&line));
                }
            }
        }
    }

    /// Shows a prompt on the terminal itself and reads a line that nobody sees.
    pub fn secret(&mut self, prompt: &str, counts: Counts, waits: &Waits) -> Heard {
        let heard = self.unseen(prompt, counts, waits);
        // Where nobody waits any more it stays unseen: whoever is typing goes on for a moment.
        if !matches!(heard, Heard::Over) {
            self.seen();
        }
        heard
    }

    /// The same, and keys stay unseen behind it: more lines may be on their way.
    pub fn unseen(&mut self, prompt: &str, counts: Counts, waits: &Waits) -> Heard {
        loop {
            if let Some(heard) = self.in_front(counts, waits) {
                return heard;
            }
            if self.hide(counts).is_err() {
                return Heard::Gone;
            }
            self.tell(prompt);
            let heard = match self.keys(waits) {
                Keys::Line(line) => Heard::Line(line),
                Keys::End => Heard::End,
                Keys::Over => Heard::Over,
                Keys::Gone => Heard::Gone,
                Keys::Background => continue,
            };
            self.tell("\n");
            return heard;
        }
    }

    /// Keys are shown again.
    pub fn seen(&mut self) {
        self.shown(SetArg::TCSANOW);
    }

    /// Waits until the terminal is ours.
    fn in_front(&mut self, counts: Counts, waits: &Waits) -> Option<Heard> {
        loop {
            if waits.is_over() {
                return Some(Heard::Over);
            }
            match place() {
                Place::Mine => return None,
                Place::Gone => return Some(Heard::Gone),
                Place::Background => {}
            }
            if self.hidden {
                // Whoever has the terminal now has settings of its own.
                self.hidden = false;
                *own() = None;
            }
            let told = if counts == Counts::OnceItStood { &mut self.told_of_questions } else { &mut self.told };
            if counts != Counts::Nothing && !std::mem::replace(told, true) {
                let also = match counts {
                    Counts::OnceItStood => {
                        ", or answer with `countersign answer` (a pairing with `countersign pairings`)"
                    }
                    _ => "",
                };
                self.screen.put(format_args!("\n{BACKGROUND}{also}.\n"));
            }
            let _ = wait(false, &self.wake, Some(if counts == Counts::Nothing { 4 * LOOK } else { LOOK }));
        }
    }

    /// Keys one by one and unseen from here on.
    fn hide(&mut self, counts: Counts) -> nix::Result<()> {
        let now = if counts == Counts::All { SetArg::TCSANOW } else { SetArg::TCSAFLUSH };
        if self.hidden {
            if counts != Counts::All {
                discard();
            }
            return Ok(());
        }
        let mut settings = tcgetattr(io::stdin())?;
        own().get_or_insert_with(|| settings.clone());
        settings.local_flags.remove(LocalFlags::ECHO | LocalFlags::ECHONL | LocalFlags::ICANON | LocalFlags::ISIG);
        for (what, value) in [(SpecialCharacterIndices::VMIN, 1), (SpecialCharacterIndices::VTIME, 0)] {
            if let Some(place) = settings.control_chars.get_mut(what as usize) {
                *place = value;
            }
        }
        tcsetattr(io::stdin(), now, &settings)?;
        self.hidden = true;
        Ok(())
    }

    fn shown(&mut self, how: SetArg) {
        if std::mem::take(&mut self.hidden)
            && let Some(own) = own().take()
        {
            let _ = tcsetattr(io::stdin(), how, &own);
        }
    }

    /// On the terminal itself, wherever the output goes.
    fn tell(&self, text: &str) {
        let tty = std::fs::File::options().write(true).open("/dev/tty");
        if tty.and_then(|mut tty| tty.write_all(text.as_bytes())).is_err() {
            self.screen.put(format_args!("{text}"));
        }
    }

    /// A line of unseen keys, edited as they come.
    fn keys(&mut self, waits: &Waits) -> Keys {
        let why = Arc::new(Mutex::new(None));
        let input = Unseen { wake: Arc::clone(&self.wake), waits: waits.clone(), why: Arc::clone(&why) };
        let config = rpassword::ConfigBuilder::new().input_reader(input).output_discard().build();
        let line = rpassword::read_password_with_config(config);
        let why = why.lock().unwrap_or_else(PoisonError::into_inner).take();
        let signal = match (why, line) {
            (None, Ok(line)) => return Keys::Line(Line::new(line)),
            (None, Err(_)) => return Keys::End,
            (Some(Broken::Over), _) => return Keys::Over,
            (Some(Broken::Gone), _) => return Keys::Gone,
            (Some(Broken::Background), _) => return Keys::Background,
            (Some(Broken::Pressed(signal)), _) => signal,
        };
        // As the terminal would have done it: to the whole job, with its own settings.
        self.shown(SetArg::TCSAFLUSH);
        let _ = kill(Pid::from_raw(0), signal);
        match signal {
            Signal::SIGTSTP => Keys::Background,
            _ => Keys::End,
        }
    }
}

/// What came of reading unseen keys.
enum Keys {
    Line(Line),
    End,
    Over,
    Gone,
    /// It begins anew once the terminal is ours again.
    Background,
}

/// Why the keys ended without a line.
#[derive(Clone, Copy)]
enum Broken {
    Over,
    Gone,
    Background,
    Pressed(Signal),
}

/// The keys of a terminal that shows nothing, one at a time, so that none is taken from whoever reads next.
struct Unseen {
    wake: Arc<PipeReader>,
    waits: Waits,
    why: Arc<Mutex<Option<Broken>>>,
}

impl Unseen {
    fn broken(&self, why: Broken) -> io::Result<usize> {
        *self.why.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        Err(io::Error::other("no line"))
    }
}

impl Read for Unseen {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.waits.is_over() {
                return self.broken(Broken::Over);
            }
            match wait(true, &self.wake, None) {
                Ready::Input => {}
                Ready::Woken => continue,
                Ready::Gone => return self.broken(Broken::Gone),
            }
            match place() {
                Place::Mine => {}
                Place::Background => return self.broken(Broken::Background),
                Place::Gone => return self.broken(Broken::Gone),
            }
            let key = buffer.get_mut(..1).unwrap_or_default();
            match read(io::stdin(), key) {
                Ok(0) => return self.broken(Broken::Gone),
                Ok(_) => {}
                Err(Errno::EINTR | Errno::EAGAIN) => continue,
                Err(_) if place() == Place::Background => return self.broken(Broken::Background),
                Err(_) => return self.broken(Broken::Gone),
            }
            return match key.first() {
                Some(&CTRL_C) => self.broken(Broken::Pressed(Signal::SIGINT)),
                Some(&CTRL_Z) => self.broken(Broken::Pressed(Signal::SIGTSTP)),
                _ => Ok(1),
            };
        }
    }
}

/// A line without its end.
fn text(bytes: &[u8]) -> Line {
    let text = String::from_utf8_lossy(bytes);
    Line::new(text.trim_end_matches(['\r', '\n']).to_owned())
}
