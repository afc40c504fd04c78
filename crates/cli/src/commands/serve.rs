//! `serve`: the owner without a window. Questions and pairings appear here, one at a time, and are answered
//! here or with `countersign answer`. A line that was typed for one question never answers another.

use crate::args::{Global, Serve};
use crate::commands::answer::outcome;
use crate::commands::unattended;
use crate::console::{Console, Line, NEITHER, Pending, yes_or_no};
use crate::exit::Fail;
use crate::question;
use crate::reach::{Reach, options};
use crate::show::{self, BOLD, DIM, OFF, WARN, safe};
use crate::show::{note, say};
use crate::terminal::{self, Counts, Heard};
use helper::verb::{AnswerPairing, Unlock};
use helper::{Owner, OwnerOptions};
use tokio::sync::broadcast::error::RecvError;
use view::{Desk, PairingView, QuestionView};
use wallet::{Event, Remembering};

/// What is on the screen and waits for a line.
enum Shown {
    Pairing(PairingView),
    /// With the total to allow where the allowance is missing; none: exactly what the payment takes.
    Question(Box<QuestionView>, Option<String>),
}

impl Shown {
    /// What an answer is for: another one means that it changed or is over.
    fn key(&self) -> &str {
        match self {
            Self::Pairing(pairing) => &pairing.id,
            Self::Question(question, _) => &question.digest,
        }
    }

    fn prompt(&self) -> String {
        match self {
            Self::Pairing(pairing) => {
                format!("Pair \"{}\", which shows the code {}? [yes/no] ", safe(&pairing.name), safe(&pairing.code))
            }
            Self::Question(question, _) => format!("{} [yes/no] ", question::prompt(question)),
        }
    }
}

/// Between two looks at what ends without an event.
const LOOK: std::time::Duration = std::time::Duration::from_secs(2);

/// For so long nothing listens while the keyring is asked.
const KEYRING_FIRST: std::time::Duration = std::time::Duration::from_secs(2);

pub async fn serve(global: &Global, console: &Console, serve: Serve) -> Result<(), Fail> {
    // Before anything is opened: a file that others can read is no way to start.
    let given = unattended::passphrase(&serve, global)?;
    let mut opened = Owner::open(OwnerOptions { port: serve.port, ..options(global) }).await?;
    // A port that is taken is told before anybody types a passphrase.
    if let Err(taken) = opened.reserve().await {
        opened.close().await;
        return Err(taken.into());
    }
    let reach = Reach::Here(opened.desk().clone());
    let stop = stopped();
    tokio::pin!(stop);
    // First unlocked, then heard: no program is told to wait for an unlock that is on its way.
    let unlocked = tokio::select! {
        unlocked = unlock(global, console, &reach, opened.desk(), serve.locked, given) => unlocked.map_err(Some),
        () = &mut stop => Err(None),
    };
    if let Err(why) = unlocked {
        opened.close().await;
        return why.map_or(Ok(()), Err);
    }
    let owner = opened.listen().await?;
    match global.json {
        true => show::json(owner.runtime()),
        false => {
            say!("Listening on {}", owner.runtime().address);
            if let Some(socket) = &owner.runtime().unix_socket {
                say!("and on {}", safe(&socket.display().to_string()));
            }
        }
    }
    if let Some(stranger) = owner.stranger() {
        note!("{WARN}{}{OFF}", view::question::quoted(stranger, 400));
    }
    // Nodes that are slow to tell the time hold up no question.
    let clocks = async {
        let (clock, record) = owner.desk().clocks().await;
        for wrong in [clock, record].into_iter().flatten() {
            note!("{WARN}{}{OFF}", safe(&wrong));
        }
    };
    let asks = run(console, &reach, owner.desk(), serve.allowance.as_deref());
    let served = tokio::select! {
        served = async { tokio::join!(asks, clocks).0 } => served,
        () = &mut stop => Ok(()),
    };
    owner.shutdown().await;
    served
}

/// With what was given for it, the keyring, or the passphrase of whoever sits at the terminal.
async fn unlock(
    global: &Global,
    console: &Console,
    reach: &Reach,
    desk: &Desk,
    locked: bool,
    given: Option<Line>,
) -> Result<(), Fail> {
    let wallet = desk.wallet();
    if wallet.is_empty() {
        say!("{WARN}There is no wallet yet: `countersign init` makes one.{OFF}");
    } else if let Some(passphrase) = given {
        reach.call(Unlock { passphrase: passphrase.to_string() }).await?;
    } else if !locked && wallet.remembering() == Remembering::AtStart && from_keyring(desk).await {
        say!("{DIM}Unlocked; the keyring of this computer remembers it.{OFF}");
    } else if !locked && (Console::is_terminal() || global.passphrase_fd.is_some()) {
        let passphrase = tokio::select! {
            biased;
            () = background(), if global.passphrase_fd.is_none() => {
                say!("{WARN}In the background no passphrase is read: it starts locked. `countersign unlock` unlocks it.{OFF}");
                return Ok(());
            }
            passphrase = console.passphrase("Passphrase, to unlock: ") => passphrase?,
        };
        reach.call(Unlock { passphrase: passphrase.to_string() }).await?;
    }
    Ok(())
}

