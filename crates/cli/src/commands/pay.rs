//! `pay`: requests a URL; when it answers 402, asks through the owner, sends the request once more with the
//! signature, and reports the seller's answer. Follows no redirect: what was judged is what is paid.

use crate::args::{Global, Pay};
use crate::commands::answer::unsigned;
use crate::commands::met;
use crate::console::Console;
use crate::exit::{Fail, Status};
use crate::question;
use crate::reach::Reach;
use crate::show::note;
use crate::show::{self, money, safe};
use helper::verb::{self, AwaitPayment, Cancel, Question, Report};
use indicatif::ProgressBar;
use names::WebUrl;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, redirect};
use std::io::Write;
use std::time::Duration;
use view::port::{HttpRequestView, PaymentAnswerView, PaymentRequestView, ResultView};
use view::{PaymentView, StateView};

/// The request as it is sent, twice the same but for the payment header.
struct Call {
    http: Client,
    method: Method,
    url: WebUrl,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

pub async fn pay(global: &Global, console: &Console, pay: Pay) -> Result<(), Fail> {
    let call = Call::of(&pay)?;
    let first = call.send(None).await?;
    if first.status() != StatusCode::PAYMENT_REQUIRED {
        let other = (!first.status().is_success()).then(|| met::other(call.url.as_str(), &first));
        write_body(first, &pay).await?;
        return other.map_or(Ok(()), Err);
    }
    let request = PaymentRequestView {
        request: HttpRequestView { method: call.method.to_string(), url: call.url.to_string() },
        payment_required: met::offer(first).await?,
        reason: pay.reason.clone(),
        idempotency_key: None,
        max_amount: pay.max_amount.clone(),
        prefer: None,
    };
    let reach = Reach::owner(global).await?;
    let asked = reach.call(verb::Pay { request }).await?;
    let signed = signature(&reach, console, asked).await?;
    let (Some(name), Some(value)) = (&signed.header_name, &signed.header_value) else {
        return Err(Fail::plain("the wallet signed, but gave no header"));
    };
    let header = |name: &str, value: &str| {
        let name = HeaderName::try_from(name).ok()?;
        Some((name, HeaderValue::try_from(value).ok()?))
    };
    let payment = header(name, value).ok_or_else(|| Fail::plain("the wallet's header is not one"))?;
    let second = match call.send(Some(payment)).await {
        Ok(second) => second,
        // The signature may have arrived: that is not known, and the row says so.
        Err(fail) => {
            return Err(Fail::of(Status::NotDelivered, fail.failure.message).advice(format!(
                "The signature was sent; `countersign ledger {}` tells what became of it.",
                signed.id
            )));
        }
    };
    let status = second.status();
    let payment_response = ["payment-response", "x-payment-response"]
        .iter()
        .find_map(|name| second.headers().get(*name)?.to_str().ok().map(str::to_owned));
    let result = ResultView { payment_response, http_status: status.as_u16() };
    let told = reach.call(Report { id: signed.id.clone(), result }).await?;
    write_body(second, &pay).await?;
    note!(
        "paid {} to {}, {} (payment {})",
        money(&told.plan.maximum),
        safe(&told.plan.site),
        show::settlement(told.settlement),
        told.id
    );
    match status.is_success() {
        true => Ok(()),
        false => {
            Err(Fail::of(Status::NotDelivered, format!("signed, but {} answered {status}", safe(&told.plan.site)))
                .advice("The payment counts as spent until its outcome is known."))
        }
    }
}

/// Waits until the payment is signed: asks here when we are the owner, else the running owner's person does.
async fn signature(reach: &Reach, console: &Console, asked: PaymentAnswerView) -> Result<PaymentAnswerView, Fail> {
    let mut now = asked;
    if let (Reach::Here(_), StateView::Asked) = (reach, now.status) {
        let question = reach.call(Question { id: now.id.clone() }).await?;
        // Nobody is there to answer later: a question that could not be asked is taken back.
        let answered: Result<PaymentView, Fail> = question::ask(reach, console, &question).await;
        if let Err(fail) = answered {
            let _ = reach.call(Cancel { id: now.id }).await;
            return Err(fail);
        }
    }
    let waiting = ProgressBar::new_spinner();
    waiting.enable_steady_tick(Duration::from_millis(120));
    loop {
        match now.status {
            StateView::Signed => {
                waiting.finish_and_clear();
                return Ok(now);
            }
            StateView::Asked => {
                let where_to =
                    if now.waiting_for.as_deref() == Some("unlock") { "unlock the wallet" } else { "answer" };
                tell(&waiting, &format!("waiting: {where_to} in Countersign, or `countersign answer {}`", now.id));
            }
            StateView::Approved => tell(&waiting, "approved, waiting for the allowance"),
            ended => {
                waiting.finish_and_clear();
                return Err(unsigned(ended, now.failure));
            }
        }
        now = reach.call(AwaitPayment { id: now.id, wait_seconds: 25 }).await?;
    }
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

impl Call {
    fn of(pay: &Pay) -> Result<Self, Fail> {
        let url = WebUrl::parse(&pay.url).map_err(|e| usage(format!("the URL: {}", safe(&e.to_string()))))?;
        let body = match pay.body.as_deref().map(|body| (body, body.strip_prefix('@'))) {
            None => None,
            Some((_, Some(path))) => {
                Some(std::fs::read(path).map_err(|e| Fail::plain(format!("{}: {e}", safe(path))))?)
            }
            Some((text, None)) => Some(text.as_bytes().to_vec()),
        };
        let method = pay.method.as_deref().unwrap_or(if body.is_some() { "POST" } else { "GET" });
        let method =
            Method::from_bytes(method.as_bytes()).map_err(|_| usage(format!("{} is no method", safe(method))))?;
        let mut headers = HeaderMap::new();
        for header in &pay.headers {
            let pair = header.split_once(':').and_then(|(name, value)| {
                Some((HeaderName::try_from(name.trim()).ok()?, HeaderValue::try_from(value.trim()).ok()?))
            });
            let (name, value) =
                pair.ok_or_else(|| usage(format!("{} is no header like \"Name: value\"", safe(header))))?;
            headers.append(name, value);
        }
        let mut http = Client::builder().redirect(redirect::Policy::none()).connect_timeout(Duration::from_secs(15));
        // A proxy can't reach what is on this machine.
        if url.is_loopback() {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|e| Fail::plain(format!("no HTTP: {e}")))?;
        Ok(Self { http, method, url, headers, body })
    }

    async fn send(&self, payment: Option<(HeaderName, HeaderValue)>) -> Result<Response, Fail> {
        let mut headers = self.headers.clone();
        if let Some((name, value)) = payment {
            headers.insert(name, value);
        }
        let mut request = self.http.request(self.method.clone(), self.url.as_url().clone()).headers(headers);
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        let failed = |e: reqwest::Error| {
            let mut cause: &dyn std::error::Error = &e;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            Fail::plain(format!("{} could not be reached: {}", safe(self.url.as_str()), safe(&cause.to_string())))
        };
        request.send().await.map_err(failed)
    }
}

async fn write_body(mut response: Response, pay: &Pay) -> Result<(), Fail> {
    let broken = |_| Fail::of(Status::NotDelivered, "the answer broke off");
    let mut out: Box<dyn Write + Send> = match &pay.output {
        Some(path) => {
            let file = std::fs::File::create(path).map_err(|e| Fail::plain(format!("{}: {e}", path.display())))?;
            Box::new(file)
        }
        None => Box::new(std::io::stdout()),
    };
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        out.write_all(&chunk)?;
    }
    Ok(out.flush()?)
}

fn usage(message: impl Into<String>) -> Fail {
    Fail::of(Status::Usage, message)
}
