//! The owner process: where it can be found, that nobody else gets in, and that it never moves silently.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{House, PASSPHRASE, client, options};
use helper::verb::{AnswerPairing, Apps, ImportWords, Lock, Pairings, Payments, Status, Unlock};
use helper::{Client, Owner, OwnerOptions, RuntimeFile, StartError, Verb};
use std::os::unix::fs::PermissionsExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use view::{Code, EventView, FilterView};

/// Of every BIP-39 test vector.
const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn over_unix(socket: &std::path::Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn where_it_listens_is_told_to_this_user_alone_and_forgotten_at_the_end() {
    let house = House::open().await;
    let dir = house.dir.path().to_owned();
    let file = dir.join("runtime.json");
    assert_eq!(RuntimeFile::path("devnet", Some(&dir)).unwrap(), file);
    let told = RuntimeFile::read("devnet", Some(&dir)).unwrap();
    assert_eq!(told, *house.owner.runtime());
    assert_eq!((told.address.clone(), told.pid), (house.addr().to_string(), std::process::id()));
    let (unix, control) = (told.unix_socket.unwrap(), told.control_socket.unwrap());
    assert_eq!((mode(&file), mode(&unix), mode(&control), mode(unix.parent().unwrap())), (0o600, 0o600, 0o600, 0o700));

    let call = Client::find("devnet", Some(&dir)).await.unwrap();
    let status = call.call(Status {}).await.unwrap();
    assert_eq!((status.port.as_deref(), status.empty), (Some(told.address.as_str()), true));

    house.owner.shutdown().await;
    assert!(!file.exists() && !unix.exists() && !control.exists());
    assert!(Client::find("devnet", Some(&dir)).await.is_none());
    // The lock is free again, and so is everything else.
    Owner::start(options(&house.dir)).await.unwrap().shutdown().await;
}

#[tokio::test]
async fn a_runtime_file_that_others_could_write_is_not_believed() {
    let house = House::open().await;
    let file = house.dir.path().join("runtime.json");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(RuntimeFile::read("devnet", Some(house.dir.path())).is_err());
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_that_names_setting_and_runtime_file() {
    let squatter = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = squatter.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let error = Owner::start(OwnerOptions { port: Some(port), ..options(&dir) }).await.err().unwrap();
    assert!(matches!(error, StartError::PortTaken { .. }));
    let sentence = error.to_string();
    for part in [&format!("127.0.0.1:{port}"), "config.toml", "runtime.json"] {
        assert!(sentence.contains(part), "{sentence}");
    }
    // This very process took it.
    if cfg!(target_os = "linux") {
        assert!(sentence.contains(&format!("(process {})", std::process::id())), "{sentence}");
    }
    assert!(!dir.path().join("runtime.json").exists());
    // Nothing of it stays behind: another port works at once.
    Owner::start(options(&dir)).await.unwrap();
}

#[tokio::test]
async fn two_wallets_on_one_machine_are_told_apart_and_each_publishes_where_it_listens() {
    let (first, dir) = (House::open().await, tempfile::tempdir().unwrap());
    let taken = first.owner.addr().port();
    let error = Owner::start(OwnerOptions { port: Some(taken), ..options(&dir) }).await.err().unwrap();
    assert!(error.to_string().contains("another Countersign"), "{error}");
    // As its advice says: any port, told in the runtime file.
    std::fs::write(dir.path().join("config.toml"), "port = 0\n").unwrap();
    let second = Owner::start(OwnerOptions { port: None, ..options(&dir) }).await.unwrap();
    let published = |dir: &tempfile::TempDir| RuntimeFile::read("devnet", Some(dir.path())).unwrap().address;
    assert_eq!(published(&first.dir), first.owner.addr().to_string());
    assert_eq!(published(&dir), second.addr().to_string());
    assert_ne!(published(&first.dir), published(&dir));
}

#[tokio::test]
async fn localhost_is_served_at_both_addresses_and_a_stranger_at_one_of_them_is_told() {
    let Ok(stranger) = tokio::net::TcpListener::bind("[::1]:0").await else { return };
    let house = House::open().await;
    let port = house.addr().port();
    assert_eq!(house.owner.stranger(), None);
    for host in ["127.0.0.1", "[::1]"] {
        let health = client().get(format!("http://{host}:{port}/v1/health")).send().await.unwrap();
        assert_eq!(health.status(), 200, "{host}");
    }
    house.owner.shutdown().await;
    assert!(tokio::net::TcpStream::connect(("::1", port)).await.is_err());

    let taken = stranger.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    // Free on 127.0.0.1 as far as anybody knows; where it is not, there is nothing to see.
    let Ok(owner) = Owner::start(OwnerOptions { port: Some(taken), ..options(&dir) }).await else { return };
    let told = owner.stranger().unwrap();
    assert!(told.starts_with(&format!("[::1]:{taken} is held by ")), "{told}");
    owner.shutdown().await;
}

#[tokio::test]
async fn a_folder_named_from_here_is_told_whole() {
    let here = std::env::current_dir().unwrap();
    let file = RuntimeFile::path("main", Some(std::path::Path::new("wallet"))).unwrap();
    assert_eq!(file, here.join("wallet/runtime.json"));
    assert_eq!(helper::data_dir("main", Some(std::path::Path::new("wallet"))).unwrap(), here.join("wallet"));
}

#[tokio::test]
async fn a_command_that_holds_the_wallet_serves_the_others_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let quiet = Owner::quiet(options(&dir)).await.unwrap();
    // It is not where programs look, and the owner's other commands find it.
    assert!(RuntimeFile::read("devnet", Some(dir.path())).is_err());
    let other = Client::find("devnet", Some(dir.path())).await.unwrap();
    assert!(other.answers(std::time::Duration::from_secs(20)).await);
    assert!(other.call(Status {}).await.unwrap().empty);
    drop(quiet);
    assert!(Client::find("devnet", Some(dir.path())).await.is_none());
}

#[tokio::test]
async fn an_owner_that_is_connected_to_and_says_nothing_does_not_answer() {
    let dir = tempfile::tempdir().unwrap();
    let _deaf = std::os::unix::net::UnixListener::bind(dir.path().join("control.sock")).unwrap();
    let client = Client::new(dir.path().join("control.sock"));
    assert!(!client.answers(std::time::Duration::from_millis(50)).await);
}

#[tokio::test]
async fn a_folder_has_one_owner() {
    let house = House::open().await;
    let error = Owner::start(options(&house.dir)).await.err().unwrap();
    assert!(matches!(error, StartError::Open(wallet::OpenError::AlreadyOpen { .. })), "{error}");
    // The first one's file is still there and still true.
    assert!(Client::find("devnet", Some(house.dir.path())).await.is_some());
}

#[tokio::test]
async fn a_folder_belongs_to_one_profile_for_ever() {
    let house = House::open().await;
    house.owner.shutdown().await;
    assert_eq!(helper::profile_of(house.dir.path()).as_deref(), Some("devnet"));
    let error = Owner::start(OwnerOptions { profile: "main".into(), ..options(&house.dir) }).await.err().unwrap();
    assert!(matches!(error, StartError::OtherProfile { .. }), "{error}");
}

#[tokio::test]
async fn play_keys_never_meet_a_real_network() {
    let dir = tempfile::tempdir().unwrap();
    let owner = Owner::start(OwnerOptions { nile_node: None, ..options(&dir) }).await.unwrap();
    assert_eq!(owner.desk().wallet().networks(), [tron::Network::Nile]);
}

#[tokio::test]
async fn a_profile_is_a_plain_word() {
    for profile in ["", "../main", "a/b", "a b", &"x".repeat(33)] {
        assert!(RuntimeFile::path(profile, None).is_err(), "{profile:?}");
    }
}

#[tokio::test]
async fn apps_reach_the_port_through_its_socket_and_never_the_owners_verbs() {
    let house = House::open().await;
    let token = house.pair("reader").await;
    let runtime = house.owner.runtime().clone();
    let (unix, control) = (runtime.unix_socket.unwrap(), runtime.control_socket.unwrap());
    let get = |path: &str, host: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n")
    };
    assert!(over_unix(&unix, &get("/v1/accounts", "localhost")).await.starts_with("HTTP/1.1 200"));
    assert!(over_unix(&unix, &get("/v1/accounts", "evil.example")).await.starts_with("HTTP/1.1 403"));
    assert!(over_unix(&control, &get("/v1/accounts", "localhost")).await.starts_with("HTTP/1.1 404"));
    // An owner's verb is unknown on TCP, with a good token too, and whatever the name of the method.
    for verb in ["unlock", "answer", "apps", "answer-pairing", "pay", "lock", "revoke-app"] {
        let post = client().post(house.url(&format!("/v1/{verb}"))).bearer_auth(&token).json(&serde_json::json!({}));
        let answer = post.send().await.unwrap();
        assert_eq!(answer.status(), 404, "{verb}");
    }
}