/// Ready where the terminal belongs to another job: nobody can type here, and programs wait for the port.
async fn background() {
    while terminal::is_foreground() {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
}

/// What a line was started for: a question's key, or nothing that is asked.
type Typing = (Option<String>, Pending);

async fn run(console: &Console, reach: &Reach, desk: &Desk, allowance: Option<&str>) -> Result<(), Fail> {
    let mut events = desk.subscribe();
    let mut shown: Option<Shown> = None;
    let mut typing: Option<Typing> = None;
    let mut counts = Counts::OnceItStood;
    let mut deaf = false;
    loop {
        let now = open(desk).await?;
        let same = |a: &Option<Shown>, b: &Option<Shown>| a.as_ref().map(Shown::key) == b.as_ref().map(Shown::key);
        if !same(&shown, &now) {
            if shown.is_some() {
                say!("\n{DIM}That question is over.{OFF}");
            }
            if Console::is_terminal() {
                // What is being typed is for what was there before. A script's line is on its way and stays that.
                typing = None;
            }
            shown = match now {
                Some(now) => Some(display(console, reach, desk, now, allowance).await),
                None => None,
            };
            counts = Counts::OnceItStood;
            if let (Some(shown), Some(_)) = (&shown, &typing) {
                console.prompt(&shown.prompt());
            }
        }
        if typing.is_none() && !deaf {
            typing = match &shown {
                Some(shown) => Some((Some(shown.key().to_owned()), console.start_line(&shown.prompt(), counts))),
                // Whoever types although nothing is asked is told so.
                None if Console::is_terminal() => Some((None, console.start_line("", Counts::Nothing))),
                None => None,
            };
        }
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => tell(desk, event).await,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
            // A pairing's time runs out without an event.
            () = tokio::time::sleep(LOOK), if matches!(shown, Some(Shown::Pairing(_))) => {}
            Some((key, heard)) = typed(&mut typing) => {
                typing = None;
                let line = match heard {
                    Some(Heard::Line(line)) => line,
                    // Ctrl+D answers nothing.
                    Some(Heard::End | Heard::Over) => {
                        say!("");
                        continue;
                    }
                    Some(Heard::Gone) | None => {
                        deaf = true;
                        say!("\n{DIM}No terminal: answer with `countersign answer`.{OFF}");
                        tracing::info!("no terminal any more: questions are answered with `countersign answer`");
                        continue;
                    }
                };
                let Some(current) = shown.take_if(|current| key.as_deref() == Some(current.key())) else {
                    match key {
                        Some(_) => say!("{WARN}That line was typed for a question that is over; it counts for nothing.{OFF}"),
                        None => say!("{DIM}Nothing is asked: that line counts for nothing.{OFF}"),
                    }
                    continue;
                };
                counts = Counts::All;
                let current = match (question::total_of(&line), current) {
                    (Some(total), Shown::Question(question, before)) if question.allowance.is_some() => {
                        let total = checked(reach, console, &question, total, before).await;
                        console.show(&question::allowed(&question, total.as_deref()));
                        shown = Some(Shown::Question(question, total));
                        continue;
                    }
                    (_, current) => current,
                };
                if let (Some(set), Shown::Question(question, _)) = (permit2_of(&line), &current) {
                    if let Err(failure) = desk.choose_permit2(&question.id, &question.digest, set).await {
                        say!("{WARN}{}{OFF}", safe(&failure.message));
                    }
                    continue;
                }
                if let (Some(option), Shown::Question(question, _)) = (option_of(&line), &current) {
                    if let Err(failure) = desk.choose(&question.id, &question.digest, option).await {
                        say!("{WARN}{}{OFF}", safe(&failure.message));
                    }
                    continue;
                }
                let Some(yes) = yes_or_no(&line) else {
                    console.show(NEITHER);
                    shown = Some(current);
                    continue;
                };
                // A wrong answer is told; the question stays open and comes again.
                if let Err(fail) = answer(reach, console, current, yes).await {
                    say!("{WARN}{}{OFF}", safe(&fail.failure.message));
                }
            }
        }
    }
}

/// The doors are open meanwhile: `countersign unlock` need not wait for a keyring that hangs.
/// A keyring that does not answer soon goes on being asked beside everything else: it holds up no start.
async fn from_keyring(desk: &Desk) -> bool {
    say!("{DIM}Asking the keyring of this computer …{OFF}");
    let asked = desk.clone();
    let asking = tokio::spawn(async move {
        let unlocked = asked.wallet().unlock_at_start().await;
        if let Some(problem) = asked.status().await.remembered.problem {
            say!("{WARN}{}{OFF} The passphrase opens the wallet as before.", safe(&problem));
        }
        // Somebody may have been quicker with the passphrase.
        unlocked || !asked.wallet().is_locked()
    });
    matches!(tokio::time::timeout(KEYRING_FIRST, asking).await, Ok(Ok(true)))
}

