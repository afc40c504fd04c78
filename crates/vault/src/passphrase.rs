//! The passphrase as it travels: wiped when dropped, never printed, copied or serialized.

use zeroize::Zeroizing;

/// A passphrase. Whether it is good enough is not judged here.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes the text over, so that no copy of it stays behind.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// How many characters it has.
    pub fn chars(&self) -> usize {
        self.0.chars().count()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl From<String> for Passphrase {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}
