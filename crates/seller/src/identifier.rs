//! The `payment-identifier` extension as a seller uses it: advertised with every offer, read from every payment.
//! Refuses an id outside the published alphabet and length, and where one is required, a payment without.

use serde_json::{Value, json};
use x402::{Malformed, Payment, PaymentId, identifier::EXTENSION};

/// What a 402 says about it.
pub(crate) fn advertised(required: bool) -> Value {
    json!({
        "info": { "required": required },
        "schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "required": { "type": "boolean" },
                "id": { "type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[A-Za-z0-9_-]+$" },
            },
            "required": ["required"],
        },
    })
}

/// The id that a payment carries. An echo of the extension without an id carries none.
pub(crate) fn of(payment: &Payment) -> Result<Option<PaymentId>, Malformed> {
    let Some(extension) = payment.extensions.get(EXTENSION) else { return Ok(None) };
    match extension.pointer("/info/id") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) => PaymentId::parse(id).map(Some),
        Some(other) => Err(Malformed::new(format!("extensions.{EXTENSION}.info.id"), &other.to_string(), "a text")),
    }
}