/// "option 2" takes the second option of the question on the screen; it answers nothing.
fn option_of(line: &str) -> Option<u32> {
    let number = line.trim().strip_prefix("option ")?;
    number.trim().parse::<u32>().ok()?.checked_sub(1)
}

/// "permit2 second" takes that deployment for the question on the screen; it answers nothing.
fn permit2_of(line: &str) -> Option<&str> {
    line.trim().strip_prefix("permit2 ").map(str::trim)
}

/// Pairings first: they are quick, and an app waits for them.
async fn open(desk: &Desk) -> Result<Option<Shown>, Fail> {
    if let Some(pairing) = desk.pairings().await?.into_iter().next() {
        return Ok(Some(Shown::Pairing(pairing)));
    }
    Ok(desk.questions().await?.into_iter().next().map(|question| Shown::Question(Box::new(question), None)))
}

/// Puts it on the screen, without its prompt; a question with the total to allow, where the one that was given fits.
async fn display(console: &Console, reach: &Reach, desk: &Desk, mut shown: Shown, allowance: Option<&str>) -> Shown {
    if let Shown::Pairing(pairing) = &shown {
        let (name, code) = (safe(&pairing.name), safe(&pairing.code));
        console.show(&format!("\n{BOLD}\"{name}\" asks to be paired{OFF} and shows the code {BOLD}{code}{OFF}\n"));
    }
    if let Shown::Question(question, total) = &mut shown {
        console.show(&format!("\n{}", question::text(question)));
        if question.options > 1
            && let Ok(choices) = desk.choices(&question.id).await
        {
            console.show(&format!("{}  Another one: option N\n", question::options(&choices)));
        }
        if let Some(other) = &question.other_permit2 {
            console.show(&format!("  The other Permit2: permit2 {}\n", safe(other)));
        }
        if question.allowance.is_some() {
            *total = checked(reach, console, question, allowance.map(str::to_owned), None).await;
            console.show(&question::allowed(question, total.as_deref()));
        }
    }
    shown
}

/// The total that was named; where it does not fit, why, and the one that it was before.
async fn checked(
    reach: &Reach,
    console: &Console,
    question: &QuestionView,
    total: Option<String>,
    before: Option<String>,
) -> Option<String> {
    match question::check_total(reach, question, total.as_deref()).await {
        Ok(()) => total,
        Err(failure) => {
            console.show(&question::unfit(&failure));
            before
        }
    }
}

/// The line being typed, with what it was asked for.
async fn typed(typing: &mut Option<Typing>) -> Option<(Option<String>, Option<Heard>)> {
    match typing {
        Some((key, line)) => {
            let heard = line.heard().await;
            Some((key.clone(), heard))
        }
        None => std::future::pending().await,
    }
}

async fn answer(reach: &Reach, console: &Console, shown: Shown, yes: bool) -> Result<(), Fail> {
    match shown {
        // A yes takes the passphrase, here as everywhere: whoever is paired may ask for money.
        Shown::Pairing(pairing) => {
            let answer = |passphrase| AnswerPairing { id: pairing.id.clone(), approve: yes, passphrase };
            reach.prove(console, answer).await
        }
        Shown::Question(question, total) => {
            match question::send(reach, console, &question, yes, total.as_deref()).await? {
                Some(payment) => say!("{}", outcome(&payment)),
                None => say!("{DIM}That question is over.{OFF}"),
            }
            Ok(())
        }
    }
}

/// One line for what happened elsewhere.
async fn tell(desk: &Desk, event: Event) {
    match event {
        Event::Payment { id, .. } => {
            if let Ok(it) = desk.payment(&id.to_string()).await {
                say!(
                    "\n{DIM}{} {}: {}{OFF}",
                    show::money(&it.payment.amount),
                    safe(&it.payment.site),
                    safe(&it.payment.word)
                );
            }
        }
        Event::Danger { .. } => {
            say!("\n{WARN}A payment was refused because it is dangerous: `countersign ledger`.{OFF}")
        }
        _ => {}
    }
}

/// Ctrl-C, or the system asks to end: heard from the call on. A terminal that goes takes nobody along: programs go on
/// asking, and what needs a person is answered from another one.
#[cfg(unix)]
fn stopped() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    // Heard and left: what the system does otherwise is to end the process.
    let hangup = signal(SignalKind::hangup());
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        let _hangup = hangup;
        match (interrupt, terminate) {
            (Ok(mut interrupt), Ok(mut terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            _ => drop(tokio::signal::ctrl_c().await),
        }
    }
}

#[cfg(not(unix))]
async fn stopped() {
    let _ = tokio::signal::ctrl_c().await;
}
