//! `pay`: requests a URL; when it answers 402, asks through the owner, sends the request once more with the
//! signature, and reports the seller's answer. What was paid for comes out before anything else: whatever fails
//! afterwards is a note beside it.

mod call;
mod output;

use crate::args::{Global, Pay};
use crate::commands::answer::unsigned;
use crate::commands::met;
use crate::console::Console;
use crate::exit::{Fail, Status};
use crate::interrupt::{self, Signal};
use crate::question;
use crate::reach::Reach;
use crate::show::note;
use crate::show::{self, BOLD, GOOD, OFF, safe};
use call::{Call, Payment, said, usage};
use helper::verb::{self, AwaitPayment, Cancel, Question, Report};
use indicatif::ProgressBar;
use output::Output;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, StatusCode};
use std::io::{ErrorKind, IsTerminal};
use std::time::Duration;
use view::port::{HttpRequestView, PaymentAnswerView, PaymentRequestView, ResultView};
use view::question::quoted;
use view::{Code, Failure, StateView};

/// A stream is reported while it goes on; what is shorter, once it came out.
const STREAM: Duration = Duration::from_secs(2);
/// The wallet may take so long to write the report down and look at the chain. It goes on looking by itself.
const REPORT: Duration = Duration::from_secs(20);

pub async fn pay(global: &Global, console: &Console, pay: Pay) -> Result<(), Fail> {
    let call = Call::of(&pay)?;
    let (max, max_amount) = most(&pay)?;
    let output = Output::open(pay.output.as_deref())?;
    let mut stop = interrupt::ended().await;
    let first = tokio::select! {
        biased;
        () = &mut stop => return Err(Fail::of(Status::Ended, "ended by a signal; nothing was asked for or paid")),
        first = call.ask() => first?,
    };
    if first.status() != StatusCode::PAYMENT_REQUIRED {
        return free(&call, first, output, &mut stop).await;
    }
    let request = PaymentRequestView {
        request: HttpRequestView { method: call.method.to_string(), url: call.url.to_string() },
        payment_required: met::offer(first).await?,
        reason: pay.reason.clone(),
        idempotency_key: None,
        max_amount,
        prefer: None,
    };
    let mut reach = Reach::owner(global).await?;
    // Not broken off by a signal: a question without its number could not be taken back.
    let asked = reach.call(verb::Pay { request, max }).await?;
    let id = asked.id.clone();
    let signed = tokio::select! {
        biased;
        () = &mut stop => return Err(withdraw(&reach, &id).await),
        signed = signature(global, &mut reach, console, asked, pay.allowance.as_deref()) => signed?,
    };
    let payment = header(&signed)?;
    let second = tokio::select! {
        biased;
        () = &mut stop => return Err(unanswered(&id, "ended by a signal before the answer came")),
        second = call.present(&payment) => second.map_err(|fail| unanswered(&id, &fail.failure.message))?,
    };
    paid(&reach, &call, signed, second, output, &mut stop).await
}

/// The most that may leave, in whole units or in smallest ones; looked at before anything is requested.
fn most(pay: &Pay) -> Result<(Option<String>, Option<String>), Fail> {
    if pay.max_amount.is_some() {
        return Err(usage("--max-amount counted the token's smallest unit, which its name did not say").advice(
            "Write --max '0.50 USDT' for whole units, or --max-smallest '500000 CONTRACT' for smallest ones.",
        ));
    }
    if let Some(text) = pay.max.as_deref().filter(|text| wallet::Most::parse(text).is_none()) {
        return Err(usage(format!("--max: expected an amount like 0.50 or '0.50 USDT', found {}", safe(text))));
    }
    let smallest = |text: &str| matches!(wallet::Most::of_one_token(text, None), Ok(wallet::Most::Smallest { .. }));
    if let Some(text) = pay.max_smallest.as_deref().filter(|text| !smallest(text)) {
        return Err(usage(format!(
            "--max-smallest: expected a whole number of smallest units and the token's contract, found {}",
            safe(text)
        ))
        .advice("Tokens differ in decimals: write --max-smallest '500000 CONTRACT', or --max '0.50 USDT'."));
    }
    Ok((pay.max.clone(), pay.max_smallest.clone()))
}

