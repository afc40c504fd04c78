//! What one guess at a passphrase costs: Argon2id, version 0x13, one lane. Refuses a cost below the floor, where
//! guessing gets cheap, and above the ceiling, where a foreign file could hang the machine.

use crate::passphrase::Form;
use crate::{Passphrase, VaultError};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::{Zeroize, Zeroizing};

/// The cost of a key derivation, always between floor and ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
}

/// A cost that is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    #[error("{field} is {found}, below the floor of {floor}")]
    TooLow { field: &'static str, found: u32, floor: u32 },
    #[error("{field} is {found}, above the ceiling of {ceiling}")]
    TooHigh { field: &'static str, found: u32, ceiling: u32 },
}

const FLOOR: Cost = Cost { memory_kib: 19 * 1024, passes: 2 };
const DEFAULT: Cost = Cost { memory_kib: 64 * 1024, passes: 3 };
const CEILING: Cost = Cost { memory_kib: 1024 * 1024, passes: 10 };

impl Default for Cost {
    /// 64 MiB, 3 passes.
    fn default() -> Self {
        DEFAULT
    }
}

impl Cost {
    /// Memory in KiB and passes over it, from 19 MiB and 2 to 1 GiB and 10.
    pub const fn new(memory_kib: u32, passes: u32) -> Result<Self, CostError> {
        let (memory, times) = ("memory_kib", "passes");
        if memory_kib < FLOOR.memory_kib {
            return Err(CostError::TooLow { field: memory, found: memory_kib, floor: FLOOR.memory_kib });
        }
        if passes < FLOOR.passes {
            return Err(CostError::TooLow { field: times, found: passes, floor: FLOOR.passes });
        }
        if memory_kib > CEILING.memory_kib {
            return Err(CostError::TooHigh { field: memory, found: memory_kib, ceiling: CEILING.memory_kib });
        }
        if passes > CEILING.passes {
            return Err(CostError::TooHigh { field: times, found: passes, ceiling: CEILING.passes });
        }
        Ok(Self { memory_kib, passes })
    }

    /// The least that is accepted: 19 MiB, 2 passes. For tests, where guessing is not the point.
    pub const fn floor() -> Self {
        FLOOR
    }

    pub const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    pub const fn passes(&self) -> u32 {
        self.passes
    }
}

/// A key that stays where it is: what is moved by value leaves its bytes behind.
pub type Key = Box<Zeroizing<[u8; 32]>>;

/// What a passphrase turns into: the key that seals, and a mark by which a wrong passphrase is told from an
/// altered file. The mark says nothing about the key, and costs a guesser the same work.
pub struct Derived {
    pub key: Key,
    pub mark: [u8; 16],
}

/// For sealing: under the form in which passphrases are sealed here.
pub fn derive(passphrase: &Passphrase, salt: &[u8; 16], cost: Cost) -> Result<Derived, VaultError> {
    derive_form(&passphrase.composed(), salt, cost)
}

/// For opening: the first form of the passphrase that gives this mark. `None`: it is another passphrase.
pub fn find(
    passphrase: &Passphrase,
    salt: &[u8; 16],
    cost: Cost,
    mark: &[u8; 16],
) -> Result<Option<Derived>, VaultError> {
    for form in passphrase.forms() {
        let derived = derive_form(&form, salt, cost)?;
        if derived.mark == *mark {
            return Ok(Some(derived));
        }
    }
    Ok(None)
}

fn derive_form(form: &Form, salt: &[u8; 16], cost: Cost) -> Result<Derived, VaultError> {
    let mut out = Zeroizing::new([0; 48]);
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(out.len())).map_err(|_| VaultError::Derivation)?;
    let count = params.block_count();
    // The memory is asked for, so that too little of it is an error instead of an abort; and it is wiped.
    let mut memory = Vec::new();
    memory.try_reserve_exact(count).map_err(|_| VaultError::Memory { needed_kib: cost.memory_kib })?;
    memory.resize(count, Block::default());
    let done = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        form.as_bytes(),
        salt,
        out.as_mut(),
        &mut memory,
    );
    memory.iter_mut().for_each(Zeroize::zeroize);
    done.map_err(|_| VaultError::Derivation)?;
    let (mut key, mut mark) = (Key::default(), [0; 16]);
    key.copy_from_slice(&out[..32]);
    mark.copy_from_slice(&out[32..]);
    Ok(Derived { key, mark })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_outside_the_limits_are_named() {
        assert_eq!(Cost::new(64 * 1024, 3), Ok(Cost::default()));
        assert_eq!(Cost::new(19 * 1024, 2), Ok(Cost::floor()));
        assert_eq!(
            Cost::new(19 * 1024 - 1, 2),
            Err(CostError::TooLow { field: "memory_kib", found: 19_455, floor: 19_456 })
        );
        assert_eq!(Cost::new(19 * 1024, 1), Err(CostError::TooLow { field: "passes", found: 1, floor: 2 }));
        assert_eq!(
            Cost::new(u32::MAX, 2),
            Err(CostError::TooHigh { field: "memory_kib", found: u32::MAX, ceiling: 1_048_576 })
        );
        assert_eq!(Cost::new(19 * 1024, 11), Err(CostError::TooHigh { field: "passes", found: 11, ceiling: 10 }));
    }

    #[test]
    fn what_was_sealed_in_any_form_of_a_passphrase_opens_with_each_of_them() {
        let (salt, cost) = ([1; 16], Cost::floor());
        let (composed, decomposed, wide) = ("gr\u{fc}n \u{c5}", "gru\u{308}n A\u{30a}", "gr\u{fc}n \u{212b}");
        let sealed = |text: &str| derive_form(&Form::new(text.to_owned()), &salt, cost).unwrap();
        let opens =
            |typed: &str, mark: &[u8; 16]| find(&Passphrase::new(typed.into()), &salt, cost, mark).unwrap().is_some();
        for old in [sealed(composed), sealed(decomposed)] {
            for typed in [composed, decomposed, wide] {
                assert!(opens(typed, &old.mark), "{typed:?}");
            }
            assert!(!opens("grun A", &old.mark));
        }
        // As it was typed, although it is no normal form.
        assert!(opens(wide, &sealed(wide).mark));
        assert_eq!(derive(&Passphrase::new(decomposed.into()), &salt, cost).unwrap().mark, sealed(composed).mark);
    }

    #[test]
    fn passphrase_salt_and_cost_each_change_key_and_mark() {
        let derived = |text: &str, salt: u8, passes| {
            let cost = Cost::new(19 * 1024, passes).unwrap();
            let d = derive(&Passphrase::new(text.into()), &[salt; 16], cost).unwrap();
            (**d.key, d.mark)
        };
        let one = derived("a", 1, 2);
        assert_eq!(one, derived("a", 1, 2));
        for other in [derived("b", 1, 2), derived("a", 2, 2), derived("a", 1, 3)] {
            assert_ne!(one.0, other.0);
            assert_ne!(one.1, other.1);
        }
    }
}
