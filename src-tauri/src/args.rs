//! The few arguments of the app. Refuses what it does not know.

use std::ffi::OsString;
use std::path::PathBuf;

pub const HELP: &str = "\
Countersign, the desktop wallet for x402 payments on TRON

Usage: countersign-app [--data-dir DIR] [--practice]

  --data-dir DIR  a profile folder of its own, with its own keys
  --practice      play money on a chain inside this program, with a shop that asks to be paid
  --version       what this is
  --help          this text

It ends with 2 for arguments that it does not know, and with 1 where it can't start.
The command line for everything else is `countersign`.";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args {
    pub data_dir: Option<PathBuf>,
    pub practice: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    Run(Args),
    /// Something to print instead.
    Say(String),
}

impl Args {
    pub fn parse(given: impl Iterator<Item = OsString>) -> Result<Parsed, String> {
        let mut args = Self::default();
        let mut given = given;
        while let Some(arg) = given.next() {
            match arg.to_str() {
                Some("--practice") => args.practice = true,
                Some("--data-dir") => match given.next() {
                    Some(dir) if !dir.is_empty() => args.data_dir = Some(dir.into()),
                    _ => return Err("--data-dir needs a folder".to_owned()),
                },
                Some("--help" | "-h") => return Ok(Parsed::Say(HELP.to_owned())),
                Some("--version" | "-V") => {
                    return Ok(Parsed::Say(format!("countersign-app {}", env!("CARGO_PKG_VERSION"))));
                }
                _ => return Err(format!("unknown argument {}", arg.to_string_lossy())),
            }
        }
        Ok(Parsed::Run(args))
    }

    /// What is said where no window can be opened, and what to start instead.
    pub fn no_display(&self) -> String {
        let dir = self.data_dir.as_ref().map(|dir| format!("--data-dir '{}' ", dir.display())).unwrap_or_default();
        let instead = match self.practice {
            true => "in a terminal `countersign demo` is the same with play money".to_owned(),
            false => format!("in a terminal `countersign {dir}serve` is the same wallet"),
        };
        format!("There is no display to open a window on (DISPLAY and WAYLAND_DISPLAY name none): {instead}.")
    }

    /// The person's own wallet in its default folder.
    pub fn is_the_usual_profile(&self) -> bool {
        self.data_dir.is_none() && !self.practice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Parsed, String> {
        Args::parse(args.iter().map(OsString::from))
    }

    #[test]
    fn without_a_display_the_terminal_is_named() {
        let said = |args: &[&str]| match parse(args) {
            Ok(Parsed::Run(args)) => args.no_display(),
            other => panic!("{other:?}"),
        };
        assert!(said(&[]).ends_with("in a terminal `countersign serve` is the same wallet."), "{}", said(&[]));
        assert!(said(&["--data-dir", "/d"]).contains("`countersign --data-dir '/d' serve`"));
        assert!(said(&["--practice"]).contains("`countersign demo`"));
    }

    #[test]
    fn arguments_are_known_or_refused() {
        let run = |data_dir: Option<&str>, practice| {
            Ok(Parsed::Run(Args { data_dir: data_dir.map(PathBuf::from), practice }))
        };
        assert_eq!(parse(&[]), run(None, false));
        assert_eq!(parse(&["--practice", "--data-dir", "/d"]), run(Some("/d"), true));
        assert!(matches!(parse(&["--help"]), Ok(Parsed::Say(_))));
        for wrong in [&["--yes"][..], &["--data-dir"], &["--data-dir", ""], &["pay"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
