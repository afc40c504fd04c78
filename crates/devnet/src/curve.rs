//! Who signed: for transactions, and for contracts that ask with `ecrecover`. By libsecp256k1, because finding signers is
//! most of the work of a chain that settles. Knows no key and signs nothing.

use revm::precompile::{Crypto, PrecompileHalt};
use revm::primitives::keccak256;
use secp256k1::Message;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use tron::{Address, Digest, Signature};

/// Contracts find signers through this from now on, in the whole process.
pub fn install() {
    // Whoever was first has installed the same.
    let _ = revm::install_crypto(Curve);
}

#[derive(Debug)]
struct Curve;

impl Crypto for Curve {
    fn secp256k1_ecrecover(&self, rs: &[u8; 64], parity: u8, hash: &[u8; 32]) -> Result<[u8; 32], PrecompileHalt> {
        let mut key = recover(rs, parity, hash).ok_or(PrecompileHalt::Secp256k1RecoverFailed)?;
        key[..12].fill(0);
        Ok(key)
    }
}

/// The account that signed this digest; `None`: nobody's key did.
pub fn signer(digest: &Digest, signature: &Signature) -> Option<Address> {
    let [rs @ .., v] = signature.to_bytes();
    let key = recover(&rs, v.wrapping_sub(27), digest.bytes())?;
    let [_, _, _, _, _, _, _, _, _, _, _, _, account @ ..] = key;
    Some(Address::from_bytes(account))
}

/// The hash of the public key. The high s of a signature is as good as the low one, as on the chain.
fn recover(rs: &[u8; 64], parity: u8, hash: &[u8; 32]) -> Option<[u8; 32]> {
    let id = RecoveryId::try_from(i32::from(parity)).ok()?;
    let signature = RecoverableSignature::from_compact(rs, id).ok()?;
    let key = signature.recover(Message::from_digest(*hash)).ok()?.serialize_uncompressed();
    Some(keccak256(&key[1..]).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tron::{PrivateKey, recover as by_tron};

    #[test]
    fn both_curve_libraries_find_the_same_signer() {
        for n in 1..=200_u8 {
            let key = PrivateKey::from_bytes(&[n; 32]).unwrap();
            let digest = Digest::from_bytes([n ^ 0x5a; 32]);
            let signature = key.sign(&digest);
            assert_eq!(signer(&digest, &signature), Some(key.address()));
            let mut other = signature.to_bytes();
            other[usize::from(n) % 64] ^= 1 << (n % 8);
            let Ok(other) = Signature::from_bytes(&other) else { continue };
            assert_eq!(signer(&digest, &other), by_tron(&digest, &other).ok());
        }
    }
}
