//! What an app may call itself. Refuses names that hide something, mix scripts, speak for the wallet or its owner, or
//! claim what only the wallet could say; and tells which paired name a new one resembles.

use crate::{Skeleton, is_invisible, mixed_scripts};

/// Nobody else goes by these, nor by what looks like one of them.
const RESERVED: [&str; 8] =
    ["Countersign", "Wallet", "TRON", "TronLink", "owner", "you", "You at the command line", "command line"];
/// A name that has this one anywhere speaks for the wallet.
const OURS: &str = "Countersign";
/// What only somebody who checked could say, in the languages that it is met in most.
const CLAIMS: [&str; 24] = [
    "verified",
    "trusted",
    "official",
    "approved",
    "certified",
    "authentic",
    "genuine",
    "secure",
    "safe",
    "system",
    "admin",
    "administrator",
    "support",
    "security",
    "wallet",
    "проверено",
    "официальный",
    "доверенный",
    "官方",
    "已验证",
    "已认证",
    "可信",
    "認証済み",
    "公式",
];
/// Signs that say the same.
const MARKS: [char; 12] = ['✓', '✔', '☑', '✅', '🗸', '🛡', '🔒', '🔐', '🔑', '⭐', '®', '™'];

/// Why a name can't be an app's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppNameError {
    #[error("it has no letter and no digit")]
    Empty,
    #[error("it has a character that is not seen, U+{:04X}", u32::from(*.found))]
    Invisible { found: char },
    #[error("it mixes letters of several scripts ({})", .scripts.join(", "))]
    Mixed { scripts: Vec<&'static str> },
    /// A name of the wallet, its owner or the chain's own programs.
    #[error("it resembles {like:?}, which no app may call itself")]
    Reserved { like: &'static str },
    #[error("it claims {claim:?}, which only the wallet could say")]
    Claim { claim: String },
    #[error("it resembles {like:?}, which is paired already")]
    Taken { like: String },
}

/// Whether a name may be an app's, whoever else is paired.
pub fn check_app_name(name: &str) -> Result<(), AppNameError> {
    if let Some(found) = name.chars().find(|c| is_invisible(*c)) {
        return Err(AppNameError::Invisible { found });
    }
    let skeleton = Skeleton::of(name);
    if skeleton.is_empty() {
        return Err(AppNameError::Empty);
    }
    let plain = Skeleton::of(&without_claims(name));
    let ours = Skeleton::of(OURS);
    let reserved = |like: &&str| {
        let like = Skeleton::of(like);
        skeleton.almost_resembles(&like) || plain.almost_resembles(&like)
    };
    if let Some(like) = RESERVED.into_iter().find(reserved).or_else(|| skeleton.contains(&ours).then_some(OURS)) {
        return Err(AppNameError::Reserved { like });
    }
    if let Some(claim) = claim(name) {
        return Err(AppNameError::Claim { claim });
    }
    match mixed_scripts(name) {
        Some(scripts) => Err(AppNameError::Mixed { scripts }),
        None => Ok(()),
    }
}

/// What a person may read an app's name as, its claims said and left out: an app whose name shares one of these
/// [resembles](resembling) it.
pub fn readings(name: &str) -> Vec<String> {
    let both = [Skeleton::of(name), Skeleton::of(&without_claims(name))];
    let mut readings: Vec<String> = both.into_iter().flat_map(Skeleton::readings).collect();
    readings.sort_unstable();
    readings.dedup();
    readings
}

/// The first of `paired` that a person could take this name for.
pub fn resembling<'a>(name: &str, paired: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let names = [Skeleton::of(name), Skeleton::of(&without_claims(name))];
    paired.into_iter().find(|other| {
        let others = [Skeleton::of(other), Skeleton::of(&without_claims(other))];
        names.iter().any(|name| others.iter().any(|other| name.resembles(other)))
    })
}

