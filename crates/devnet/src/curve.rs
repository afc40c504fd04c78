//! Contracts that ask with `ecrecover` find signers as everything else here does, because that is most of the work of
//! a chain that settles. Knows no key and signs nothing.

use revm::precompile::{Crypto, PrecompileHalt};
use tron::{Digest, Signature, recover};

/// In the whole process, from now on.
pub fn install() {
    // Whoever was first has installed the same.
    let _ = revm::install_crypto(Curve);
}

#[derive(Debug)]
struct Curve;

impl Crypto for Curve {
    fn secp256k1_ecrecover(&self, rs: &[u8; 64], parity: u8, hash: &[u8; 32]) -> Result<[u8; 32], PrecompileHalt> {
        let mut bytes = [parity.wrapping_add(27); 65];
        bytes[..64].copy_from_slice(rs);
        let signer = Signature::from_bytes(&bytes).ok().and_then(|s| recover(&Digest::from_bytes(*hash), &s).ok());
        let mut word = [0; 32];
        word[12..].copy_from_slice(signer.ok_or(PrecompileHalt::Secp256k1RecoverFailed)?.bytes());
        Ok(word)
    }
}
