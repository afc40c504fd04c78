//! How much a connection may take, and how many there may be.

use std::time::Duration;

/// The bounds of one listener. The defaults are for what listens on this machine alone, for this user's own programs.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Request line and headers together.
    pub head_bytes: usize,
    pub headers: usize,
    /// How long a request's head may take, and how long a connection may idle between requests.
    pub head_time: Duration,
    /// How long a caller may leave an answer unread, once no more of it fits on the way.
    pub write_time: Duration,
    /// After this a connection ends with the answer that is under way …
    pub life: Duration,
    /// … which may take so much longer: for streams.
    pub last: Duration,
    /// What answers under way get when the server stops.
    pub ending: Duration,
    /// The connection closes behind this many answers.
    pub requests: u32,
    /// How long a connection waits for a place.
    pub line_time: Duration,
    /// Connections at once.
    pub connections: usize,
    /// So many of them are for the user that this process runs as, whose programs are not counted one by one; others get
    /// the rest. 0: everybody shares all.
    pub own: usize,
    /// Connections at once of one peer: another user of this machine, or one address.
    pub per_peer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 32 * 1024,
            headers: 64,
            head_time: Duration::from_secs(10),
            write_time: Duration::from_secs(10),
            life: Duration::from_secs(600),
            last: Duration::from_secs(3600),
            ending: Duration::from_secs(5),
            requests: 10_000,
            line_time: Duration::from_secs(10),
            connections: 512,
            own: 384,
            per_peer: 32,
        }
    }
}
