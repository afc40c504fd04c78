//! A 402 with several ways to pay, in the window: each with its whole cost and what the account has, the cheapest that
//! settles taken with its reason. Another one is taken with the keyboard, the buttons sleep again, and what is shown
//! last is what is signed.

use crate::program::Program;
use crate::screen::Screen;
use anyhow::{Context, Result, ensure};
use practice::World;

const TAB: char = '\u{e004}';
const UP: char = '\u{e013}';
const ENTER: char = '\u{e007}';

pub async fn compares(screen: &Screen, program: &Program, world: &World) -> Result<()> {
    let url = world.choice_url();
    let id = program.question(&url, Some("A page that I want to quote")).await?;
    screen.turn_to("approval").await?;
    screen.find(&format!("[data-question='{id}']")).await?;
    screen.says("h1", "0.065").await?;
    screen.find("[data-option='1'] input:checked").await?;
    let shown = screen.texts("[data-option]").await?;
    ensure!(shown.len() == 3, "{shown:?}");
    let says = |option: usize, parts: &[&str]| {
        let text = &shown[option];
        parts.iter().try_for_each(|part| {
            ensure!(text.contains(part), "option {option} does not say {part:?}: {text}");
            Ok(())
        })
    };
    says(0, &["exact_permit", "0.07 USDT", "you have", "for the allowance"])?;
    says(1, &["exact/permit2", "0.065 USDT", "you have", "for the allowance", "cheapest"])?;
    // Nobody added this token: it can't be taken, and says why.
    says(2, &["exact/eip3009", "not"])?;
    screen.find("[data-option='2'] input:disabled").await?;
    let size = screen.script("return [innerWidth, innerHeight].join('x')").await?;
    ensure!(size == "440x640", "the window is {size}");
    let wide = screen.script("const m = document.querySelector('main'); return m.scrollWidth - m.clientWidth").await?;
    ensure!(wide == 0, "something is {wide} pixels too wide");
    both(screen, "question-options").await?;

    // By keyboard alone: to the list, one up.
    for _ in 0..9 {
        if focused(screen).await? == "option" {
            break;
        }
        screen.press(TAB).await?;
    }
    ensure!(focused(screen).await? == "option", "the list can't be reached with Tab");
    screen.press(UP).await?;
    screen.says("h1", "0.07").await?;
    screen.find("[data-option='0'] input:checked").await?;
    screen.find("[data-act=approve][data-armed=false]").await?;
    ensure!(focused(screen).await? == "option", "the keyboard lost its place in the list");
    screen.find("[data-act=approve][data-armed=true]").await?;
    screen.says("[data-option='0']", "your choice").await?;
    // Enter alone is no yes, wherever it is pressed.
    screen.press(ENTER).await?;
    ensure!(program.status(&id).await?["status"] == "asked", "Enter was taken for an answer");
    both(screen, "question-options-taken").await?;
    screen.find("[data-act=approve][data-armed=true]").await?;
    screen.press_ctrl_enter().await?;
    let signed = program.wait(&id).await?;
    let plan = &signed["plan"];
    ensure!(signed["status"] == "signed" && plan["scheme"] == "exact_permit", "{signed}");
    ensure!(plan["maximum"]["smallest"] == "70000", "{signed}");
    let resource = program.redeem(&url, &signed).await.context("the shop takes the option that was chosen")?;
    ensure!(!resource.is_empty(), "an empty resource");
    screen.closed("approval").await
}

async fn focused(screen: &Screen) -> Result<String> {
    let name = screen.script("return document.activeElement?.name ?? ''").await?;
    Ok(name.as_str().unwrap_or_default().to_owned())
}

/// In light and in dark, with the list in sight.
async fn both(screen: &Screen, name: &str) -> Result<()> {
    screen.script("document.querySelector('fieldset').scrollIntoView({ block: 'center' })").await?;
    screen.shot(name).await?;
    screen.script("document.documentElement.dataset.theme = 'dark'").await?;
    screen.shot(&format!("{name}-dark")).await?;
    screen.script("delete document.documentElement.dataset.theme").await?;
    Ok(())
}
