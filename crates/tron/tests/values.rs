//! Values that survive being written and read: amounts, addresses, digests, signatures, words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use proptest::prelude::*;
use tron::{Address, Amount, Digest, PrivateKey, Signature, Words, recover};

fn any_amount() -> impl Strategy<Value = Amount> {
    // Uniform over the number of digits, so that small amounts occur as well.
    (any::<[u8; 32]>(), 0_usize..=32).prop_map(|(mut bytes, zeros)| {
        bytes[..zeros].fill(0);
        Amount::from_be_bytes(bytes)
    })
}

proptest! {
    #[test]
    fn an_amount_survives_every_way_to_write_it(amount in any_amount(), decimals in 0_u8..=77) {
        prop_assert_eq!(Amount::parse_smallest(&amount.to_string()), Ok(amount));
        prop_assert_eq!(Amount::parse_units(&amount.format_units(decimals), decimals), Ok(amount));
        prop_assert_eq!(Amount::from_be_bytes(amount.to_be_bytes()), amount);
    }

    #[test]
    fn amounts_sort_as_their_bytes_do(a in any_amount(), b in any_amount()) {
        prop_assert_eq!(a.cmp(&b), a.to_be_bytes().cmp(&b.to_be_bytes()));
    }

    #[test]
    fn no_text_makes_an_amount_panic(text in "\\PC{0,90}", digits in "[0-9.+-]{0,90}", decimals: u8) {
        for text in [text, digits] {
            let _ = Amount::parse_smallest(&text);
            let _ = Amount::parse_units(&text, decimals);
        }
    }

    #[test]
    fn an_address_survives_every_way_to_write_it(bytes: [u8; 20]) {
        let address = Address::from_bytes(bytes);
        for form in [address.to_string(), address.to_hex41(), address.to_evm_hex()] {
            prop_assert_eq!(Address::parse(&form), Ok(address));
        }
        prop_assert_eq!(Address::from_bytes21(&address.to_bytes21()), Ok(address));
    }

    #[test]
    fn an_address_with_one_character_changed_is_none(bytes: [u8; 20], at in 0_usize..34, other in "[1-9A-HJ-NP-Za-km-z]") {
        let right = Address::from_bytes(bytes).to_string();
        let mut wrong = right.clone();
        wrong.replace_range(at..=at, &other);
        prop_assume!(wrong != right);
        prop_assert!(Address::parse(&wrong).is_err());
    }

    #[test]
    fn no_text_makes_an_address_panic(text in "\\PC{0,50}", near in "(0x|41|T)[0-9a-zA-Z]{30,44}") {
        let _ = Address::parse(&text);
        let _ = Address::parse(&near);
    }

    #[test]
    fn a_signature_survives_and_names_its_signer(key in 1_u64.., digest: [u8; 32]) {
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&key.to_be_bytes());
        let key = PrivateKey::from_bytes(&bytes).unwrap();
        let digest = Digest::from_bytes(digest);
        let signature = key.sign(&digest);
        prop_assert!(signature.is_low_s());
        prop_assert_eq!(Signature::parse(&signature.to_hex()), Ok(signature));
        prop_assert_eq!(recover(&digest, &signature), Ok(key.address()));
    }

    #[test]
    fn no_bytes_make_a_signature_panic(bytes in prop::collection::vec(any::<u8>(), 60..70), digest: [u8; 32]) {
        if let Ok(signature) = Signature::from_bytes(&bytes) {
            let _ = recover(&Digest::from_bytes(digest), &signature);
        }
    }

    #[test]
    fn words_survive_their_entropy(entropy: [u8; 32], count in 4_usize..=8) {
        let entropy = &entropy[..count * 4];
        let words = Words::from_entropy(entropy).unwrap();
        let typed = Words::parse(&words.reveal()).unwrap();
        prop_assert!(*typed.reveal_entropy() == entropy);
    }
}
