//! Where a wallet lives: a runtime folder that the system empties, a file system that can't lock, a folder whose name is
//! no text.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod folder;

use folder::{Folder, PASSPHRASE, Serve, words};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A wallet where the user's own is, with this folder for sockets.
fn at_home(home: &Path, runtime: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(arguments).env_clear().env("HOME", home).env("XDG_RUNTIME_DIR", runtime);
    command.env("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={}", home.join("nobody").display()));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn with_input(command: &mut Command, input: &str) -> Output {
    let mut child = command.spawn().unwrap();
    // A command that needs no input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn private(dir: &Path) {
    std::fs::DirBuilder::new().mode(0o700).create(dir).unwrap();
}

#[test]
fn a_runtime_folder_that_was_emptied_or_taken_away_comes_back_with_its_sockets() {
    let dir = tempfile::tempdir().unwrap();
    let (home, runtime) = (dir.path().join("home"), dir.path().join("runtime"));
    private(&home);
    private(&runtime);
    let config = home.join(".local/share/countersign/main");
    std::fs::create_dir_all(&config).unwrap();
    let nowhere = ["mainnet", "nile", "shasta"].map(|n| format!("[[{n}]]\nurl = \"http://127.0.0.1:1\"\n"));
    std::fs::write(config.join("config.toml"), nowhere.concat()).unwrap();
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o700)).unwrap();
    let made =
        with_input(&mut at_home(&home, &runtime, &["init", "--import"]), &format!("{}\n{PASSPHRASE}\n", words()));
    assert!(made.status.success(), "{made:?}");
    let mut serve = Serve::start(&mut at_home(&home, &runtime, &["serve", "--locked", "--port", "0"]));
    let told = || std::fs::read_to_string(runtime.join("countersign/main.json")).ok();
    let before = told().unwrap();
    for emptied in [true, false] {
        if emptied {
            std::fs::remove_dir_all(runtime.join("countersign")).unwrap();
        } else {
            // Logged out, and in again later: nobody but the system makes this folder.
            std::fs::remove_dir_all(&runtime).unwrap();
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(3) {
                assert!(!runtime.exists());
                std::thread::yield_now();
            }
            private(&runtime);
        }
        let begun = Instant::now();
        let status = loop {
            let status = at_home(&home, &runtime, &["status"]).output().unwrap();
            if status.status.success() || begun.elapsed() > Duration::from_secs(60) {
                break status;
            }
        };
        let text = String::from_utf8(status.stdout).unwrap();
        assert!(text.contains("listening on 127.0.0.1:"), "{text}{:?}", String::from_utf8(status.stderr));
        while told().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60));
        }
        assert_eq!(told().unwrap(), before);
        let mode = |name: &str| std::fs::metadata(runtime.join("countersign").join(name)).unwrap().permissions().mode();
        assert_eq!((mode("") & 0o777, mode("main.json") & 0o777), (0o700, 0o600));
        assert!(serve.is_running());
    }
}

#[test]
fn a_folder_whose_name_is_no_text_is_refused_before_anything_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join(std::ffi::OsStr::from_bytes(b"wallet-\xff"));
    let mut init = Command::new(env!("CARGO_BIN_EXE_countersign"));
    init.args(["init", "--import", "--data-dir"]).arg(&odd).env_clear();
    init.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let refused = init.output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("is not UTF-8") && said.contains("--data-dir"), "{said}");
    assert!(!odd.exists());
}

/// A file system without locks, played in front of the C library: byte ranges never, whole files as asked.
const NO_LOCKS: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
static int no(void) { errno = atoi(getenv("LOCKS_FAIL_WITH")); return -1; }
#define LOCKS(name) int name(int fd, int what, ...) { \
  va_list rest; va_start(rest, what); void *with = va_arg(rest, void *); va_end(rest); \
  if (what == F_SETLK || what == F_SETLKW || what == F_OFD_SETLK || what == F_OFD_SETLKW) return no(); \
  return ((int (*)(int, int, void *))dlsym(RTLD_NEXT, #name))(fd, what, with); }
LOCKS(fcntl) LOCKS(fcntl64)
int flock(int fd, int what) {
  if (getenv("NO_FLOCK")) return no();
  return ((int (*)(int, int))dlsym(RTLD_NEXT, "flock"))(fd, what); }
"#;

#[test]
fn a_file_system_that_cannot_lock_is_named_at_once() {
    let folder = Folder::with_wallet();
    let (source, library) = (folder.path("locks.c"), folder.path("locks.so"));
    std::fs::write(&source, NO_LOCKS).unwrap();
    let mut cc = Command::new("cc");
    assert!(cc.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl").status().unwrap().success());
    // ENOLCK, EPROTO, EIO, EOPNOTSUPP.
    for error in ["37", "71", "5", "95"] {
        for whole in [true, false] {
            for arguments in [&["serve", "--locked"][..], &["status"], &["init", "--import"]] {
                let mut command = folder.command(arguments);
                command.env("LD_PRELOAD", &library).env("LOCKS_FAIL_WITH", error).stdin(Stdio::null());
                if whole {
                    command.env("NO_FLOCK", "1");
                }
                let refused = command.output().unwrap();
                let said = String::from_utf8(refused.stderr).unwrap();
                assert_eq!(refused.status.code(), Some(1), "{error} {arguments:?}: {said}");
                assert!(
                    said.contains("can't lock files") && said.contains("--data-dir"),
                    "{error} {arguments:?}: {said}"
                );
                assert!(!said.contains("another"), "{said}");
            }
        }
    }
    // Nothing was lost meanwhile, and a lock that is held is still another Countersign's.
    let held = std::fs::File::options().write(true).open(folder.dir().join("lock")).unwrap();
    held.lock().unwrap();
    assert!(folder.fails(&["status"], "").contains("has "), "held");
    drop(held);
    assert!(folder.is_locked());
}
