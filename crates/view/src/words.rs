//! The one catalogue of sentences, in Fluent. Renders a key with finished texts; a key that is missing shows
//! itself, so that a test can find it. Knows nothing of the domain.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

static ENGLISH: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| {
    let mut bundle = FluentBundle::new_concurrent(vec![LanguageIdentifier::default()]);
    // Amounts and addresses are copied from what is shown: no invisible isolation marks around them.
    bundle.set_use_isolating(false);
    // A resource with errors still holds what did parse; the test below sees to it that there are none.
    let resource = FluentResource::try_new(include_str!("../words/en.ftl").to_owned()).unwrap_or_else(|(r, _)| r);
    bundle.add_resource_overriding(resource);
    bundle
});

/// An argument: finished text, or a number that chooses a plural.
pub enum Arg<'a> {
    Text(&'a str),
    Count(u64),
}

/// The sentence behind `key`, or `None` when the catalogue has none.
pub fn find(key: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
    let message = ENGLISH.get_message(key)?.value()?;
    let mut values = FluentArgs::new();
    for (name, arg) in args {
        values.set(
            name.to_string(),
            match arg {
                Arg::Text(text) => FluentValue::from(*text),
                Arg::Count(count) => FluentValue::from(*count),
            },
        );
    }
    Some(ENGLISH.format_pattern(message, Some(&values), &mut vec![]).into_owned())
}

/// The sentence behind `key`.
pub fn say(key: &str, args: &[(&str, Arg<'_>)]) -> String {
    find(key, args).unwrap_or_else(|| key.to_owned())
}

/// A length of time in its largest whole unit: "4 minutes", "30 days".
pub fn duration(seconds: u64) -> String {
    // The nearest whole one: 299 seconds are 5 minutes.
    let whole = |unit: u64| seconds.saturating_add(unit / 2) / unit;
    let (key, count) = match seconds {
        0..120 => ("seconds", seconds),
        120..7_200 => ("minutes", whole(60)),
        7_200..172_800 => ("hours", whole(3600)),
        _ => ("days", whole(86_400)),
    };
    say(key, &[("count", Arg::Count(count))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_no_errors_and_speaks() {
        assert!(FluentResource::try_new(include_str!("../words/en.ftl").to_owned()).is_ok());
        assert_eq!(duration(1), "1 second");
        assert_eq!(duration(600), "10 minutes");
        assert_eq!((duration(299), duration(269)), ("5 minutes".to_owned(), "4 minutes".to_owned()));
        assert_eq!(duration(30 * 86_400), "30 days");
        let args = [("claimed", Arg::Text("USDT"))];
        assert_eq!(say("tokenUnknown-title", &args), "This token only calls itself USDT");
        assert_eq!(say("no such key", &[]), "no such key");
    }
}
