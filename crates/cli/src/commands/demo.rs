//! `demo`: a whole purchase with play money, on a chain inside this program: a program pairs, meets a 402,
//! the person answers, the facilitator settles, the row is there. Ends well only when the resource was
//! delivered and its payment is settled. It asks like the real thing; nothing answers for the person.

use crate::args::Global;
use crate::console::Console;
use crate::exit::{Fail, Status};
use crate::question;
use crate::reach::Reach;
use crate::show::{self, BOLD, DIM, OFF, money, safe};
use helper::{Owner, OwnerOptions};
use practice::World;
use practice::buyer::{BuyError, Buyer, Delivered};
use std::time::Duration;
use view::port::AppPairingView;
use view::{Desk, FilterView, PaymentView, SettlementView, StateView};

/// Opens a vault that holds play money; said to everybody.
const PASSPHRASE: &str = "play money only";
const PATIENCE: Duration = Duration::from_secs(600);
/// Blocks until a transaction is final, and some more.
const FINAL: u64 = 25;

pub async fn demo(global: &Global, console: &Console) -> Result<(), Fail> {
    let folder = match &global.data_dir {
        Some(folder) => folder.clone(),
        None => fresh_folder()?,
    };
    let world = World::start(practice::Options::default()).await.map_err(|e| Fail::plain(e.to_string()))?;
    let owner = Owner::start(OwnerOptions {
        data_dir: Some(folder),
        profile: "devnet".to_owned(),
        port: Some(0),
        nile_node: Some(world.node_url().into()),
        headless: true,
        ..OwnerOptions::default()
    })
    .await?;
    let outcome = purchase(&world, &owner, console).await;
    owner.shutdown().await;
    world.shutdown().await;
    let payment = outcome?;
    if global.json {
        show::json(&payment);
    }
    Ok(())
}

async fn purchase(world: &World, owner: &Owner, console: &Console) -> Result<PaymentView, Fail> {
    let desk = owner.desk();
    account(world, desk).await?;
    console.show(&format!("{BOLD}A practice world, play money only{OFF}"));
    console.show(&show::columns(&[
        vec!["chain".into(), world.node_url()],
        vec!["shop".into(), world.shop_url()],
        vec!["wallet".into(), safe(&desk.wallet().dir().display().to_string())],
        vec!["port".into(), format!("http://{}", owner.addr())],
        vec!["passphrase".into(), PASSPHRASE.to_owned()],
    ]));

    let reach = Reach::Here(desk.clone());
    let token = pair(desk, &owner.addr().to_string(), console).await?;
    let url = world.fee_url();
    console.show(&format!("\nThe program requests {url} and is asked to pay.\n"));
    let buyer = Buyer::new(format!("http://{}", owner.addr()), token);
    let mut events = desk.subscribe();
    let mut buying = tokio::spawn(async move { buyer.get(&url, PATIENCE).await });

    // Its question, or the reason why there is none.
    let asked = loop {
        if let Some(question) = desk.questions().await?.into_iter().next() {
            break question;
        }
        tokio::select! {
            _ = events.recv() => {}
            ended = &mut buying => return Err(ended.map_or_else(|e| Fail::plain(e.to_string()), |r| r.err().map_or_else(|| Fail::plain("nothing was asked"), not_bought))),
        }
    };
    question::ask(&reach, console, &asked, None).await?;
    let delivered = buying.await.map_err(|e| Fail::plain(e.to_string()))?.map_err(not_bought)?;
    told(console, &delivered);
    world.devnet().mine(FINAL);
    let payment = settled(desk, &asked.id).await?;
    console.show("\nThe ledger's row:");
    console.show(&show::columns(&[show::payment_row(&payment)]));
    let transaction = payment.transaction.as_deref().unwrap_or("-");
    console.show(&format!("{DIM}transaction {}{OFF}", safe(transaction)));
    Ok(payment)
}

