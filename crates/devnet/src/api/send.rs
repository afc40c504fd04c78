//! Takes signed transactions, as JSON or as protobuf, and tells which signature is still needed.

use super::Node;
use super::json::{Answer, Args, Form, NodeError, read_transaction, show, wrong};
use super::read::permission;
use crate::busy::Work;
use crate::chain::Refusal;
use crate::incoming::Incoming;
use serde_json::{Value, json};
use tron::{SignedTransaction, TxId};

/// `broadcasttransaction`.
pub fn json(node: &Node, args: &Args) -> Answer {
    let form = args.form();
    // A signature that can't be one is a node's SIGERROR, not a malformed question.
    let transaction = match read_transaction(args) {
        Err(NodeError(reason)) if reason.starts_with("signature") => {
            return Ok(refused(&Refusal::Signature(reason), None, form));
        }
        other => other?,
    };
    let incoming = Incoming::new(transaction);
    let id = incoming.id;
    Ok(match take(node, incoming) {
        Ok(()) => json!({ "result": true, "txid": id.to_string() }),
        Err(refusal) => refused(&refusal, Some(id), form),
    })
}

/// `broadcasthex`; its answers are in plain text and complete.
pub fn hex(node: &Node, args: &Args) -> Answer {
    let text = args.needed("transaction")?;
    let transaction = SignedTransaction::from_hex(text).map_err(|e| wrong(e.to_string()))?;
    let shown = show(&transaction.raw, &transaction.signatures, Form { visible: true }).to_string();
    let incoming = Incoming::new(transaction);
    let id = incoming.id;
    let (result, code, message) = match take(node, incoming) {
        Ok(()) => (true, "SUCCESS", String::new()),
        Err(refusal) => (false, refusal.code(), refusal.message()),
    };
    Ok(json!({
        "result": result,
        "code": code,
        "message": message,
        "transaction": shown,
        "txid": id.to_string(),
    }))
}

/// A busy node looks at nothing else first.
fn take(node: &Node, incoming: Incoming) -> Result<(), Refusal> {
    if node.is_busy(Work::Broadcast) { Err(Refusal::Busy) } else { node.chain().broadcast(incoming) }
}

/// `getsignweight`: the id and the key that has to sign.
pub fn weight(args: &Args) -> Answer {
    let form = args.form();
    let SignedTransaction { raw, signatures } = read_transaction(args)?;
    let signed = SignedTransaction { raw: raw.clone(), signatures: signatures.clone() };
    let owner = raw.owner();
    let approved: Vec<_> = signed.signer().into_iter().filter(|signer| *signer == owner).collect();
    let mut result = json!({});
    if approved.is_empty() {
        result = json!({ "code": "NOT_ENOUGH_PERMISSION" });
    }
    Ok(json!({
        "result": result,
        "approved_list": approved.iter().map(|signer| form.address(*signer)).collect::<Vec<_>>(),
        "permission": permission(owner, form),
        "current_weight": approved.len(),
        "transaction": {
            "result": { "result": true },
            "txid": raw.id().to_string(),
            "transaction": show(&raw, &signatures, form),
        },
    }))
}

/// Nodes leave `result: false` out.
fn refused(refusal: &Refusal, id: Option<TxId>, form: Form) -> Value {
    let mut answer = json!({ "code": refusal.code(), "message": form.text(&refusal.message()) });
    if let (Some(map), Some(id)) = (answer.as_object_mut(), id) {
        map.insert("txid".into(), id.to_string().into());
    }
    answer
}
