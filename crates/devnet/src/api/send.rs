//! Takes signed transactions, as JSON or as protobuf, and tells who has signed one and who still has to.

use super::Node;
use super::account::permission;
use super::json::{Answer, Args, Form, NodeError, unhex};
use super::message::{packed, read_transaction, transaction};
use crate::busy::Work;
use crate::chain::Chain;
use crate::incoming::{Incoming, Sent};
use crate::refusal::Refusal;
use serde_json::{Map, Value, json};
use tron::Address;

/// `broadcasttransaction`.
pub fn json(node: &Node, args: &Args) -> Answer {
    let form = args.form();
    let incoming = Incoming::new(read_transaction(args.json(), form)?);
    let id = incoming.sent.id.to_string();
    Ok(match take(node, incoming) {
        Ok(()) => json!({ "result": true, "txid": id }),
        // Nodes leave `result: false` out.
        Err(refusal) => json!({ "code": refusal.code(), "message": form.text(&refusal.message()), "txid": id }),
    })
}

/// `broadcasthex`; its answers are in plain text and complete.
pub fn hex(node: &Node, args: &Args) -> Answer {
    let bytes = unhex(args.text("transaction").unwrap_or_default())?;
    let sent = Sent::of_bytes(&bytes).map_err(|_torn| NodeError::torn())?;
    let (id, shown) = (sent.id.to_string(), packed(&sent));
    let (result, code, message) = match take(node, Incoming::new(sent)) {
        Ok(()) => (true, "SUCCESS", String::new()),
        Err(refusal) => (false, refusal.code(), refusal.message()),
    };
    Ok(json!({ "result": result, "code": code, "message": message, "transaction": shown, "txid": id }))
}

/// A busy node looks at nothing else first.
fn take(node: &Node, incoming: Incoming) -> Result<(), Refusal> {
    if node.is_busy(Work::Broadcast) { Err(Refusal::Busy(node.excuse())) } else { node.chain().broadcast(incoming) }
}

/// `getsignweight`: whose signatures count how much towards what is needed.
pub fn weight(chain: &Chain, args: &Args) -> Answer {
    let form = args.form();
    let sent = read_transaction(args.json(), form)?;
    let mut answer = Map::new();
    match weighed(chain, &sent) {
        Err((code, words)) => {
            answer.insert("result".into(), json!({ "code": code, "message": words }));
        }
        Ok((signers, weight, threshold)) => {
            let enough = if weight < threshold { json!({ "code": "NOT_ENOUGH_PERMISSION" }) } else { json!({}) };
            answer.insert("result".into(), enough);
            if !signers.is_empty() {
                answer.insert("approved_list".into(), addresses(&signers, form));
                answer.insert("current_weight".into(), weight.into());
            }
        }
    }
    let permissions = sent.owner().map(|owner| chain.head.permissions(owner));
    if let Some(permission_asked) = permissions.as_deref().and_then(|all| all.get(sent.permission())) {
        answer.insert("permission".into(), permission(permission_asked, form));
    }
    answer.insert("transaction".into(), enveloped(&sent, form));
    Ok(Value::Object(answer))
}

/// Who signed, what that weighs, and what is needed.
fn weighed(chain: &Chain, sent: &Sent) -> Result<(Vec<Address>, u64, u64), (&'static str, String)> {
    let denied = |words: &str| ("PERMISSION_ERROR", words.to_owned());
    let owner = sent.owner().ok_or(("OTHER_ERROR", "Invalid transaction: no valid contract".to_owned()))?;
    let permissions = chain.head.permissions(owner);
    let permission =
        permissions.get(sent.permission()).ok_or_else(|| denied("Permission for this, does not exist!"))?;
    if !permission.allows(sent.kind()) {
        return Err(denied("Permission denied!"));
    }
    let signers = sent.signers().map_err(|words| ("SIGNATURE_FORMAT_ERROR", words))?;
    let signed: Vec<_> = signers.iter().copied().zip(sent.signatures.iter().map(Vec::as_slice)).collect();
    let weight = permission.weigh(&signed).map_err(|words| ("PERMISSION_ERROR", words))?;
    Ok((signers, weight, permission.threshold))
}

/// `getapprovedlist`: who signed, whether that counts or not.
pub fn approved(args: &Args) -> Answer {
    let form = args.form();
    let sent = read_transaction(args.json(), form)?;
    let mut answer = Map::new();
    match sent.signers() {
        Ok(signers) => {
            answer.insert("result".into(), json!({}));
            if !signers.is_empty() {
                answer.insert("approved_list".into(), addresses(&signers, form));
            }
        }
        Err(words) => {
            drop(answer.insert("result".into(), json!({ "code": "SIGNATURE_FORMAT_ERROR", "message": words })))
        }
    }
    answer.insert("transaction".into(), enveloped(&sent, form));
    Ok(Value::Object(answer))
}

fn addresses(list: &[Address], form: Form) -> Value {
    list.iter().map(|address| form.address(*address)).collect()
}

fn enveloped(sent: &Sent, form: Form) -> Value {
    json!({ "result": { "result": true }, "txid": sent.id.to_string(), "transaction": transaction(sent, form) })
}
