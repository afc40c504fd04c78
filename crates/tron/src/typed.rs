//! Typed-data documents that arrive as JSON, read for inspection and hashing. Refuses what could be shown and not
//! signed, or signed and not shown: duplicate keys, keys no type declares, missing values, a declared domain
//! type that is not the domain's own, and documents made to be expensive.

use crate::Digest;
use crate::unique::Unique;
use alloy_dyn_abi::TypedData;
use alloy_sol_types::Eip712Domain;
use serde_json::{Map, Value};
use std::{collections::HashMap, fmt};

/// The largest document that is read, in bytes. Real ones have about 2 KB.
pub const MAX_BYTES: usize = 64 * 1024;
/// How many struct fields the primary type may have once every nested struct is unfolded.
const MAX_FIELDS: usize = 256;
/// How deep structs may nest, and how many lists may stand inside each other in a type's name.
const MAX_DEPTH: usize = 8;
const DOMAIN: &str = "EIP712Domain";

/// A typed-data document whose every value is covered by its digest.
#[derive(Clone, Debug)]
pub struct TypedDocument {
    data: TypedData,
    encode_type: String,
    struct_hash: [u8; 32],
    digest: Digest,
}

/// Why a text is no typed-data document that can be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypedError {
    #[error("expected at most {MAX_BYTES} bytes, found {found}")]
    TooLarge { found: usize },
    #[error("the text is no acceptable JSON: {reason}")]
    Json { reason: String },
    #[error("{field}: expected {expected}, found {found}")]
    Field { field: String, found: String, expected: String },
    #[error(
        "type {name} nests deeper than {MAX_DEPTH} structs or lists, refers to itself or unfolds to more than {MAX_FIELDS} fields"
    )]
    TooComplex { name: String },
    #[error("the values can't be encoded as their types: {reason}")]
    Encoding { reason: String },
}

impl TypedDocument {
    /// Reads `{ types, primaryType, domain, message }`. `types.EIP712Domain` may be left out, as some signers do.
    pub fn parse(text: &str) -> Result<Self, TypedError> {
        if text.len() > MAX_BYTES {
            return Err(TypedError::TooLarge { found: text.len() });
        }
        let Unique(document) =
            serde_json::from_str::<Unique<false>>(text).map_err(|e| TypedError::Json { reason: e.to_string() })?;
        let root = object("document", &document)?;
        only("document", root, &["types", "primaryType", "domain", "message"])?;
        let types = Types::read(member(root, "types")?)?;
        let primary = member(root, "primaryType")?;
        let primary = primary.as_str().ok_or_else(|| wrong("primaryType", primary, "the name of a type"))?;
        if !types.0.contains_key(primary) || primary == DOMAIN {
            return Err(wrong("primaryType", primary, "a struct of types other than EIP712Domain"));
        }
        only("domain", object("domain", member(root, "domain")?)?, &DOMAIN_KEYS)?;
        types.bounded(primary, 0, &mut MAX_FIELDS.clone())?;
        types.check("message", primary, member(root, "message")?)?;

        let data: TypedData = serde_json::from_value(document).map_err(encoding)?;
        if let Some(declared) = types.0.get(DOMAIN) {
            let declared: Vec<_> = declared.iter().map(|(name, kind)| format!("{kind} {name}")).collect();
            let (declared, own) = (format!("{DOMAIN}({})", declared.join(",")), data.domain.encode_type());
            if declared != own {
                return Err(wrong("types.EIP712Domain", &declared, &own));
            }
        }
        Ok(Self {
            encode_type: data.encode_type().map_err(encoding)?,
            struct_hash: data.hash_struct().map_err(encoding)?.0,
            digest: Digest::from_bytes(data.eip712_signing_hash().map_err(encoding)?.0),
            data,
        })
    }

    pub const fn digest(&self) -> Digest {
        self.digest
    }

    pub fn domain_separator(&self) -> [u8; 32] {
        self.data.domain.separator().0
    }

    pub const fn struct_hash(&self) -> [u8; 32] {
        self.struct_hash
    }

    pub fn primary_type(&self) -> &str {
        &self.data.primary_type
    }

    /// `encodeType` of the primary type: what decides which known payment this is.
    pub fn encode_type(&self) -> &str {
        &self.encode_type
    }

    /// keccak256 of `encodeType` of any struct that the document declares.
    pub fn type_hash(&self, name: &str) -> Option<[u8; 32]> {
        self.data.resolver.type_hash(name).ok().map(|hash| hash.0)
    }

    pub const fn domain(&self) -> &Eip712Domain {
        &self.data.domain
    }

    /// The message as it was written; every value in it has been checked against its type.
    pub const fn message(&self) -> &Value {
        &self.data.message
    }
}

const DOMAIN_KEYS: [&str; 5] = ["name", "version", "chainId", "verifyingContract", "salt"];

/// The declared structs: fields in order, as (name, type).
struct Types(HashMap<String, Vec<(String, String)>>);

