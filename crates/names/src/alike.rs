//! Names that a person could take for one another: Unicode's confusables (UTS 39), digits and signs that stand for
//! letters, letters of several scripts in one name, and hosts that differ in one letter. Compares; judges nothing.

use std::net::IpAddr;
use unicode_normalization::UnicodeNormalization;
use unicode_script::{Script, UnicodeScript};
use unicode_security::mixed_script::AugmentedScriptSet;

/// From this length on one letter more, less or other is easily overlooked.
const OVERLOOKED: usize = 4;

/// What is left of a name when everything that looks alike is the same. Capitals and small letters have different
/// doubles in other scripts, so there is one reading of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skeleton([String; 2]);

impl Skeleton {
    pub fn of(name: &str) -> Self {
        let plain: String = name.nfkc().collect();
        let doubles = |text: &str| unicode_security::skeleton(text).collect::<String>();
        let as_written = doubles(&doubles(&plain).to_lowercase());
        let in_small = doubles(&plain.to_lowercase());
        Self([as_written, in_small].map(|text| bare(&text)))
    }

    /// What can be read in it: two names resemble each other where they share one of these.
    pub fn readings(self) -> impl Iterator<Item = String> {
        self.0.into_iter().filter(|reading| !reading.is_empty())
    }

    /// Nothing is left that a person reads.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(String::is_empty)
    }

    pub fn resembles(&self, other: &Self) -> bool {
        self.any(other, |one, other| one == other)
    }

    /// As [`Skeleton::resembles`], or one letter differs in a long one.
    pub fn almost_resembles(&self, other: &Self) -> bool {
        self.any(other, |one, other| {
            one == other || (one.len().max(other.len()) >= 2 * OVERLOOKED && one_apart(one, other))
        })
    }

    /// Whether `other` stands somewhere in it.
    pub fn contains(&self, other: &Self) -> bool {
        self.any(other, |one, other| one.contains(other))
    }

    fn any(&self, other: &Self, same: impl Fn(&str, &str) -> bool) -> bool {
        self.0.iter().any(|one| other.0.iter().any(|other| !other.is_empty() && same(one, other)))
    }
}

/// Letters and digits, those that stand for one another folded.
fn bare(text: &str) -> String {
    let fold = |c: char| match c {
        '0' => 'o',
        '1' | 'i' | '|' | '!' | 'j' => 'l',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        '9' => 'g',
        c => c,
    };
    text.chars()
        .flat_map(char::to_lowercase)
        .map(fold)
        .filter(|c| c.is_alphanumeric())
        .collect::<String>()
        .replace("vv", "w")
}

/// The scripts that a name mixes, where no reader of one of them would expect the others. Latin beside Chinese,
/// Japanese or Korean is expected (UTS 39, "highly restrictive"); signs and digits belong to every script.
pub fn mixed_scripts(name: &str) -> Option<Vec<&'static str>> {
    let letters: String = name.nfkc().filter(|c| c.is_alphanumeric()).collect();
    let resolved = AugmentedScriptSet::for_str(&letters);
    let others: String = letters.chars().filter(|c| c.script() != Script::Latin).collect();
    let others = AugmentedScriptSet::for_str(&others);
    if !resolved.is_empty() || others.hanb || others.jpan || others.kore {
        return None;
    }
    let mut scripts: Vec<&'static str> = Vec::new();
    for script in letters.chars().map(|c| c.script()) {
        if !matches!(script, Script::Common | Script::Inherited) && !scripts.contains(&script.full_name()) {
            scripts.push(script.full_name());
        }
    }
    Some(scripts)
}

/// Two different hosts, in the form of [`crate::WebUrl::host`], that a person could take for one another: the same
/// looks, one letter in one of their parts, other marks between the parts, or the one standing in front of the other
/// as if it were its beginning. Numbered addresses are compared by nobody's eye and resemble nothing.
pub fn hosts_resemble(one: &str, other: &str) -> bool {
    let numbered = |host: &str| host.starts_with('[') || host.parse::<IpAddr>().is_ok();
    if one == other || numbered(one) || numbered(other) {
        return false;
    }
    let (one, _) = idna::domain_to_unicode(one);
    let (other, _) = idna::domain_to_unicode(other);
    if Skeleton::of(&one).resembles(&Skeleton::of(&other)) {
        return true;
    }
    // `news.example.shop` reads like a page of `news.example`. A single word is the beginning of much.
    let leads = |long: &str, short: &str| {
        short.contains('.') && long.strip_prefix(short).is_some_and(|rest| rest.starts_with('.'))
    };
    leads(&one, &other) || leads(&other, &one) || one_label_apart(&one, &other)
}

