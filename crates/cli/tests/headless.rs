//! A service that unlocks without a person: by a file, a descriptor, a credential folder; and what it refuses.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod folder;

use folder::{Folder, PASSPHRASE, Serve};
use std::process::{Command, Stdio};

/// It listens first and unlocks then; a wrong passphrase ends it instead.
fn unlocks(folder: &Folder, command: &mut Command) {
    let mut serve = Serve::start(command);
    while folder.is_locked() {
        assert!(serve.is_running());
        std::thread::yield_now();
    }
}

/// It ends without unlocking; what it says.
fn refuses(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_file_that_only_its_owner_reads_unlocks_and_one_that_others_read_does_not() {
    let folder = Folder::with_wallet();
    let file = folder.private("passphrase", &format!("{PASSPHRASE}\nand a second line that is not read\n"));
    let name = file.display().to_string();
    unlocks(&folder, &mut folder.command(&["serve", "--passphrase-file", &name]));
    for mode in [0o644, 0o640, 0o604, 0o620] {
        folder.rights(&file, mode);
        let said = refuses(&mut folder.command(&["serve", "--passphrase-file", &name]));
        assert!(said.contains("others can read") && said.contains("chmod 600"), "{mode:o}: {said}");
        assert!(!said.contains(PASSPHRASE));
    }
    folder.rights(&file, 0o600);
    std::fs::write(&file, "\n").unwrap();
    assert!(refuses(&mut folder.command(&["serve", "--passphrase-file", &name])).contains("is empty"));
    std::fs::write(&file, "not the right one\n").unwrap();
    assert!(refuses(&mut folder.command(&["serve", "--passphrase-file", &name])).contains("not the right one"));
    let missing = folder.path("nothing").display().to_string();
    assert!(refuses(&mut folder.command(&["serve", "--passphrase-file", &missing])).contains("nothing"));
}

#[test]
fn a_credential_folder_of_the_service_manager_unlocks() {
    let folder = Folder::with_wallet();
    let credentials = folder.path("credentials");
    std::fs::create_dir(&credentials).unwrap();
    let serve = || {
        let mut command = folder.command(&["serve"]);
        command.env("CREDENTIALS_DIRECTORY", &credentials);
        command
    };
    // Without the one of ours it stays locked.
    {
        let _serve = Serve::start(&mut serve());
        assert!(folder.is_locked());
    }
    std::fs::write(credentials.join("countersign.passphrase"), PASSPHRASE).unwrap();
    unlocks(&folder, &mut serve());
    // Whoever says `--locked` means it.
    let mut locked = serve();
    locked.arg("--locked");
    let _serve = Serve::start(&mut locked);
    assert!(folder.is_locked());
}

#[test]
fn an_open_descriptor_unlocks_and_one_that_is_not_open_is_no_reason_to_ask_elsewhere() {
    let folder = Folder::with_wallet();
    let file = folder.private("passphrase", &format!("{PASSPHRASE}\n"));
    let shell = |redirect: &str| {
        let line = format!(
            "exec \"{}\" serve --passphrase-fd 3 --data-dir \"{}\" {redirect}",
            env!("CARGO_BIN_EXE_countersign"),
            folder.dir().display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &line]).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    unlocks(&folder, &mut shell(&format!("3< \"{}\"", file.display())));
    let said = refuses(&mut shell("3<&-"));
    assert!(said.contains("the input ended"), "{said}");
}

/// The lock belongs to the open file, whatever numbers name it: free means that none does any more.
#[test]
fn the_descriptor_with_the_passphrase_is_closed() {
    let folder = Folder::with_wallet();
    let file = folder.private("passphrase", &format!("{PASSPHRASE}\n"));
    let given = std::fs::File::open(&file).unwrap();
    given.lock().unwrap();
    let line = format!(
        "exec \"{}\" serve --passphrase-fd 3 --data-dir \"{}\" 3<&0 0</dev/null",
        env!("CARGO_BIN_EXE_countersign"),
        folder.dir().display()
    );
    let mut child = Command::new("sh").args(["-c", &line]).stdin(given).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 1];
    // Its first word: the descriptor was taken over before it opened anything.
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    let free = std::fs::File::open(&file).unwrap().try_lock().is_ok();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(free, "the descriptor is still open");
}