/// An answer that wants no payment.
async fn free(call: &Call, answer: Response, output: Output, stop: &mut Signal) -> Result<(), Fail> {
    let other = (!answer.status().is_success()).then(|| met::other(call.url.as_str(), &answer));
    let mut content = tokio::spawn(deliver(answer, output));
    let came = tokio::select! {
        biased;
        () = &mut *stop => { content.abort(); Came::Interrupted }
        came = &mut content => came.unwrap_or_else(|e| Came::Lost(e.to_string())),
    };
    match came {
        Came::Whole { trouble: None } | Came::Enough => other.map_or(Ok(()), Err),
        Came::Whole { trouble: Some(trouble) } => Err(Fail::plain(trouble)),
        Came::BrokeOff(why) => Err(Fail::plain(format!("the answer broke off: {why}"))),
        Came::Lost(why) => Err(Fail::plain(format!("the answer could not be written: {why}"))),
        Came::Interrupted => Err(Fail::of(Status::Ended, "ended by a signal; nothing was asked for or paid")),
    }
}

/// The answer to the paid request: the content first, then the report, then what is to be said about it.
async fn paid(
    reach: &Reach,
    call: &Call,
    signed: PaymentAnswerView,
    answer: Response,
    output: Output,
    stop: &mut Signal,
) -> Result<(), Fail> {
    let (status, said) = (answer.status(), said(&answer));
    let receipt = receipt(answer.headers());
    // A seller that asks again says in its new offer what was wrong with the payment.
    let asks_again = answer.headers().get(x402::header::PAYMENT_REQUIRED).and_then(|value| value.to_str().ok());
    let asks_again = asks_again.and_then(|text| x402::Offer::read(text).ok()?.error);
    let mut content = tokio::spawn(deliver(answer, output.was_paid()));
    let ended = |came: Result<Came, tokio::task::JoinError>| came.unwrap_or_else(|e| Came::Lost(e.to_string()));
    let mut came = tokio::select! {
        biased;
        () = &mut *stop => Some(Came::Interrupted),
        came = &mut content => Some(ended(came)),
        () = tokio::time::sleep(STREAM) => None,
    };
    // What came out nowhere is not reported: the same command presents the same signature, and the seller may give it
    // again.
    let told = match &came {
        Some(Came::Lost(_)) => None,
        _ => Some(report(reach, &signed.id, status, receipt.clone()).await),
    };
    if came.is_none() {
        came = tokio::select! {
            biased;
            () = &mut *stop => Some(Came::Interrupted),
            came = &mut content => Some(ended(came)),
        };
    }
    content.abort();
    if let Some(text) = receipt.as_deref().filter(|text| x402::Settlement::read(text).is_err()) {
        note!(
            "The seller's receipt can't be read (payment {}): \"{}\". Only the chain says whether it took the money.",
            signed.id,
            quoted(text, 80)
        );
    }
    let words = receipt.as_deref().and_then(|text| x402::Settlement::read(text).ok()?.error_reason).or(asks_again);
    let now = match told {
        Some(Ok(now)) => now,
        Some(Err(failure)) => {
            note!("How it went could not be looked up (payment {}): {}", signed.id, quoted(&failure.message, 300));
            signed
        }
        None => signed,
    };
    // A seller's text has no colours: nothing above it on the screen looks like this line.
    let ours = if std::io::stdout().is_terminal() { format!("{BOLD}{GOOD}Countersign:{OFF} ") } else { String::new() };
    note!("{ours}{}", show::paid(&now));
    let site = safe(&now.plan.site);
    let advice = format!("`countersign ledger {}` tells what became of it.", now.id);
    match came {
        Some(Came::Whole { trouble: None } | Came::Enough) if status.is_success() => Ok(()),
        Some(Came::Whole { trouble: None } | Came::Enough) => {
            if let Some(busy) = busy(status, words.as_deref()) {
                let message = format!("signed, but {site} answered {said}: {busy}");
                return Err(Fail::of(Status::NotDelivered, message).advice(format!(
                    "One signature is out, good until {}, and can be used once. The same command presents the same \
                     signature again, without a question. {advice}",
                    show::time(&now.plan.valid_before)
                )));
            }
            let words = words.map_or_else(String::new, |words| format!(" and says \"{}\"", quoted(&words, 120)));
            Err(Fail::of(Status::NotDelivered, format!("signed, but {site} answered {said}{words}")).advice(format!(
                "That is the seller's word; until the chain has decided it counts as spent. The same command presents the \
                 same signature again. {advice}"
            )))
        }
        Some(Came::Whole { trouble: Some(trouble) }) => Err(Fail::of(Status::NotDelivered, trouble).advice(advice)),
        Some(Came::BrokeOff(why)) => {
            Err(Fail::of(Status::NotDelivered, format!("the answer of {} broke off: {why}", safe(call.url.as_str())))
                .advice(advice))
        }
        Some(Came::Lost(why)) => {
            Err(Fail::of(Status::NotDelivered, format!("what was paid for could not be written: {why}")).advice(
                format!(
                    "The same command with another output presents the same signature, without a question. {advice}"
                ),
            ))
        }
        Some(Came::Interrupted) | None => {
            Err(Fail::of(Status::Ended, "ended by a signal; what came until then is written").advice(advice))
        }
    }
}