/// The same parts but for one letter in one of them, where that part, or what stands around a short ending, is long
/// enough to overlook it.
fn one_label_apart(one: &str, other: &str) -> bool {
    let (one, other): (Vec<&str>, Vec<&str>) = (one.split('.').collect(), other.split('.').collect());
    if one.len() != other.len() {
        return false;
    }
    let mut differing = one.iter().zip(&other).enumerate().filter(|(_, (one, other))| one != other);
    let (Some((at, (left, right))), None) = (differing.next(), differing.next()) else { return false };
    let ending = at + 1 == one.len();
    let around = one.iter().take(at).map(|label| label.chars().count()).sum::<usize>();
    let long = left.chars().count().max(right.chars().count()) >= OVERLOOKED || (ending && around >= OVERLOOKED);
    let apart = Skeleton::of(left).any(&Skeleton::of(right), |left, right| left == right || one_apart(left, right));
    long && (apart || one_apart(left, right))
}

/// One letter more, less or other, or two neighbours swapped.
fn one_apart(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (long, short) = if one.len() >= other.len() { (&one, &other) } else { (&other, &one) };
    let head = long.iter().zip(short).take_while(|(a, b)| a == b).count();
    let (Some(long_rest), Some(short_rest)) = (long.get(head..), short.get(head..)) else { return false };
    match long.len() - short.len() {
        0 => {
            let swapped = match (long_rest, short_rest) {
                ([a, b, left @ ..], [c, d, right @ ..]) => a == d && b == c && left == right,
                _ => false,
            };
            swapped || (!long_rest.is_empty() && long_rest.get(1..) == short_rest.get(1..))
        }
        1 => long_rest.get(1..) == Some(short_rest),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(one: &str, other: &str) -> bool {
        Skeleton::of(one).resembles(&Skeleton::of(other))
    }

    #[test]
    fn what_looks_alike_is_the_same() {
        for (one, other) in [
            ("App A", "Арр А"),
            ("App A", "app-a"),
            ("App A", "Ａｐｐ Ａ"),
            ("App A", "𝐀𝐩𝐩 𝐀"),
            ("App A", "A p p a"),
            ("Countersign", "C0untersign"),
            ("Countersign", "Countersіgn"),
            ("Countersign", "Counterslgn"),
            ("Countersign", "Cöuntersign"),
            ("News", "ΝEWS"),
            ("News", "Nevvs"),
            ("modern", "rnodem"),
            ("Paypal", "PayPaI"),
            ("Shop", "$h0p"),
        ] {
            assert!(alike(one, other), "{one} {other}: {:?} {:?}", Skeleton::of(one), Skeleton::of(other));
        }
        for (one, other) in
            [("App A", "App B"), ("News reader 2", "News reader"), ("中文名", "中文"), ("Русский", "Русская")]
        {
            assert!(!alike(one, other), "{one} {other}");
        }
    }

    #[test]
    fn scripts_that_nobody_writes_together_are_named() {
        assert_eq!(mixed_scripts("Арр A").unwrap(), ["Cyrillic", "Latin"]);
        assert_eq!(mixed_scripts("Countersіgn").unwrap(), ["Latin", "Cyrillic"]);
        assert_eq!(mixed_scripts("Αpp").unwrap(), ["Greek", "Latin"]);
        assert!(mixed_scripts("Cօuntersign").is_some() && mixed_scripts("Ꭺpp").is_some());
        for honest in [
            "中文名",
            "Русский",
            "News reader 2",
            "Wetter 天気 アプリ",
            "한국어 App",
            "עברית",
            "Ελληνικά",
            "Ü-Wagen №5",
            "📰",
        ] {
            assert_eq!(mixed_scripts(honest), None, "{honest}");
        }
    }

    #[test]
    fn hosts_that_could_be_taken_for_one_another() {
        for (one, other) in [
            ("news.example", "newz.example"),
            ("news.example", "nevvs.example"),
            ("news.example", "newss.example"),
            ("news.example", "nwes.example"),
            ("news.example", "news.exarnple"),
            ("news.com", "news.co"),
            ("news.example", "news-example"),
            ("news.example", "news.example.shop"),
            ("pay1.example", "payl.example"),
            ("apple.example", "xn--80ak6aa92e.example"),
            ("bücher.example", "bucher.example"),
        ] {
            assert!(hosts_resemble(one, other) && hosts_resemble(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("news.example", "news.example"),
            ("a.example", "b.example"),
            ("api.news.example", "news.example"),
            ("news.example", "weather.example"),
            ("127.0.0.1", "127.0.0.2"),
            ("[::1]", "[::2]"),
            ("localhost", "127.0.0.1"),
            ("x.com", "t.co"),
        ] {
            assert!(!hosts_resemble(one, other), "{one} {other}");
        }
    }
}
