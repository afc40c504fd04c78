//! The bytes of transactions, by the tables of TRON's messages: written as a node writes them, taken apart as a node
//! does. What they mean is said in `action`.

use tron::foreign::{Entry, Message, Value};

/// Why bytes are no transaction, in the words of a node's protobuf reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn;

/// The message as bytes: its members in the order of their numbers, what is nothing left out.
pub fn encode(message: &Message) -> Vec<u8> {
    let mut entries: Vec<&Entry> = message.entries.iter().collect();
    entries.sort_by_key(|entry| entry.field.tag);
    let mut out = Vec::new();
    for Entry { field, value } in entries {
        if value.is_absent() && !field.many {
            continue;
        }
        match value {
            Value::Int(number) => {
                varint(&mut out, u64::from(field.tag) << 3);
                varint(&mut out, number.cast_unsigned());
            }
            Value::Bytes(bytes) => block(&mut out, field.tag, bytes),
            Value::Text(text) => block(&mut out, field.tag, text.as_bytes()),
            Value::Message(inner) => block(&mut out, field.tag, &encode(inner)),
            Value::Unreadable(_) => {}
        }
    }
    out
}

/// A whole transaction: raw data and signatures.
pub fn join(raw: &[u8], signatures: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + 70 * signatures.len() + 8);
    if !raw.is_empty() {
        block(&mut out, 1, raw);
    }
    for signature in signatures {
        block(&mut out, 2, signature);
    }
    out
}

/// A whole transaction's raw data and signatures; what else is in it counts for nothing.
pub fn split(mut bytes: &[u8]) -> Result<(Vec<u8>, Vec<Vec<u8>>), Torn> {
    let (mut raw, mut signatures) = (Vec::new(), Vec::new());
    while !bytes.is_empty() {
        let key = read_varint(&mut bytes)?;
        let length = match key & 7 {
            0 => {
                read_varint(&mut bytes)?;
                continue;
            }
            1 => 8,
            2 => read_varint(&mut bytes)?,
            5 => 4,
            _ => return Err(Torn),
        };
        let length = usize::try_from(length).map_err(|_| Torn)?;
        let (content, rest) = bytes.split_at_checked(length).ok_or(Torn)?;
        bytes = rest;
        match key {
            0x0a => raw = content.to_vec(),
            0x12 => signatures.push(content.to_vec()),
            _ => {}
        }
    }
    Ok((raw, signatures))
}

fn block(out: &mut Vec<u8>, tag: u32, bytes: &[u8]) {
    varint(out, u64::from(tag) << 3 | 2);
    varint(out, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        let [low, ..] = number.to_le_bytes();
        out.push(low | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn read_varint(bytes: &mut &[u8]) -> Result<u64, Torn> {
    let mut number = 0_u64;
    for place in 0..10_u32 {
        let (byte, rest) = bytes.split_first().ok_or(Torn)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(7 * place).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Torn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tron::foreign::ForeignTransaction;

    #[test]
    fn what_was_read_is_written_as_it_was() {
        for raw in [
            // A transfer under permission 2 with a memo, then a change of permissions.
            "0a0200132208dc05bac99aa678354080b6cdc1a23452126f7264657220373a207468616e6b20796f755a67080112610a2d747970652e676f6f676c65617069732e636f6d2f70726f746f636f6c2e5472616e73666572436f6e747261637412300a1541e78958770ab2426c2c40f7addce41487723892d312154179f9d4d735e21c162ba2dea553f438aac49b8da91803280270f5fbc9c1a234",
            "0a02001b2208fd0bcf7e969cf42040c0f1cec1a2345aea01082e12e5010a3c747970652e676f6f676c65617069732e636f6d2f70726f746f636f6c2e4163636f756e745065726d697373696f6e557064617465436f6e747261637412a4010a15417b7241bca3ea77b3749c6218ff5f1353333eea8112241a056f776e657220013a190a15417b7241bca3ea77b3749c6218ff5f1353333eea811001226508021a0761637469766530200232207fff1fc0033e00000000000000000000000000000000000000000000000000003a190a1541e78958770ab2426c2c40f7addce41487723892d310013a190a154179f9d4d735e21c162ba2dea553f438aac49b8da910017093a1cbc1a234",
        ] {
            let bytes = hex::decode(raw).unwrap();
            let read = ForeignTransaction::of_raw(&bytes).unwrap();
            assert_eq!(hex::encode(encode(&read.raw)), raw);
            let whole = join(&bytes, &[vec![7; 65], vec![8; 65]]);
            assert_eq!(split(&whole), Ok((bytes, vec![vec![7; 65], vec![8; 65]])));
            assert_eq!(split(&whole[..whole.len() - 1]), Err(Torn));
        }
        assert_eq!(split(&[]), Ok((Vec::new(), Vec::new())));
        for torn in [&[0x0a, 0x0b][..], &[0x0a], &[0x0f], &[0x80; 11]] {
            assert_eq!(split(torn), Err(Torn));
        }
    }
}
