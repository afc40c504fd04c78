//! What a transaction can say: the messages of java-tron's protocol with their members, as tables. Everything that
//! reads a foreign transaction, from bytes or from JSON, reads it by these. A member that is not in them is strange.

/// What a member holds, and so how it is written in JSON and told to people.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// 21 bytes; JSON has `41` hex, or Base58 where the document says `visible`.
    Address,
    /// Bytes; hex in JSON.
    Hex,
    /// Bytes that are a text; JSON has hex, or the text where the document says `visible`.
    Name,
    Text,
    Int,
    /// A protobuf int32: nodes keep the low 32 bits.
    Int32,
    /// An amount of TRX in sun.
    Sun,
    /// Milliseconds since 1970.
    Millis,
    Bool,
    /// A number with names.
    Enum(&'static [(i64, &'static str)]),
    /// The number of a contract's type, by [`CONTRACTS`].
    Type,
    Message(&'static Schema),
    /// `google.protobuf.Any`, whose `value` is the message that the contract's type says.
    Parameter,
}

/// One member of a message.
#[derive(Debug)]
pub struct Field {
    pub tag: u32,
    /// As the node API writes it.
    pub name: &'static str,
    pub kind: Kind,
    /// A list.
    pub many: bool,
}

/// One message.
#[derive(Debug)]
pub struct Schema {
    pub name: &'static str,
    pub fields: &'static [Field],
}

/// A type of contract: its number, its message, and whether any node takes it.
#[derive(Debug)]
pub struct ContractType {
    pub number: i64,
    pub name: &'static str,
    /// `None`: the protocol has a number and no message for it.
    pub schema: Option<&'static Schema>,
    /// Nodes have no code for some numbers of the protocol.
    pub executed: bool,
}

const fn one(tag: u32, name: &'static str, kind: Kind) -> Field {
    Field { tag, name, kind, many: false }
}

const fn many(tag: u32, name: &'static str, kind: Kind) -> Field {
    Field { tag, name, kind, many: true }
}

const RESOURCE: Kind = Kind::Enum(&[(0, "BANDWIDTH"), (1, "ENERGY"), (2, "TRON_POWER")]);
const ACCOUNT_TYPE: Kind = Kind::Enum(&[(0, "Normal"), (1, "AssetIssue"), (2, "Contract")]);
const PERMISSION_TYPE: Kind = Kind::Enum(&[(0, "Owner"), (1, "Witness"), (2, "Active")]);
const OWNER: Field = one(1, "owner_address", Kind::Address);

macro_rules! schemas {
    ($($id:ident = $name:literal [$($field:expr),* $(,)?];)*) => {
        $(pub static $id: Schema = Schema { name: $name, fields: &[$($field),*] };)*
    };
}

use Kind::{Address, Bool, Hex, Int, Int32, Message, Millis, Name, Parameter, Sun, Text, Type};

