//! The real application under a display of its own, driven as a person drives it: first run, pairing, a
//! question approved, rejected, refused as dangerous, locked and unlocked. A program pays through the port and
//! the devnet settles. Makes the screenshots.
#![cfg(target_os = "linux")]

mod accounts;
mod claims;
mod inspector;
mod keeping;
mod options;
mod program;
mod screen;
mod sizes;

use anyhow::{Context, Result, ensure};
use practice::World;
use program::Program;
use screen::Screen;
use std::path::Path;
use std::time::{Duration, Instant};

const PASSPHRASE: &str = "seven small grey boats";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_pays_rejects_and_is_warned_in_the_window() -> Result<()> {
    let world = World::start(practice::Options::default()).await?;
    let folder = tempfile::tempdir()?;
    configure(folder.path(), &world)?;
    let dir = folder.path().to_str().context("a folder with a plain name")?;
    let screen = Screen::open(&["--data-dir", dir]).await?;

    first_run(&screen).await?;
    let account = account(&screen).await?;
    world.fund(account.parse()?)?;
    let mut program = Program::new(program::port(folder.path()).await?);
    pairing(&screen, &mut program).await?;

    approve(&screen, &program, &world).await?;
    curl_pays(&screen, &program, &world).await?;
    reject(&screen, &program, &world).await?;
    fake_token(&screen, &program, &world).await?;
    hostile_words(&screen, &program, &world).await?;
    claims::lies(&screen, &program, &world).await?;
    lock_and_unlock(&screen, &program, &world).await?;
    options::compares(&screen, &program, &world).await?;
    inspector::inspects(&screen, &world).await?;
    records(&screen).await?;
    accounts::several(&screen).await?;
    dark(&screen).await?;

    screen.close().await?;
    world.shutdown().await;
    Ok(())
}

