//! Errors in the words of what was typed: the desk's `perDay` is `--per-day` here. Only fields of a request are
//! renamed; those of a 402 are the seller's.

use crate::exit::{Fail, Status};
use view::{Code, Failure};

/// The desk's name of a field, the flags that fill it, and the argument that does where none of them was typed.
const NAMES: &[(&str, &[&str], &str)] = &[
    ("address", &[], "ACCOUNT"),
    ("allowanceTotal", &["--allowance"], "--allowance"),
    ("appId", &["--app"], "APP"),
    ("format", &["--format", "-f"], "--format"),
    ("from", &["--since", "--from"], "--since"),
    ("least", &["--least"], "--least"),
    ("max", &["--max"], "--max"),
    ("maxAmount", &["--max-smallest"], "--max-smallest"),
    ("most", &["--most"], "--most"),
    ("name", &["--name"], "NAME"),
    ("network", &["--network"], "--network"),
    ("note", &[], "TEXT"),
    ("olderThan", &["--older-than"], "--older-than"),
    ("option", &["--option"], "--option"),
    ("path", &["--output", "-o"], "FILE"),
    ("payer", &["--account"], "--account"),
    ("permit2", &[], "SET"),
    ("perDay", &["--per-day"], "--per-day"),
    ("perMonth", &["--per-month"], "--per-month"),
    ("perPayment", &["--per-payment"], "--per-payment"),
    ("reason", &["--reason"], "--reason"),
    ("request.method", &["--request", "-X"], "--request"),
    ("request.url", &[], "URL"),
    ("scheme", &["--scheme"], "--scheme"),
    ("siteKey", &["--site"], "SITE"),
    ("tag", &["--tag"], "TAG"),
    ("tags", &[], "TAGS"),
    ("text", &["--search"], "--search"),
    ("timeZone", &["--time-zone"], "--time-zone"),
    ("to", &["--until", "--to"], "--until"),
    ("token", &["--token"], "CONTRACT"),
];

/// The failure as the person at this command line knows its words; what is wrong with an argument ends with 2.
pub fn in_words_of(typed: &[String], fail: Fail) -> Fail {
    let Failure { code: Code::BadRequest, field: Some(field), expected: Some(expected), found: Some(found), .. } =
        &fail.failure
    else {
        return fail;
    };
    let Some((_, flags, otherwise)) = NAMES.iter().find(|(name, ..)| name == field) else { return fail };
    let is = |flag: &&&str| typed.iter().any(|word| word == **flag || word.starts_with(&format!("{flag}=")));
    let name = flags.iter().find(is).unwrap_or(otherwise);
    let failure = Failure { advice: fail.failure.advice.clone(), ..Failure::field(name, expected, found) };
    Fail { status: Status::Usage, failure, ..fail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(typed: &[&str], field: &str) -> (String, Status) {
        let typed: Vec<String> = typed.iter().map(|word| (*word).to_owned()).collect();
        let fail = in_words_of(&typed, Failure::field(field, "this", "that").into());
        (fail.failure.message, fail.status)
    }

    #[test]
    fn a_field_is_called_by_the_flag_that_was_typed() {
        assert_eq!(said(&["--from", "x"], "from").0, "--from: expected this, found that.");
        assert_eq!(said(&["--since=x"], "from").0, "--since: expected this, found that.");
        assert_eq!(said(&["sites", "block", "x"], "siteKey").0, "SITE: expected this, found that.");
        assert_eq!(said(&["--site", "x"], "siteKey"), ("--site: expected this, found that.".into(), Status::Usage));
        assert_eq!(
            said(&[], "accepts[0].amount"),
            ("accepts[0].amount: expected this, found that.".into(), Status::Failed)
        );
    }
}
