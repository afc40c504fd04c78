//! BIP-39 words and the keys derived from them on TRON's path `m/44'/195'/0'/0/i`. English words only.
//! Makes no randomness and never says a word in an error.

use crate::{PrivateKey, layout};
use bip32::{ChildNumber, XPrv};
use bip39::{Language, Mnemonic};
use zeroize::Zeroizing;

/// The words that every account comes from. Zeroized when dropped; no Debug, Clone or serialization.
// Boxed, as is a private key: what is moved by value leaves its bytes behind at every place it was.
pub struct Words(Box<Mnemonic>);

/// Why words are not accepted. Positions count from 1; the words themselves are never repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    #[error("expected 12, 15, 18, 21 or 24 words, found {found}")]
    Count { found: usize },
    #[error("word {position} is not in the BIP-39 English list")]
    Unknown { position: usize },
    /// Numbers stand beside the words, and not one for each from 1 on: the order would be a guess.
    #[error("the numbers beside the words are not 1 to {words}, one for each word ({numbers} found)")]
    Numbers { words: usize, numbers: usize },
    #[error("every word is in the list, but their checksum does not match: one is wrong or two are swapped")]
    Checksum,
    #[error("expected 16, 20, 24, 28 or 32 bytes of entropy, found {found}")]
    Entropy { found: usize },
}

/// No key at this place of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no account at index {index}")]
pub struct DeriveError {
    pub index: u32,
}

impl Words {
    /// Words for 16 (12 words) to 32 bytes (24 words) of randomness that the caller made.
    pub fn from_entropy(entropy: &[u8]) -> Result<Self, WordsError> {
        let words = Mnemonic::from_entropy_in(Language::English, entropy);
        words.map(|words| Self(Box::new(words))).map_err(|_| WordsError::Entropy { found: entropy.len() })
    }

    /// Reads what a person typed or kept: any layout, any case, numbered or not.
    pub fn parse(text: &str) -> Result<Self, WordsError> {
        let text = layout::words(text)?;
        let words = Mnemonic::parse_in_normalized(Language::English, &text);
        words.map(|words| Self(Box::new(words))).map_err(|e| match e {
            bip39::Error::BadWordCount(found) => WordsError::Count { found },
            bip39::Error::UnknownWord(at) => WordsError::Unknown { position: at + 1 },
            _ => WordsError::Checksum,
        })
    }

    /// The word at `i`, counted from 0.
    pub fn word(&self, i: usize) -> Option<&'static str> {
        self.0.words().nth(i)
    }

    /// How many words: 12 to 24, never none.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.0.word_count()
    }

    /// All words in order, separated by single spaces: for showing them to their owner.
    pub fn reveal(&self) -> Zeroizing<String> {
        // One allocation that is large enough: growing would leave copies behind.
        let mut out = Zeroizing::new(String::with_capacity(24 * 9));
        for (i, word) in self.0.words().enumerate() {
            if i > 0 {
                out.push(' ');
            }
            out.push_str(word);
        }
        out
    }

    /// The entropy behind the words: for sealing them in a file.
    pub fn reveal_entropy(&self) -> Zeroizing<Vec<u8>> {
        let length = self.len() / 3 * 4;
        let mut out = Zeroizing::new(Vec::with_capacity(length));
        // 11 bits of each word, gathered to bytes; the last few are the checksum.
        let (mut held, mut bits) = (0_u32, 0);
        for index in self.0.word_indices() {
            held = held << 11 | index as u32;
            bits += 11;
            while bits >= 8 && out.len() < length {
                bits -= 8;
                out.push((held >> bits) as u8);
            }
        }
        out
    }
}

/// The key at `m/44'/195'/0'/0/index`, without a BIP-39 passphrase. Fails for an index of 2³¹ or more.
pub fn derive(words: &Words, index: u32) -> Result<PrivateKey, DeriveError> {
    walk(words, index).ok_or(DeriveError { index })
}

fn walk(words: &Words, index: u32) -> Option<PrivateKey> {
    let seed = Zeroizing::new(words.0.to_seed_normalized(""));
    let mut key = XPrv::new(seed.as_slice()).ok()?;
    for (step, hardened) in [(44, true), (195, true), (0, true), (0, false), (index, false)] {
        key = key.derive_child(ChildNumber::new(step, hardened).ok()?).ok()?;
    }
    PrivateKey::from_bytes(&Zeroizing::new(key.to_bytes())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

    #[test]
    fn words_survive_spacing_case_and_a_trip_through_their_entropy() {
        let words = Words::parse(&format!("  {}\n", ABOUT.to_uppercase().replace(' ', "  "))).unwrap();
        assert_eq!(*words.reveal(), ABOUT);
        assert_eq!(words.len(), 12);
        assert_eq!((words.word(11), words.word(12)), (Some("about"), None));
        let again = Words::from_entropy(&words.reveal_entropy()).unwrap();
        assert_eq!(*again.reveal(), ABOUT);
        assert_eq!(*Words::from_entropy(&[0; 16]).unwrap().reveal(), ABOUT);
        for bytes in [16, 20, 24, 28, 32] {
            assert_eq!(Words::from_entropy(&vec![0xa5; bytes]).unwrap().len(), bytes * 3 / 4);
        }
    }

    #[test]
    fn wrong_words_are_named_by_position_only() {
        let error = |text: &str| Words::parse(text).err().unwrap();
        assert_eq!(error("abandon"), WordsError::Count { found: 1 });
        assert_eq!(error(&ABOUT.replace("about", "abouts")), WordsError::Unknown { position: 12 });
        assert_eq!(error(&ABOUT.replace("about", "abandon")), WordsError::Checksum);
        assert_eq!(Words::from_entropy(&[0; 15]).err(), Some(WordsError::Entropy { found: 15 }));
    }

    #[test]
    fn an_index_beyond_the_path_has_no_key() {
        let words = Words::parse(ABOUT).unwrap();
        assert_eq!(derive(&words, 1 << 31).err(), Some(DeriveError { index: 1 << 31 }));
        assert!(derive(&words, (1 << 31) - 1).is_ok());
    }
}
