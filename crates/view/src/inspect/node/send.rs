//! What a node answers to what was sent, and what it says where it can't answer: codes and errors in words.

use super::account::said;
use super::said::{As, Member, Teller, at, closing, code_words, member, text};
use crate::inspect::odd::{NOTE, WARN, found};
use crate::words::find;
use serde_json::Value;
use tron::foreign::spelling;

pub(super) const BROADCAST: &[Member] = &[
    member("txid", "transaction", As::Text),
    member("result", "taken", As::Flag),
    member("code", "", As::Own),
    member("message", "", As::Own),
    member("transaction", "", As::Own),
];

/// An answer to a broadcast.
pub(super) fn broadcast(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("broadcast");
    teller.members(value, BROADCAST);
    let taken = value.get("result").and_then(Value::as_bool) == Some(true);
    let code = text(value, "code").unwrap_or(if taken { "SUCCESS" } else { "no code" });
    let message = text(value, "message").map(spelling::words).unwrap_or_default();
    let does = teller.inner.as_deref().map(crate::inspect::transactions::brief);
    let it = does.map_or_else(String::new, |does| format!(" It {does}."));
    Some(match code {
        "SUCCESS" => {
            teller.findings.push(found("broadcastTaken", NOTE, &[]));
            format!("An answer to a broadcast: the node took the transaction.{it}")
        }
        "DUP_TRANSACTION_ERROR" => {
            teller.lines.add("code", code).remark(code_words(code).unwrap_or_default());
            teller.findings.push(found("broadcastKnown", NOTE, &[]));
            format!("An answer to a broadcast: the node has the transaction already.{it}")
        }
        code => {
            said(teller, code, Some(&message));
            let so = if is_busy(code, &message) { "can't take it now" } else { "refused it" };
            format!("An answer to a broadcast: the node {so} ({code}).{it}")
        }
    })
}

/// Whether a node has no time or peers now, which says nothing about what was sent or asked.
pub(super) fn is_busy(code: &str, message: &str) -> bool {
    let code_busy =
        matches!(code, "SERVER_BUSY" | "NO_CONNECTION" | "NOT_ENOUGH_EFFECTIVE_CONNECTION" | "BLOCK_UNSOLIDIFIED");
    let low = message.to_ascii_lowercase();
    let words = ["cpu timeout", "outoftime", "rate limit", "request rate", "too many requests", "lack of computing"];
    code_busy || words.iter().any(|words| low.contains(words))
}

/// `Error`: the class of what went wrong, and its words.
pub(super) fn error(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("error");
    let Some(whole) = text(value, "Error") else {
        teller.wrong("Error", at(value, "Error")?, "a text");
        return Some("An error of a node, whose words are no text.".to_owned());
    };
    let (class, words) = match whole.split_once(" : ") {
        Some((class, words)) if class.starts_with("class ") => (class.trim_start_matches("class ").trim(), words),
        _ => ("", whole),
    };
    let words = spelling::words(words);
    teller.lines.add("nodes-words", &words);
    if !class.is_empty() {
        teller.lines.add("error-class", class);
    }
    let short: String =
        class.rsplit(['.', '$']).next().unwrap_or("").chars().filter(char::is_ascii_alphanumeric).collect();
    let busy = is_busy("", whole);
    let advice = find(&format!("error-{short}"), &[]).filter(|_| !busy);
    let advice =
        advice.unwrap_or_else(|| find(if busy { "error-busy" } else { "error-other" }, &[]).unwrap_or_default());
    teller.findings.push(found("nodeError", WARN, &[("message", &words), ("advice", &advice)]));
    Some(format!("An error of a node: {}.", closing(&words)))
}

/// An HTTP error page in place of an answer: the title says the status.
pub(in crate::inspect) fn page(text: &str) -> Option<(String, crate::FindingView)> {
    let text = text.trim_start();
    let start = text.get(..15).unwrap_or(text).to_ascii_lowercase();
    if !start.starts_with("<html") && !start.starts_with("<!doctype html") {
        return None;
    }
    let title = x402::answer::said(text)?;
    let status = title.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 3)?;
    let advice = match status {
        "404" | "405" => "page-door",
        "403" | "429" => "page-limit",
        "500" | "502" | "503" | "504" => "page-away",
        status if status.starts_with('4') => "page-other",
        _ => return None,
    };
    let advice = find(advice, &[]).unwrap_or_default();
    let finding = found("errorPage", WARN, &[("status", status), ("advice", &advice)]);
    Some((format!("An HTTP error page in place of an answer: {}.", closing(&title)), finding))
}
