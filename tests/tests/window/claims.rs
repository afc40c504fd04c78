//! The local liar in the window: a program that never asked a bank posts a 402 of its own making under the bank's name.
//! The question says that the site is the program's claim, in dark and in light, and gives it neither mark nor colour.

use crate::program::Program;
use crate::screen::Screen;
use anyhow::{Result, ensure};
use practice::World;

pub async fn lies(screen: &Screen, program: &Program, world: &World) -> Result<()> {
    let id =
        program.lie("https://bank.example/statements/2026-11", "Statement of your account", &world.fee_url()).await?;
    screen.turn_to("approval").await?;
    screen.find(&format!("[data-question='{id}']")).await?;
    screen.says("h1", "bank.example").await?;
    screen.says("h1 [data-provenance=claimed]", "claimed by the app").await?;
    screen.says("main", "weather-desk says that it asked bank.example; Countersign has not asked it.").await?;
    let look = "const s = getComputedStyle(document.querySelector('h1 [data-provenance]')); \
                return [s.borderStyle, s.backgroundColor, getComputedStyle(document.querySelector('h1 [data-provenance]'), '::before').content]";
    let look = screen.script(look).await?;
    ensure!(look[0] == "dashed" && look[1] == "rgba(0, 0, 0, 0)" && look[2] == "none", "a claim looks like {look}");
    for theme in ["dark", "light"] {
        screen.script(&format!("document.documentElement.dataset.theme = '{theme}'")).await?;
        screen.shot(if theme == "light" { "claimed" } else { "claimed-dark" }).await?;
    }
    screen.find("[data-act=reject][aria-disabled=false]").await?;
    screen.click("[data-act=reject]").await?;
    screen.find("[data-outcome=rejected]").await?;
    screen.dismiss().await
}