/// A claim in brackets, behind a dash or as a sign: where a wallet would write its own word about an app.
fn claim(name: &str) -> Option<String> {
    if let Some(mark) = name.chars().find(|c| MARKS.contains(c)) {
        return Some(mark.to_string());
    }
    let apart = |c: char| "()[]{}<>（）［］【】「」《》〈〉–—|/:·•,*".contains(c);
    let mut parts = name.split(apart);
    let own = parts.next().filter(|part| !part.trim().is_empty());
    // In front of the first bracket stands the name itself; a dash needs blanks, or it is part of a word.
    let dashed = own.and_then(|own| own.split_once(" - ")).map(|(_, behind)| behind);
    let own_brackets = own.is_none().then_some("");
    let mut apart = parts.chain(dashed).chain(own_brackets);
    apart.find_map(|part| words(part).find(|word| is_claim(word)).map(str::to_owned))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn is_claim(word: &str) -> bool {
    let word = Skeleton::of(word);
    CLAIMS.iter().any(|claim| word.resembles(&Skeleton::of(claim)))
}

/// The name with all claims left out: "App A (verified)" is "App A". A name of nothing else stays as it is.
fn without_claims(name: &str) -> String {
    let plain: Vec<&str> = words(name).filter(|word| !is_claim(word)).collect();
    if plain.is_empty() { name.to_owned() } else { plain.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_wallet_and_its_owner_are_nobodys() {
        for (name, like) in [
            ("Countersign", "Countersign"),
            ("countersign", "Countersign"),
            ("Countersіgn", "Countersign"),
            ("C0untersign", "Countersign"),
            ("C o u n t e r s i g n", "Countersign"),
            ("Ｃｏｕｎｔｅｒｓｉｇｎ", "Countersign"),
            ("Counter-Sign", "Countersign"),
            ("Countersgn", "Countersign"),
            ("Countersign Support", "Countersign"),
            ("The Countersign wallet", "Countersign"),
            ("WaIIet", "Wallet"),
            ("TR0N", "TRON"),
            ("ТRОN", "TRON"),
            ("Tron Link", "TronLink"),
            ("TronLink Wallet", "TronLink"),
            ("OWNER", "owner"),
            ("you", "you"),
        ] {
            assert_eq!(check_app_name(name), Err(AppNameError::Reserved { like }), "{name}");
        }
    }

    #[test]
    fn what_hides_mixes_or_claims_is_refused_with_its_reason() {
        assert_eq!(check_app_name("App\u{200b} A"), Err(AppNameError::Invisible { found: '\u{200b}' }));
        assert_eq!(check_app_name("App \u{202e}A"), Err(AppNameError::Invisible { found: '\u{202e}' }));
        assert_eq!(check_app_name("- -"), Err(AppNameError::Empty));
        assert!(matches!(check_app_name("Арр A"), Err(AppNameError::Mixed { .. })));
        for name in [
            "App A (verified)",
            "Wallet (official)",
            "App A [Verified]",
            "App A【官方】",
            "App A ✓",
            "App A - trusted",
            "(safe) App A",
            "App A (veriﬁed)",
            "App A (v3rified app)",
            "App A ✅",
            "App A — official",
            "App A (已验证)",
        ] {
            assert!(
                matches!(check_app_name(name), Err(AppNameError::Claim { .. })),
                "{name}: {:?}",
                check_app_name(name)
            );
        }
    }

    #[test]
    fn honest_names_are_taken() {
        for name in [
            "News reader",
            "News reader 2",
            "中文名",
            "Русский",
            "天気 reader",
            "App A",
            "App B",
            "Wetter-App (Zuhause)",
            "agent_7",
            "my-crawler",
            "Electron",
            "Neutron",
            "Tron price bot",
            "Support desk",
            "Owner's manual",
            "Safe routes",
            "Ελληνικά",
            "reader (2)",
            "x402-fetch/1.2",
            "pay.py",
            "Wallet watcher",
            "curl",
            "R2-D2",
            "日本語アプリ",
            "Żółw",
        ] {
            assert_eq!(check_app_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_paired_name_is_taken_with_all_that_looks_like_it() {
        let paired = ["News reader", "App A", "中文名"];
        for (name, like) in [
            ("app a", "App A"),
            ("Арр А", "App A"),
            ("App 4", "App A"),
            ("App_A!", "App A"),
            ("Verified App A", "App A"),
            ("App A support", "App A"),
            ("News r3ader", "News reader"),
            ("Newsreader", "News reader"),
            ("中文名", "中文名"),
        ] {
            assert_eq!(resembling(name, paired), Some(like), "{name}");
            let taken = readings(like);
            assert!(readings(name).iter().any(|reading| taken.contains(reading)), "{name}: {taken:?}");
        }
        for name in ["App B", "News reader 2", "中文", "Reader"] {
            assert_eq!(resembling(name, paired), None, "{name}");
            let taken: Vec<String> = paired.into_iter().flat_map(readings).collect();
            assert!(!readings(name).iter().any(|reading| taken.contains(reading)), "{name}: {taken:?}");
        }
    }
}
