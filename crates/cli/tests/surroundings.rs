//! What stands around a wallet in real life: proxies of every kind, a company's certificates, an older program that
//! still runs, a container that shares the socket, and the file for a bug report.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use practice::World;
use serde_json::Value;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

const PASSPHRASE: &str = "correct horse battery";
/// Nobody listens there: whoever uses this proxy gets nowhere.
const DEAD: &str = "http://127.0.0.1:9";

/// A wallet whose main network is the practice chain under another address.
struct Home {
    world: World,
    dir: TempDir,
}

impl Home {
    async fn with_node(url: impl FnOnce(&World) -> String) -> Self {
        let world = World::start(practice::Options::default()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let url = url(&world);
        std::fs::write(
            dir.path().join("config.toml"),
            format!("port = 0\nnode_seconds = 5\n[[mainnet]]\nurl = \"{url}\"\n"),
        )
        .unwrap();
        let home = Self { world, dir };
        let words = format!("{}about\n{PASSPHRASE}\n", "abandon ".repeat(11));
        let made = home.run(&["init", "--import", "--json", "--profile", "test"], &[], &words).await;
        let status: Value = serde_json::from_slice(&made.stdout).unwrap();
        let address = status["accounts"][0]["address"]["address"].as_str().unwrap();
        home.world.fund(tron::Address::parse(address).unwrap()).unwrap();
        home
    }

    fn command(&self, arguments: &[&str], surroundings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(arguments).arg("--data-dir").arg(self.dir.path()).env_clear();
        command.envs(surroundings.iter().copied()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    async fn run(&self, arguments: &[&str], surroundings: &[(&str, &str)], input: &str) -> Output {
        let mut child = self.command(arguments, surroundings).spawn().unwrap();
        // A command that needs no input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
        child.wait_with_output().await.unwrap()
    }

    /// What the node says that the account holds, in sun.
    async fn trx(&self, surroundings: &[(&str, &str)]) -> Option<String> {
        let status = self.run(&["status", "--json"], surroundings, "").await;
        assert!(status.status.success(), "{status:?}");
        let status: Value = serde_json::from_slice(&status.stdout).unwrap();
        status["accounts"][0]["balances"]
            .as_array()
            .unwrap()
            .first()
            .map(|trx| trx["symbol"].as_str().unwrap().to_owned())
    }

    /// A running wallet that says where it listens.
    async fn serve(&self, surroundings: &[(&str, &str)]) -> (Child, Value) {
        let mut child = self.command(&["serve", "--locked", "--json"], surroundings).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut text = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            text.push_str(&line);
            if let Ok(runtime) = serde_json::from_str(&text) {
                return (child, runtime);
            }
        }
        let output = child.wait_with_output().await.unwrap();
        panic!("serve ended: {output:?}");
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Counts who comes and hands everything to `to`, after `greet` made the connection what it is.
async fn relay<F, S>(to: String, greet: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> (u16, Arc<AtomicUsize>)
where
    F: Future<Output = std::io::Result<S>> + Send,
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(AtomicUsize::new(0));
    let (counted, greet) = (Arc::clone(&seen), Arc::new(greet));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let (to, greet) = (to.clone(), Arc::clone(&greet));
            tokio::spawn(async move {
                let mut inside = greet(stream).await?;
                let mut outside = TcpStream::connect(to).await?;
                copy_bidirectional(&mut inside, &mut outside).await
            });
        }
    });
    (port, seen)
}

fn address(url: &str) -> String {
    url.strip_prefix("http://").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_on_this_machine_is_never_asked_through_a_proxy() {
    let home = Home::with_node(World::node_url).await;
    let proxies = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"].map(|name| (name, DEAD));
    assert_eq!(home.trx(&proxies).await.as_deref(), Some("TRX"));
    // Nor is a shop on this machine, by the owner's own `pay`: a 402 comes, so the request went straight there.
    let paid = home.run(&["pay", &home.world.cheap_url()], &proxies, "no\n").await;
    assert!(!text(&paid.stderr).contains("127.0.0.1:9"), "{paid:?}");
    assert_ne!(paid.status.code(), Some(6), "{paid:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_elsewhere_is_asked_through_the_systems_http_proxy() {
    let home = Home::with_node(|_| "http://node.example:8090".to_owned()).await;
    // An HTTP proxy gets the whole URL and asks in its own name; the node's API cares for the path alone.
    let (port, seen) = relay(address(&home.world.node_url()), |stream| async { Ok(stream) }).await;
    let proxy = format!("http://127.0.0.1:{port}");
    assert_eq!(home.trx(&[("HTTP_PROXY", &proxy)]).await.as_deref(), Some("TRX"));
    assert!(seen.load(Ordering::SeqCst) > 0);
    assert_eq!(home.trx(&[("HTTP_PROXY", DEAD)]).await, None, "the proxy is not optional");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_elsewhere_is_asked_through_a_socks_proxy_that_resolves_its_name() {
    let home = Home::with_node(|_| "http://node.example:8090".to_owned()).await;
    let (port, seen) = relay(address(&home.world.node_url()), socks5).await;
    let proxy = format!("socks5h://127.0.0.1:{port}");
    assert_eq!(home.trx(&[("ALL_PROXY", &proxy)]).await.as_deref(), Some("TRX"));
    assert!(seen.load(Ordering::SeqCst) > 0);
}

/// The server's half of RFC 1928 without authentication; the name has to come unresolved.
async fn socks5(mut stream: TcpStream) -> std::io::Result<TcpStream> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    let mut methods = vec![0; head[1].into()];
    stream.read_exact(&mut methods).await?;
    stream.write_all(&[5, 0]).await?;
    let mut request = [0; 5];
    stream.read_exact(&mut request).await?;
    assert_eq!((request[1], request[3]), (1, 3), "CONNECT by name");
    let mut target = vec![0; usize::from(request[4]) + 2];
    stream.read_exact(&mut target).await?;
    assert_eq!(&target[..target.len() - 2], b"node.example");
    stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await?;
    Ok(stream)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_behind_a_companys_certificate_is_believed_when_the_system_believes_it() {
    let mut authority = rcgen::CertificateParams::new(vec![]).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut leaf = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let private = tokio_rustls::rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = tokio_rustls::rustls::ServerConfig::builder_with_provider(Arc::new(
        tokio_rustls::rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![leaf.der().clone()], private)
    .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));

    // The node's address is only known once the world is there, the relay's only after that.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let home = Home::with_node(|_| format!("https://localhost:{port}")).await;
    let listener = TcpListener::from_std(listener).unwrap();
    let node = address(&home.world.node_url());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, node) = (acceptor.clone(), node.clone());
            tokio::spawn(async move {
                let mut inside = acceptor.accept(stream).await?;
                let mut outside = TcpStream::connect(node).await?;
                copy_bidirectional(&mut inside, &mut outside).await
            });
        }
    });
    let pem = home.dir.path().join("authority.pem");
    std::fs::write(&pem, authority_pem).unwrap();
    assert_eq!(home.trx(&[]).await, None, "nobody vouches for that certificate");
    assert_eq!(home.trx(&[("SSL_CERT_FILE", pem.to_str().unwrap())]).await.as_deref(), Some("TRX"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_wallet_of_another_version_is_noticed_and_named() {
    let home = Home::with_node(World::node_url).await;
    let (_running, _) = home.serve(&[]).await;
    let quiet = home.run(&["status"], &[], "").await;
    assert_eq!(text(&quiet.stderr), "");
    let file = home.dir.path().join("runtime.json");
    let mut runtime: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    runtime["version"] = "0.0.1".into();
    std::fs::write(&file, runtime.to_string()).unwrap();
    let told = home.run(&["status", "--json"], &[], "").await;
    assert!(told.status.success(), "{told:?}");
    serde_json::from_slice::<Value>(&told.stdout).expect("a program's output stays JSON");
    let told = text(&told.stderr);
    assert!(told.contains("is version 0.0.1, this command is") && told.contains(env!("CARGO_PKG_VERSION")), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_for_a_bug_report_says_what_helps_and_nothing_that_is_secret() {
    let home = Home::with_node(World::node_url).await;
    let config = home.dir.path().join("config.toml");
    let mut text_of_config = std::fs::read_to_string(&config).unwrap();
    text_of_config.push_str(
        "api_key = \"key-of-mine\"\n[[nile]]\nurl = \"https://me:word-of-mine@node.example/x\"\napi_key = \"another-of-mine\"\n",
    );
    std::fs::write(&config, text_of_config.replace("port = 0", "port = 0\nlog_level = \"debug\"")).unwrap();
    let (mut running, runtime) = home.serve(&[("COUNTERSIGN_LOG", "off")]).await;
    let unlocked = home.run(&["unlock", "--json"], &[], &format!("{PASSPHRASE}\n")).await;
    let status: Value = serde_json::from_slice(&unlocked.stdout).unwrap();
    let address = status["accounts"][0]["address"]["address"].as_str().unwrap().to_owned();
    let log = logs::files(&home.dir.path().join("logs"));
    assert_eq!(log.len(), 1);
    // A line that some library might write one day.
    let mut line = std::fs::File::options().append(true).open(&log[0]).unwrap();
    std::io::Write::write_all(
        &mut line,
        format!("WARN odd payer={address} url=http://a.example/x?key=value-of-mine Bearer token-of-mine-1\n")
            .as_bytes(),
    )
    .unwrap();

    let target = home.dir.path().join("report.txt");
    let proxy = ("HTTP_PROXY", "http://user:proxy-of-mine@127.0.0.1:9");
    let made = home.run(&["support", "-o", target.to_str().unwrap()], &[proxy], "").await;
    assert!(made.status.success(), "{made:?}");
    let report = std::fs::read_to_string(&target).unwrap();
    for part in
        ["== program", env!("CARGO_PKG_VERSION"), "ledger.db", "log_level = \"debug\"", "accounts 1", "node.example"]
    {
        assert!(report.contains(part), "{part} is missing:\n{report}");
    }
    assert!(report.contains(runtime["address"].as_str().unwrap()));
    assert!(report.contains("WARN odd") && report.contains("http://a.example/x?key=…"), "{report}");
    assert!(!report.contains("of-mine"), "{report}");
    assert!(!report.contains(&address) && !report.contains("abandon") && !report.contains(PASSPHRASE), "{report}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Never over another file.
    let again = home.run(&["support", "-o", target.to_str().unwrap()], &[], "").await;
    assert!(!again.status.success() && text(&again.stderr).contains("--output"), "{again:?}");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), report);
    running.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_a_wallet_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("nothing-here");
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["support", "-o", "-", "--data-dir"]).arg(&folder).env_clear();
    let output = command.output().await.unwrap();
    assert!(output.status.success() && text(&output.stdout).contains("no wallet in this folder yet"), "{output:?}");
    assert!(!folder.exists());
}

/// What docs/headless.md says of containers: the socket's folder is mounted, and the container's user is mapped to the
/// user of the wallet.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_container_reaches_the_socket_as_the_wallets_user_and_as_no_other() {
    let home = Home::with_node(World::node_url).await;
    let (_running, runtime) = home.serve(&[]).await;
    let socket = runtime["unixSocket"].as_str().unwrap();
    // A user namespace is what a rootless container runs in: 1000 inside is the wallet's user outside.
    let inside = |map: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", map, "--", "curl", "-sS", "--max-time", "10", "--unix-socket", socket]);
        command.arg("http://localhost/v1/health");
        command
    };
    // Where a user may make none (some desktops forbid it), root's run has to do.
    let mapped = match is_root() {
        true => inside("--map-user=1000").output().await.unwrap(),
        false => return,
    };
    assert!(mapped.status.success() && text(&mapped.stdout).contains("\"countersign\""), "{mapped:?}");
    let another = || {
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid",
            "65534",
            "--clear-groups",
            "curl",
            "-sS",
            "--max-time",
            "10",
            "--unix-socket",
            socket,
        ]);
        command.arg("http://localhost/v1/health");
        command
    };
    let other = another().output().await.unwrap();
    assert!(!other.status.success() && other.stdout.is_empty(), "another user got in: {other:?}");
    // Not even where somebody opened the folder and the socket to everybody: who connects is asked of the kernel.
    open_to_all(Path::new(socket));
    let other = another().output().await.unwrap();
    assert!(!other.status.success() && other.stdout.is_empty(), "another user got in: {other:?}");
}

#[cfg(target_os = "linux")]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(target_os = "linux")]
fn open_to_all(socket: &Path) {
    use std::os::unix::fs::PermissionsExt;
    for path in socket.ancestors().take_while(|path| *path != Path::new("/")) {
        let mode = if path == socket { 0o666 } else { 0o755 };
        if path.starts_with(std::env::temp_dir()) && path != std::env::temp_dir() {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    }
}
