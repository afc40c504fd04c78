//! Asking for three words back, so that a backup is proved before it is needed. Makes no randomness and never
//! says a word.

use tron::hd::Words;

/// Which three words are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    positions: [usize; 3],
}

/// The answer for this word is wrong or missing. Positions count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("word {position} is not the one that was shown")]
pub struct BackupError {
    pub position: usize,
}

impl Backup {
    /// Three different positions, in rising order, picked by `dice`: 32 random bytes of the caller.
    pub fn choose(words: &Words, dice: &[u8; 32]) -> Self {
        let mut left: Vec<usize> = (1..=words.len()).collect();
        let mut positions = [1, 2, 3];
        for (position, dice) in positions.iter_mut().zip(dice.chunks_exact(8)) {
            let roll = dice.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
            // There are 12 words or more, so the remainder is below what a usize holds and never of zero.
            *position = left.swap_remove((roll % left.len() as u64) as usize);
        }
        positions.sort_unstable();
        Self { positions }
    }

    /// Counted from 1, in rising order.
    pub const fn positions(&self) -> &[usize; 3] {
        &self.positions
    }

    /// The answers in the order of the positions; spaces around them and case do not matter.
    pub fn confirm(&self, words: &Words, answers: &[&str]) -> Result<(), BackupError> {
        for (i, position) in self.positions.into_iter().enumerate() {
            let expected = words.word(position - 1);
            let answer = answers.get(i).map(|a| a.trim());
            match (expected, answer) {
                (Some(expected), Some(answer)) if answer.eq_ignore_ascii_case(expected) => {}
                _ => return Err(BackupError { position }),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words() -> Words {
        Words::from_entropy(&[0x5a; 16]).unwrap()
    }

    #[test]
    fn three_right_words_confirm_and_a_wrong_one_is_named_by_position() {
        let (words, backup) = (words(), Backup { positions: [2, 7, 12] });
        let [a, b, c] = [1, 6, 11].map(|i| words.word(i).unwrap());
        let shouted = format!(" {} ", b.to_uppercase());
        assert_eq!(backup.confirm(&words, &[a, &shouted, c]), Ok(()));
        assert_eq!(backup.confirm(&words, &[a, "zoo", c]), Err(BackupError { position: 7 }));
        assert_eq!(backup.confirm(&words, &[a, b]), Err(BackupError { position: 12 }));
        assert_eq!(backup.confirm(&words, &[]), Err(BackupError { position: 2 }));
    }

    proptest! {
        #[test]
        fn the_positions_are_three_different_ones_of_the_words(dice: [u8; 32]) {
            let [a, b, c] = *Backup::choose(&words(), &dice).positions();
            prop_assert!(1 <= a && a < b && b < c && c <= 12);
        }
    }
}
