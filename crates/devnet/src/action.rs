//! What a transaction does, read from its one contract: the types that the devnet runs. Looks at no chain.

use crate::permission::Permissions;
use crate::stake::Resource;
use tron::Address;
use tron::foreign::{Message, Value};

/// The numbers of contract types that are told apart elsewhere.
pub const TRANSFER: i64 = 1;
pub const CREATE: i64 = 30;
pub const TRIGGER: i64 = 31;

#[derive(Clone, Debug)]
pub enum Action {
    Transfer { to: Address, sun: u64 },
    Call { contract: Address, value_sun: u64, data: Vec<u8> },
    Create(Box<Creation>),
    Activate { account: Address },
    Rename { name: String },
    Permissions(Box<Permissions>),
    Freeze { resource: Resource, sun: u64 },
    Unfreeze { resource: Resource, sun: u64 },
    Withdraw,
    CancelUnfreezes,
    Delegate { resource: Resource, sun: u64, to: Address, lock: Option<u64> },
    Undelegate { resource: Resource, sun: u64, to: Address },
}

/// A contract that is to be.
#[derive(Clone, Debug)]
pub struct Creation {
    pub bytecode: Vec<u8>,
    pub value_sun: u64,
    pub name: String,
    pub abi: Option<Message>,
    pub user_percent: u64,
    pub origin_energy_limit: u64,
}

impl Action {
    /// Reads a contract of a transaction; the words of a node's refusal otherwise.
    pub fn of(contract: &Message) -> Result<Self, String> {
        let named = contract.contract_type().map_or("this", |kind| kind.name);
        let unable = || format!("the devnet does not run {named}");
        let parameter = contract.parameter().filter(|parameter| parameter.is_contract()).ok_or_else(unable)?;
        let address = |name: &str, words: &str| parameter.address(name).ok_or_else(|| words.to_owned());
        let sun = |name: &str| u64::try_from(parameter.int(name)).unwrap_or_default();
        let resource = || {
            let words = "ResourceCode error, valid ResourceCode[BANDWIDTH、ENERGY]";
            Resource::of_number(parameter.int("resource")).ok_or_else(|| words.to_owned())
        };
        if parameter.int("call_token_value") != 0 || parameter.int("token_id") != 0 {
            return Err("the devnet has no TRC-10 tokens: call_token_value and token_id have to be 0".into());
        }
        Ok(match contract.int("type") {
            0 => Self::Activate { account: address("account_address", "Invalid account address")? },
            TRANSFER => Self::Transfer { to: address("to_address", "Invalid toAddress!")?, sun: sun("amount") },
            10 => {
                let name = String::from_utf8(parameter.bytes("account_name").to_vec());
                Self::Rename { name: name.map_err(|_| "Invalid accountName".to_owned())? }
            }
            CREATE => Self::Create(Box::new(creation(parameter)?)),
            TRIGGER => Self::Call {
                contract: address("contract_address", "No contract or not a valid smart contract")?,
                value_sun: sun("call_value"),
                data: parameter.bytes("data").to_vec(),
            },
            46 => Self::Permissions(Box::new(Permissions::of_update(parameter)?)),
            54 => Self::Freeze { resource: resource()?, sun: sun("frozen_balance") },
            55 => Self::Unfreeze { resource: resource()?, sun: sun("unfreeze_balance") },
            56 => Self::Withdraw,
            57 => {
                let to = address("receiver_address", "Invalid receiverAddress")?;
                let lock = (parameter.int("lock") != 0).then(|| sun("lock_period"));
                Self::Delegate { resource: resource()?, sun: sun("balance"), to, lock }
            }
            58 => {
                let to = address("receiver_address", "Invalid receiverAddress")?;
                Self::Undelegate { resource: resource()?, sun: sun("balance"), to }
            }
            59 => Self::CancelUnfreezes,
            _ => return Err(unable()),
        })
    }
}

fn creation(parameter: &Message) -> Result<Creation, String> {
    let new = parameter.message("new_contract").ok_or("Cannot create new contract without bytecode")?;
    if new.address("origin_address") != parameter.address("owner_address") {
        return Err("OwnerAddress is not equals OriginAddress".into());
    }
    let number = |name: &str| u64::try_from(new.int(name)).unwrap_or_default();
    let user_percent = number("consume_user_resource_percent");
    if user_percent > 100 {
        return Err("percent must be >= 0 and <= 100".into());
    }
    if number("origin_energy_limit") == 0 {
        return Err("The originEnergyLimit must be > 0".into());
    }
    let name = match new.get("name") {
        Some(Value::Text(name)) => name.clone(),
        _ => String::new(),
    };
    if name.len() > 32 {
        return Err("contractName's length cannot be greater than 32".into());
    }
    Ok(Creation {
        bytecode: new.bytes("bytecode").to_vec(),
        value_sun: number("call_value"),
        name,
        abi: new.message("abi").cloned(),
        user_percent,
        origin_energy_limit: number("origin_energy_limit"),
    })
}
