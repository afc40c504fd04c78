//! Who can sign for an account: its owner permission and its active ones, each with keys, weights and a threshold, as
//! they are set, kept and checked by a node. Recovers no signatures.

use tron::Address;
use tron::foreign::{Message, Value};

/// `getUpdateAccountPermissionFee`.
pub const UPDATE_SUN: u64 = 100_000_000;
/// `getMultiSignFee`: for a transaction with more than one signature.
pub const MULTI_SIGN_SUN: u64 = 1_000_000;
/// `TOTAL_SIGN_NUM`.
pub const MAX_KEYS: usize = 5;
const MAX_ACTIVES: usize = 8;
const MAX_NAME: usize = 32;
/// What an account's first active permission may do: every type of contract that a node runs.
const ALL_OPERATIONS: &str = "7fff1fc0033efb0f000000000000000000000000000000000000000000000000";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub address: Address,
    pub weight: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// 0 is the owner's, 2 and more are active ones.
    pub id: i64,
    pub name: String,
    pub threshold: u64,
    /// Bits by the numbers of contract types; none for the owner, who may do all.
    pub operations: Vec<u8>,
    pub keys: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    pub owner: Permission,
    pub actives: Vec<Permission>,
}

impl Permission {
    /// Whether it allows this type of contract.
    pub fn allows(&self, kind: i64) -> bool {
        self.id == 0 || bit(&self.operations, kind)
    }

    /// The weight of those who signed, each once and each with a key of it. `signed` has every signature's own bytes for
    /// the complaint.
    pub fn weigh(&self, signed: &[(Address, &[u8])]) -> Result<u64, String> {
        if signed.len() > self.keys.len() {
            let (count, keys) = (signed.len(), self.keys.len());
            return Err(format!("Signature count is {count} more than key counts of permission : {keys}"));
        }
        let mut weight = 0_u64;
        for (index, (signer, signature)) in signed.iter().enumerate() {
            let key = self.keys.iter().find(|key| key.address == *signer);
            let key = key.ok_or_else(|| {
                let signature = hex::encode(signature);
                format!("{signature} is signed by {signer} but it is not contained of permission.")
            })?;
            if signed.iter().take(index).any(|(before, _)| before == signer) {
                return Err(format!("{signer} has signed twice!"));
            }
            weight = weight.saturating_add(key.weight);
        }
        Ok(weight)
    }
}

fn bit(operations: &[u8], kind: i64) -> bool {
    let byte = usize::try_from(kind / 8).ok().and_then(|index| operations.get(index));
    byte.is_some_and(|byte| byte >> (kind % 8) & 1 == 1)
}

impl Permissions {
    /// What an account has from its first day: its own key alone, for everything.
    pub fn of_own_key(address: Address) -> Self {
        let keys = vec![Key { address, weight: 1 }];
        let owner =
            Permission { id: 0, name: "owner".into(), threshold: 1, operations: Vec::new(), keys: keys.clone() };
        let operations = hex::decode(ALL_OPERATIONS).unwrap_or_default();
        let active = Permission { id: 2, name: "active".into(), threshold: 1, operations, keys };
        Self { owner, actives: vec![active] }
    }

    /// The permission of a number that a transaction carries.
    pub fn get(&self, id: i64) -> Option<&Permission> {
        std::iter::once(&self.owner).chain(&self.actives).find(|permission| permission.id == id)
    }

    /// What an `AccountPermissionUpdateContract` sets, or why a node refuses it.
    pub fn of_update(update: &Message) -> Result<Self, String> {
        let owner = update.message("owner").ok_or("owner permission is missed")?;
        if update.message("witness").is_some() {
            return Err("account isn't witness can't set witness permission".into());
        }
        let actives: Vec<_> = update.messages("actives").collect();
        match actives.len() {
            0 => return Err("active permission is missed".into()),
            count if count > MAX_ACTIVES => return Err("active permission is too many".into()),
            _ => {}
        }
        if owner.int("type") != 0 {
            return Err("owner permission type is error".into());
        }
        if !owner.bytes("operations").is_empty() {
            return Err("Owner permission needn't operations".into());
        }
        let owner = read(owner, 0, "Owner")?;
        let actives = (2..).zip(actives).map(|(id, active)| {
            if active.int("type") != 2 {
                return Err("active permission type is error".to_owned());
            }
            let active = read(active, id, "Active")?;
            match active.operations.len() {
                32 => Ok(active),
                0 => Err("Active permission operations is empty!".to_owned()),
                _ => Err("operations size must 32".to_owned()),
            }
        });
        Ok(Self { owner, actives: actives.collect::<Result<_, _>>()? })
    }
}

fn read(message: &Message, id: i64, kind: &str) -> Result<Permission, String> {
    let keys: Vec<_> = message.messages("keys").collect();
    if keys.len() > MAX_KEYS {
        return Err(format!("number of keys in permission should not be greater than {MAX_KEYS}"));
    }
    if keys.is_empty() {
        return Err("key's count should be greater than 0".into());
    }
    let threshold = u64::try_from(message.int("threshold")).unwrap_or_default();
    if threshold == 0 {
        return Err("permission's threshold should be greater than 0".into());
    }
    let name = match message.get("permission_name") {
        Some(Value::Text(name)) => name.clone(),
        _ => String::new(),
    };
    if name.len() > MAX_NAME {
        return Err("permission's name is too long".into());
    }
    if message.int("parent_id") != 0 {
        return Err("permission's parent should be owner".into());
    }
    let mut read: Vec<Key> = Vec::new();
    let mut sum = 0_u64;
    for key in keys {
        let address = key.address("address").ok_or("key is not a validate address")?;
        if read.iter().any(|other| other.address == address) {
            return Err(format!("address should be distinct in permission {kind}"));
        }
        let weight = u64::try_from(key.int("weight")).unwrap_or_default();
        if weight == 0 {
            return Err("key's weight should be greater than 0".into());
        }
        sum = sum.saturating_add(weight);
        read.push(Key { address, weight });
    }
    if sum < threshold {
        return Err(format!("sum of all key's weight should not be less than threshold in permission {kind}"));
    }
    Ok(Permission { id, name, threshold, operations: message.bytes("operations").to_vec(), keys: read })
}
