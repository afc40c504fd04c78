//! Answer buttons arm a second after the question was shown, focused or changed, judged by the boot clock.
//! Enforced here and not in the interface, so that no surface can forget it.

use ledger::PaymentId;
use plan::PlanDigest;
use std::collections::HashMap;

/// Milliseconds between being shown and counting.
pub const ARMING_MS: i64 = 1000;

#[derive(Default)]
pub(crate) struct Arming {
    shown: HashMap<PaymentId, (PlanDigest, i64)>,
}

impl Arming {
    /// The question is on screen with this digest, as of now: the delay starts again.
    pub fn shown(&mut self, id: &PaymentId, digest: PlanDigest, boot_ms: i64) {
        self.shown.insert(*id, (digest, boot_ms));
    }

    /// Milliseconds still to wait; never shown, or shown with another digest, waits the whole time.
    pub fn wait_ms(&self, id: &PaymentId, digest: &PlanDigest, boot_ms: i64) -> i64 {
        match self.shown.get(id) {
            Some((seen, at)) if seen == digest => (ARMING_MS - (boot_ms - at)).clamp(0, ARMING_MS),
            _ => ARMING_MS,
        }
    }

    pub fn forget(&mut self, id: &PaymentId) {
        self.shown.remove(id);
    }
}
