//! Transactions that a node builds for a client to sign: one endpoint for each type, all by the same tables. Signs and
//! keeps nothing.

use super::json::{Answer, Args, Form, NodeError, unhex};
use super::message::{contract, read, transaction, with};
use crate::action::Action;
use crate::chain::{Chain, View};
use crate::incoming::Sent;
use crate::rules;
use serde_json::{Map, Value as Json, json};
use tron::Address;
use tron::foreign::schema::{self, RAW, Schema};
use tron::foreign::{Message, Value};
use tron::tx::ref_block;

/// How long a transaction that the node builds is valid.
const VALID_MS: u64 = 60_000;

/// The endpoints whose arguments are the members of the contract's message.
const ENDPOINTS: &[(&str, &Schema)] = &[
    ("createtransaction", &schema::TRANSFER),
    ("createaccount", &schema::ACCOUNT_CREATE),
    ("updateaccount", &schema::ACCOUNT_UPDATE),
    ("accountpermissionupdate", &schema::PERMISSION_UPDATE),
    ("freezebalancev2", &schema::FREEZE_V2),
    ("unfreezebalancev2", &schema::UNFREEZE_V2),
    ("withdrawexpireunfreeze", &schema::WITHDRAW_EXPIRE),
    ("cancelallunfreezev2", &schema::CANCEL_UNFREEZE),
    ("delegateresource", &schema::DELEGATE),
    ("undelegateresource", &schema::UNDELEGATE),
];

/// The answer of such an endpoint; `None`: there is none of this name.
pub fn by_name(chain: &Chain, method: &str, args: &Args) -> Option<Answer> {
    let (_, schema) = ENDPOINTS.iter().find(|(name, _)| *name == method)?;
    Some(read(schema, args.json(), args.form()).and_then(|inner| checked(chain, inner, args)))
}

/// `deploycontract`.
pub fn deploy(chain: &Chain, args: &Args) -> Answer {
    let form = args.form();
    let owner = args.address("owner_address")?;
    let abi = match args.get("abi") {
        None => json!({}),
        Some(Json::String(text)) => {
            abi_of(&serde_json::from_str(text).map_err(|e| NodeError::json(format!("abi: {e}")))?)
        }
        Some(abi) => abi_of(abi),
    };
    let bytecode = [args.bytes("bytecode")?, args.bytes("parameter")?].concat();
    let number = |name: &str| args.signed(name).map(|number| Value::Int(number.unwrap_or_default()));
    let address = || Value::Bytes(owner.to_bytes21().to_vec());
    let new = with(
        &schema::SMART_CONTRACT,
        vec![
            ("origin_address", address()),
            ("abi", Value::Message(read(&schema::ABI, &abi, form)?)),
            ("bytecode", Value::Bytes(bytecode)),
            ("call_value", number("call_value")?),
            ("consume_user_resource_percent", number("consume_user_resource_percent")?),
            ("name", Value::Text(args.text("name").unwrap_or_default().to_owned())),
            ("origin_energy_limit", number("origin_energy_limit")?),
        ],
    );
    let inner = with(&schema::CREATE_SMART, vec![("owner_address", address()), ("new_contract", Value::Message(new))]);
    checked(chain, inner, args)
}

/// A compiler's ABI, or a node's, in a node's words: `entrys`, capitalised kinds.
fn abi_of(abi: &Json) -> Json {
    let Some(list) = abi.as_array() else { return abi.clone() };
    let capital = |entry: &Json| {
        let mut entry = entry.clone();
        for name in ["type", "stateMutability"] {
            if let Some(Json::String(text)) = entry.get_mut(name)
                && let Some(first) = text.get_mut(..1)
            {
                first.make_ascii_uppercase();
            }
        }
        entry
    };
    json!({ "entrys": list.iter().map(capital).collect::<Vec<_>>() })
}

/// Builds what the rules allow.
fn checked(chain: &Chain, inner: Message, args: &Args) -> Answer {
    let sent = build(chain, View::Head, inner, args)?;
    let owner = sent.owner().ok_or_else(|| NodeError::rule("Invalid ownerAddress!"))?;
    let action = sent.action().map_err(NodeError::rule)?;
    let allowed = rules::check(&chain.head, owner, &action, sent.fee_limit_sun(), chain.now_ms());
    // A node builds the creation of a contract without looking at anything.
    if !matches!(action, Action::Create(_)) {
        allowed.map_err(NodeError::rule)?;
    }
    Ok(Json::Object(built(&sent, args.form())))
}

/// An unsigned transaction that names the head, with the fee limit, permission and memo that were asked for.
pub fn build(chain: &Chain, view: View, inner: Message, args: &Args) -> Result<Sent, NodeError> {
    let runs = inner.schema.name == schema::TRIGGER.name || inner.schema.name == schema::CREATE_SMART.name;
    let number = chain.tip(view);
    let (bytes, hash) = ref_block(number, &chain.blocks.id(number));
    let now = chain.now_ms();
    let ms = |ms: u64| Value::Int(i64::try_from(ms).unwrap_or(i64::MAX));
    let permission = args.signed("Permission_id")?.unwrap_or_default();
    let memo = match args.text("extra_data") {
        None => Vec::new(),
        Some(text) if args.form().visible => text.as_bytes().to_vec(),
        Some(text) => unhex(text)?,
    };
    let mut members = vec![
        ("ref_block_bytes", Value::Bytes(bytes.to_vec())),
        ("ref_block_hash", Value::Bytes(hash.to_vec())),
        ("expiration", ms(now + VALID_MS)),
        ("data", Value::Bytes(memo)),
        ("contract", Value::Message(contract(inner, permission))),
        ("timestamp", ms(now)),
    ];
    if runs {
        members.push(("fee_limit", Value::Int(args.signed("fee_limit")?.unwrap_or_default())));
    }
    Ok(Sent::of_message(&with(&RAW, members), Vec::new()))
}

pub fn built(sent: &Sent, form: Form) -> Map<String, Json> {
    let mut json = transaction(sent, form);
    json.insert("visible".into(), form.visible.into());
    json
}

/// The transaction that makes a contract from this code, as a trial run shows it.
pub fn creation(chain: &Chain, view: View, owner: Address, bytecode: Vec<u8>, args: &Args) -> Result<Sent, NodeError> {
    let address = || Value::Bytes(owner.to_bytes21().to_vec());
    let new = with(
        &schema::SMART_CONTRACT,
        vec![
            ("origin_address", address()),
            ("bytecode", Value::Bytes(bytecode)),
            ("consume_user_resource_percent", Value::Int(100)),
            ("origin_energy_limit", Value::Int(1)),
        ],
    );
    let inner = with(&schema::CREATE_SMART, vec![("owner_address", address()), ("new_contract", Value::Message(new))]);
    build(chain, view, inner, args)
}
