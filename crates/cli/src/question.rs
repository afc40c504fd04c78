//! A question as text, the same in every terminal: one sentence, then the proof, then what is odd, then the
//! digest that the answer names. And the asking itself. Refuses to approve what is marked as dangerous.

use crate::console::{Console, NEITHER, yes_or_no};
use crate::exit::{Fail, Status};
use crate::reach::Reach;
use crate::show::note;
use crate::show::{self, BAD, BOLD, DIM, GOOD, OFF, WARN, money, safe};
use crate::terminal::Counts;
use helper::verb::{Answer, CheckAnswer, Choices, Question};
use std::fmt::Write;
use view::{
    AddressView, AnswerView, ChoiceView, Code, CompareView, Failure, FindingView, PaymentView, QuestionView, ScopeView,
    WeightView,
};

/// The whole question, coloured; what is not a terminal gets it without colours.
pub fn text(q: &QuestionView) -> String {
    let mut out = Page::default();
    let fee = q.fee.as_ref().map(|fee| {
        let percent = q.fee_percent.map_or_else(String::new, |p| format!(", {p} % of the price"));
        format!(" ({} and {} for the facilitator{percent})", money(&q.price), money(fee))
    });
    out.line(&format!(
        "{BOLD}{} asks to pay {} to {}{OFF} {}{BOLD}{}{OFF}",
        safe(&q.app_name),
        money(&q.maximum),
        safe(&q.site),
        show::provenance(q.provenance),
        fee.unwrap_or_default()
    ));
    out.blank();
    if let Some(gone) = &q.asker_gone {
        out.row("asked by", &format!("{WARN}{}{OFF}", safe(gone)));
    }
    out.row("site", &safe(&q.provenance_note));
    out.row("request", &format!("{} {}", safe(&q.method), safe(&q.path)));
    if let Some(words) = &q.site_words {
        out.row("site says", &format!("\"{}\"", safe(words)));
    }
    if let Some(words) = &q.app_words {
        out.row("app says", &format!("\"{}\"", safe(words)));
    }
    out.row("paid to", &address(&q.payee));
    out.row("", &safe(&q.payee_note));
    for recipient in &q.recipients {
        out.row(
            &safe(&recipient.label).to_lowercase(),
            &format!("{} ({})", address(&recipient.address), safe(&recipient.note)),
        );
    }
    let balance = match (&q.before, &q.after) {
        (Some(before), Some(after)) => format!("{} before, {} after", money(before), money(after)),
        _ => "balance not known: no node answered".to_owned(),
    };
    out.row("from", &format!("{} {}", safe(&q.account_name), address(&q.account)));
    out.row("", &balance);
    let worth = if q.test_money { ", test money without value" } else { "" };
    out.row("network", &format!("{}{worth}", safe(&q.network)));
    out.row("token", &format!("{} {}", safe(&q.maximum.symbol), address(&q.token)));
    out.row("signed for", &format!("{} {} ({})", safe(&q.contract_name), address(&q.contract), safe(&q.scheme)));
    match q.lifetime_seconds {
        Some(seconds) => out.row("usable for", &format!("{seconds} s after the yes")),
        None => out.row("usable until", &format!("{} UTC", show::time(&q.valid_before))),
    }
    if let Some(allowance) = &q.allowance {
        out.row("allowance", &format!("{} may take {} so far", safe(&allowance.spender_name), money(&allowance.have)));
        out.row("", &address(&allowance.spender));
    }
    for limit in &q.limits {
        out.row("limit", &show::bar(limit));
    }
    out.blank();
    for finding in &q.findings {
        out.finding(finding);
    }
    if let Some(danger) = &q.danger {
        out.line(&format!("{BAD}{}{OFF}", safe(&danger.title)));
        out.line(&safe(&danger.text));
        out.compare(danger.compare.as_ref());
        for also in &danger.also {
            out.line(&format!("  {}", safe(also)));
        }
    }
    out.row("question", &format!("{} ({} of {}), closes {} UTC", q.id, q.position, q.queue, show::time(&q.expires_at)));
    out.row("digest", &safe(&q.digest));
    out.text
}

