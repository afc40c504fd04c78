//! Reading the chain: balances, allowances, contracts, prices, and trial runs that change nothing. Refuses answers
//! that are not complete; an account that does not exist yet has nothing, which is an answer.

use crate::{
    Aged, ChainError, Config, Door, Finality,
    busy::says_busy,
    cache::{Cache, Key},
    error::shortened,
    http::{Answer, Nodes},
};
use serde_json::{Value, json};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
use tron::{
    Address, Amount, Network,
    abi::{self, Reverted},
};

/// The nodes of one TRON network. Cheap to clone; clones share connections and what was read a moment ago.
#[derive(Clone)]
pub struct TronGrid(Arc<Inner>);

struct Inner {
    network: Network,
    nodes: Nodes,
    cache: Cache,
}

/// What a token's contract says about itself. A claim, not a fact: anybody can write "USDT" into a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenClaims {
    /// At most 32 characters; otherwise as claimed, unprintable characters included.
    pub symbol: String,
    pub decimals: u8,
}

/// What an account can do before TRX is burnt for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    pub energy: u64,
    /// The larger of what is staked and what is free: a transaction takes one or the other.
    pub bandwidth: u64,
}

/// An account as far as it decides whether its owner can send a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The chain knows it: TRX came in once. Tokens alone make no account.
    pub active: bool,
    pub trx_sun: u64,
    /// The key of the address signs for it alone. `false` after its owner permission went to other keys.
    pub own_key: bool,
}

/// What a call would do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation {
    pub ok: bool,
    /// What the contract returned, or its revert data.
    pub output: Vec<u8>,
    /// Why it would revert, where that could be read: a custom error's name, a reason text or raw hex.
    pub revert: Option<String>,
    pub energy: u64,
}

impl fmt::Debug for TronGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<&str> = self.0.nodes.in_order().iter().map(|n| n.label.as_str()).collect();
        f.debug_struct("TronGrid").field("network", &self.0.network).field("nodes", &nodes).finish()
    }
}

impl TronGrid {
    /// Does not connect yet. Fails with [`ChainError::Config`] only.
    pub fn new(config: Config) -> Result<Self, ChainError> {
        let nodes = Nodes::new(&config)?;
        Ok(Self(Arc::new(Inner { network: config.network, nodes, cache: Cache::default() })))
    }

    pub fn network(&self) -> Network {
        self.0.network
    }

    pub(crate) fn nodes(&self) -> &Nodes {
        &self.0.nodes
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.0.cache
    }

    /// The owner's balance of a TRC-20 token, in its smallest unit.
    pub async fn balance(&self, token: Address, owner: Address) -> Result<Amount, ChainError> {
        Ok(self.recent_balance(token, owner, Duration::ZERO).await?.value)
    }

    /// As [`TronGrid::balance`], but a value that was read at most `at_most` ago will do.
    pub async fn recent_balance(
        &self,
        token: Address,
        owner: Address,
        at_most: Duration,
    ) -> Result<Aged<Amount>, ChainError> {
        self.recent(Key::Balance { token, owner }, at_most, token, abi::balance_of(owner)).await
    }

    /// How much of the owner's token the spender may still take.
    pub async fn allowance(&self, token: Address, owner: Address, spender: Address) -> Result<Amount, ChainError> {
        Ok(self.recent_allowance(token, owner, spender, Duration::ZERO).await?.value)
    }

    /// As [`TronGrid::allowance`], but a value that was read at most `at_most` ago will do.
    pub async fn recent_allowance(
        &self,
        token: Address,
        owner: Address,
        spender: Address,
        at_most: Duration,
    ) -> Result<Aged<Amount>, ChainError> {
        let data = abi::allowance(owner, spender);
        self.recent(Key::Allowance { token, owner, spender }, at_most, token, data).await
    }

    async fn recent(
        &self,
        key: Key,
        at_most: Duration,
        token: Address,
        data: Vec<u8>,
    ) -> Result<Aged<Amount>, ChainError> {
        if let Some(known) = self.0.cache.read(key, at_most).filter(|_| !at_most.is_zero()) {
            return Ok(known);
        }
        let asked_at = Instant::now();
        let output = self.call(token, data).await?;
        let value = abi::decode_amount(&output).ok_or_else(|| self.unreadable("a 256 bit number", &output))?;
        self.0.cache.store(key, value, asked_at);
        Ok(Aged { value, age: asked_at.elapsed() })
    }

