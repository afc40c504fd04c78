//! Standard input where it is a terminal: read a line at a time, with what was typed too early thrown away, given up as
//! soon as nobody waits, and never from the background. What is not a terminal is read elsewhere, as it comes.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub use other::*;

use crate::console::Line;
use std::io::{IsTerminal, PipeReader, PipeWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// A question stands for so long before its prompt comes and keys count. The word and Enter take the rest of the second
/// after which the window's buttons count.
pub const STANDS: Duration = Duration::from_millis(700);

/// Told once where the terminal belongs to somebody else.
pub const BACKGROUND: &str = "In the background no line is read here: bring it to the foreground (`fg`)";

/// What came of waiting for a line.
pub enum Heard {
    Line(Line),
    /// Ctrl+D: this prompt gets no answer; the terminal is still there.
    End,
    /// Nobody waits for it any more.
    Over,
    /// No line will come any more.
    Gone,
}

/// Which keys count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// All that are waiting: the prompt goes on from the one before.
    All,
    /// Those pressed from now on.
    FromNow,
    /// Those pressed once the question stood there for a moment ([`STANDS`]).
    OnceItStood,
    /// None: nothing is asked, and lines are read to be told so.
    Nothing,
}

/// Whether a person sat there when the program began. Asked once: a terminal that went away does not become a pipe.
pub fn is_there() -> bool {
    static THERE: LazyLock<bool> = LazyLock::new(|| std::io::stdin().is_terminal());
    *THERE
}

/// Tells the reader that nobody waits for the line any more.
#[derive(Clone)]
pub struct Waits {
    over: Arc<AtomicBool>,
    wake: Arc<PipeWriter>,
}

impl Waits {
    pub fn new(wake: Arc<PipeWriter>) -> Self {
        Self { over: Arc::default(), wake }
    }

    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        // The reader is there as long as the process.
        let _ = (&*self.wake).write(&[0]);
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

/// The reader's end of all that: woken by whoever gives up.
pub fn wake() -> std::io::Result<(Arc<PipeReader>, Arc<PipeWriter>)> {
    let (reader, writer) = std::io::pipe()?;
    Ok((Arc::new(reader), Arc::new(writer)))
}
