//! What a key leaves on the stack: moving it into its box copies it, and a frame that ended keeps its bytes until
//! another one takes its place. Takes that place with zeros.

use std::hint::black_box;

/// More than the frames that read, derive and open a key reach down.
const DEPTH: usize = 64 * 1024;

/// Runs `work`, then writes zeros over the part of the stack that it used.
pub fn scrubbed<T>(work: impl FnOnce() -> T) -> T {
    let done = deep(work);
    zeros();
    done
}

/// A frame of its own, so that what it leaves lies below the caller's.
#[inline(never)]
fn deep<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn zeros() {
    black_box(&mut [0_u8; DEPTH]);
}
