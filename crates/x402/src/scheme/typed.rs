//! Typed data as the JSON document that wallets exchange: types, domain, message. Writes only; reading any
//! such document is `tron`'s.

use alloy_sol_types::Eip712Domain;
use serde_json::{Map, Value, json};

/// The document for a message of this `encodeType`, for instance
/// `Mail(Person from,string text)Person(address wallet)`.
pub(crate) fn document(encode_type: &str, domain: &Eip712Domain, message: Value) -> Value {
    let (domain_fields, domain) = domain_json(domain);
    let mut types = Map::new();
    types.insert("EIP712Domain".to_owned(), domain_fields);
    for definition in encode_type.split_terminator(')') {
        if let Some((name, members)) = definition.split_once('(') {
            let members = members.split(',').filter_map(|m| m.split_once(' '));
            types.insert(name.to_owned(), members.map(|(kind, name)| json!({"name": name, "type": kind})).collect());
        }
    }
    let primary = encode_type.split('(').next().unwrap_or_default();
    json!({ "types": types, "primaryType": primary, "domain": domain, "message": message })
}

fn domain_json(domain: &Eip712Domain) -> (Value, Value) {
    let chain_id = domain.chain_id.map(|id| u64::try_from(id).map_or_else(|_| json!(id.to_string()), Value::from));
    let contract = domain.verifying_contract.map(|c| json!(format!("0x{}", hex::encode(c))));
    let members = [
        ("name", "string", domain.name.as_deref().map(Value::from)),
        ("version", "string", domain.version.as_deref().map(Value::from)),
        ("chainId", "uint256", chain_id),
        ("verifyingContract", "address", contract),
    ];
    let (mut fields, mut values) = (Vec::new(), Map::new());
    for (name, kind, value) in members {
        if let Some(value) = value {
            fields.push(json!({"name": name, "type": kind}));
            values.insert(name.to_owned(), value);
        }
    }
    (Value::Array(fields), Value::Object(values))
}