    /// What an account can send by itself; see [`Account`].
    pub async fn account(&self, owner: Address) -> Result<Account, ChainError> {
        let body = json!({ "address": owner.to_string(), "visible": true });
        let answer = self.0.nodes.read(Door::Wallet, "getaccount", &body).await?;
        let trx_sun = answer.number_or_zero("/balance")?;
        let own_key = match answer.get("/owner_permission") {
            None => true,
            Some(permission) => signs_alone(permission, owner),
        };
        Ok(Account { active: !answer.is_empty_object(), trx_sun, own_key })
    }

    /// The owner's TRX in sun; 0 for an account that was never used.
    pub async fn trx_balance(&self, owner: Address) -> Result<u64, ChainError> {
        let body = json!({ "address": owner.to_string(), "visible": true });
        self.0.nodes.read(Door::Wallet, "getaccount", &body).await?.number_or_zero("/balance")
    }

    /// Energy and bandwidth that the owner has left; nothing for an account that was never used.
    pub async fn resources(&self, owner: Address) -> Result<Resources, ChainError> {
        let body = json!({ "address": owner.to_string(), "visible": true });
        let answer = self.0.nodes.read(Door::Wallet, "getaccountresource", &body).await?;
        let left = |limit, used| {
            Ok::<u64, ChainError>(answer.number_or_zero(limit)?.saturating_sub(answer.number_or_zero(used)?))
        };
        let bandwidth = left("/NetLimit", "/NetUsed")?.max(left("/freeNetLimit", "/freeNetUsed")?);
        Ok(Resources { energy: left("/EnergyLimit", "/EnergyUsed")?, bandwidth })
    }

    /// Symbol and decimals as the contract claims them.
    pub async fn token_claims(&self, token: Address) -> Result<TokenClaims, ChainError> {
        let symbol = self.call(token, abi::symbol()).await?;
        let symbol = abi::decode_symbol(&symbol).ok_or_else(|| self.unreadable("a text", &symbol))?;
        let decimals = self.call(token, abi::decimals()).await?;
        let decimals =
            abi::decode_decimals(&decimals).ok_or_else(|| self.unreadable("a number of decimals", &decimals))?;
        Ok(TokenClaims { symbol, decimals })
    }

    /// Runs a call from `owner` without any effect. `ok: false` is an answer; an error means that nothing is known.
    pub async fn simulate(&self, owner: Address, contract: Address, data: Vec<u8>) -> Result<Simulation, ChainError> {
        self.run(Finality::Seen, owner, contract, &data).await
    }

    /// Reads from a contract. A revert is [`ChainError::Reverted`].
    pub async fn call(&self, contract: Address, data: Vec<u8>) -> Result<Vec<u8>, ChainError> {
        self.call_at(Finality::Seen, contract, data).await
    }

    /// Reads from a contract as it is now, or as it was when the last final block was made.
    pub async fn call_at(&self, finality: Finality, contract: Address, data: Vec<u8>) -> Result<Vec<u8>, ChainError> {
        let run = self.run(finality, Address::ZERO, contract, &data).await?;
        if run.ok {
            Ok(run.output)
        } else {
            Err(ChainError::Reverted { reason: run.revert.unwrap_or_else(|| "without a reason".into()) })
        }
    }

    async fn run(
        &self,
        finality: Finality,
        owner: Address,
        contract: Address,
        data: &[u8],
    ) -> Result<Simulation, ChainError> {
        let body = json!({
            "owner_address": owner.to_string(),
            "contract_address": contract.to_string(),
            "data": hex::encode(data),
            "visible": true,
        });
        self.0.nodes.ask(|node| node.run(finality, &body)).await
    }

    /// Burnt for one unit of energy, in sun, when an account has none left.
    pub async fn energy_price_sun(&self) -> Result<u64, ChainError> {
        self.chain_parameter("getEnergyFee").await
    }

    /// Burnt for one byte of a transaction, in sun, when an account's free bandwidth is used up.
    pub async fn byte_price_sun(&self) -> Result<u64, ChainError> {
        self.chain_parameter("getTransactionFee").await
    }

