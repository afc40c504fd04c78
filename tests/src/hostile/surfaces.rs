//! Bodies for what people see and what rules are written for: the inspector, quoted text, the site of a request.

use super::{clean, is_hidden};
use plan::Site;
use view::question;

pub fn site(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let site = match Site::of(text) {
        Ok(site) => site,
        Err(error) => {
            assert!(error.to_string().chars().count() <= 1500);
            return false;
        }
    };
    let key = site.to_string();
    assert_eq!(Site::parse(&key).as_ref(), Ok(&site), "the ledger's key {key} is another site");
    assert_eq!(site.is_tls(), key.starts_with("https://"));
    let host = site.host();
    assert!(!host.is_empty() && host.is_ascii() && !host.ends_with('.'), "{host}");
    assert!(!host.contains(|c: char| c.is_ascii_uppercase() || c.is_whitespace() || "@/\\?#%".contains(c)), "{host}");
    clean("a site", &key);
    // What else stands in the URL changes nothing about the site.
    for around in [format!("{key}/a?b#c"), key.replacen("://", "://user:secret@", 1)] {
        assert_eq!(Site::of(&around).as_ref(), Ok(&site), "{around}");
    }
    true
}

pub fn quoted(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    for max in [0, 1, 80, 500, 4000] {
        let shown = question::quoted(&text, max);
        clean("quoted text", &shown);
        // ⟨U+10FFFF⟩ is the longest symbol for one character.
        assert!(shown.chars().count() <= max * 10 + 1);
        let plain = text.chars().count() <= max && !text.contains(is_hidden);
        assert!(!plain || shown == text, "a plain text was changed: {text:?} {shown:?}");
    }
    !text.contains(is_hidden)
}

pub fn inspect(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    match view::inspect(text) {
        Ok(seen) => {
            clean("the title", &seen.title);
            for line in &seen.lines {
                for (what, part) in [("a group", &line.group), ("a label", &line.label), ("a value", &line.value)] {
                    clean(what, part);
                }
                clean("a remark", line.remark.as_deref().unwrap_or_default());
                assert!(line.label.chars().count() <= 1000 && line.value.chars().count() <= 5001, "{line:?}");
            }
            seen.document.lines().for_each(|line| clean("the document", line));
            let sentences = seen.findings.iter().flat_map(|finding| [&finding.title, &finding.text]);
            sentences.for_each(|sentence| clean("a finding", sentence));
            assert!(["paymentRequired", "paymentPayload", "settleResponse", "typedData"].contains(&seen.kind.as_str()));
            true
        }
        Err(failure) => {
            clean("a failure", &failure.message);
            for fact in [failure.field, failure.found, failure.expected, failure.advice].into_iter().flatten() {
                clean("a fact of a failure", &fact);
                assert!(fact.chars().count() <= 3000, "{fact}");
            }
            false
        }
    }
}
