//! A suspend: where logind is there, the wallet is locked before the machine sleeps, and the machine waits for that.
//! Told by a logind of the test's own, on a bus of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bus;
mod folder;

use bus::Bus;
use folder::{Folder, Serve};
use std::io::{PipeReader, Read};
use std::sync::mpsc;

const PATH: &str = "/org/freedesktop/login1";
const INTERFACE: &str = "org.freedesktop.login1.Manager";

/// Who asked for a delay, and the end of a pipe that tells when it is given up.
struct Asked {
    what: String,
    mode: String,
    held: PipeReader,
}

/// A logind that knows only how to wait.
struct Logind(mpsc::Sender<Asked>);

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Logind {
    fn inhibit(&self, what: String, _who: String, _why: String, mode: String) -> zbus::zvariant::OwnedFd {
        let (held, given) = std::io::pipe().unwrap();
        self.0.send(Asked { what, mode, held }).unwrap();
        zbus::zvariant::OwnedFd::from(std::os::fd::OwnedFd::from(given))
    }
}

fn serve(folder: &Folder, bus: &Bus) -> Serve {
    Serve::start(folder.command(&["serve"]).env("DBUS_SYSTEM_BUS_ADDRESS", &bus.address))
}

#[test]
fn the_wallet_is_locked_before_the_machine_sleeps_and_the_machine_waits_for_it() {
    let folder = Folder::with_wallet();
    let bus = Bus::start(folder.0.path());
    let (asked, delays) = mpsc::channel();
    let logind = bus.builder().serve_at(PATH, Logind(asked)).unwrap();
    let logind = logind.name("org.freedesktop.login1").unwrap().build().unwrap();

    let _serve = serve(&folder, &bus);
    let mut delay = delays.recv().unwrap();
    for _ in 0..2 {
        assert_eq!((delay.what.as_str(), delay.mode.as_str()), ("sleep", "delay"));
        folder.by(&["unlock"]);
        assert!(!folder.is_locked());
        logind.emit_signal(None::<&str>, PATH, INTERFACE, "PrepareForSleep", &true).unwrap();
        // The machine sleeps when the delay is given up: by then it is locked.
        assert_eq!(delay.held.read(&mut [0]).unwrap(), 0);
        assert!(folder.is_locked());
        // Awake: it stays locked, and asks for the next delay.
        logind.emit_signal(None::<&str>, PATH, INTERFACE, "PrepareForSleep", &false).unwrap();
        delay = delays.recv().unwrap();
        assert!(folder.is_locked());
    }
}

#[test]
fn without_logind_it_serves_all_the_same() {
    let folder = Folder::with_wallet();
    let bus = Bus::start(folder.0.path());
    {
        let _serve = serve(&folder, &bus);
        folder.by(&["unlock"]);
        assert!(!folder.is_locked());
    }
    // Nor without a bus.
    let _serve = Serve::start(&mut folder.command(&["serve"]));
    folder.by(&["unlock"]);
    assert!(!folder.is_locked());
}