fn address(address: &AddressView) -> String {
    safe(&address.groups.join(" "))
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn row(&mut self, label: &str, value: &str) {
        // Writing to a String can't fail.
        let _ = writeln!(self.text, "  {DIM}{label:<12}{OFF} {value}");
    }

    fn finding(&mut self, finding: &FindingView) {
        let (style, mark) = match finding.weight {
            WeightView::Good => (GOOD, "ok  "),
            WeightView::Note => (DIM, "note"),
            WeightView::Warn => (WARN, "ODD "),
            WeightView::Stop => (BAD, "STOP"),
        };
        self.line(&format!("  {style}{mark} {}{OFF}: {}", safe(&finding.title), safe(&finding.text)));
        self.compare(finding.compare.as_ref());
    }

    fn compare(&mut self, compare: Option<&CompareView>) {
        if let Some(c) = compare {
            self.line(&format!("       {:<12} {}", safe(&c.asked_label), safe(&c.asked)));
            self.line(&format!("       {:<12} {}", safe(&c.known_label), safe(&c.known)));
        }
    }
}

/// The options of the 402, numbered from 1, the taken one marked.
pub fn options(choices: &[ChoiceView]) -> String {
    let mut out = Page::default();
    for choice in choices {
        let mark = if choice.taken { format!("{GOOD}>{OFF}") } else { " ".to_owned() };
        let costs = [
            choice.maximum.as_ref().map(money),
            choice.burns.as_ref().map(|burns| format!("and up to {} for the allowance", money(burns))),
            choice.balance.as_ref().map(|balance| format!("of {}", money(balance))),
        ];
        let costs: Vec<String> = costs.into_iter().flatten().collect();
        let place = choice.network.as_deref().map(|n| format!(" on {}", safe(n))).unwrap_or_default();
        let note = match (&choice.note, choice.usable) {
            (Some(note), true) => format!(" ({})", safe(note)),
            (Some(note), false) => format!("  {BAD}can't be used{OFF}: {}", safe(note)),
            (None, _) => String::new(),
        };
        let number = choice.index.saturating_add(1);
        out.line(&format!("  {mark} {number}  {}{place} {}{note}", safe(&choice.scheme), costs.join(" ")));
    }
    out.text
}

/// What a prompt asks for, in one line.
pub fn prompt(q: &QuestionView) -> String {
    format!("Pay {} to {} ({})?", money(&q.maximum), safe(&q.site), q.provenance.word())
}

/// What a yes allows first, where the allowance is missing, and how another total is named. Without a `total` it is
/// exactly what the payment takes.
pub fn allowed(q: &QuestionView, total: Option<&str>) -> String {
    let Some(allowance) = &q.allowance else { return String::new() };
    let amount = match total {
        Some(total) => format!("{} {} in all", safe(total), safe(&allowance.exact.symbol)),
        None => format!("exactly {}", money(&allowance.exact)),
    };
    let offered: Vec<_> = allowance.totals.iter().map(|total| total.display.as_str()).collect();
    format!(
        "  A yes first sends one transaction that allows {BOLD}{amount}{OFF}; it burns at most {}.\n  Another total, \
         which later payments use up without a transaction: allowance N (like {}), or allowance exact\n",
        money(&allowance.cost),
        offered.join(" or ")
    )
}

/// "allowance 2.00" names the total to allow, in whole units; "allowance exact" what the payment takes. It answers
/// nothing.
pub fn total_of(line: &str) -> Option<Option<String>> {
    let total = line.trim().strip_prefix("allowance ")?.trim();
    Some((total != "exact").then(|| total.to_owned()))
}

/// Refuses a total that does not fit this question.
pub async fn check_total(reach: &Reach, q: &QuestionView, total: Option<&str>) -> Result<(), Failure> {
    match (&q.allowance, total) {
        (Some(_), Some(_)) => reach.call(CheckAnswer { id: q.id.clone(), answer: yes(total) }).await,
        _ => Ok(()),
    }
}

/// Why a total does not fit, in the word that was typed.
pub fn unfit(failure: &Failure) -> String {
    match (&failure.expected, &failure.found) {
        (Some(expected), Some(found)) => {
            format!("{WARN}allowance: expected {}, found {}{OFF}", safe(expected), safe(found))
        }
        _ => format!("{WARN}{}{OFF}", safe(&failure.message)),
    }
}

fn yes(total: Option<&str>) -> AnswerView {
    AnswerView::Approve { scope: ScopeView::Once, allowance_total: total.map(str::to_owned) }
}

/// The question that was on the screen is not there any more: it expired, was withdrawn, changed, or was answered
/// elsewhere.
pub fn over() -> Fail {
    Fail::of(Status::Ended, "the question is over: it changed, expired, was withdrawn or was answered elsewhere")
}

