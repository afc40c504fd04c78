//! Who signed a digest, by libsecp256k1: the same answers as the curve library that signs, in a fraction of the time.
//! A second hand on every signature that is made here, and the one on all that come from outside. Sees no key.

use crate::sign::account_of;
use crate::{Address, Digest, Signature};
use secp256k1::Message;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};

/// No public key fits digest and signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no account could have made this signature over this digest")]
pub struct RecoverError;

/// The account that signed this digest. A high s is as good as its low twin, as on the chain.
pub fn recover(digest: &Digest, signature: &Signature) -> Result<Address, RecoverError> {
    let odd = if signature.v() == 28 { RecoveryId::One } else { RecoveryId::Zero };
    let bytes = signature.to_bytes();
    let [body @ .., _] = &bytes;
    let key = RecoverableSignature::from_compact(body, odd)
        .and_then(|signature| signature.recover_ecdsa(Message::from_digest(*digest.bytes())))
        .map_err(|_| RecoverError)?;
    let [_, point @ ..] = key.serialize_uncompressed();
    Ok(account_of(&point))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PrivateKey;
    use k256::ecdsa::{Signature as Ecdsa, VerifyingKey};
    use proptest::prelude::*;

    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae,
        0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    ];

    /// The order less a number.
    fn order_less(number: &[u8; 32]) -> [u8; 32] {
        let (mut out, mut borrow) = ([0; 32], false);
        for i in (0..32).rev() {
            let (a, b) = ORDER[i].overflowing_sub(number[i]);
            let (a, c) = a.overflowing_sub(u8::from(borrow));
            (out[i], borrow) = (a, b || c);
        }
        out
    }

    /// The same by the library that signs.
    fn by_k256(digest: &Digest, signature: &Signature) -> Result<Address, RecoverError> {
        let mut ecdsa = Ecdsa::from_scalars(*signature.r(), *signature.s()).map_err(|_| RecoverError)?;
        let mut odd = signature.v() == 28;
        // It verifies low s only; (r, −s) with the other parity is the same signer.
        if let Some(low) = ecdsa.normalize_s() {
            ecdsa = low;
            odd = !odd;
        }
        let key = VerifyingKey::recover_from_prehash(digest.bytes(), &ecdsa, k256::ecdsa::RecoveryId::new(odd, false));
        key.map(|key| account_of(&key.to_encoded_point(false).as_bytes()[1..])).map_err(|_| RecoverError)
    }

    /// What both say of 65 bytes, or whatever number it is: nobody reads them, or the same account, or no account.
    fn both(digest: [u8; 32], bytes: &[u8]) -> Option<Result<Address, RecoverError>> {
        let digest = Digest::from_bytes(digest);
        let signature = Signature::from_bytes(bytes).ok()?;
        let (slow, fast) = (by_k256(&digest, &signature), recover(&digest, &signature));
        assert_eq!(slow, fast, "{digest:?} {signature}");
        Some(fast)
    }

    fn key(bytes: [u8; 32]) -> Option<PrivateKey> {
        PrivateKey::from_bytes(&bytes).ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn what_was_signed_has_its_signer_either_way_and_so_has_the_high_s_twin(
            secret: [u8; 32], digest: [u8; 32], other: [u8; 32],
        ) {
            let Some(key) = key(secret) else { return Ok(()) };
            let signature = key.sign(&Digest::from_bytes(digest));
            let low = signature.to_bytes();
            prop_assert_eq!(both(digest, &low), Some(Ok(key.address())));
            let mut twin = low;
            twin[32..64].copy_from_slice(&order_less(signature.s()));
            twin[64] = 55 - low[64];
            prop_assert!(!Signature::from_bytes(&twin).unwrap().is_low_s());
            prop_assert_eq!(both(digest, &twin), Some(Ok(key.address())));
            // The wrong parity, and another digest, are somebody else or nobody.
            let mut flipped = low;
            flipped[64] = 55 - low[64];
            prop_assert_ne!(both(digest, &flipped), Some(Ok(key.address())));
            if other != digest {
                prop_assert_ne!(both(other, &low), Some(Ok(key.address())));
            }
        }

        /// About half of all r are on no point.
        #[test]
        fn any_sixty_five_bytes_get_the_same_answer(digest: [u8; 32], r: [u8; 32], s: [u8; 32], v in 26_u8..30) {
            let bytes = [&r[..], &s, &[v]].concat();
            prop_assert_eq!(both(digest, &bytes).is_none(), Signature::from_bytes(&bytes).is_err());
        }
    }

    #[test]
    fn what_is_out_of_range_or_of_another_length_is_read_by_nobody() {
        let good = key([7; 32]).unwrap().sign(&Digest::from_bytes([9; 32])).to_bytes();
        assert!(both([9; 32], &good).is_some());
        let with = |at: std::ops::Range<usize>, bytes: &[u8]| {
            let mut out = good;
            out[at].copy_from_slice(bytes);
            out
        };
        for wrong in [
            with(0..32, &[0; 32]),
            with(32..64, &[0; 32]),
            with(0..32, &ORDER),
            with(32..64, &ORDER),
            with(0..32, &[0xff; 32]),
            with(64..65, &[0]),
            with(64..65, &[1]),
            with(64..65, &[29]),
        ] {
            assert_eq!(both([9; 32], &wrong), None);
        }
        for length in [0, 1, 64, 66, 130] {
            assert_eq!(both([9; 32], &[good.as_slice(), &good].concat()[..length]), None);
        }
    }

    #[test]
    fn the_edges_of_the_range_get_the_same_answer() {
        let small = |n: u8| {
            let mut out = [0; 32];
            out[31] = n;
            out
        };
        let edges = [small(1), small(2), small(3), small(5), order_less(&small(1)), order_less(&small(2))];
        let mut somebody = 0;
        for digest in [[0; 32], small(1), ORDER, order_less(&small(1)), [0xff; 32]] {
            for (r, s) in edges.iter().flat_map(|r| edges.iter().map(move |s| (r, s))) {
                for v in [27, 28] {
                    let answer = both(digest, &[&r[..], s, &[v]].concat()).unwrap();
                    somebody += usize::from(answer.is_ok());
                }
            }
        }
        assert!(somebody > 0);
    }
}