#[tokio::test]
async fn the_owner_steers_through_the_control_socket_and_hears_what_happens() {
    let house = House::open().await;
    let call = Client::new(house.owner.runtime().control_socket.clone().unwrap());
    let mut events = call.events().await.unwrap();
    let asked =
        client().post(house.url("/v1/pairings")).json(&serde_json::json!({"name": "reader"})).send().await.unwrap();
    assert_eq!(asked.status(), 202);
    assert_eq!(futures::StreamExt::next(&mut events).await, Some(EventView::Pairing));
    let pairing = call.call(Pairings {}).await.unwrap().remove(0);
    // No wallet yet, so nobody can prove to be its owner: the window answers then.
    let unproven = AnswerPairing { id: pairing.id.clone(), approve: true, passphrase: None };
    assert_eq!(call.call(unproven).await.err().unwrap().code, Code::BadRequest);
    call.call(ImportWords { words: WORDS.into(), passphrase: PASSPHRASE.into() }).await.unwrap();
    let wrong = AnswerPairing { id: pairing.id.clone(), approve: true, passphrase: Some("not the right one".into()) };
    assert_eq!(call.call(wrong).await.err().unwrap().code, Code::WrongPassphrase);
    call.call(AnswerPairing { id: pairing.id, approve: true, passphrase: Some(PASSPHRASE.into()) }).await.unwrap();
    assert_eq!(call.call(Apps {}).await.unwrap()[0].name, "reader");
    assert!(call.call(Lock {}).await.unwrap().locked);
    assert!(call.call(Payments { filter: FilterView::default() }).await.unwrap().payments.is_empty());
    let failure = call.call(Unlock { passphrase: "not the right one".into() }).await.err().unwrap();
    assert_eq!(failure.code, Code::WrongPassphrase, "{failure:?}");
}

