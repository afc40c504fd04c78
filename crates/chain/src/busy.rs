//! Which answers say that a node can't answer now, and how long to wait before it is asked again. Nodes and gateways
//! have a dozen ways to say it; none of them is the word of a contract or of the network.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Codes of java-tron's answers to a broadcast that it can't take now.
const CODES: [&str; 4] = ["SERVER_BUSY", "NO_CONNECTION", "NOT_ENOUGH_EFFECTIVE_CONNECTION", "BLOCK_UNSOLIDIFIED"];
/// Said by java-tron inside a message: a run was cut off by its clock, or its own limit of questions was reached.
const WORDS: [&str; 3] = ["outoftimeexception", "cpu timeout", "lack of computing resources"];
/// Said by gateways with status 403, which may mean a wrong key as well.
const LIMITS: [&str; 6] = ["limit", "frequency", "too many", "quota", "suspended", "exceed"];
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Whether an answer's code and message say that the node is busy.
pub(crate) fn says_busy(code: &str, message: &str) -> bool {
    let message = message.to_lowercase();
    CODES.contains(&code) || WORDS.iter().any(|word| message.contains(word))
}

/// Whether the gateway turned a question away because there were too many.
pub(crate) fn is_limit(status: u16, body: &str) -> bool {
    let body = body.to_lowercase();
    status == 429 || (status == 403 && LIMITS.iter().any(|word| body.contains(word)))
}

/// Whether a status says that whoever stands before the node got no answer from it.
pub(crate) fn is_overload(status: u16) -> bool {
    matches!(status, 502..=504)
}

/// The pause before the next try: it doubles up to a second, never less than what was asked for, and a little of it
/// is chance, so that many who were turned away together don't come back together.
pub(crate) fn pause(tries: u32, asked: Duration) -> Duration {
    let growing = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(tries)).min(LONGEST_PAUSE);
    let chance = u32::try_from(RandomState::new().hash_one(tries) % 256).unwrap_or(0);
    asked.max(growing).saturating_add(growing.saturating_mul(chance) / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_can_t_answer_now_is_told_from_a_no() {
        for (code, message, busy) in [
            ("SERVER_BUSY", "", true),
            ("NO_CONNECTION", "No connection.", true),
            ("NOT_ENOUGH_EFFECTIVE_CONNECTION", "", true),
            ("BLOCK_UNSOLIDIFIED", "", true),
            ("OTHER_ERROR", "class org.tron.core.vm.program.Program$OutOfTimeException : CPU timeout for 0x..", true),
            ("Error", "class java.lang.IllegalAccessException : lack of computing resources", true),
            ("OTHER_ERROR", "class java.lang.NullPointerException : null", false),
            ("CONTRACT_VALIDATE_ERROR", "Smart contract is not exist.", false),
            ("", "REVERT opcode executed", false),
        ] {
            assert_eq!(says_busy(code, message), busy, "{code} {message}");
        }
        for (status, body, limit) in [
            (429, "", true),
            (
                403,
                r#"{"Error":"The key exceeds the frequency limit(3), and the query server is suspended for 5s"}"#,
                true,
            ),
            (403, r#"{"Error":"Exceed the user daily usage"}"#, true),
            (403, r#"{"Error":"The key is not valid"}"#, false),
            (401, "limit", false),
        ] {
            assert_eq!(is_limit(status, body), limit, "{status} {body}");
        }
    }

    #[test]
    fn pauses_grow_up_to_a_second_and_keep_to_what_was_asked() {
        let most = |tries| pause(tries, Duration::ZERO);
        assert!(most(0) >= Duration::from_millis(200) && most(0) < Duration::from_millis(251));
        assert!(most(2) >= Duration::from_millis(800));
        for tries in [4, 31, u32::MAX] {
            assert!(most(tries) >= LONGEST_PAUSE && most(tries) <= Duration::from_millis(1250));
        }
        assert!(pause(0, Duration::from_secs(5)) >= Duration::from_secs(5));
    }
}
