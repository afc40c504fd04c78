//! What is wrong with the time, in words for the status: this computer's clock beside the newest block, and the record
//! beside both. And setting the record right.

use crate::Desk;
use crate::desk::Answer;
use crate::owner::RedatedView;
use crate::show_finding::date;
use crate::show_owner::count;
use crate::show_payment::time;
use crate::words::{Arg, duration, say};
use std::time::Duration;
use wallet::{Clocks, RecordOff};

/// So long the status waits for the first block's time.
const PATIENCE: Duration = Duration::from_secs(2);

/// How far and which way a clock is off.
pub(crate) fn apart(seconds: u64, ahead: bool) -> (String, String) {
    (duration(seconds), say(if ahead { "clock-ahead" } else { "clock-behind" }, &[]))
}

fn clock(clocks: &Clocks) -> Option<String> {
    let (seconds, ahead) = clocks.clock?;
    let (duration, way) = apart(seconds, ahead);
    Some(say("status-clock", &[("duration", Arg::Text(&duration)), ("way", Arg::Text(&way))]))
}

fn record(clocks: &Clocks) -> Option<String> {
    let (key, seconds, newest) = match clocks.record? {
        RecordOff::Ahead { seconds, newest } => ("status-record-ahead", seconds, newest),
        RecordOff::FarBehind { seconds, newest } => ("status-record-behind", seconds, newest),
    };
    let (newest, duration) = (date(newest), duration(seconds));
    Some(say(key, &[("newest", Arg::Text(&newest)), ("duration", Arg::Text(&duration))]))
}

impl Desk {
    /// What is wrong with this computer's clock, and with the record's; as far as a node has told the time.
    pub async fn clocks(&self) -> (Option<String>, Option<String>) {
        self.wallet.look_at_clock(PATIENCE).await;
        // A record that can't be read is told by the ledger's own failure.
        let clocks = self.wallet.clocks().await.unwrap_or_default();
        (clock(&clocks), record(&clocks))
    }

    /// Everything on record that lies ahead is dated, and counts, as of now; where nothing does, nothing changes.
    pub async fn redate(&self) -> Answer<RedatedView> {
        Ok(match self.wallet.redate().await? {
            Some(done) => RedatedView { payments: count(done.payments), from: time(done.from), to: time(done.to) },
            None => {
                let now = time(self.wallet.now());
                RedatedView { payments: 0, from: now.clone(), to: now }
            }
        })
    }
}