schemas! {
    TRANSACTION = "transaction" [
        one(1, "raw_data", Hex), many(2, "signature", Hex), many(5, "ret", Hex),
    ];
    RAW = "raw_data" [
        one(1, "ref_block_bytes", Hex), one(3, "ref_block_num", Int), one(4, "ref_block_hash", Hex),
        one(8, "expiration", Millis), many(9, "auths", Message(&AUTHORITY)), one(10, "data", Hex),
        many(11, "contract", Message(&CONTRACT)), one(12, "scripts", Hex), one(14, "timestamp", Millis),
        one(18, "fee_limit", Sun),
    ];
    CONTRACT = "contract" [
        one(1, "type", Type), one(2, "parameter", Parameter), one(3, "provider", Hex), one(4, "ContractName", Name),
        one(5, "Permission_id", Int32),
    ];
    ANY = "parameter" [one(1, "type_url", Text), one(2, "value", Hex)];
    AUTHORITY = "authority" [one(1, "account", Message(&ACCOUNT_ID)), one(2, "permission_name", Name)];
    ACCOUNT_ID = "account" [one(1, "name", Name), one(2, "address", Address)];

    ACCOUNT_CREATE = "AccountCreateContract" [OWNER, one(2, "account_address", Address), one(3, "type", ACCOUNT_TYPE)];
    TRANSFER = "TransferContract" [OWNER, one(2, "to_address", Address), one(3, "amount", Sun)];
    TRANSFER_ASSET = "TransferAssetContract" [
        one(1, "asset_name", Name), one(2, "owner_address", Address), one(3, "to_address", Address),
        one(4, "amount", Int),
    ];
    VOTE_ASSET = "VoteAssetContract" [OWNER, many(2, "vote_address", Address), one(3, "support", Bool), one(5, "count", Int32)];
    VOTE = "vote" [one(1, "vote_address", Address), one(2, "vote_count", Int)];
    VOTE_WITNESS = "VoteWitnessContract" [OWNER, many(2, "votes", Message(&VOTE)), one(3, "support", Bool)];
    WITNESS_CREATE = "WitnessCreateContract" [OWNER, one(2, "url", Name)];
    FROZEN_SUPPLY = "frozen_supply" [one(1, "frozen_amount", Int), one(2, "frozen_days", Int)];
    ASSET_ISSUE = "AssetIssueContract" [
        OWNER, one(2, "name", Name), one(3, "abbr", Name), one(4, "total_supply", Int),
        many(5, "frozen_supply", Message(&FROZEN_SUPPLY)), one(6, "trx_num", Int32), one(7, "precision", Int32),
        one(8, "num", Int32), one(9, "start_time", Millis), one(10, "end_time", Millis), one(11, "order", Int),
        one(16, "vote_score", Int32), one(20, "description", Name), one(21, "url", Name),
        one(22, "free_asset_net_limit", Int), one(23, "public_free_asset_net_limit", Int),
        one(24, "public_free_asset_net_usage", Int), one(25, "public_latest_free_net_time", Int),
        one(41, "id", Text),
    ];
    WITNESS_UPDATE = "WitnessUpdateContract" [OWNER, one(12, "update_url", Name)];
    PARTICIPATE = "ParticipateAssetIssueContract" [
        OWNER, one(2, "to_address", Address), one(3, "asset_name", Name), one(4, "amount", Sun),
    ];
    ACCOUNT_UPDATE = "AccountUpdateContract" [one(1, "account_name", Name), one(2, "owner_address", Address)];
    FREEZE = "FreezeBalanceContract" [
        OWNER, one(2, "frozen_balance", Sun), one(3, "frozen_duration", Int), one(10, "resource", RESOURCE),
        one(15, "receiver_address", Address),
    ];
    UNFREEZE = "UnfreezeBalanceContract" [OWNER, one(10, "resource", RESOURCE), one(15, "receiver_address", Address)];
    WITHDRAW = "WithdrawBalanceContract" [OWNER];
    UNFREEZE_ASSET = "UnfreezeAssetContract" [OWNER];
    UPDATE_ASSET = "UpdateAssetContract" [
        OWNER, one(2, "description", Name), one(3, "url", Name), one(4, "new_limit", Int),
        one(5, "new_public_limit", Int),
    ];
    PARAMETER = "parameters" [one(1, "key", Int), one(2, "value", Int)];
    PROPOSAL_CREATE = "ProposalCreateContract" [OWNER, many(2, "parameters", Message(&PARAMETER))];
    PROPOSAL_APPROVE = "ProposalApproveContract" [
        OWNER, one(2, "proposal_id", Int), one(3, "is_add_approval", Bool),
    ];
    PROPOSAL_DELETE = "ProposalDeleteContract" [OWNER, one(2, "proposal_id", Int)];
    SET_ACCOUNT_ID = "SetAccountIdContract" [one(1, "account_id", Name), one(2, "owner_address", Address)];
    SMART_CONTRACT = "new_contract" [
        one(1, "origin_address", Address), one(2, "contract_address", Address), one(3, "abi", Message(&ABI)),
        one(4, "bytecode", Hex), one(5, "call_value", Sun), one(6, "consume_user_resource_percent", Int),
        one(7, "name", Text), one(8, "origin_energy_limit", Int), one(9, "code_hash", Hex), one(10, "trx_hash", Hex),
        one(11, "version", Int32),
    ];
    ABI = "abi" [many(1, "entrys", Message(&ABI_ENTRY))];
    ABI_ENTRY = "entrys" [
        one(1, "anonymous", Bool), one(2, "constant", Bool), one(3, "name", Text),
        many(4, "inputs", Message(&ABI_PARAM)), many(5, "outputs", Message(&ABI_PARAM)),
        one(6, "type", Kind::Enum(&[
            (0, "UnknownEntryType"), (1, "Constructor"), (2, "Function"), (3, "Event"), (4, "Fallback"),
            (5, "Receive"), (6, "Error"),
        ])),
        one(7, "payable", Bool),
        one(8, "stateMutability", Kind::Enum(&[
            (0, "UnknownMutabilityType"), (1, "Pure"), (2, "View"), (3, "Nonpayable"), (4, "Payable"),
        ])),
    ];
    ABI_PARAM = "param" [one(1, "indexed", Bool), one(2, "name", Text), one(3, "type", Text)];
    CREATE_SMART = "CreateSmartContract" [
        OWNER, one(2, "new_contract", Message(&SMART_CONTRACT)), one(3, "call_token_value", Int),
        one(4, "token_id", Int),
    ];
    TRIGGER = "TriggerSmartContract" [
        OWNER, one(2, "contract_address", Address), one(3, "call_value", Sun), one(4, "data", Hex),
        one(5, "call_token_value", Int), one(6, "token_id", Int),
    ];
    UPDATE_SETTING = "UpdateSettingContract" [
        OWNER, one(2, "contract_address", Address), one(3, "consume_user_resource_percent", Int),
    ];
    EXCHANGE_CREATE = "ExchangeCreateContract" [
        OWNER, one(2, "first_token_id", Name), one(3, "first_token_balance", Int), one(4, "second_token_id", Name),
        one(5, "second_token_balance", Int),
    ];
    EXCHANGE_INJECT = "ExchangeInjectContract" [
        OWNER, one(2, "exchange_id", Int), one(3, "token_id", Name), one(4, "quant", Int),
    ];
    EXCHANGE_WITHDRAW = "ExchangeWithdrawContract" [
        OWNER, one(2, "exchange_id", Int), one(3, "token_id", Name), one(4, "quant", Int),
    ];
    EXCHANGE_TRANSACTION = "ExchangeTransactionContract" [
        OWNER, one(2, "exchange_id", Int), one(3, "token_id", Name), one(4, "quant", Int), one(5, "expected", Int),
    ];
    UPDATE_ENERGY_LIMIT = "UpdateEnergyLimitContract" [
        OWNER, one(2, "contract_address", Address), one(3, "origin_energy_limit", Int),
    ];
    KEY = "keys" [one(1, "address", Address), one(2, "weight", Int)];
    PERMISSION = "permission" [
        one(1, "type", PERMISSION_TYPE), one(2, "id", Int32), one(3, "permission_name", Text),
        one(4, "threshold", Int), one(5, "parent_id", Int32), one(6, "operations", Hex),
        many(7, "keys", Message(&KEY)),
    ];
    PERMISSION_UPDATE = "AccountPermissionUpdateContract" [
        OWNER, one(2, "owner", Message(&PERMISSION)), one(3, "witness", Message(&PERMISSION)),
        many(4, "actives", Message(&PERMISSION)),
    ];
    CLEAR_ABI = "ClearABIContract" [OWNER, one(2, "contract_address", Address)];
    UPDATE_BROKERAGE = "UpdateBrokerageContract" [OWNER, one(2, "brokerage", Int32)];
    SPEND = "spend_description" [
        one(1, "value_commitment", Hex), one(2, "anchor", Hex), one(3, "nullifier", Hex), one(4, "rk", Hex),
        one(5, "zkproof", Hex), one(6, "spend_authority_signature", Hex),
    ];
    RECEIVE = "receive_description" [
        one(1, "value_commitment", Hex), one(2, "note_commitment", Hex), one(3, "epk", Hex), one(4, "c_enc", Hex),
        one(5, "c_out", Hex), one(6, "zkproof", Hex),
    ];
    SHIELDED = "ShieldedTransferContract" [
        one(1, "transparent_from_address", Address), one(2, "from_amount", Int),
        many(3, "spend_description", Message(&SPEND)), many(4, "receive_description", Message(&RECEIVE)),
        one(5, "binding_signature", Hex), one(6, "transparent_to_address", Address), one(7, "to_amount", Int),
    ];
    MARKET_SELL = "MarketSellAssetContract" [
        OWNER, one(2, "sell_token_id", Name), one(3, "sell_token_quantity", Int), one(4, "buy_token_id", Name),
        one(5, "buy_token_quantity", Int),
    ];
    MARKET_CANCEL = "MarketCancelOrderContract" [OWNER, one(2, "order_id", Hex)];
    FREEZE_V2 = "FreezeBalanceV2Contract" [OWNER, one(2, "frozen_balance", Sun), one(3, "resource", RESOURCE)];
    UNFREEZE_V2 = "UnfreezeBalanceV2Contract" [OWNER, one(2, "unfreeze_balance", Sun), one(3, "resource", RESOURCE)];
    WITHDRAW_EXPIRE = "WithdrawExpireUnfreezeContract" [OWNER];
    DELEGATE = "DelegateResourceContract" [
        OWNER, one(2, "resource", RESOURCE), one(3, "balance", Sun), one(4, "receiver_address", Address),
        one(5, "lock", Bool), one(6, "lock_period", Int),
    ];
    UNDELEGATE = "UnDelegateResourceContract" [
        OWNER, one(2, "resource", RESOURCE), one(3, "balance", Sun), one(4, "receiver_address", Address),
    ];
    CANCEL_UNFREEZE = "CancelAllUnfreezeV2Contract" [OWNER];
}