/// Shows a question, asks for yes or no, and for the passphrase when it is yes. `total` is what to allow where the
/// allowance is missing, in whole units; at the prompt another one can be named. One that changed before the yes is shown
/// and asked again. `None`: the question was over first.
pub async fn ask(
    reach: &Reach,
    console: &Console,
    q: &QuestionView,
    total: Option<&str>,
) -> Result<Option<PaymentView>, Fail> {
    let mut changed;
    let mut q = q;
    loop {
        match ask_once(reach, console, q, total).await {
            Err(fail) if fail.failure.code == Code::PlanChanged => {
                note!("{WARN}{}{OFF}", safe(&fail.failure.message));
                changed = reach.call(Question { id: q.id.clone() }).await?;
            }
            Ok(None) => match reach.call(Question { id: q.id.clone() }).await {
                Ok(now) if now.digest != q.digest => {
                    note!("{WARN}The question changed.{OFF}");
                    changed = now;
                }
                _ => return Ok(None),
            },
            done => return done,
        }
        q = &changed;
    }
}

async fn ask_once(
    reach: &Reach,
    console: &Console,
    q: &QuestionView,
    total: Option<&str>,
) -> Result<Option<PaymentView>, Fail> {
    console.show(&text(q));
    if q.options > 1 {
        let choices = reach.call(Choices { id: q.id.clone() }).await?;
        console.show(&format!("{}  Another one: countersign answer {} --option N\n", options(&choices), q.id));
    }
    check_total(reach, q, total).await?;
    let mut total = total.map(str::to_owned);
    if q.allowance.is_some() {
        console.show(&allowed(q, total.as_deref()));
    }
    let mut counts = Counts::OnceItStood;
    let approve = loop {
        let prompt = format!("{} [yes/no] ", prompt(q));
        let line = tokio::select! {
            line = console.line(&prompt, counts) => line?,
            () = reach.until_over(q) => {
                note!("");
                return Ok(None);
            }
        };
        counts = Counts::All;
        if let (Some(other), Some(_)) = (total_of(&line), &q.allowance) {
            match check_total(reach, q, other.as_deref()).await {
                Ok(()) => total = other,
                Err(failure) => console.show(&unfit(&failure)),
            }
            console.show(&allowed(q, total.as_deref()));
            continue;
        }
        match yes_or_no(&line) {
            Some(approve) => break approve,
            None => console.show(NEITHER),
        }
    };
    send(reach, console, q, approve, total.as_deref()).await
}

/// Gives the person's answer to the question that was shown; approving takes the passphrase, three tries. `None`: the
/// question was over before the passphrase came.
pub async fn send(
    reach: &Reach,
    console: &Console,
    q: &QuestionView,
    approve: bool,
    total: Option<&str>,
) -> Result<Option<PaymentView>, Fail> {
    let call = |answer, passphrase| Answer { id: q.id.clone(), digest: q.digest.clone(), answer, passphrase };
    if !approve {
        return Ok(Some(reach.call(call(AnswerView::Reject { block_site: false }, String::new())).await?));
    }
    let total = total.filter(|_| q.allowance.is_some());
    let allow = total.map_or_else(String::new, |total| format!(" and allow {} in all", safe(total)));
    let mut wrong: Option<Failure> = None;
    for _ in 0..3 {
        let prompt = format!("Passphrase, to pay {}{allow}: ", money(&q.maximum));
        // Only the typing is given up: an answer that was sent goes to its end.
        let passphrase = tokio::select! {
            passphrase = console.passphrase(&prompt) => passphrase,
            () = reach.until_over(q) => return Ok(None),
        };
        let passphrase = match passphrase {
            Ok(passphrase) => passphrase,
            Err(ended) => return Err(wrong.map_or(ended, Fail::from)),
        };
        match reach.call(call(yes(total), passphrase.to_string())).await {
            Err(failure) if failure.code == Code::WrongPassphrase => {
                note!("{WARN}{}{OFF}", safe(&failure.message));
                wrong = Some(failure);
            }
            answered => return Ok(Some(answered?)),
        }
    }
    Err(wrong.map_or_else(|| Fail::plain("no passphrase came"), Fail::from))
}

#[cfg(test)]
mod tests {
    use super::total_of;

    #[test]
    fn a_total_is_named_by_its_word_alone() {
        let some = |text: &str| Some(Some(text.to_owned()));
        for (line, total) in [
            ("allowance 2.00", some("2.00")),
            (" allowance  2 ", some("2")),
            ("allowance exact", Some(None)),
            ("allowance", None),
            ("yes", None),
            ("2.00", None),
        ] {
            assert_eq!(total_of(line), total, "{line:?}");
        }
    }
}