/// Fresh words, confirmed by the demo itself since nobody has to keep them, and money from the faucet.
async fn account(world: &World, desk: &Desk) -> Result<(), Fail> {
    if !desk.status().await.empty {
        return Err(Fail::plain("the folder holds a wallet already").advice("The demo wants a folder of its own."));
    }
    let new = desk.new_words(12).await?;
    let word = |position: &u32| new.words.get(usize::try_from(*position).ok()?.checked_sub(1)?).cloned();
    let answers = new.ask.iter().filter_map(word).collect();
    let status = desk.confirm_words(answers, PASSPHRASE.to_owned()).await?;
    let address = status.accounts.first().map(|account| account.address.address.as_str()).unwrap_or_default();
    let address = tron::Address::parse(address).map_err(|e| Fail::plain(e.to_string()))?;
    world.fund(address).map_err(|e| Fail::plain(e.to_string()))
}

/// The program asks to be paired, as any program does; the person compares the codes.
async fn pair(desk: &Desk, address: &str, console: &Console) -> Result<String, Fail> {
    let http = reqwest::Client::builder().no_proxy().build().map_err(|e| Fail::plain(e.to_string()))?;
    let base = format!("http://{address}/v1/pairings");
    let lost = |e: reqwest::Error| Fail::plain(format!("the port did not answer: {e}"));
    let name = serde_json::json!({ "name": "practice reader" });
    let asked: AppPairingView = http.post(&base).json(&name).send().await.map_err(lost)?.json().await.map_err(lost)?;
    console.show(&format!("\nA program says: my name is \"practice reader\", my code is {}.", safe(&asked.code)));
    let open = desk.pairings().await?;
    let pairing =
        open.iter().find(|p| p.code == asked.code).ok_or_else(|| Fail::plain("nobody asked with this code"))?;
    let approve = console
        .yes(&format!("Pair \"{}\", which shows the code {}?", safe(&pairing.name), safe(&pairing.code)))
        .await?;
    desk.answer_pairing(&pairing.id, approve).await?;
    let url = format!("{base}/{}?wait=10", asked.id);
    let secret = serde_json::json!({ "secret": asked.secret });
    let answered: AppPairingView =
        http.post(url).json(&secret).send().await.map_err(lost)?.json().await.map_err(lost)?;
    answered.token.ok_or_else(|| Fail::of(Status::Refused, "the program was not paired"))
}

fn not_bought(error: BuyError) -> Fail {
    let status = match &error {
        BuyError::NotSigned { .. } => Status::Refused,
        BuyError::StillAsked { .. } => Status::Ended,
        _ => Status::NotDelivered,
    };
    Fail::of(status, error.to_string())
}

fn told(console: &Console, delivered: &Delivered) {
    let text = String::from_utf8_lossy(&delivered.body);
    console.show(&format!("\n{BOLD}Delivered{OFF} ({}):", delivered.status));
    for line in text.lines().take(12) {
        console.show(&format!("  {}", safe(line)));
    }
}

/// Waits for the row to say that the payment is final and delivered.
async fn settled(desk: &Desk, id: &str) -> Result<PaymentView, Fail> {
    let mut events = desk.subscribe();
    let wait = async {
        loop {
            let page = desk.payments(FilterView::default()).await?;
            let row = page.payments.into_iter().find(|p| p.id == id).ok_or_else(|| Fail::plain("the row is gone"))?;
            match (row.state, row.settlement) {
                (StateView::Signed, SettlementView::Final) => return Ok(row),
                (StateView::Signed, SettlementView::NeverUsed) => {
                    return Err(Fail::plain(format!("the payment of {} did not settle", money(&row.amount))));
                }
                _ => {}
            }
            // Missed events only mean to look again.
            let _ = events.recv().await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(90), wait).await {
        Ok(row) => row,
        Err(_) => Err(Fail::plain("delivered, but not settled in time")),
    }
}

fn fresh_folder() -> Result<std::path::PathBuf, Fail> {
    let mut name = [0_u8; 8];
    getrandom::fill(&mut name).map_err(|_| Fail::plain("the system gave no random numbers"))?;
    Ok(std::env::temp_dir().join(format!("countersign-demo-{}", hex::encode(name))))
}