const fn executed(number: i64, schema: &'static Schema) -> ContractType {
    ContractType { number, name: schema.name, schema: Some(schema), executed: true }
}

const fn reserved(number: i64, name: &'static str, schema: Option<&'static Schema>) -> ContractType {
    ContractType { number, name, schema, executed: false }
}

/// Every number of `Transaction.Contract.ContractType`, java-tron 4.8.
pub static CONTRACTS: [ContractType; 41] = [
    executed(0, &ACCOUNT_CREATE),
    executed(1, &TRANSFER),
    executed(2, &TRANSFER_ASSET),
    reserved(3, "VoteAssetContract", Some(&VOTE_ASSET)),
    executed(4, &VOTE_WITNESS),
    executed(5, &WITNESS_CREATE),
    executed(6, &ASSET_ISSUE),
    executed(8, &WITNESS_UPDATE),
    executed(9, &PARTICIPATE),
    executed(10, &ACCOUNT_UPDATE),
    executed(11, &FREEZE),
    executed(12, &UNFREEZE),
    executed(13, &WITHDRAW),
    executed(14, &UNFREEZE_ASSET),
    executed(15, &UPDATE_ASSET),
    executed(16, &PROPOSAL_CREATE),
    executed(17, &PROPOSAL_APPROVE),
    executed(18, &PROPOSAL_DELETE),
    executed(19, &SET_ACCOUNT_ID),
    reserved(20, "CustomContract", None),
    executed(30, &CREATE_SMART),
    executed(31, &TRIGGER),
    reserved(32, "GetContract", None),
    executed(33, &UPDATE_SETTING),
    executed(41, &EXCHANGE_CREATE),
    executed(42, &EXCHANGE_INJECT),
    executed(43, &EXCHANGE_WITHDRAW),
    executed(44, &EXCHANGE_TRANSACTION),
    executed(45, &UPDATE_ENERGY_LIMIT),
    executed(46, &PERMISSION_UPDATE),
    executed(48, &CLEAR_ABI),
    executed(49, &UPDATE_BROKERAGE),
    executed(51, &SHIELDED),
    executed(52, &MARKET_SELL),
    executed(53, &MARKET_CANCEL),
    executed(54, &FREEZE_V2),
    executed(55, &UNFREEZE_V2),
    executed(56, &WITHDRAW_EXPIRE),
    executed(57, &DELEGATE),
    executed(58, &UNDELEGATE),
    executed(59, &CANCEL_UNFREEZE),
];

/// A type of contract by its number.
pub fn contract(number: i64) -> Option<&'static ContractType> {
    CONTRACTS.iter().find(|kind| kind.number == number)
}

/// A type of contract by its name.
pub fn contract_named(name: &str) -> Option<&'static ContractType> {
    CONTRACTS.iter().find(|kind| kind.name == name)
}
