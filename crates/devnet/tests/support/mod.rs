//! A devnet with a frozen clock and a client that knows nothing but the node's HTTP API.

#![allow(dead_code, reason = "every test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

use devnet::{Clock, Devnet, Gift, Options};
use serde_json::{Value, json};
use tron::tx::{Contract, ref_block};
use tron::{Address, Amount, Digest, PrivateKey, RawTransaction, SignedTransaction, abi};

pub const NOW_MS: u64 = 1_800_000_000_000;
pub const NOW: u64 = NOW_MS / 1000;
pub const TRX: u64 = 1_000_000;
pub const USDT: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
pub const USDD: &str = "TGjgvdTWWrybVLaVeFqSyVqJQWjxqRYbaK";
pub const PERMIT: &str = "TFxDcGvS7zfQrS1YzcCMp673ta2NHHzsiH";

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// The key of 31 zeros and `byte`.
pub fn key(byte: u8) -> PrivateKey {
    let mut bytes = [0; 32];
    bytes[31] = byte;
    PrivateKey::from_bytes(&bytes).unwrap()
}

pub fn frozen() -> Options {
    Options { clock: Clock::frozen_at(NOW_MS), ..Options::default() }
}

pub struct Net {
    pub devnet: Devnet,
    http: reqwest::Client,
}

impl Net {
    pub async fn start(options: Options) -> Self {
        let devnet = Devnet::start(options).await.unwrap();
        Self { devnet, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// One with alice (key 1) and bob (key 2), 1,000 TRX each, and 50 USDT for alice.
    pub async fn funded() -> Self {
        let net = Self::start(frozen()).await;
        for account in [key(1).address(), key(2).address()] {
            net.devnet.faucet(account, Gift::Trx(1_000 * TRX)).unwrap();
        }
        net.devnet.faucet(key(1).address(), Gift::Token(address(USDT), Amount::from_u64(50_000_000))).unwrap();
        net
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.try_post(path, &body).await.unwrap()
    }

    pub async fn try_post(&self, path: &str, body: &Value) -> reqwest::Result<Value> {
        let url = format!("{}/{path}", self.devnet.url());
        self.http.post(url).json(body).send().await?.error_for_status()?.json().await
    }

    /// Any body, whatever it is; the text that comes back.
    pub async fn post_raw(&self, path: &str, body: Vec<u8>) -> (u16, String) {
        let answer = self.http.post(format!("{}/{path}", self.devnet.url())).body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn get(&self, path: &str) -> Value {
        self.http.get(format!("{}/{path}", self.devnet.url())).send().await.unwrap().json().await.unwrap()
    }

    pub async fn head(&self) -> (u64, [u8; 32], u64) {
        let block = self.post("wallet/getnowblock", json!({})).await;
        let id = hex::decode(block["blockID"].as_str().unwrap()).unwrap();
        let raw = &block["block_header"]["raw_data"];
        (raw["number"].as_u64().unwrap(), id.try_into().unwrap(), raw["timestamp"].as_u64().unwrap())
    }

    /// A transaction that refers to the head and is valid for a minute.
    pub async fn build(&self, contract: Contract) -> RawTransaction {
        let (number, id, _) = self.head().await;
        let (ref_block_bytes, ref_block_hash) = ref_block(number, &id);
        let now = self.devnet.clock().now_ms();
        let fee_limit_sun = if matches!(contract, Contract::Trigger { .. }) { 100 * TRX } else { 0 };
        RawTransaction {
            ref_block_bytes,
            ref_block_hash,
            expiration_ms: now + 60_000,
            timestamp_ms: now,
            contract,
            fee_limit_sun,
        }
    }

    pub async fn broadcast(&self, transaction: &SignedTransaction) -> Value {
        self.post("wallet/broadcasttransaction", transaction.to_json()).await
    }

    /// What a node built, with everybody's signature.
    pub fn signed(mut built: Value, keys: &[&PrivateKey]) -> Value {
        let id = hex::decode(built["txID"].as_str().unwrap_or_else(|| panic!("{built}"))).unwrap();
        let id = Digest::from_bytes(id.try_into().unwrap());
        built["signature"] = keys.iter().map(|key| hex::encode(key.sign(&id).to_bytes())).collect();
        built
    }

    /// Lets the node build, signs and sends; the answer of the broadcast.
    pub async fn order(&self, method: &str, question: Value, keys: &[&PrivateKey]) -> Value {
        let built = self.post(&format!("wallet/{method}"), question).await;
        self.post("wallet/broadcasttransaction", Self::signed(built, keys)).await
    }

    /// The same where it has to be taken; the receipt.
    pub async fn done(&self, method: &str, question: Value, keys: &[&PrivateKey]) -> Value {
        let answer = self.order(method, question, keys).await;
        assert_eq!(answer["result"], true, "{method}: {answer}");
        self.post("wallet/gettransactioninfobyid", json!({ "value": answer["txid"] })).await
    }

    /// What `wallet/getaccount` and its like say of an account.
    pub async fn about(&self, method: &str, account: Address) -> Value {
        self.post(&format!("wallet/{method}"), json!({ "address": account.to_string(), "visible": true })).await
    }

    /// Signs and sends a call; its receipt.
    pub async fn call(&self, signer: &PrivateKey, contract: Address, data: Vec<u8>) -> Value {
        let trigger = Contract::Trigger { owner: signer.address(), contract, call_value_sun: 0, data };
        self.send(signer, trigger).await
    }

    pub async fn send(&self, signer: &PrivateKey, contract: Contract) -> Value {
        let signed = SignedTransaction::sign(self.build(contract).await, signer);
        let answer = self.broadcast(&signed).await;
        assert_eq!(answer["result"], true, "{answer}");
        self.receipt("wallet", &signed).await
    }

    pub async fn receipt(&self, door: &str, signed: &SignedTransaction) -> Value {
        self.post(&format!("{door}/gettransactioninfobyid"), json!({ "value": signed.id().to_string() })).await
    }

    pub async fn simulate(&self, owner: Address, contract: Address, data: &[u8]) -> Value {
        let question = json!({
            "owner_address": owner.to_string(),
            "contract_address": contract.to_string(),
            "data": hex::encode(data),
            "visible": true,
        });
        self.post("wallet/triggerconstantcontract", question).await
    }

    pub async fn read(&self, contract: Address, data: &[u8]) -> Vec<u8> {
        let answer = self.simulate(Address::ZERO, contract, data).await;
        hex::decode(answer["constant_result"][0].as_str().unwrap_or_else(|| panic!("{answer}"))).unwrap()
    }

    pub async fn token_balance(&self, token: &str, owner: Address) -> Amount {
        abi::decode_amount(&self.read(address(token), &abi::balance_of(owner)).await).unwrap()
    }

    pub async fn trx_balance(&self, owner: Address) -> u64 {
        let account = self.post("wallet/getaccount", json!({ "address": owner.to_string(), "visible": true })).await;
        account["balance"].as_u64().unwrap_or_default()
    }
}
