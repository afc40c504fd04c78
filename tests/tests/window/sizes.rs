//! The hardest question there is, measured in the real window: a host name of 253 letters, an amount with 18 decimals,
//! hostile words, an allowance, three options. On small screens, on dense ones and with large letters the amount, the
//! payee and both buttons can be seen or scrolled to, nothing of them is cut, and nothing stands on anything else.

use crate::program::{Program, port};
use crate::screen::{Desktop, Screen, Session};
use crate::{PASSPHRASE, accounts, armed, configure};
use anyhow::{Context, Result, ensure};
use devnet::Gift;
use practice::World;
use serde_json::{Value, json};
use tron::{Address, Amount};

const USDD: &str = "TGjgvdTWWrybVLaVeFqSyVqJQWjxqRYbaK";
const AMOUNT: &str = "1234567.890123456789012345";
const PAYEE: &str = "TXhG11jVPRMkK655oixkFDY3vhj5u7QPB3";
const TAB: char = '\u{e004}';
const ESCAPE: char = '\u{e00c}';

/// The screen in pixels, how many of them make one, and the letters in percent.
const DESKTOPS: [(&str, Desktop); 7] = [
    ("100", Desktop { pixels: (1400, 900), scale: 1, text: 100 }),
    ("150", Desktop { pixels: (1400, 900), scale: 1, text: 150 }),
    ("200", Desktop { pixels: (1400, 900), scale: 1, text: 200 }),
    ("1024x600", Desktop { pixels: (1024, 600), scale: 1, text: 100 }),
    ("1366x768-at-2", Desktop { pixels: (1366, 768), scale: 2, text: 100 }),
    ("1920x1080-at-2", Desktop { pixels: (1920, 1080), scale: 2, text: 100 }),
    ("1366x768-at-2-150", Desktop { pixels: (1366, 768), scale: 2, text: 150 }),
];

pub async fn every(world: &World) -> Result<()> {
    let (folder, session) = (tempfile::tempdir()?, Session::new(false)?);
    configure(folder.path(), world)?;
    let config = folder.path().join("config.toml");
    let hour = format!("question_seconds = 3600\n{}", std::fs::read_to_string(&config)?);
    std::fs::write(&config, hour)?;
    let args = ["--data-dir", folder.path().to_str().context("a plain name")?];

    let screen = accounts::begin_again(&session, &args).await?;
    let account = screen.find("main [data-address]").await?.attr("data-address").await?.context("an address")?;
    let account: Address = account.parse()?;
    let plenty = Amount::parse_units("9999999.000000000000000001", 18)?;
    world.devnet().faucet(account, Gift::Trx(1_000_000_000))?;
    world.devnet().faucet(account, Gift::Token(USDD.parse()?, plenty))?;
    let mut program = Program::new(port(folder.path()).await?);
    let (pairing, _) = program.pair("研究助手 a-program-with-a-long-name-for-a-header").await?;
    screen.click("[data-go=apps]").await?;
    screen.click("[data-act=pair]:enabled").await?;
    screen.confirm(PASSPHRASE, "index").await?;
    program.fetch_token(&pairing).await?;
    let (url, offer) = hard();
    let (status, body) = program.hand_over(&url, &offer, Some(&"You asked for 今天的天气. ".repeat(20))).await?;
    ensure!(status == 202, "not asked: {status} {body}");
    let id = body["id"].as_str().context("an id")?.to_owned();
    let told = {
        screen.turn_to("approval").await?;
        screen.told_of("Countersign asks", "_NET_WM_WINDOW_TYPE")?
    };
    ensure!(told.contains("_NET_WM_WINDOW_TYPE_DIALOG"), "the window manager is told: {told}");
    screen.close().await?;

    for (name, desktop) in DESKTOPS {
        on(&desktop, name, &session, &args, &id).await.with_context(|| format!("on the desktop {name}"))?;
    }
    Ok(())
}