/// Tells the wallet how the seller answered. It keeps what it was told also where it has more to say than a yes.
async fn report(
    reach: &Reach,
    id: &str,
    status: StatusCode,
    payment_response: Option<String>,
) -> Result<PaymentAnswerView, Failure> {
    let result = ResultView { payment_response, http_status: status.as_u16() };
    let told = reach.call(Report { id: id.to_owned(), result });
    match tokio::time::timeout(REPORT, told).await {
        Ok(told) => told,
        Err(_) => Err(Fail::plain("the wallet takes long to look it up; it goes on by itself").failure),
    }
}

/// How the content came out.
enum Came {
    /// All of it; with the reason where it is on standard output although a file was named.
    Whole {
        trouble: Option<String>,
    },
    /// Whoever reads had enough.
    Enough,
    BrokeOff(String),
    /// It could not be written anywhere.
    Lost(String),
    /// A signal ended it.
    Interrupted,
}

/// On a task of its own: a reader that is slow holds nothing else up.
async fn deliver(mut answer: Response, mut output: Output) -> Came {
    let wrote = |e: std::io::Error| match e.kind() {
        ErrorKind::BrokenPipe => Came::Enough,
        _ => Came::Lost(e.to_string()),
    };
    if let Err(e) = output.begin() {
        return wrote(e);
    }
    loop {
        match answer.chunk().await {
            Ok(Some(piece)) => {
                if let Err(e) = output.write(&piece) {
                    return wrote(e);
                }
            }
            Ok(None) => break,
            Err(e) => return Came::BrokeOff(safe(&call::root(&e))),
        }
    }
    match output.end() {
        Ok(()) => {
            if let Some(kept) = output.kept() {
                let name = safe(&kept.display().to_string());
                note!("{BOLD}{GOOD}Countersign:{OFF} the content is no text; it is in {name}. -o names a file.");
            }
            Came::Whole { trouble: output.trouble().map(str::to_owned) }
        }
        Err(e) => wrote(e),
    }
}