#[tokio::test]
async fn the_control_socket_reads_as_strictly_as_the_port() {
    let house = House::open().await;
    let control = house.owner.runtime().control_socket.clone().unwrap();
    let post = |host: &str, kind: &str, body: &str| {
        format!(
            "POST /v1/{} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            Unlock::NAME,
            body.len()
        )
    };
    let json = "application/json";
    for (request, status) in [
        (post("evil.example", json, "{}"), 403),
        (post("localhost", "text/plain", "{}"), 415),
        (post("localhost", json, "{}"), 400),
        (post("localhost", json, r#"{"passphrase":"a","passphrase":"b"}"#), 400),
        (post("localhost", json, r#"{"passphrase":"a","more":"b"}"#), 400),
    ] {
        let answer = over_unix(&control, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request} {answer}");
    }
}

#[tokio::test]
async fn a_crash_leaves_nothing_that_hinders_or_misleads_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let first = Owner::start(options(&dir)).await.unwrap();
    let stale = first.runtime().clone();
    first.shutdown().await;
    // What a killed process leaves: its file and a socket where nobody listens.
    let socket = stale.control_socket.clone().unwrap();
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let text = serde_json::to_string(&stale).unwrap();
    std::fs::write(dir.path().join("runtime.json"), text).unwrap();
    std::fs::set_permissions(dir.path().join("runtime.json"), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(Client::find("devnet", Some(dir.path())).await.is_none());
    let second = Owner::start(options(&dir)).await.unwrap();
    assert!(Client::find("devnet", Some(dir.path())).await.is_some());
    second.shutdown().await;
}

#[tokio::test]
async fn the_apps_socket_has_a_folder_to_itself_and_the_owners_is_not_in_it() {
    let house = House::open().await;
    let runtime = house.owner.runtime();
    let (unix, control) = (runtime.unix_socket.clone().unwrap(), runtime.control_socket.clone().unwrap());
    let apps = unix.parent().unwrap();
    assert!(!control.starts_with(apps), "{} is what a container gets", apps.display());
    let names: Vec<_> = std::fs::read_dir(apps).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(names, [unix.clone()]);
    assert_eq!((mode(apps), mode(control.parent().unwrap())), (0o700, 0o700));
}

#[tokio::test]
async fn a_folder_that_others_can_write_to_is_refused_with_the_command_that_mends_it() {
    let house = House::open().await;
    let dir = house.dir.path().to_owned();
    house.owner.shutdown().await;
    for open in [0o777, 0o770, 0o1777, 0o702] {
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(open)).unwrap();
        let error = Owner::start(options(&house.dir)).await.err().unwrap().to_string();
        assert!(error.contains(&format!("chmod 700 {}", dir.display())), "{error}");
        assert_eq!(mode(&dir), open & 0o777);
    }
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700)).unwrap();
    let run = dir.join("run");
    std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o777)).unwrap();
    let error = Owner::start(options(&house.dir)).await.err().unwrap().to_string();
    assert!(error.contains(&format!("chmod 700 {}", run.display())), "{error}");
    std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o700)).unwrap();
    // Open to look into, and closed again: nobody else could have put anything there.
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    Owner::start(options(&house.dir)).await.unwrap().shutdown().await;
    assert_eq!(mode(&dir), 0o700);
}