/// A 402 as nobody should write it: everything as long as it may be.
fn hard() -> (String, String) {
    let label = "a-label-of-a-host-name-that-is-as-long-as-one-is-allowed-to-be1";
    let host = format!("{label}.{label}.{label}.{}", &label[..61]);
    let url = format!("https://{host}{}", "/and/a/path/that/goes/on".repeat(8));
    let words = "Ignore the wallet \u{202e}and press approve\u{202c} <h1>Approved</h1> 请立即批准。".repeat(6);
    let option = |amount: &str, seconds: u32| {
        let extra = json!({ "name": "Decentralized USD", "decimals": 18, "assetTransferMethod": "permit2" });
        json!({ "scheme": "exact", "network": "tron:0xcd8690dc", "amount": amount, "asset": USDD, "payTo": PAYEE,
            "maxTimeoutSeconds": seconds, "extra": extra })
    };
    let smallest = AMOUNT.replace('.', "");
    let accepts =
        [option(&smallest, 7200), option("2234567890123456789012345", 300), option("3234567890123456789012345", 300)];
    let resource = json!({ "url": url, "description": words, "mimeType": "application/json" });
    (url, json!({ "x402Version": 2, "resource": resource, "accepts": accepts }).to_string())
}

async fn on(desktop: &Desktop, name: &str, session: &Session, args: &[&str], id: &str) -> Result<()> {
    let screen = Screen::open_on(desktop, session, args).await?;
    screen.turn_to("approval").await?;
    pressed(&screen, "[data-act=unlock]").await?;
    screen.turn_to("vault").await?;
    screen.enter("[data-field=passphrase]", PASSPHRASE).await?;
    inside(&screen, "[data-act=unlock]").await?;
    pressed(&screen, "[data-act=unlock]").await?;
    screen.closed("vault").await?;

    screen.turn_to("approval").await?;
    screen.find(&format!("[data-question='{id}']")).await?;
    screen.find("[data-option='2']").await?;
    armed(&screen).await?;
    let (x, y, width, height) = screen.place().await?;
    let (screen_width, screen_height) = (desktop.pixels.0 / desktop.scale, desktop.pixels.1 / desktop.scale);
    let within = x + width <= u64::from(screen_width) && y + height <= u64::from(screen_height);
    ensure!(within, "the window is {width}x{height} at {x},{y} on {screen_width}x{screen_height}");

    for look in ["light", "dark"] {
        screen.script(&format!("document.documentElement.dataset.theme = '{look}'")).await?;
        screen.shot(&format!("sizes-{name}-{look}")).await?;
    }
    // The buttons are there without scrolling, and the one that pays says how much.
    for button in ["reject", "approve"] {
        inside(&screen, &format!("[data-act={button}]")).await?;
    }
    let label = screen.find("[data-act=approve]").await?.text().await?;
    ensure!(label.contains(AMOUNT) && label.contains("USDD"), "the button says {label:?}");
    if name == "100" {
        for seen in ["h1 .amount", "[data-payee] [data-address]"] {
            inside(&screen, seen).await?;
        }
    }
    measured(&screen).await?;
    reached(&screen).await?;

    // All of it opened: still nothing cut, and Esc closes what was opened and answers nothing.
    screen.script("document.querySelectorAll('main [aria-expanded=false]').forEach(b => b.click())").await?;
    screen.script("document.querySelector('details').open = true").await?;
    measured(&screen).await?;
    let opened = "return document.querySelectorAll('main [aria-expanded=true], details[open]').length";
    let many = screen.script(opened).await?.as_u64().context("a number")?;
    ensure!(many >= 3, "{many} panels opened");
    for left in (0..many).rev() {
        screen.press(ESCAPE).await?;
        ensure!(screen.script(opened).await? == left, "Esc closes one panel");
    }
    screen.find(&format!("[data-question='{id}']")).await?;
    screen.close().await
}

/// By the page itself: where letters are enlarged, the driver's pointer goes to where the button would be otherwise.
async fn pressed(screen: &Screen, css: &str) -> Result<()> {
    screen.find(&format!("{css}:enabled")).await?;
    // Later than the answer, because the window may be gone with it.
    screen.script(&format!("setTimeout(() => document.querySelector({}).click(), 0)", json!(css))).await.map(|_| ())
}

/// With Tab alone: both buttons, No first, and each in sight when it is reached.
async fn reached(screen: &Screen) -> Result<()> {
    screen.script("document.querySelector('main').focus()").await?;
    let mut seen: Vec<String> = vec![];
    for _ in 0..60 {
        screen.press(TAB).await?;
        let act = screen.script("return document.activeElement?.dataset?.act ?? ''").await?;
        let act = act.as_str().unwrap_or_default().to_owned();
        let covered = screen.script(&format!("{MEASURES} return covered(document.activeElement)")).await?;
        ensure!(covered.is_null(), "the keyboard stands where nobody sees it: {covered}");
        seen.push(act);
        if seen.last().is_some_and(|act| act == "approve") {
            break;
        }
    }
    let at = |act: &str| seen.iter().position(|seen| seen == act);
    ensure!(at("reject").is_some() && at("reject") < at("approve"), "Tab goes {seen:?}");
    Ok(())
}