/// Waits until the payment is signed: asks here when we are the owner, else the running owner's person does.
async fn signature(
    global: &Global,
    reach: &mut Reach,
    console: &Console,
    asked: PaymentAnswerView,
    allowance: Option<&str>,
) -> Result<PaymentAnswerView, Fail> {
    let mut now = asked;
    let mut waiting = spinner();
    // Whoever gives the passphrase answers here, whoever holds the wallet.
    let given = global.passphrase_fd.is_some();
    let mut asks_here = given;
    loop {
        match now.status {
            StateView::Signed => {
                waiting.finish_and_clear();
                return Ok(now);
            }
            StateView::Asked if reach.is_ours() || asks_here => {
                waiting.finish_and_clear();
                let question = reach.call(Question { id: now.id.clone() }).await?;
                // Nobody is there to answer later: a question that could not be asked is taken back.
                // One that was over first is looked at again below.
                match question::ask(reach, console, &question, allowance).await {
                    Ok(_) => {}
                    // With no answer piped in, it is for whoever holds the wallet.
                    Err(fail) if fail.input_ended && !reach.is_ours() => {
                        asks_here = false;
                        waiting = spinner();
                        continue;
                    }
                    Err(fail) => {
                        let _ = reach.call(Cancel { id: now.id }).await;
                        return Err(fail);
                    }
                }
                waiting = spinner();
            }
            StateView::Asked => {
                let locked = now.waiting_for.as_deref() == Some("unlock") && !given;
                let where_to = if locked { "unlock the wallet" } else { "answer" };
                tell(&waiting, &format!("waiting: {where_to} in Countersign, or `countersign answer {}`", now.id));
            }
            StateView::Approved => tell(&waiting, "approved, waiting for the allowance"),
            ended => {
                waiting.finish_and_clear();
                return Err(unsigned(ended, now.failure));
            }
        }
        let wait = |wait_seconds| AwaitPayment { id: now.id.clone(), wait_seconds };
        now = match reach.call(wait(25)).await {
            Err(silent) if helper::Client::is_silence(&silent) => return Err(silent.into()),
            // It ended, and left the question behind: whoever holds the wallet now is asked, or we hold it ourselves.
            Err(_) if reach.is_gone().await => {
                *reach = Reach::next(global).await?;
                reach.call(wait(0)).await?
            }
            answer => answer?,
        };
    }
}

fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

/// On a terminal a spinner, else a line when it changes.
fn tell(waiting: &ProgressBar, message: &str) {
    if waiting.message() != message {
        waiting.set_message(message.to_owned());
        if waiting.is_hidden() {
            note!("{message}");
        }
    }
}

/// Takes the question back: whoever asked is about to be gone.
async fn withdraw(reach: &Reach, id: &str) -> Fail {
    let ended = |what: &str| Fail::of(Status::Ended, format!("ended by a signal; {what} (payment {id})"));
    match reach.call(Cancel { id: id.to_owned() }).await {
        Ok(now) if now.status != StateView::Signed => ended("the question was taken back, nothing was signed"),
        // It was answered in the same moment.
        Ok(_) => ended("it is signed, and was not sent").advice("The same command presents the signature."),
        Err(failure) if failure.code == Code::AlreadySigned => {
            ended("it is signed, and was not sent").advice("The same command presents the signature.")
        }
        Err(failure) => {
            ended("the question could not be taken back").advice(format!("{} It ends by itself.", failure.message))
        }
    }
}

/// What a busy seller's answer means; `None` for another one.
fn busy(status: StatusCode, reason: Option<&str>) -> Option<&'static str> {
    match (status, reason) {
        (_, Some(reason)) if reason == x402::facilitator::BUSY => {
            Some("the seller's facilitator is busy and, it says, settled nothing")
        }
        (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, _) => {
            Some("the seller, or its facilitator, is busy")
        }
        _ => None,
    }
}

/// The signature may have arrived: that is not known, and the row says so.
fn unanswered(id: &str, why: &str) -> Fail {
    Fail::of(Status::NotDelivered, format!("{why} (payment {id})")).advice(format!(
        "The signature was sent; whether it arrived is not known. The same command presents it again, without a question. \
         `countersign ledger {id}` tells what became of it."
    ))
}

fn header(signed: &PaymentAnswerView) -> Result<Payment, Fail> {
    let (Some(name), Some(value)) = (&signed.header_name, &signed.header_value) else {
        return Err(Fail::plain("the wallet signed, but gave no header"));
    };
    match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        (Ok(name), Ok(value)) => Ok(Payment { name, value }),
        _ => Err(Fail::plain("the wallet's header is not one")),
    }
}

/// What the seller says of the settlement, as it stands there.
fn receipt(headers: &HeaderMap) -> Option<String> {
    let value = ["payment-response", "x-payment-response"].iter().find_map(|name| headers.get(*name))?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}