impl Types {
    fn read(json: &Value) -> Result<Self, TypedError> {
        let mut types = HashMap::new();
        for (name, fields) in object("types", json)? {
            identifier("types", name)?;
            let path = format!("types.{name}");
            let list = fields.as_array().ok_or_else(|| wrong(&path, fields, "a list of fields"))?;
            let mut read: Vec<(String, String)> = Vec::with_capacity(list.len());
            for entry in list {
                let entry = object(&path, entry)?;
                only(&path, entry, &["name", "type"])?;
                let text = |key| member(entry, key).and_then(|v| v.as_str().ok_or_else(|| wrong(&path, v, "a text")));
                let (field, kind) = (text("name")?, text("type")?);
                identifier(&path, field)?;
                // The encoder goes as deep as the name says, whatever the values are.
                if kind.matches('[').count() > MAX_DEPTH {
                    return Err(TypedError::TooComplex { name: name.clone() });
                }
                if read.iter().any(|(earlier, _)| earlier == field) {
                    return Err(wrong(&path, field, "every field once"));
                }
                read.push((field.to_owned(), kind.to_owned()));
            }
            types.insert(name.clone(), read);
        }
        Ok(Self(types))
    }

    /// Unfolds a struct without looking at values: resolving it must not be expensive.
    fn bounded(&self, name: &str, depth: usize, left: &mut usize) -> Result<(), TypedError> {
        let too_complex = || TypedError::TooComplex { name: name.to_owned() };
        if depth == MAX_DEPTH {
            return Err(too_complex());
        }
        for (_, kind) in self.0.get(name).into_iter().flatten() {
            *left = left.checked_sub(1).ok_or_else(too_complex)?;
            let element = kind.split('[').next().unwrap_or(kind);
            if self.0.contains_key(element) {
                self.bounded(element, depth + 1, left)?;
            }
        }
        Ok(())
    }

    /// Every value has its declared shape, and nothing is there that no type declares.
    fn check(&self, path: &str, kind: &str, value: &Value) -> Result<(), TypedError> {
        if let Some((element, _)) = kind.strip_suffix(']').and_then(|k| k.rsplit_once('[')) {
            let list = value.as_array().ok_or_else(|| wrong(path, value, kind))?;
            return list.iter().enumerate().try_for_each(|(i, v)| self.check(&format!("{path}[{i}]"), element, v));
        }
        if let Some(fields) = self.0.get(kind) {
            let map = object(path, value)?;
            for key in map.keys() {
                if !fields.iter().any(|(name, _)| name == key) {
                    return Err(wrong(&format!("{path}.{key}"), "a value", "nothing: its type has no such field"));
                }
            }
            return fields.iter().try_for_each(|(name, kind)| {
                let path = format!("{path}.{name}");
                let value = map.get(name).ok_or_else(|| wrong(&path, "nothing", kind))?;
                self.check(&path, kind, value)
            });
        }
        let text = value.as_str();
        let fits = match kind {
            "address" => text.is_some_and(|t| t.len() == 42 && is_hex(t)),
            "bool" => value.is_boolean(),
            "string" => text.is_some(),
            "bytes" => text.is_some_and(is_hex),
            // The encoder checks sizes; only the ways to write a number are narrowed here.
            _ if kind.starts_with("uint") || kind.starts_with("int") => text.map_or(value.is_number(), is_number),
            _ if kind.starts_with("bytes") => text.is_some_and(is_hex),
            _ => return Err(wrong(path, kind, "a type of the document or of Solidity")),
        };
        if fits { Ok(()) } else { Err(wrong(path, value, kind)) }
    }
}

/// Names of types and fields are put together to `encodeType`: one that is no Solidity name could pretend to be
/// several.
fn identifier(path: &str, name: &str) -> Result<(), TypedError> {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    match name.chars().all(letter) && name.starts_with(|c: char| !c.is_ascii_digit()) {
        true => Ok(()),
        false => Err(wrong(path, name, "a name of letters, digits, _ and $")),
    }
}

fn is_hex(text: &str) -> bool {
    text.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `0x` hex, or decimal digits with an optional minus sign; no separators, no leading zeros.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    (plain && (digits.len() == 1 || !digits.starts_with('0'))) || (text.len() > 2 && is_hex(text))
}

fn object<'a>(path: &str, value: &'a Value) -> Result<&'a Map<String, Value>, TypedError> {
    value.as_object().ok_or_else(|| wrong(path, value, "an object"))
}

fn member<'a>(map: &'a Map<String, Value>, key: &str) -> Result<&'a Value, TypedError> {
    map.get(key).ok_or_else(|| wrong(key, "nothing", "a value"))
}

fn only(path: &str, map: &Map<String, Value>, keys: &[&str]) -> Result<(), TypedError> {
    match map.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(wrong(path, key.as_str(), &keys.join(", "))),
        None => Ok(()),
    }
}

fn wrong(field: &str, found: impl fmt::Display, expected: &str) -> TypedError {
    let found = found.to_string();
    let found = match found.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &found[..end]),
        None => found,
    };
    TypedError::Field { field: field.to_owned(), found, expected: expected.to_owned() }
}

fn encoding(error: impl fmt::Display) -> TypedError {
    TypedError::Encoding { reason: error.to_string() }
}