#[tokio::test]
async fn sockets_whose_path_would_be_too_long_are_where_nobody_can_guess_and_are_found_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let long = dir.path().join("a-folder-with-a-long-name".repeat(6));
    let options = || OwnerOptions { data_dir: Some(long.clone()), ..options(&dir) };
    let first = Owner::start(options()).await.unwrap();
    let at = |owner: &Owner| owner.runtime().control_socket.clone().unwrap().parent().unwrap().to_owned();
    let place = at(&first);
    assert!(!place.starts_with(dir.path()) && mode(&place) == 0o700);
    let name = place.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(name.len(), "countersign-".len() + 32, "{name}");
    assert!(Client::find("devnet", Some(&long)).await.unwrap().call(Status {}).await.is_ok());
    first.shutdown().await;
    // A command that tells nobody where it is is found by the note in the data folder.
    let quiet = Owner::quiet(options()).await.unwrap();
    assert!(Client::find("devnet", Some(&long)).await.unwrap().call(Status {}).await.is_ok());
    quiet.desk().wallet().close().await;
    drop(quiet);
    let second = Owner::start(options()).await.unwrap();
    assert_eq!(at(&second), place, "while it is this user's alone");
    second.shutdown().await;
    // It is not any more: another one is made.
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o777)).unwrap();
    let third = Owner::start(options()).await.unwrap();
    let other = at(&third);
    assert_ne!(other, place);
    third.shutdown().await;
    for place in [place, other] {
        std::fs::remove_dir_all(place).unwrap();
    }
}
