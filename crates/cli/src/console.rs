//! The person at the terminal, or lines piped in: one prompt at a time, secrets without echo. Refuses to
//! take a passphrase from anywhere but the terminal, standard input or an open descriptor.

use crate::exit::{Fail, Status};
use crate::terminal::{self, Counts, Heard, Terminal, Waits};
use crate::words::{self, Typed};
use std::collections::VecDeque;
use std::fmt::Arguments;
use std::fs::File;
use std::io::{BufRead, BufReader, PipeWriter};
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;
use tron::Words;
use view::Failure;
use wallet::WalletError;
use zeroize::Zeroizing;

/// A line that a person typed; wiped when dropped, because it may be a secret.
pub type Line = Zeroizing<String>;

enum Ask {
    /// With the prompt, where the thread is to print it.
    Line(String, Counts, Reply),
    /// With the prompt, since reading without echo goes to the terminal itself.
    Secret(String, Reply),
    /// As many lines as the words take; with the prompt.
    Words(String, Reply<Typed>),
}

struct Reply<T = Heard> {
    to: oneshot::Sender<T>,
    waits: Waits,
}

impl<T> Reply<T> {
    fn send(self, heard: T) {
        // Whoever gave up does not want it.
        let _ = self.to.send(heard);
    }
}

/// A line that is being read. Dropped: nobody waits for it any more, and at a terminal it is not read on.
pub struct Pending<T = Heard> {
    line: oneshot::Receiver<T>,
    waits: Waits,
}

impl<T> Pending<T> {
    /// What came; `None` where the reader is gone.
    pub async fn heard(&mut self) -> Option<T> {
        (&mut self.line).await.ok()
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.line.close();
        if terminal::is_there() {
            self.waits.end();
        }
    }
}

/// Where passphrases come from.
pub enum Secrets {
    /// The terminal, or standard input.
    Typed,
    /// A descriptor that was open at the start; `None` at its end, or when it could not be read.
    Given(Option<BufReader<File>>),
}

impl Secrets {
    /// Takes the descriptor over, under a number that no child inherits, and closes the one that was given. Called
    /// before anything else is opened: a number that nobody opened for us is not ours to close.
    pub fn of(passphrase_fd: Option<u32>) -> Self {
        let Some(fd) = passphrase_fd else { return Self::Typed };
        let file = File::open(format!("/dev/fd/{fd}")).ok();
        // The standard ones are others' business, too.
        #[cfg(unix)]
        if let (Some(_), Ok(fd @ 3..)) = (&file, std::os::fd::RawFd::try_from(fd)) {
            let _ = nix::unistd::close(fd);
        }
        Self::Given(file.map(BufReader::new))
    }
}

/// Reads on a thread of its own, so that waiting for a person never blocks anything else.
pub struct Console {
    asks: mpsc::Sender<Ask>,
    wake: Arc<PipeWriter>,
    screen: Screen,
}

/// Where questions and prompts appear.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    Output,
    /// Beside an output that belongs to somebody else: what `pay` paid for.
    Aside,
}

impl Screen {
    pub fn put(self, text: Arguments<'_>) {
        match self {
            Self::Output => crate::show::print(text),
            Self::Aside => crate::show::aside(text),
        }
    }
}

impl Console {
    pub fn new(secrets: Secrets, screen: Screen) -> std::io::Result<Self> {
        let (asks, inbox) = mpsc::channel();
        let (reader, wake) = terminal::wake()?;
        let terminal = terminal::is_there().then(|| Terminal::new(reader, screen));
        std::thread::spawn(move || answer(&inbox, secrets, screen, terminal));
        Ok(Self { asks, wake, screen })
    }

    /// Shows a text as a whole.
    pub fn show(&self, text: &str) {
        self.screen.put(format_args!("{text}\n"));
    }

    /// Shows a prompt; the cursor stays behind it.
    pub fn prompt(&self, prompt: &str) {
        self.screen.put(format_args!("{prompt}"));
    }

    /// Whether a person is there who can see a prompt.
    pub fn is_terminal() -> bool {
        terminal::is_there()
    }

    fn ask<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) -> Pending<T> {
        let (to, line) = oneshot::channel();
        let waits = Waits::new(Arc::clone(&self.wake));
        // The thread lives as long as the process; if not, the receiver says so.
        let _ = self.asks.send(ask(Reply { to, waits: waits.clone() }));
        Pending { line, waits }
    }

    /// Shows a prompt and starts to read a line.
    pub fn start_line(&self, prompt: &str, counts: Counts) -> Pending {
        // At a terminal the prompt comes when keys count.
        let later = if Self::is_terminal() { prompt } else { "" };
        if later.is_empty() && !prompt.is_empty() {
            self.prompt(prompt);
        }
        let later = later.to_owned();
        self.ask(|reply| Ask::Line(later, counts, reply))
    }

    /// Prints a prompt and reads a line.
    pub async fn line(&self, prompt: &str, counts: Counts) -> Result<Line, Fail> {
        line_of(self.start_line(prompt, counts).heard().await)
    }

    pub async fn passphrase(&self, prompt: &str) -> Result<Line, Fail> {
        let prompt = prompt.to_owned();
        line_of(self.ask(|reply| Ask::Secret(prompt, reply)).heard().await)
    }

    /// Words that a person has, judged before anything else is asked: on one line or many, at a terminal unseen and
    /// ended by an empty line.
    pub async fn words(&self, prompt: &str) -> Result<Line, Fail> {
        let prompt = prompt.to_owned();
        let typed = self.ask(|reply| Ask::Words(prompt, reply)).heard().await.ok_or_else(no_more)?;
        if typed.words.is_empty() {
            return Err(no_more());
        }
        match Words::parse(&typed.words) {
            Ok(_) => Ok(typed.words),
            Err(e) => {
                let fail = Fail::from(Failure::from(WalletError::BadWords { reason: e.to_string() }));
                Err(if typed.doubtful { fail.advice(DOUBTFUL) } else { fail })
            }
        }
    }

    /// A new passphrase, typed twice at a terminal.
    pub async fn new_passphrase(&self) -> Result<Line, Fail> {
        let first = self.passphrase("Choose a passphrase: ").await?;
        if Self::is_terminal() && *first != *self.passphrase("The passphrase again: ").await? {
            return Err(Fail::plain("the two passphrases differ; nothing was made"));
        }
        Ok(first)
    }

    /// Yes or no, spelled out; asked again for anything else.
    pub async fn yes(&self, prompt: &str) -> Result<bool, Fail> {
        let mut counts = Counts::OnceItStood;
        loop {
            match yes_or_no(&self.line(&format!("{prompt} [yes/no] "), counts).await?) {
                Some(answer) => return Ok(answer),
                None => self.show(NEITHER),
            }
            counts = Counts::All;
        }
    }
}

