//! Values as nodes write them in JSON: one thing in several spellings, whichever door and setting gave it. Reads what
//! is shown to people; whatever is signed or compared is read strictly elsewhere.

use crate::Address;

/// An address: Base58, 21 or 20 bytes in hex, and Base58 of 20 bytes, as trial runs name the contract of a log.
pub fn address(text: &str) -> Option<Address> {
    let of = |bytes: Vec<u8>| match <[u8; 20]>::try_from(bytes.as_slice()) {
        Ok(bytes) => Some(Address::from_bytes(bytes)),
        Err(_) => Address::from_bytes21(&bytes).ok(),
    };
    if text.len() > 64 {
        return None;
    }
    bytes(text).and_then(of).or_else(|| bs58::decode(text).with_check(None).into_vec().ok().and_then(of))
}

/// Bytes in hex, with `0x` or without.
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok()
}

/// 32 bytes in hex: an id, a topic.
pub fn word(text: &str) -> Option<[u8; 32]> {
    bytes(text)?.try_into().ok()
}

/// A text that some doors write as the hex of its bytes. What is not the hex of a text is the text itself.
pub fn words(text: &str) -> String {
    let plain = |text: &String| !text.is_empty() && !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    let decoded = bytes(text).and_then(|bytes| String::from_utf8(bytes).ok()).filter(plain);
    decoded.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_in_every_spelling_that_nodes_have() {
        let usdt = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
        for text in [
            usdt,
            "41eca9bc828a3005b9a3b909f2cc5c2a54794de05f",
            "0x41eca9bc828a3005b9a3b909f2cc5c2a54794de05f",
            "eca9bc828a3005b9a3b909f2cc5c2a54794de05f",
            "0xeca9bc828a3005b9a3b909f2cc5c2a54794de05f",
            "NaMomAhUzuFzMNFzzQHVNsR8xbmP3A5LT",
        ] {
            assert_eq!(address(text).map(|a| a.to_string()).as_deref(), Some(usdt), "{text}");
        }
        for text in ["", "T", "42eca9bc828a3005b9a3b909f2cc5c2a54794de05f", "NaMomAhUzuFzMNFzzQHVNsR8xbmP3A5LU", "ж"] {
            assert_eq!(address(text), None, "{text}");
        }
        assert_eq!(address(&"1".repeat(100_000)), None);
    }

    #[test]
    fn a_message_in_hex_is_read_and_one_that_is_not_stays() {
        assert_eq!(words("524556455254206f70636f6465206578656375746564"), "REVERT opcode executed");
        for plain in ["Contract validate error", "", "abc", "deadbeef", "00", "0x"] {
            assert_eq!(words(plain), plain);
        }
        assert_eq!(word("0x12"), None);
        assert_eq!(word(&"ab".repeat(32)), Some([0xab; 32]));
    }
}
