//! JSON as callers send it, read strictly: no key twice, no field that is not documented, no deep nesting,
//! nothing after the document. Every refusal names the field, what was found and what was expected.

use crate::problem::Problem;
use serde::de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use view::Code;

const DEPTH: usize = 16;

/// Reads a request's body into its type.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let bad = |message: &str| Problem::new(Code::BadRequest, message);
    let text = std::str::from_utf8(body)
        .map_err(|e| bad("the body is not UTF-8").field("body", &format!("byte {}", e.valid_up_to()), "UTF-8"))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value =
        Once { left: DEPTH }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value)).map_err(|e| {
            bad("the body is not the JSON that is expected").field(
                "body",
                &e.to_string(),
                "one JSON object, every key once",
            )
        })?;
    serde_path_to_error::deserialize(value).map_err(|e| {
        let path = e.path().to_string();
        let reason = e.inner().to_string();
        explain(&path, &reason)
    })
}

/// serde's sentence, taken apart into facts.
fn explain(path: &str, reason: &str) -> Problem {
    let base = if path == "." { "" } else { path };
    let named = |rest: &str| rest.split('`').nth(1).unwrap_or_default().to_owned();
    let join = |name: &str| if base.is_empty() { name.to_owned() } else { format!("{base}.{name}") };
    let (field, found, expected) = if reason.starts_with("missing field") {
        (join(&named(reason)), "nothing".to_owned(), "a value".to_owned())
    } else if reason.starts_with("unknown field") {
        let name = named(reason);
        let field = if base.split('.').next_back() == Some(&name) { base.to_owned() } else { join(&name) };
        let expected = reason.rsplit("expected ").next().unwrap_or("no such field").to_owned();
        (field, "an unknown field".to_owned(), expected)
    } else {
        let (found, expected) = reason.split_once(", expected ").unwrap_or((reason, "the documented form"));
        let found = found.split_once(": ").map_or(found, |(_, found)| found);
        (if base.is_empty() { "body".to_owned() } else { base.to_owned() }, found.to_owned(), expected.to_owned())
    };
    let message = format!(
        "{}: expected {}, found {}",
        view::question::quoted(&field, 120),
        view::question::quoted(&expected, 300),
        view::question::quoted(&found, 120)
    );
    Problem::new(Code::BadRequest, message).field(field, &found, view::question::quoted(&expected, 300))
}

/// Builds a value and refuses a key that comes twice in one object.
struct Once {
    left: usize,
}

impl Once {
    fn deeper<E: Error>(&self) -> Result<Self, E> {
        let left = self.left.checked_sub(1).ok_or_else(|| E::custom(format!("more than {DEPTH} levels")))?;
        Ok(Self { left })
    }
}

impl<'de> DeserializeSeed<'de> for Once {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element_seed(self.deeper()?)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self.deeper()?)?;
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key:?} twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::routes::PairingRequestView;
    use view::port::{PaymentRequestView, ResultView};

    fn refusal<T: serde::de::DeserializeOwned>(body: &str) -> (String, String, String) {
        let failure = read::<T>(body.as_bytes()).err().expect("must be refused").failure;
        (failure.field.unwrap_or_default(), failure.found.unwrap_or_default(), failure.expected.unwrap_or_default())
    }

    #[test]
    fn every_refusal_names_field_found_and_expected() {
        let (field, found, _) = refusal::<PairingRequestView>("{}");
        assert_eq!((field.as_str(), found.as_str()), ("name", "nothing"));
        let (field, found, expected) = refusal::<PairingRequestView>(r#"{"name":"a","nmae":"b"}"#);
        assert_eq!(
            (field.as_str(), found.as_str(), expected.as_str()),
            ("nmae", "an unknown field", "`name` or `publicKey`")
        );
        let (field, found, expected) = refusal::<ResultView>(r#"{"httpStatus":"200"}"#);
        assert_eq!((field.as_str(), found.as_str(), expected.as_str()), ("httpStatus", "string \"200\"", "u16"));
        let (field, ..) =
            refusal::<PaymentRequestView>(r#"{"request":{"method":"GET","url":"u","x":1},"paymentRequired":""}"#);
        assert_eq!(field, "request.x");
        let (field, ..) = refusal::<PaymentRequestView>(r#"{"request":{"method":"GET"},"paymentRequired":""}"#);
        assert_eq!(field, "request.url");
    }

    #[test]
    fn a_key_that_comes_twice_and_deep_nesting_and_trailing_text_are_refused() {
        let (_, found, _) = refusal::<PairingRequestView>(r#"{"name":"a","name":"b"}"#);
        assert!(found.contains("the key \"name\" twice"), "{found}");
        let (_, found, _) = refusal::<PairingRequestView>(&format!("{}{}", "[".repeat(40), "]".repeat(40)));
        assert!(found.contains("more than 16 levels"), "{found}");
        assert!(refusal::<PairingRequestView>(r#"{"name":"a"} {"#).1.contains("trailing characters"));
        assert!(read::<PairingRequestView>(b"\xff\xfe{}").is_err());
        assert!(read::<PairingRequestView>(b"{\"name\":\"\\u0000 ok\"}").is_ok());
    }
}