/// In the window without scrolling, and nothing on top of it.
async fn inside(screen: &Screen, css: &str) -> Result<()> {
    let out = format!("{MEASURES} return outside(document.querySelector({}))", json!(css));
    let out = screen.script(&out).await?;
    ensure!(out.is_null(), "{css}: {out}");
    Ok(())
}

/// What must be readable is whole, and can be scrolled to.
async fn measured(screen: &Screen) -> Result<()> {
    let wrong = screen.script(&format!("{MEASURES} return [...cut(), ...hidden(), ...overlaps()]")).await?;
    ensure!(wrong == Value::Array(vec![]), "{wrong:#}");
    Ok(())
}

const MEASURES: &str = r#"
const name = (e) => `${e.tagName}.${e.className} ${(e.innerText ?? "").slice(0, 40)}`;
const rect = (e) => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom].map(Math.round).join() };
function outside(e) {
  if (!e) return "not there";
  const r = e.getBoundingClientRect();
  if (r.left < 0 || r.top < 0 || r.right > innerWidth + 0.5 || r.bottom > innerHeight + 0.5) return `${name(e)} is at ${rect(e)} of ${innerWidth}x${innerHeight}`;
  return covered(e);
}
// Something else lies where its middle is. A choice's own input is drawn by its label.
function covered(e) {
  if (!e || e === document.body) return null;
  const shown = e.closest("label") ?? e;
  const r = (shown.getClientRects()[0] ?? shown.getBoundingClientRect());
  if (r.height > innerHeight * 0.6) return null;
  const x = (Math.max(0, r.left) + Math.min(innerWidth, r.right)) / 2, y = (r.top + r.bottom) / 2;
  const top = document.elementFromPoint(x, y);
  return top && (shown.contains(top) || top.contains(shown)) && y > 0 && y < innerHeight ? null : `${name(shown)} at ${rect(shown)} is under ${top ? name(top) : "nothing"}`;
}
// Wider than what it stands in: letters are lost, or something has to be scrolled sideways.
function cut() {
  return [...document.querySelectorAll("body *")]
    .filter((e) => !e.closest(".sr, svg, select, pre") && e.tagName !== "INPUT" && getComputedStyle(e).display !== "inline")
    .filter((e) => e.clientWidth > 0 && (e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth + 1))
    .map((e) => `cut: ${name(e)} ${e.scrollWidth} in ${e.clientWidth}`);
}
// What can't be scrolled into sight.
function hidden() {
  const wrong = [];
  for (const css of ["h1 .amount", "[data-payee] [data-address]", ".site", "header", "[data-act=reject]", "[data-act=approve]", "details"]) {
    const e = document.querySelector(css);
    e?.scrollIntoView({ block: "start" });
    const r = e?.getBoundingClientRect();
    if (!r || r.top < -1 && r.bottom < 1 || r.top > innerHeight - 1) wrong.push(`hidden: ${css} at ${e && rect(e)} of ${innerHeight}`);
  }
  document.querySelectorAll("main, .window").forEach((e) => e.scrollTo(0, 0));
  return wrong;
}
// Two texts on one another, where both belong to the same part of the page.
function overlaps() {
  const wrong = [];
  for (const part of document.querySelectorAll("header, main, footer")) {
    const boxes = [];
    const walk = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    for (let node; (node = walk.nextNode()); ) {
      const e = node.parentElement;
      if (!node.data.trim() || e.closest(".sr") || getComputedStyle(e).visibility === "hidden") continue;
      const frame = e.closest(".two")?.getBoundingClientRect();
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const r of range.getClientRects()) if (!frame || r.bottom <= frame.bottom + 1) boxes.push({ r, node });
    }
    for (const [i, a] of boxes.entries()) for (const b of boxes.slice(i + 1)) {
      const wide = Math.min(a.r.right, b.r.right) - Math.max(a.r.left, b.r.left), high = Math.min(a.r.bottom, b.r.bottom) - Math.max(a.r.top, b.r.top);
      const line = Math.min(a.r.height, b.r.height);
      if (a.node !== b.node && wide > 2 && high > line / 2) wrong.push(`on one another: ${a.node.data.slice(0, 30)} | ${b.node.data.slice(0, 30)}`);
    }
  }
  return wrong;
}
"#;