    async fn chain_parameter(&self, key: &str) -> Result<u64, ChainError> {
        let answer = self.0.nodes.read(Door::Wallet, "getchainparameters", &json!({})).await?;
        let parameters = answer.array("/chainParameter")?;
        let found = parameters.iter().position(|p| p.get("key").and_then(Value::as_str) == Some(key));
        match found {
            Some(index) => answer.number_or_zero(&format!("/chainParameter/{index}/value")),
            None => Err(answer.unexpected("/chainParameter", "no such key", key)),
        }
    }

    /// Which chain the node serves: the last four bytes of its genesis block's id, which is how java-tron makes the
    /// chain id. A private chain may have been given the id of another one: where the genesis block is not this
    /// network's, the word of the node's JSON-RPC counts, if it has any (`eth_chainId`). Compare it with
    /// [`Network::chain_id`] before the first payment: a node of another network would accept our signatures nowhere.
    pub async fn chain_id(&self) -> Result<u64, ChainError> {
        let expected = self.0.network.chain_id();
        self.0.nodes.ask(|node| node.chain_id(expected)).await
    }

    /// Whether a contract lives at this address.
    pub async fn has_code(&self, address: Address) -> Result<bool, ChainError> {
        self.0.nodes.ask(|node| node.has_code(address)).await
    }

    /// The TIP-712 domain separator that a contract states (`DOMAIN_SEPARATOR()`): it must equal the one computed
    /// here before anything is signed for that contract the first time.
    pub async fn domain_separator(&self, contract: Address) -> Result<[u8; 32], ChainError> {
        /// `DOMAIN_SEPARATOR()`, EIP-2612.
        const SELECTOR: [u8; 4] = [0x36, 0x44, 0xe5, 0x15];
        let output = self.call(contract, SELECTOR.to_vec()).await?;
        output.as_slice().try_into().map_err(|_| self.unreadable("32 bytes", &output))
    }

    fn unreadable(&self, expected: &str, output: &[u8]) -> ChainError {
        ChainError::Answer {
            node: self.0.network.label().to_owned(),
            call: "triggerconstantcontract".into(),
            field: "/constant_result/0".into(),
            found: shortened(format!("{} bytes {}", output.len(), hex::encode(output))),
            expected: expected.to_owned(),
        }
    }
}

/// Whether the key of `owner` reaches the threshold by itself. A permission that can't be read is given to nobody.
fn signs_alone(permission: &Value, owner: Address) -> bool {
    // Protobuf-made JSON leaves zeros out; a key without a weight adds nothing.
    let threshold = permission.get("threshold").and_then(Value::as_u64).unwrap_or(1);
    let keys = permission.get("keys").and_then(Value::as_array);
    let weight = |key: &Value| {
        let address = key.get("address").and_then(Value::as_str)?;
        let address = Address::parse(address).ok()?;
        (address == owner).then(|| key.get("weight").and_then(Value::as_u64).unwrap_or(0))
    };
    let weight = keys.into_iter().flatten().filter_map(weight).fold(0_u64, u64::saturating_add);
    weight >= threshold.max(1)
}

pub(crate) fn read_simulation(answer: &Answer) -> Result<Simulation, ChainError> {
    if answer.get("/result/result").and_then(Value::as_bool) != Some(true) {
        let code = answer.get("/result/code").and_then(Value::as_str).unwrap_or("no code");
        return Err(answer.no(code, "/result/message"));
    }
    let output = match answer.array("/constant_result")? {
        [] => Vec::new(),
        _ => answer.hex("/constant_result/0")?,
    };
    // A run that failed is said in the trial transaction's result, and in the message beside it.
    let message = answer.message("/result/message");
    if says_busy("", &message) {
        return Err(answer.busy(&message));
    }
    let failed = matches!(answer.get("/transaction/ret/0/ret").and_then(Value::as_str), Some("FAILED" | "FAILE"));
    let ok = !failed && message.is_empty();
    let revert = match abi::revert_reason(&output) {
        _ if ok => None,
        // Out of energy, a bad opcode: only the node can say.
        Reverted::Silent if !message.is_empty() => Some(message),
        reason => Some(shortened(reason)),
    };
    Ok(Simulation { ok, revert, output, energy: answer.number_or_zero("/energy_used")? })
}
