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
    assert_eq!(Site::parse(&key).as_ref(), Some(&site), "the ledger's key {key} is another site");
    assert_eq!(site.is_tls(), key.starts_with("https://"));
    let host = site.host();
    assert!(!host.is_empty() && host.is_ascii() && !host.ends_with('.'), "{host}");
    assert!(!host.contains(|c: char| c.is_ascii_uppercase() || c.is_whitespace() || "@/\\?#%".contains(c)), "{host}");
    clean("a site", &key);
    // What else stands in the URL changes nothing about the site.
    let around = format!("{key}/a?b#c");
    assert_eq!(Site::of(&around).as_ref(), Ok(&site), "{around}");
    // A name in front of the host looks like one.
    let login = key.replacen("://", "://user:secret@", 1);
    assert!(Site::of(&login).is_err_and(|e| !e.to_string().contains("secret")), "{login}");
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
    let seen = view::inspect(text);
    assert_eq!(seen.understood, seen.parts.iter().any(|part| part.kind != view::KindView::Unknown));
    clean("the title", &seen.title);
    clean("the URL", seen.url.as_deref().unwrap_or_default());
    assert!(!seen.parts.is_empty() && seen.parts.len() <= 64, "{} parts", seen.parts.len());
    for part in &seen.parts {
        clean("a title", &part.title);
        clean("a place", part.place.as_deref().unwrap_or_default());
        assert!(part.kind != view::KindView::Unknown || !part.tried.is_empty() || part.document.len() < 200);
        for group in &part.groups {
            clean("a group", &group.name);
            group.lines.iter().for_each(line);
        }
        for tried in &part.tried {
            for fact in [&tried.what, &tried.field, &tried.found, &tried.expected] {
                clean("a fact of a refusal", fact);
                assert!(fact.chars().count() <= 3000, "{fact}");
            }
        }
        part.document.lines().for_each(|line| clean("the document", line));
        part.findings.iter().flat_map(|f| [&f.title, &f.text]).for_each(|sentence| clean("a finding", sentence));
    }
    seen.understood
}

fn line(line: &view::LineView) {
    clean("a label", &line.label);
    clean("a value", &line.value);
    for part in [&line.also, &line.remark, &line.help].into_iter().flatten() {
        clean("what is said about a value", part);
    }
    assert!(line.label.chars().count() <= 1000 && line.value.chars().count() <= 5001, "{line:?}");
}