/// What `cargo xtask demo` shows: nothing is set up by hand, the question is there, Ctrl+Enter answers it.
#[tokio::test(flavor = "multi_thread")]
async fn practice_opens_with_a_purchase_that_waits_and_settles_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let screen = Screen::open(&["--practice", "--data-dir", folder.path().to_str().context("a plain name")?]).await?;
    screen.turn_to("approval").await?;
    screen.says("h1", "0.05").await?;
    screen.says("header", "test money").await?;
    armed(&screen).await?;
    screen.press_ctrl_enter().await?;
    screen.find("[data-outcome=approved], [data-outcome=signed]").await?;
    screen.turn_to("index").await?;
    screen.find("[data-settlement=seen], [data-settlement=final]").await?;
    screen.says("nav", "Practice").await?;
    screen.says("nav", "99.95").await?;
    screen.shot("practice").await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_begins_with_a_key_that_exists() -> Result<()> {
    let world = World::start(practice::Options::default()).await?;
    accounts::first_run_from_a_key(&world).await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyring_of_the_computer_unlocks() -> Result<()> {
    let world = World::start(practice::Options::default()).await?;
    accounts::unlocked_by_the_keyring(&world).await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_gone_is_not_replaced_without_a_word() -> Result<()> {
    keeping::begins_a_new_record().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_can_be_read_and_answered_at_every_size() -> Result<()> {
    let world = World::start(practice::Options::default()).await?;
    sizes::every(&world).await?;
    world.shutdown().await;
    Ok(())
}

#[test]
fn without_a_display_one_sentence_names_what_to_start_instead() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut app = std::process::Command::new(screen::application()?);
    app.arg("--data-dir").arg(folder.path()).env("DISPLAY", "").env_remove("WAYLAND_DISPLAY").env_remove("GDK_BACKEND");
    let ended = app.output()?;
    let said = String::from_utf8(ended.stderr)?;
    ensure!(ended.status.code() == Some(1), "{:?}: {said}", ended.status);
    ensure!(said.lines().count() == 1 && said.contains("serve` is the same wallet"), "{said}");
    ensure!(std::fs::read_dir(folder.path())?.next().is_none(), "something was written");
    Ok(())
}

/// Nile is the devnet; the main network is nowhere.
fn configure(folder: &Path, world: &World) -> Result<()> {
    let (node, nowhere) = (world.node_url(), "http://127.0.0.1:9");
    // Nothing else may be asked over the network.
    let nodes: String = [("mainnet", nowhere), ("nile", node.as_str()), ("shasta", nowhere)]
        .iter()
        .map(|(network, url)| format!("[[{network}]]\nurl = \"{url}\"\n"))
        .collect();
    Ok(std::fs::write(folder.join("config.toml"), format!("port = 0\nnode_seconds = 5\n{nodes}"))?)
}

async fn first_run(screen: &Screen) -> Result<()> {
    screen.turn_to("vault").await?;
    screen.find("[data-step=hello]").await?;
    screen.shot("first-run").await?;
    screen.click("[data-act=create]").await?;
    screen.find(".word").await?;
    let words = screen.texts(".word").await?;
    ensure!(words.len() == 12, "{} words", words.len());
    screen.click("[data-act=written]").await?;
    screen.find("[data-word]").await?;
    screen.shot("first-run-words-asked-back").await?;

    // A wrong word shows itself and goes no further.
    let asked = asked_back(screen).await?;
    for n in &asked {
        screen.enter(&format!("[data-word='{n}']"), "zebra").await?;
    }
    screen.click("[data-act=next]").await?;
    screen.says("[role=alert]", "Look at your paper again").await?;
    for n in asked {
        let field = screen.find(&format!("[data-word='{n}']")).await?;
        field.clear().await?;
        field.send_keys(words.get(n - 1).context("a word that exists")?).await?;
    }
    screen.click("[data-act=next]").await?;
    screen.enter("[data-field=passphrase]", PASSPHRASE).await?;
    screen.enter("[data-field=repeat]", PASSPHRASE).await?;
    screen.shot("first-run-passphrase").await?;
    screen.click_away("[data-act=finish]").await?;
    screen.closed("vault").await?;

    screen.turn_to("index").await?;
    screen.says("main", "No payments yet").await?;
    screen.shot("activity-empty").await
}

async fn asked_back(screen: &Screen) -> Result<Vec<usize>> {
    let numbers =
        screen.script("return [...document.querySelectorAll('[data-word]')].map(i => i.dataset.word)").await?;
    let numbers = numbers.as_array().context("a list")?;
    let numbers: Vec<usize> = numbers.iter().filter_map(|n| n.as_str()?.parse().ok()).collect();
    ensure!(numbers.len() == 3, "{numbers:?}");
    Ok(numbers)
}

async fn account(screen: &Screen) -> Result<String> {
    screen.click("[data-go=settings]").await?;
    screen.find("[data-field=theme]").await?;
    screen.shot("settings").await?;
    screen.click("[data-go=accounts]").await?;
    let address = screen.find("main [data-address]").await?.attr("data-address").await?.context("an address")?;
    screen.click("[data-go=activity]").await?;
    Ok(address)
}

async fn pairing(screen: &Screen, program: &mut Program) -> Result<()> {
    let (pairing, code) = program.pair("weather-desk").await?;
    screen.turn_to("index").await?;
    screen.click("[data-act=pairings]").await?;
    let shown = screen.find("[data-pairing] [data-code]").await?.text().await?;
    ensure!(shown == code, "the window shows {shown}, the program {code}");
    screen.find("[data-act=pair]:enabled").await?;
    screen.shot("pairing").await?;
    screen.click("[data-act=pair]").await?;
    // A wrong passphrase pairs nobody, and neither does a window that is closed again.
    screen.turn_to("vault").await?;
    screen.says("main", "weather-desk").await?;
    screen.enter("[data-field=passphrase]", "not this one").await?;
    screen.click("[data-act=run]").await?;
    screen.find("[data-code=WRONG_PASSPHRASE]").await?;
    screen.shot("confirm").await?;
    screen.click_away("[data-act=close]").await?;
    screen.closed("vault").await?;
    screen.turn_to("index").await?;
    screen.says("main", "The passphrase was not typed").await?;
    ensure!(screen.count("[data-app]").await? == 0, "paired without the passphrase");
    screen.click("[data-act=pair]:enabled").await?;
    screen.confirm(PASSPHRASE, "index").await?;
    screen.says("[data-app]", "weather-desk").await?;
    program.fetch_token(&pairing).await?;
    Ok(())
}

/// Waits until the buttons are awake, by looking at the button as a person does.
async fn armed(screen: &Screen) -> Result<()> {
    screen.find("[data-act=approve][data-armed=true]").await?;
    Ok(())
}

async fn approve(screen: &Screen, program: &Program, world: &World) -> Result<()> {
    let url = world.cheap_url();
    let id = program.question(&url, Some("The article you asked for")).await?;
    screen.turn_to("approval").await?;
    screen.find(&format!("[data-question='{id}']")).await?;
    screen.says("h1", "0.05").await?;
    screen.says("main", "First, let the payment contract take it").await?;
    screen.says("main", "the site's words").await?;

    // Threat 18: clicks ten times a second, and Enter in between, are no answer.
    // The button may be drawn anew between finding and pressing it: then that one hit nothing.
    let until = Instant::now() + Duration::from_secs(4);
    let mut hits = 0;
    while Instant::now() < until {
        screen.click_away("[data-act=approve]").await?;
        let button = screen.find("[data-act=approve]").await?;
        hits += usize::from(button.send_keys("\u{e007}").await.is_ok());
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    ensure!(hits > 5, "{hits} presses hit the button");
    ensure!(program.status(&id).await?["status"] == "asked", "clicking like mad was taken for an answer");

    armed(screen).await?;
    screen.shot("question").await?;
    screen.script("document.querySelector('main').scrollTo(0, 320)").await?;
    screen.shot("question-allowance").await?;
    screen.click("[data-act=approve]").await?;
    let signed = program.wait(&id).await?;
    ensure!(signed["status"] == "signed", "{signed}");
    screen.find("[data-outcome=signed]").await?;
    screen.shot("signed").await?;

    let resource = program.redeem(&url, &signed).await?;
    ensure!(!resource.is_empty(), "an empty resource");
    screen.closed("approval").await?;
    screen.turn_to("index").await?;
    screen.click("[data-go=activity]").await?;
    // Final is the devnet's matter of blocks; a receipt in a block is what counts here.
    world.devnet().mine(25);
    let row = format!("[data-payment='{id}']");
    screen.find(&format!("{row}[data-settlement=seen], {row}[data-settlement=final]")).await?;
    screen.click(&format!("{row} .open")).await?;
    let transaction = screen.find("[data-transaction]").await?.text().await?;
    ensure!(transaction.len() == 64, "{transaction}");
    screen.says("dialog", "delivered").await?;
    screen.shot("payment").await?;
    screen.click("dialog .btn").await
}

/// A client that nobody here wrote: curl, in the script that the README shows.
async fn curl_pays(screen: &Screen, program: &Program, world: &World) -> Result<()> {
    let curl = program.script("pay.sh", &world.fee_url())?;
    screen.turn_to("approval").await?;
    screen.says("h1", "0.26").await?;
    armed(screen).await?;
    screen.click("[data-act=approve]").await?;
    let bought = curl.wait_with_output().await?;
    ensure!(bought.status.success(), "{}", String::from_utf8_lossy(&bought.stderr));
    ensure!(String::from_utf8_lossy(&bought.stdout).contains("Stablecoin flows"), "not what was bought");
    screen.closed("approval").await?;
    screen.turn_to("index").await?;
    screen.click("[data-go=activity]").await?;
    world.devnet().mine(25);
    // The newest row stands first: settled on the chain, above the article's.
    let above = "~ [data-payment]";
    screen.find(&format!("[data-settlement=seen] {above}, [data-settlement=final] {above}")).await?;
    Ok(())
}

async fn reject(screen: &Screen, program: &Program, world: &World) -> Result<()> {
    let id = program.question(&world.fee_url(), None).await?;
    screen.turn_to("approval").await?;
    screen.find(&format!("[data-question='{id}']")).await?;
    screen.says("main", "Facilitator's fee").await?;
    armed(screen).await?;
    screen.shot("question-fee").await?;
    screen.script("document.activeElement.blur()").await?;
    screen.find("body").await?.send_keys("\u{e00c}").await?;
    screen.find("[data-outcome=rejected]").await?;
    screen.shot("rejected").await?;
    let ended = program.wait(&id).await?;
    ensure!(ended["failure"]["code"] == "USER_REJECTED", "{ended}");
    screen.dismiss().await
}

async fn fake_token(screen: &Screen, program: &Program, world: &World) -> Result<()> {
    let (status, body) = program.ask(&world.trap_url(), None).await?;
    ensure!(!status.is_success() || body["status"] == "refused", "{status} {body}");
    screen.turn_to("approval").await?;
    screen.says("[role=alert] h1", "USDT").await?;
    ensure!(screen.count("[data-act=approve]").await? == 0, "a fake token can be approved");
    screen.find("[data-act=reject][aria-disabled=false]").await?;
    screen.shot("fake-token").await?;
    screen.click("[data-act=reject]").await?;
    screen.find("[data-outcome=rejected]").await?;
    screen.dismiss().await
}

/// Threat 17, in the window: what a program says is text.
async fn hostile_words(screen: &Screen, program: &Program, world: &World) -> Result<()> {
    let words =
        "<img src=x onerror=document.title='owned'><h1>Approved</h1> \u{202e}pay 0.01\u{202c} zero\u{200b}width";
    let id = program.question(&world.fee_url(), Some(words)).await?;
    screen.turn_to("approval").await?;
    screen.find(&format!("[data-question='{id}']")).await?;
    let shown = screen.says("main", "the app's words").await?;
    for part in ["<img src=x", "<h1>Approved</h1>", "⟨U+202E⟩", "⟨U+200B⟩"] {
        ensure!(shown.contains(part), "{part} is not shown as text: {shown}");
    }
    ensure!(!shown.contains(['\u{202e}', '\u{200b}']), "hidden characters reached the screen");
    ensure!(screen.count("main img").await? == 0 && screen.count("h1").await? == 1, "markup was made of words");
    ensure!(screen.script("return document.title").await? != "owned", "a script of the words ran");
    screen.shot("hostile-words").await?;
    armed(screen).await?;
    screen.click("[data-act=reject]").await?;
    screen.find("[data-outcome=rejected]").await?;
    screen.dismiss().await
}

async fn lock_and_unlock(screen: &Screen, program: &Program, world: &World) -> Result<()> {
    screen.turn_to("index").await?;
    screen.click("[data-act=lock]").await?;
    screen.find("[data-lock=true]").await?;
    screen.find("[data-hidden]").await?;
    screen.shot("record-locked").await?;
    let record = screen.script("return document.body.innerText").await?;
    ensure!(!record.to_string().contains("USDT"), "a lock left amounts on the screen: {record}");
    let url = world.fee_url();
    let id = program.question(&url, None).await?;
    screen.turn_to("approval").await?;
    screen.find(&format!("[data-question='{id}']")).await?;
    ensure!(program.status(&id).await?["waitingFor"] == "unlock", "the program is not told to wait for the unlock");
    screen.find("[data-act=unlock]").await?;
    screen.shot("locked").await?;
    screen.click("[data-act=unlock]").await?;

    screen.turn_to("vault").await?;
    screen.enter("[data-field=passphrase]", "not this one").await?;
    screen.click("[data-act=unlock]").await?;
    screen.find("[data-code=WRONG_PASSPHRASE]").await?;
    screen.shot("unlock").await?;
    screen.enter("[data-field=passphrase]", PASSPHRASE).await?;
    screen.click_away("[data-act=unlock]").await?;
    screen.closed("vault").await?;

    // The same question, still there, takes its answer now; this time with a daily limit.
    screen.turn_to("approval").await?;
    armed(screen).await?;
    screen.click(".choices label:nth-child(2)").await?;
    screen.shot("question-limit").await?;
    // A limit takes the passphrase.
    screen.click("[data-act=approve]").await?;
    screen.confirm(PASSPHRASE, "approval").await?;
    let signed = program.wait(&id).await?;
    ensure!(signed["status"] == "signed", "{signed}");
    program.redeem(&url, &signed).await?;
    screen.closed("approval").await
}

/// The accounts' pages once more, in dark; the page before is of the settings.
async fn dark(screen: &Screen) -> Result<()> {
    screen.find("[data-field=theme]").await?.select_by_value("dark").await?;
    screen.shot("settings-dark").await?;
    screen.click("[data-go=accounts]").await?;
    screen.find("[data-account]").await?;
    screen.shot("accounts-dark").await?;
    screen.click("[data-act=export]").await?;
    screen.turn_to("vault").await?;
    screen.find("[data-step=export]").await?;
    screen.shot("export-account-dark").await?;
    screen.click_away("[data-act=close]").await?;
    screen.closed("vault").await
}

/// The other pages, with something on them, in light and dark.
/// The practice world's node does, the two others are nowhere; both are told with what helps.
async fn nodes(screen: &Screen) -> Result<()> {
    screen.click("[data-action=test-nodes]").await?;
    screen.find("[data-node][data-usable=true]").await?;
    screen.says("[data-part=nodes] [role=status]", "1 of 3 can be used").await?;
    screen.says("[data-part=nodes]", "by its genesis block").await?;
    screen.says("[data-part=nodes]", "Look whether the node runs").await?;
    screen.script("document.querySelector('[data-part=nodes]').scrollIntoView()").await?;
    screen.shot("nodes").await
}

async fn records(screen: &Screen) -> Result<()> {
    screen.turn_to("index").await?;
    screen.click("[data-go=activity]").await?;
    screen.find("[data-state=refused]").await?;
    screen.shot("activity").await?;
    keeping::keeps(screen).await?;
    screen.click("[data-go=settings]").await?;
    nodes(screen).await?;
    screen.find("[data-field=theme]").await?.select_by_value("dark").await?;
    screen.shot("nodes-dark").await?;
    screen.click("[data-go=activity]").await?;
    screen.find("[data-payment]").await?;
    screen.shot("activity-dark").await?;
    screen.click("[data-go=sites]").await?;
    screen.click("[data-site]").await?;
    screen.find("[data-rule]").await?;
    screen.shot("site-dark").await?;
    screen.click("[data-go=apps]").await?;
    screen.find("[data-app]").await?;
    screen.shot("apps-dark").await?;
    screen.click("[data-go=settings]").await?;
    screen.find("[data-field=theme]").await?.select_by_value("system").await?;
    Ok(())
}
