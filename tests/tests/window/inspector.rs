//! The inspector in the window: a shop's URL is fetched and not paid, a payment of the record is told beside its 402,
//! and the chain is asked when the button is pressed.

use crate::screen::Screen;
use anyhow::{Context, Result, ensure};
use practice::World;

pub async fn inspects(screen: &Screen, world: &World) -> Result<()> {
    screen.turn_to("index").await?;
    screen.click("[data-go=inspector]").await?;
    screen.says("main", "Nothing to inspect yet").await?;
    let url = world.cheap_url();
    screen.enter("[data-field=inspect]", &url).await?;
    screen.says("[data-said]", "Nothing was fetched").await?;
    screen.click("[data-act=fetch]").await?;
    screen.says("[data-said]", "A PAYMENT-REQUIRED of version 2").await?;
    screen.says("[data-part=paymentRequired]", "USDT on TRON Nile").await?;
    screen.shot("inspector").await?;
    let text = screen.script("return document.querySelector('[data-field=inspect]').value").await?;
    ensure!(text.as_str().is_some_and(|text| text.contains(" 402 ")), "{text}");

    // A settled payment: its paper beside what was asked, and beside what the chain knows.
    screen.click("[data-go=activity]").await?;
    screen.click("[data-settlement=final] .open, [data-settlement=seen] .open").await?;
    screen.click("[data-act=inspect-payment]").await?;
    screen.says("[data-part=comparison]", "Pays as asked").await?;
    ensure!(!screen.texts("main").await?.join("").contains("Looked up"), "the chain was asked without the button");
    screen.click("[data-act=look-up]").await?;
    screen.says("main", "Looked up on TRON Nile: the permission is used").await?;
    screen.script("document.documentElement.dataset.theme = 'dark'").await?;
    screen.shot("inspector-payment-dark").await?;
    screen.script("delete document.documentElement.dataset.theme").await?;

    // A file that is dropped is read as if it had been pasted.
    let drop = r#"const carried = new DataTransfer();
        carried.items.add(new File(['{"x402Version":2,"error":"dropped here","accepts":[]}'], 'answer.json'));
        const onto = { dataTransfer: carried, bubbles: true, cancelable: true };
        document.querySelector('.box[role=group]').dispatchEvent(new DragEvent('drop', onto));"#;
    screen.script(drop).await?;
    screen.says("main", "found 0 options").await?;
    screen.shot("inspector-dropped").await?;
    screen.click("[data-go=activity]").await?;
    screen.click("[data-settlement=final] .open, [data-settlement=seen] .open").await?;
    screen.click("[data-act=inspect-payment]").await?;
    screen.says("[data-part=comparison]", "Pays as asked").await?;

    // It is still there after another page; cleared, it is gone.
    screen.click("[data-go=sites]").await?;
    screen.click("[data-go=inspector]").await?;
    screen.find("[data-part=comparison]").await.context("what was inspected is kept")?;
    screen.click("[data-act=clear]").await?;
    screen.says("main", "Nothing to inspect yet").await?;
    Ok(())
}
