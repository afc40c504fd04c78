//! Header names and the base64 around their JSON. Writes the standard alphabet with padding; reads that,
//! the url-safe one and missing padding too. Refuses anything longer than a header may be before decoding
//! it, and a header that came more than once.

use crate::{Malformed, limits};
use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Server to client: what has to be paid (version 2).
pub const PAYMENT_REQUIRED: &str = "PAYMENT-REQUIRED";
/// Client to server: the signed payment (version 2).
pub const PAYMENT_SIGNATURE: &str = "PAYMENT-SIGNATURE";
/// Server to client: how the payment was settled.
pub const PAYMENT_RESPONSE: &str = "PAYMENT-RESPONSE";
/// Client to server, version 1.
pub const X_PAYMENT: &str = "X-PAYMENT";
/// Server to client, version 1.
pub const X_PAYMENT_RESPONSE: &str = "X-PAYMENT-RESPONSE";
/// Where an MCP request carries the payment, in `_meta`.
pub const MCP_PAYMENT: &str = "x402/payment";
/// Where an MCP result carries the settlement, in `_meta`.
pub const MCP_PAYMENT_RESPONSE: &str = "x402/payment-response";

/// Decoders differ in padding and in the unused bits of the last character, so neither is a reason to refuse.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// The header value for a JSON text: standard base64 with padding.
pub fn write(json: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(json)
}

/// The JSON text inside a header value.
pub fn read(value: &str) -> Result<String, Malformed> {
    limits::header(value)?;
    let value = value.trim();
    if value.is_empty() {
        return Err(Malformed::new("header", "an empty text", EXPECTED));
    }
    let url_safe = value.contains(['-', '_']);
    let alphabet = if url_safe { &URL_SAFE } else { &STANDARD };
    let bytes = GeneralPurpose::new(alphabet, LENIENT).decode(value).map_err(|e| refused(value, url_safe, &e))?;
    utf8("header", bytes).map_err(|e| Malformed { found: format!("{} after decoding", e.found), ..e })
}

/// Why a header's value is no base64.
fn refused(value: &str, url_safe: bool, error: &base64::DecodeError) -> Malformed {
    let foreign = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '='));
    let found = match (value.char_indices().find(|(_, c)| foreign(c)), error) {
        (Some((at, ',')), _) => format!("\",\" at {at}: two header values joined into one"),
        (Some((0, '<')), _) => format!("a web page: {value}"),
        (Some((at, c)), _) => format!("{:?} at {at}", c.to_string()),
        _ if url_safe && value.contains(['+', '/']) => "both the standard and the url-safe alphabet".to_owned(),
        (_, base64::DecodeError::InvalidByte(at, b) | base64::DecodeError::InvalidLastSymbol(at, b)) => {
            format!("{:?} at {at}", char::from(*b))
        }
        (_, base64::DecodeError::InvalidLength(n)) => format!("{n} characters, cut off in the middle of a byte"),
        (_, base64::DecodeError::InvalidPadding) => "wrong padding".to_owned(),
    };
    Malformed::new("header", &found, EXPECTED)
}

const EXPECTED: &str = "standard base64 of a JSON document";

/// The text of these bytes.
pub fn utf8(field: &str, bytes: Vec<u8>) -> Result<String, Malformed> {
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let byte = e.as_bytes().get(at).copied().unwrap_or_default();
        Malformed::new(field, &format!("byte {byte:02x} at {at}"), "UTF-8 text")
    })
}

/// The one value of a header among all that came under its name. A header that came twice is refused, even
/// with equal values: which one counts would be a guess.
pub fn single<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Result<Option<&'a str>, Malformed> {
    let mut values = values.into_iter();
    let first = values.next();
    match values.count() {
        0 => Ok(first),
        more => Err(Malformed::new(name, &format!("{} values", more + 1), "one value")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_padded_standard_base64() {
        assert_eq!(write("{\"a\":\"???>\"}"), "eyJhIjoiPz8/PiJ9");
        assert_eq!(write("{}"), "e30=");
    }

    #[test]
    fn readable_variants_are_read() {
        for value in ["e30=", "e30", " e30= \n", "eyJhIjoiPz8/PiJ9", "eyJhIjoiPz8_PiJ9"] {
            assert!(read(value).is_ok(), "{value}");
        }
    }

    #[test]
    fn garbage_is_named_with_its_place() {
        for (value, found) in [
            ("", "an empty text"),
            ("e30=,e30=", "\",\" at 4: two header values joined into one"),
            ("<html>", "a web page: <html>"),
            ("e3 0=", "\" \" at 2"),
            ("ab+_", "both the standard and the url-safe alphabet"),
            ("e", "1 characters, cut off in the middle of a byte"),
            ("/////w==", "byte ff at 0 after decoding"),
        ] {
            assert_eq!(read(value).unwrap_err().found, found, "{value}");
        }
    }

    #[test]
    fn a_header_that_came_twice_is_refused() {
        assert_eq!(single("PAYMENT-REQUIRED", []), Ok(None));
        assert_eq!(single("PAYMENT-REQUIRED", ["a"]), Ok(Some("a")));
        assert_eq!(single("PAYMENT-REQUIRED", ["a", "a"]).unwrap_err().found, "2 values");
    }
}
