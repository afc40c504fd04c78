//! The programs that the README shows, run as they are: curl in a script, Python, JavaScript and Rust buy from the
//! demo shop through the port while a person answers at the desk. Nothing of ours is linked into them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use helper::{Owner, OwnerOptions};
use practice::World;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use stories::{PASSPHRASE, WORDS};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use view::{
    AnswerView, DeliveryView, FilterView, PaymentView, Proof, QuestionView, ScopeView, SettlementView, StateView,
};

/// How long anything may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_secs(60);

const DEAD_PROXY: &str = "http://127.0.0.1:9";

/// A practice world with a shop, and a funded, unlocked wallet on it that has given no allowance to anybody.
struct Scene {
    world: World,
    owner: Owner,
    dir: TempDir,
}

impl Scene {
    async fn start() -> Self {
        let world = World::start(practice::Options::default()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let owner = Owner::start(OwnerOptions {
            data_dir: Some(dir.path().to_owned()),
            profile: "devnet".to_owned(),
            port: Some(0),
            nile_node: Some(world.node_url().into()),
            cost: wallet::Cost::floor(),
            ..OwnerOptions::default()
        });
        let owner = owner.await.unwrap();
        let status = owner.desk().import_words(WORDS.to_owned(), PASSPHRASE.to_owned()).await.unwrap();
        world.fund(stories::address(&status.accounts[0].address.address)).unwrap();
        // As it is for a wallet in its usual folder.
        std::fs::create_dir(dir.path().join("countersign")).unwrap();
        std::fs::copy(dir.path().join("runtime.json"), dir.path().join("countersign/main.json")).unwrap();
        Self { world, owner, dir }
    }

    /// The payer with this address named instead of the runtime file.
    fn spawn_named(&self, payer: &Payer, url: &str, token: &str, address: &str) -> Child {
        let mut command = self.payer(payer, url, token);
        command.env("COUNTERSIGN_URL", format!("http://{address}")).env_remove("XDG_RUNTIME_DIR");
        command.spawn().unwrap()
    }

    /// The program with its arguments. It finds the port by the runtime file, and the machine has a proxy that leads
    /// nowhere: whoever sends what is for the port through it fails.
    fn spawn(&self, program: &Path, arguments: &[&str], token: &str) -> Child {
        let mut command = self.command(program, arguments, token);
        command.spawn().unwrap_or_else(|error| panic!("{} can't be started: {error}", program.display()))
    }

    fn command(&self, program: &Path, arguments: &[&str], token: &str) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env("XDG_RUNTIME_DIR", self.dir.path());
        command.env_remove("COUNTERSIGN_URL").env_remove("COUNTERSIGN_RUNTIME");
        for (name, value) in [("http_proxy", DEAD_PROXY), ("all_proxy", DEAD_PROXY), ("no_proxy", "localhost")] {
            command.env(name, value).env(name.to_uppercase(), value);
        }
        command.env("COUNTERSIGN_TOKEN", token);
        command.env_remove("RUST_BACKTRACE").kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn spawn_payer(&self, payer: &Payer, url: &str, token: &str) -> Child {
        self.payer(payer, url, token).spawn().unwrap()
    }

    fn payer(&self, payer: &Payer, url: &str, token: &str) -> Command {
        let mut arguments: Vec<&str> = payer.arguments.iter().map(String::as_str).collect();
        // By the name that goes past the proxy.
        let url = url.replace("127.0.0.1", "localhost");
        arguments.push(&url);
        self.command(&payer.program, &arguments, token)
    }

    /// docs/examples/pair.sh, answered by the person; what it printed.
    async fn pair(&self, name: &str, approve: bool) -> Output {
        let script = self.spawn(Path::new("sh"), &[&example("pair.sh"), name], "");
        self.answer_pairing(script, name, approve).await
    }

    /// What the program printed whose pairing was answered.
    async fn answer_pairing(&self, program: Child, name: &str, approve: bool) -> Output {
        let mut events = self.owner.desk().subscribe();
        let output = tokio::spawn(program.wait_with_output());
        let open = async {
            loop {
                if let Some(pairing) = self.owner.desk().pairings().await.unwrap().pop() {
                    return pairing;
                }
                events.recv().await.unwrap();
            }
        };
        let open = tokio::time::timeout(PATIENCE, open).await.expect("pair.sh asks");
        assert_eq!(open.name, name);
        self.owner.desk().answer_pairing(&open.id, approve).await.unwrap();
        let output = tokio::time::timeout(PATIENCE, output).await.expect("pair.sh ends").unwrap().unwrap();
        // The person compares this code with the one that the window shows.
        assert!(text(&output.stderr).contains(&open.code), "{output:?}");
        output
    }

    /// The question that the running program leads to.
    async fn question(&self, program: &mut Child) -> QuestionView {
        let mut events = self.owner.desk().subscribe();
        let asked = async {
            loop {
                if let Some(question) = self.owner.desk().questions().await.unwrap().pop() {
                    return question;
                }
                events.recv().await.unwrap();
            }
        };
        let asked = tokio::time::timeout(PATIENCE, asked);
        tokio::select! {
            question = asked => question.expect("the program asks"),
            ended = program.wait() => panic!("the program ended without a question: {ended:?}"),
        }
    }

    /// As the window does it: shown, awake after a second, answered with the digest that was shown.
    async fn answer(&self, question: &QuestionView, answer: AnswerView) -> PaymentView {
        let (desk, id, digest) = (self.owner.desk(), &question.id, &question.digest);
        let wait = desk.shown(id, digest).await.unwrap();
        tokio::time::sleep(Duration::from_millis(wait.into())).await;
        desk.answer(id, digest, answer, Proof::Window).await.unwrap()
    }

    /// The row once its money is final on the chain.
    async fn settled(&self, id: &str) -> PaymentView {
        let mut events = self.owner.desk().subscribe();
        // Final is a matter of blocks: these bury the transaction.
        self.world.devnet().mine(25);
        let settled = async {
            loop {
                let row = self.owner.desk().payment(id).await.unwrap().payment;
                if row.settlement == SettlementView::Final {
                    return row;
                }
                events.recv().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.expect("the payment becomes final")
    }

    async fn close(self) {
        self.owner.shutdown().await;
        self.world.shutdown().await;
    }
}

/// A documented paying program.
struct Payer {
    program: PathBuf,
    /// Before the URL.
    arguments: Vec<String>,
}

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/examples").join(name);
    path.to_str().unwrap().to_owned()
}

fn payer(program: impl Into<PathBuf>, arguments: &[&str]) -> Payer {
    Payer { program: program.into(), arguments: arguments.iter().map(|a| (*a).to_owned()).collect() }
}

fn python() -> PathBuf {
    std::env::var_os("COUNTERSIGN_PYTHON").map_or_else(|| "python3".into(), PathBuf::from)
}

/// Beside this test, where `cargo test` puts the examples of its package.
fn rust_example() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let program =
        here.ancestors().nth(2).unwrap().join("examples").join(format!("pay{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is built by `cargo build -p stories --examples`", program.display());
    program
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn once() -> AnswerView {
    AnswerView::Approve { scope: ScopeView::Once, allowance_total: None }
}

/// Pays for the article (with the allowance in the same answer) and for the report, and is told no once.
async fn pays_twice_and_hears_a_no(payer: Payer) {
    let scene = Scene::start().await;
    let paired = scene.pair("documented", true).await;
    let token = text(&paired.stdout).trim().to_owned();
    assert!(paired.status.success() && !token.is_empty(), "{paired:?}");
    assert_eq!(scene.owner.desk().apps().await.unwrap().len(), 1);

    let (article, report) = (scene.world.cheap_url(), scene.world.fee_url());
    for (url, price, allowance, words) in [(&article, "0.05", true, "TRON"), (&report, "0.25", true, "Stablecoin")] {
        let mut child = scene.spawn_payer(&payer, url, &token);
        let question = scene.question(&mut child).await;
        assert_eq!((question.price.display.as_str(), question.app_name.as_str()), (price, "documented"));
        assert_eq!(question.allowance.is_some(), allowance);
        assert!(question.danger.is_none(), "{:?}", question.danger);
        scene.answer(&question, once()).await;
        let output = ended(child).await;
        assert!(output.status.success(), "{output:?}");
        assert!(text(&output.stdout).contains(words), "{output:?}");
        assert_eq!(text(&output.stderr), "");

        let row = scene.settled(&question.id).await;
        assert_eq!((row.state, row.delivery), (StateView::Signed, DeliveryView::Delivered));
        assert_eq!(row.transaction.as_deref().map(str::len), Some(64));
    }

    let mut child = scene.spawn_payer(&payer, &article, &token);
    let question = scene.question(&mut child).await;
    scene.answer(&question, AnswerView::Reject { block_site: false }).await;
    let output = ended(child).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = text(&output.stderr);
    assert!(said.contains("USER_REJECTED") && said.contains("The person said no"), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "one line and no stack trace: {said}");
    assert_eq!(text(&output.stdout), "");

    // Free things are fetched without asking; an unpaired program is told so.
    let free = ended(scene.spawn_payer(&payer, &scene.world.shop_url(), "")).await;
    assert!(free.status.success() && text(&free.stdout).contains("demo shop"), "{free:?}");
    let uninvited = ended(scene.spawn_payer(&payer, &article, "cs_nobody")).await;
    assert_eq!(uninvited.status.code(), Some(1), "{uninvited:?}");
    assert!(text(&uninvited.stderr).contains("NOT_PAIRED"), "{uninvited:?}");

    let rows = scene.owner.desk().payments(FilterView::default()).await.unwrap().payments;
    assert_eq!(rows.len(), 3);
    scene.close().await;
}

async fn ended(child: Child) -> Output {
    tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("the program ends").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_curl_script_pays_and_takes_no_for_an_answer() {
    pays_twice_and_hears_a_no(payer("sh", &[&example("pay.sh")])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_program_pays_and_takes_no_for_an_answer() {
    // -I: nothing from the surroundings, -S: no site packages; the standard library alone.
    pays_twice_and_hears_a_no(payer(python(), &["-IS", &example("pay.py")])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_javascript_program_pays_and_takes_no_for_an_answer() {
    pays_twice_and_hears_a_no(payer("node", &[&example("pay.mjs")])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_program_pays_and_takes_no_for_an_answer() {
    pays_twice_and_hears_a_no(payer(rust_example(), &[])).await;
}

type Heard = std::sync::Arc<std::sync::Mutex<Vec<u8>>>;

/// Whatever else sits on the usual port: notes what it is told.
async fn stranger() -> (u16, Heard) {
    use tokio::io::AsyncReadExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, heard) = (listener.local_addr().unwrap().port(), std::sync::Arc::default());
    let notes: Heard = std::sync::Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let length = stream.read(&mut head).await.unwrap_or(0);
            notes.lock().unwrap().extend_from_slice(&head[..length]);
        }
    });
    (port, heard)
}

/// A seller of bytes: the 402, then what it says to a payment.
async fn seller(asked: Vec<u8>, paid: Vec<u8>) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/article", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut head, mut piece) = (Vec::new(), [0; 4096]);
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut piece).await {
                    Ok(length @ 1..) => head.extend_from_slice(&piece[..length]),
                    _ => break,
                }
            }
            let has_paid = text(&head).to_ascii_lowercase().contains("payment-signature:");
            let _ = stream.write_all(if has_paid { &paid } else { &asked }).await;
        }
    });
    url
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// A 402's header that can be paid on the practice chain.
fn offer() -> String {
    x402::header::write(&offer_json())
}

fn offer_json() -> String {
    let option = serde_json::json!({
        "scheme": "exact",
        "network": "tron:3448148188",
        "amount": "12000",
        "asset": "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf",
        "payTo": "THosr6RvWuGU7e6nvydTkgH9id7QaNWsDd",
        "maxTimeoutSeconds": 300,
        "extra": { "assetTransferMethod": "permit2" },
    });
    serde_json::json!({ "x402Version": 2, "accepts": [option] }).to_string()
}

fn payers() -> Vec<Payer> {
    vec![
        payer("sh", &[&example("pay.sh")]),
        payer(python(), &["-IS", &example("pay.py")]),
        payer("node", &[&example("pay.mjs")]),
        payer(rust_example(), &[]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn where_countersign_does_not_run_no_program_sends_its_token_anywhere() {
    let scene = Scene::start().await;
    let url = scene.world.cheap_url();
    let (port, heard) = stranger().await;
    let file = scene.dir.path().join("countersign/main.json");
    let mut gone = std::process::Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    // No file; one that a crash left behind, with a stranger at the old address; one that is none.
    let stale = format!("{{\n  \"pid\": {},\n  \"address\": \"127.0.0.1:{port}\"\n}}\n", gone.id());
    for left in [None, Some(stale.as_str()), Some("")] {
        let _ = std::fs::remove_file(&file);
        left.into_iter().for_each(|text| std::fs::write(&file, text).unwrap());
        for payer in payers() {
            let output = ended(scene.spawn_payer(&payer, &url, "token-of-mine")).await;
            assert_eq!(output.status.code(), Some(1), "{left:?} {:?}: {output:?}", payer.program);
            let said = text(&output.stderr);
            assert!(said.contains("Countersign is not running") && said.trim().lines().count() == 1, "{said}");
        }
        let pair = ended(scene.spawn(Path::new("sh"), &[&example("pair.sh"), "x"], "")).await;
        assert!(pair.status.code() == Some(1) && text(&pair.stderr) == "Countersign is not running\n", "{pair:?}");
    }
    assert_eq!(text(&heard.lock().unwrap()), "");
    scene.close().await;
}

/// Something that took a port: it notes all that it is told. Then it answers as one of these would.
async fn squatter(kind: usize, real: std::net::SocketAddr) -> (std::net::SocketAddr, Heard) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, heard) = (listener.local_addr().unwrap(), Heard::default());
    let notes = std::sync::Arc::clone(&heard);
    let proof = |digit: &str| answer("200 OK", "", &format!("{{\"proof\":\"{}\"}}", digit.repeat(64)));
    let said = match kind {
        0 => proof("0"),
        1 => answer("200 OK", "", "{\"proof\":\"\"}"),
        2 => answer("200 OK", "", "{\"name\":\"countersign\",\"id\":\"1\",\"status\":\"signed\"}"),
        3 => answer("307 Temporary Redirect", &format!("Location: http://{real}/v1/proof\r\n"), ""),
        // It passes on what it hears, with the name that the real one wants to hear, or as it came.
        _ => Vec::new(),
    };
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            let (notes, said) = (std::sync::Arc::clone(&notes), said.clone());
            tokio::spawn(async move {
                let mut real = tokio::net::TcpStream::connect(real).await.unwrap();
                let port = real.peer_addr().unwrap().port().to_string();
                let mut piece = [0; 8192];
                while let Ok(length @ 1..) = caller.read(&mut piece).await {
                    notes.lock().unwrap().extend_from_slice(&piece[..length]);
                    if !said.is_empty() {
                        let _ = caller.write_all(&said).await;
                        continue;
                    }
                    let head = text(&piece[..length]);
                    let renamed = head.replace(&at.port().to_string(), &port);
                    let _ = real.write_all(if kind == 4 { renamed.as_bytes() } else { head.as_bytes() }).await;
                    let length = real.read(&mut piece).await.unwrap_or(0);
                    let _ = caller.write_all(&piece[..length]).await;
                }
            });
        }
    });
    (at, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_squatters_and_twenty_relays_get_no_token_from_any_program() {
    let scene = Scene::start().await;
    let token = text(&scene.pair("documented", true).await.stdout).trim().to_owned();
    let (url, real) = (scene.world.cheap_url(), scene.owner.addr());
    let published = scene.dir.path().join("countersign/main.json");
    let honest = std::fs::read_to_string(&published).unwrap();
    let (mut squatters, mut relays) = (0, 0);
    // The first four make their answers up, the others ask the real one.
    for kind in 0..6 {
        for payer in payers() {
            for named in [true, false] {
                let (at, heard) = squatter(kind, real).await;
                let child = if named {
                    scene.spawn_named(&payer, &url, &token, &at.to_string())
                } else {
                    // A crash left the file behind, its process number was given to another, and the port was taken.
                    std::fs::write(&published, honest.replace(&real.to_string(), &at.to_string())).unwrap();
                    scene.spawn_payer(&payer, &url, &token)
                };
                let output = ended(child).await;
                let told = text(&output.stderr);
                assert_eq!(output.status.code(), Some(1), "{kind} {:?}: {output:?}", payer.program);
                assert!(told.contains("is not the Countersign of this token"), "{kind} {:?}: {told}", payer.program);
                assert!(told.contains(&at.to_string()) && told.trim().lines().count() == 1, "{told}");
                let heard = text(&heard.lock().unwrap());
                assert!(heard.contains("/v1/proof?key="), "it was asked: {heard}");
                assert!(!heard.contains("cs_") && !heard.to_lowercase().contains("authorization"), "{heard}");
                *(if kind < 4 { &mut squatters } else { &mut relays }) += 1;
            }
        }
        // Nothing is asked of it either: it could hand out a token, or pass on the real one's.
        for _ in 0..2 {
            let (at, heard) = squatter(kind, real).await;
            std::fs::write(&published, honest.replace(&real.to_string(), &at.to_string())).unwrap();
            let pair = ended(scene.spawn(Path::new("sh"), &[&example("pair.sh"), "another"], "")).await;
            assert!(pair.status.code() == Some(1) && pair.stdout.is_empty(), "{kind}: {pair:?}");
            assert!(text(&pair.stderr).contains("is not the Countersign of"), "{kind}: {pair:?}");
            assert!(!text(&heard.lock().unwrap()).contains("/v1/pairings"), "{kind}");
            *(if kind < 4 { &mut squatters } else { &mut relays }) += 1;
        }
    }
    assert!(squatters >= 20 && relays >= 20, "{squatters} {relays}");
    assert!(scene.owner.desk().pairings().await.unwrap().is_empty());
    assert!(scene.owner.desk().payments(FilterView::default()).await.unwrap().payments.is_empty());

    // Named by its address, or by another file, the real one is found.
    std::fs::remove_file(&published).unwrap();
    let unknown = x402::header::write(&offer_json().replace("\"exact\"", "\"other\""));
    let asked = answer("402 Payment Required", &format!("PAYMENT-REQUIRED: {unknown}\r\n"), "{}");
    let unknown = seller(asked, Vec::new()).await;
    for payer in payers() {
        let named = scene.spawn_named(&payer, &unknown, &token, &real.to_string());
        let mut other = scene.payer(&payer, &unknown, &token);
        other.env("COUNTERSIGN_RUNTIME", scene.dir.path().join("runtime.json"));
        for child in [named, other.spawn().unwrap()] {
            let output = ended(child).await;
            assert!(text(&output.stderr).contains("UNSUPPORTED_SCHEME"), "{:?}: {output:?}", payer.program);
        }
        // Nobody listens at the address that was named.
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let output = ended(scene.spawn_named(&payer, &url, &token, &gone.to_string())).await;
        assert!(output.status.code() == Some(1), "{output:?}");
        assert!(text(&output.stderr).contains("Countersign is not running"), "{:?}: {output:?}", payer.program);
    }
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_program_refuses_what_is_no_offer_in_one_line() {
    let scene = Scene::start().await;
    let token = text(&scene.pair("documented", true).await.stdout).trim().to_owned();
    let offer = offer();
    let header = |value: &str| format!("PAYMENT-REQUIRED: {value}\r\n");
    let two = format!("{}{}", header(&offer), header(&offer).to_lowercase());
    for (asked, said) in [
        (answer("402 Payment Required", &two, "{}"), "PAYMENT-REQUIRED came more than once"),
        (answer("402 Payment Required", "", "{\"error\":\"Your credit balance is too low\"}"), ""),
        (answer("402 Payment Required", "Content-Type: text/html\r\n", "<!doctype html><h1>Subscribe</h1>"), ""),
        (answer("402 Payment Required", "", ""), ""),
        // Cut off on its way, beside a body that could be paid.
        (answer("402 Payment Required", &header(&offer[..offer.len() - 7]), &offer_json()), "an offer of its own"),
        (answer("402 Payment Required", &header("\u{e9}t\u{e9}"), &offer_json()), "an offer of its own"),
    ] {
        let url = seller(asked, Vec::new()).await;
        for payer in payers() {
            let output = ended(scene.spawn_payer(&payer, &url, &token)).await;
            assert_eq!(output.status.code(), Some(1), "{:?}: {output:?}", payer.program);
            let told = text(&output.stderr);
            assert_eq!(told.contains("of its own"), said.contains("of its own"), "{:?}: {told}", payer.program);
            assert!(told.contains(said) && told.trim().lines().count() == 1, "{:?}: {told}", payer.program);
        }
    }
    assert!(scene.owner.desk().payments(FilterView::default()).await.unwrap().payments.is_empty());
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_program_shows_what_was_paid_for_whatever_the_receipt_is_and_follows_no_redirect() {
    let scene = Scene::start().await;
    let token = text(&scene.pair("documented", true).await.stdout).trim().to_owned();
    let (port, heard) = stranger().await;
    let away = format!("Location: http://localhost:{port}/\r\n");
    let asked = answer("402 Payment Required", &format!("PAYMENT-REQUIRED: {}\r\n", offer()), "{}");
    let jwt = "PAYMENT-RESPONSE: eyJhbGciOiJIUzI1NiJ9.eyJwYWlkIjp0cnVlfQ.c2ln\r\n";
    for (paid, status, out) in
        [(answer("200 OK", jwt, "the news"), 0, "the news"), (answer("307 Temporary Redirect", &away, ""), 1, "")]
    {
        for payer in payers() {
            let url = seller(asked.clone(), paid.clone()).await;
            let mut child = scene.spawn_payer(&payer, &url, &token);
            let question = scene.question(&mut child).await;
            scene.answer(&question, once()).await;
            let output = ended(child).await;
            assert_eq!(output.status.code(), Some(status), "{:?}: {output:?}", payer.program);
            assert_eq!(text(&output.stdout), out, "{:?}: {output:?}", payer.program);
            let row = scene.owner.desk().payment(&question.id).await.unwrap().payment;
            let delivery = if status == 0 { DeliveryView::Delivered } else { DeliveryView::RefusedBySeller };
            assert_eq!(row.delivery, delivery, "{:?}", payer.program);
        }
    }
    assert_eq!(text(&heard.lock().unwrap()), "", "a payment went elsewhere");
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_would_end_its_json_text_stays_a_text() {
    let scene = Scene::start().await;
    let token = text(&scene.pair("documented", true).await.stdout).trim().to_owned();
    let asked = answer("402 Payment Required", &format!("PAYMENT-REQUIRED: {}\r\n", offer()), "{}");
    let url = seller(asked, answer("200 OK", "", "the news")).await;
    let odd = format!("{url}?q=\"}},\\x");
    let mut child = scene.spawn_payer(&payers()[0], &odd, &token);
    let question = scene.question(&mut child).await;
    assert!(question.path.starts_with("/article?q="), "{}", question.path);
    scene.answer(&question, AnswerView::Reject { block_site: false }).await;
    assert_eq!(ended(child).await.status.code(), Some(1));
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_with_a_key_of_its_own_pays_without_a_token() {
    let scene = Scene::start().await;
    let (program, key) = (example("sign.mjs"), scene.dir.path().join("key.pem"));
    let run = |arguments: &[&str]| {
        let arguments: Vec<&str> = std::iter::once(program.as_str()).chain(arguments.iter().copied()).collect();
        let mut command = scene.command(Path::new("node"), &arguments, "");
        command.env("COUNTERSIGN_KEY", &key).env_remove("COUNTERSIGN_TOKEN");
        command.spawn().unwrap()
    };
    let paired = scene.answer_pairing(run(&["pair", "signer"]), "signer", true).await;
    assert_eq!(text(&paired.stdout).trim(), "approved", "{paired:?}");
    let request = serde_json::json!({
        "request": { "method": "GET", "url": "https://news.example/article" }, "paymentRequired": offer()
    });
    let asked = ended(run(&["POST", "/v1/payments", &request.to_string()])).await;
    assert!(text(&asked.stdout).contains(r#""status":"asked""#), "{asked:?}");
    let question = scene.owner.desk().questions().await.unwrap().remove(0);
    let waiting = run(&["GET", &format!("/v1/payments/{}?wait=25", question.id)]);
    scene.answer(&question, once()).await;
    let signed = ended(waiting).await;
    assert!(text(&signed.stdout).contains(r#""headerName":"PAYMENT-SIGNATURE""#), "{signed:?}");
    // Another key is nobody's.
    std::fs::remove_file(&key).unwrap();
    let stranger = ended(run(&["GET", "/v1/accounts"])).await;
    assert!(text(&stranger.stdout).contains("NOT_PAIRED"), "{stranger:?}");
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pairing_that_is_turned_down_gives_no_token() {
    let scene = Scene::start().await;
    let output = scene.pair("documented", false).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).contains("Not paired: rejected"), "{output:?}");
    assert!(scene.owner.desk().apps().await.unwrap().is_empty());
    scene.close().await;
}
