//! The passphrase as it travels: wiped when dropped, never printed, copied or serialized.
//!
//! What a person sees as one letter can be one code point or several, and systems type it differently. What is sealed
//! here is sealed under the composed form (NFC); what is opened is tried in every form that looks the same, because older
//! files and other wallets sealed what was typed.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// A passphrase. Whether it is good enough is not judged here.
pub struct Passphrase(Zeroizing<String>);

/// One way to write a passphrase in bytes.
pub(crate) type Form = Zeroizing<String>;

impl Passphrase {
    /// Takes the text over, so that no copy of it stays behind.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// How many characters it has, each counted once however it is composed.
    pub fn chars(&self) -> usize {
        self.0.nfc().count()
    }

    /// The form under which files are sealed: NFC.
    pub(crate) fn composed(&self) -> Form {
        self.form(self.0.nfc())
    }

    /// Every form in which it may have been sealed, each once: composed, as it was typed, decomposed, and the two in
    /// which compatible letters are alike (NFKC and NFKD). One for a passphrase of ASCII.
    pub(crate) fn forms(&self) -> Vec<Form> {
        let all = [
            self.composed(),
            self.form(self.0.chars()),
            self.form(self.0.nfd()),
            self.form(self.0.nfkc()),
            self.form(self.0.nfkd()),
        ];
        let mut forms: Vec<Form> = Vec::with_capacity(all.len());
        for form in all {
            if !forms.iter().any(|known| **known == *form) {
                forms.push(form);
            }
        }
        forms
    }

    fn form(&self, chars: impl Iterator<Item = char>) -> Form {
        // One allocation that is large enough: growing would leave copies behind. No form is longer than 18 times the
        // text (Unicode, UAX 15, NFKD).
        let mut form = Zeroizing::new(String::with_capacity(self.0.len() * 18));
        form.extend(chars);
        form
    }
}

impl From<String> for Passphrase {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_letters_have_the_same_forms_however_they_are_typed() {
        let composed = Passphrase::new("Ga\u{308}nsefu\u{308}ßchen é".to_owned());
        let typed = Passphrase::new("Gänsefüßchen e\u{301}".to_owned());
        assert_eq!(*composed.composed(), *typed.composed());
        assert_eq!((composed.chars(), typed.chars()), (14, 14));
        let decomposed = typed.form(typed.0.nfd());
        assert!(typed.forms().contains(&decomposed));
        assert_eq!(Passphrase::new("plain".to_owned()).forms().len(), 1);
    }
}