/// What is said to a line that is neither.
pub const NEITHER: &str = "Please type the whole word, yes or no.";

/// Only the whole word counts, and anything else is no answer.
pub fn yes_or_no(line: &str) -> Option<bool> {
    let line = line.trim();
    let is = |word: &str| line.eq_ignore_ascii_case(word);
    match (is("yes"), is("no")) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

fn line_of(heard: Option<Heard>) -> Result<Line, Fail> {
    match heard {
        Some(Heard::Line(line)) => Ok(line),
        _ => Err(no_more()),
    }
}

fn no_more() -> Fail {
    let fail = Fail::of(Status::Failed, "the input ended before the answer")
        .advice("Run it in a terminal, or pipe one line per answer.");
    Fail { input_ended: true, ..fail }
}

/// Every line up to the end, or up to one of anything else, was of list words.
const DOUBTFUL: &str = "Several lines of words were read as one list. Where the last was meant as the passphrase, \
                        give that by --passphrase-fd.";

fn answer(asks: &mpsc::Receiver<Ask>, mut secrets: Secrets, screen: Screen, mut terminal: Option<Terminal>) {
    // Read ahead while words were read: the next lines of the input.
    let mut ahead: VecDeque<Line> = VecDeque::new();
    for ask in asks {
        match ask {
            Ask::Line(prompt, counts, reply) => {
                let heard = match &mut terminal {
                    Some(terminal) => terminal.line(&prompt, counts, &reply.waits),
                    None => piped(ahead.pop_front().or_else(|| read_stdin(screen))),
                };
                reply.send(heard);
            }
            Ask::Words(prompt, reply) => {
                let mut typed = match &mut terminal {
                    Some(terminal) => {
                        // What is pasted comes as many lines at once, and none of them is shown.
                        let mut counts = Counts::FromNow;
                        let unseen = || match terminal.unseen(&prompt, counts, &reply.waits) {
                            Heard::Line(line) => {
                                counts = Counts::All;
                                Some(line)
                            }
                            _ => None,
                        };
                        let typed = words::read(until_empty(unseen), false);
                        terminal.seen();
                        typed
                    }
                    None => {
                        screen.put(format_args!("\n"));
                        let follows = matches!(secrets, Secrets::Typed);
                        words::read(|| read_line(&mut std::io::stdin().lock()), follows)
                    }
                };
                ahead.extend(std::mem::take(&mut typed.rest));
                reply.send(typed);
            }
            Ask::Secret(prompt, reply) => {
                let heard = match (&mut secrets, &mut terminal) {
                    (Secrets::Given(file), _) => {
                        let line = file.as_mut().and_then(read_line);
                        if line.is_none() {
                            // At its end, so that whoever writes learns it. No reason to ask elsewhere.
                            *file = None;
                        }
                        piped(line)
                    }
                    (Secrets::Typed, Some(terminal)) => terminal.secret(&prompt, Counts::FromNow, &reply.waits),
                    (Secrets::Typed, None) => {
                        screen.put(format_args!("{prompt}"));
                        match ahead.pop_front() {
                            Some(line) => {
                                screen.put(format_args!("\n"));
                                Heard::Line(line)
                            }
                            None => piped(read_stdin(screen)),
                        }
                    }
                };
                reply.send(heard);
            }
        }
    }
}

fn piped(line: Option<Line>) -> Heard {
    line.map_or(Heard::Gone, Heard::Line)
}

/// Lines up to the first that shows nothing: what is pasted may come in several, and the next prompt is not for them.
fn until_empty(mut next: impl FnMut() -> Option<Line>) -> impl FnMut() -> Option<Line> {
    move || next().filter(|line| !line.trim().is_empty())
}

/// A line of standard input that is no terminal. Whoever types there sees the line's end; here it is shown.
fn read_stdin(screen: Screen) -> Option<Line> {
    let line = read_line(&mut std::io::stdin().lock());
    screen.put(format_args!("\n"));
    line
}

pub fn read_line(input: &mut impl BufRead) -> Option<Line> {
    let mut line = Line::new(String::new());
    match input.read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => {
            let length = line.trim_end_matches(['\r', '\n']).len();
            line.truncate(length);
            Some(line)
        }
    }
}
