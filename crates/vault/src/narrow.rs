//! scrypt for parameters that RFC 7914 does not allow and wallets wrote all the same: r of 1 with a large n, as
//! older Python wallets and the published vector of the keystore format have it. The `scrypt` crate refuses those
//! and does everything else. The caller has checked what it costs.

use salsa20::SalsaCore;
use salsa20::cipher::{StreamCipherCore, consts::U4};
use zeroize::Zeroizing;

/// Fills `out`; takes 128·r·(n + p + 1) bytes, where n is 2^`log_n`.
pub fn scrypt(passphrase: &[u8], salt: &[u8], log_n: u8, r: u32, p: u32, out: &mut [u8]) {
    let (n, block) = (1_usize << log_n, 128 * r as usize);
    let mut lanes = Zeroizing::new(vec![0; block * p as usize]);
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase, salt, 1, &mut lanes);
    let mut kept = Zeroizing::new(vec![0; block * n]);
    let mut mixed = Zeroizing::new(vec![0; block]);
    for lane in lanes.chunks_exact_mut(block) {
        for row in kept.chunks_exact_mut(block) {
            row.copy_from_slice(lane);
            mix(row, lane);
        }
        for _ in 0..n {
            let last = &lane[block - 64..block - 60];
            // Of the 64 bits that choose a row only these count: n is a power of two below 2^32.
            let row = last.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte)) & (n - 1);
            for ((to, a), b) in mixed.iter_mut().zip(lane.iter()).zip(&kept[row * block..]) {
                *to = a ^ b;
            }
            mix(&mixed, lane);
        }
    }
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase, &lanes, 1, out);
}

/// BlockMix of RFC 7914: even 64-byte blocks to the front, odd ones to the back.
fn mix(from: &[u8], to: &mut [u8]) {
    let mut x = [0; 64];
    x.copy_from_slice(&from[from.len() - 64..]);
    for (i, chunk) in from.chunks_exact(64).enumerate() {
        let mut state = [0_u32; 16];
        for (word, (a, b)) in state.iter_mut().zip(x.chunks_exact(4).zip(chunk.chunks_exact(4))) {
            *word = a.iter().zip(b).rev().fold(0, |sum, (a, b)| sum << 8 | u32::from(a ^ b));
        }
        SalsaCore::<U4>::from_raw_state(state).write_keystream_block((&mut x).into());
        let at = i / 2 * 64 + if i % 2 == 0 { 0 } else { from.len() / 2 };
        to[at..at + 64].copy_from_slice(&x);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_agrees_with_the_library_where_that_answers() {
        for (log_n, r, p) in [(1, 1, 1), (4, 1, 1), (10, 8, 2), (6, 3, 5)] {
            let (mut own, mut theirs) = ([0; 64], [0; 64]);
            super::scrypt(b"pleaseletmein", b"SodiumChloride", log_n, r, p, &mut own);
            let params = scrypt::Params::new(log_n, r, p, 32).unwrap();
            scrypt::scrypt(b"pleaseletmein", b"SodiumChloride", &params, &mut theirs).unwrap();
            assert_eq!(own, theirs, "{log_n} {r} {p}");
        }
    }
}
