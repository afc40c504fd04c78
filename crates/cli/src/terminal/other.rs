//! A terminal elsewhere: no job control, and what is pending can't be thrown away.

use super::{Counts, Heard, Waits};
use crate::console::{Line, Screen};
use std::io::PipeReader;
use std::sync::Arc;

pub fn never_stop() {}

pub fn restore() {}

pub fn is_gone() -> bool {
    false
}

pub fn is_foreground() -> bool {
    true
}

pub struct Terminal {
    screen: Screen,
}

impl Terminal {
    pub fn new(_: Arc<PipeReader>, screen: Screen) -> Self {
        Self { screen }
    }

    pub fn line(&mut self, prompt: &str, counts: Counts, waits: &Waits) -> Heard {
        if counts == Counts::OnceItStood {
            std::thread::sleep(super::STANDS);
        }
        self.screen.put(format_args!("{prompt}"));
        let line = crate::console::read_line(&mut std::io::stdin().lock());
        match (line, waits.is_over()) {
            (_, true) => Heard::Over,
            (Some(line), false) => Heard::Line(line),
            (None, false) => Heard::Gone,
        }
    }

    pub fn unseen(&mut self, prompt: &str, counts: Counts, waits: &Waits) -> Heard {
        self.secret(prompt, counts, waits)
    }

    pub fn seen(&mut self) {}

    pub fn secret(&mut self, prompt: &str, _: Counts, waits: &Waits) -> Heard {
        match (rpassword::prompt_password(prompt), waits.is_over()) {
            (_, true) => Heard::Over,
            (Ok(line), false) => Heard::Line(Line::new(line)),
            (Err(_), false) => Heard::Gone,
        }
    }
}
