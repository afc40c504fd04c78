//! The protobuf messages of a TRON transaction, as much of them as this program makes or signs, and their
//! strict reader: what would not come out again byte for byte does not come in.

use crate::tx::TxError;
use prost::{Message, bytes::Buf, encoding};

/// Messages inside messages are bytes here, so that [`read`] looks at each level by itself.
#[derive(Clone, PartialEq, Message)]
pub struct Transaction {
    #[prost(bytes = "vec", tag = "1")]
    pub raw_data: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub signature: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Raw {
    #[prost(bytes = "vec", tag = "1")]
    pub ref_block_bytes: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub ref_block_hash: Vec<u8>,
    #[prost(int64, tag = "8")]
    pub expiration: i64,
    #[prost(bytes = "vec", repeated, tag = "11")]
    pub contract: Vec<Vec<u8>>,
    #[prost(int64, tag = "14")]
    pub timestamp: i64,
    #[prost(int64, tag = "18")]
    pub fee_limit: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Contract {
    #[prost(int32, tag = "1")]
    pub kind: i32,
    #[prost(bytes = "vec", tag = "2")]
    pub parameter: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Transfer {
    #[prost(bytes = "vec", tag = "1")]
    pub owner_address: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub to_address: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub amount: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Trigger {
    #[prost(bytes = "vec", tag = "1")]
    pub owner_address: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub contract_address: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub call_value: i64,
    #[prost(bytes = "vec", tag = "4")]
    pub data: Vec<u8>,
}

/// A message with its name in errors and the field numbers it has here.
pub trait Known: Message + Default {
    const NAME: &'static str;
    const TAGS: &'static [u32];
}

macro_rules! known {
    ($($message:ty, $name:literal, $tags:expr;)*) => {
        $(impl Known for $message {
            const NAME: &'static str = $name;
            const TAGS: &'static [u32] = &$tags;
        })*
    };
}

known! {
    Transaction, "transaction", [1, 2];
    Raw, "raw_data", [1, 4, 8, 11, 14, 18];
    Contract, "contract", [1, 2];
    Any, "parameter", [1, 2];
    Transfer, "TransferContract", [1, 2, 3];
    Trigger, "TriggerSmartContract", [1, 2, 3, 4];
}

/// Reads a message that has known fields only, each where and how this program would write it.
pub fn read<M: Known>(bytes: &[u8]) -> Result<M, TxError> {
    let message = M::decode(bytes).map_err(|e| TxError::Malformed { message: M::NAME, reason: e.to_string() })?;
    match unknown_field(bytes, M::TAGS) {
        Some(tag) => Err(TxError::UnknownField { message: M::NAME, tag }),
        None if message.encode_to_vec() != bytes => Err(TxError::NotCanonical { message: M::NAME }),
        None => Ok(message),
    }
}

/// The first field number of this level that is not in `tags`. A part that can't be walked ends the search:
/// the message itself has been decoded before.
fn unknown_field(mut bytes: &[u8], tags: &[u32]) -> Option<u32> {
    while bytes.has_remaining() {
        let (tag, wire_type) = encoding::decode_key(&mut bytes).ok()?;
        if !tags.contains(&tag) {
            return Some(tag);
        }
        encoding::skip_field(wire_type, tag, &mut bytes, encoding::DecodeContext::default()).ok()?;
    }
    None
}
