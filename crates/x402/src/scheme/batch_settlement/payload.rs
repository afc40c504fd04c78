//! What a channel payment carries: the channel's configuration, a voucher, and with a deposit its
//! authorization. Reads and hashes; judges nothing.

use super::contract;
use crate::{Malformed, read::Fields};
use alloy_primitives::{FixedBytes, U256, Uint, keccak256};
use alloy_sol_types::{SolStruct, SolValue};
use tron::{Address, Amount, Digest, Network, registry, tip712};

/// `channelConfig`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub payer: Address,
    pub payer_authorizer: Address,
    pub receiver: Address,
    pub receiver_authorizer: Address,
    pub token: Address,
    /// Seconds.
    pub withdraw_delay: u64,
    pub salt: [u8; 32],
}

/// A cumulative promise to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    pub channel_id: [u8; 32],
    pub max_claimable: Amount,
    pub signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposit {
    pub amount: Amount,
    pub by: DepositBy,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DepositBy {
    Permit2 {
        from: Address,
        token: Address,
        amount: Amount,
        spender: Address,
        nonce: U256,
        deadline: u64,
        /// `witness.channelId`.
        channel_id: [u8; 32],
        signature: String,
    },
    Eip3009 {
        valid_after: u64,
        valid_before: u64,
        salt: U256,
        signature: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    Deposit {
        config: Config,
        voucher: Voucher,
        deposit: Deposit,
    },
    Voucher {
        config: Config,
        voucher: Voucher,
    },
    /// `amount` absent: everything that is left.
    Refund {
        config: Config,
        voucher: Option<Voucher>,
        amount: Option<Amount>,
    },
}

impl Payload {
    pub(crate) fn read(payload: &Fields<'_, '_>) -> Result<Self, Malformed> {
        let kind = payload.need_text("type")?;
        let config = Config::read(&payload.need_object("channelConfig")?)?;
        let voucher = payload.object("voucher")?.map(|v| Voucher::read(&v)).transpose()?;
        let need =
            |voucher: Option<Voucher>| voucher.ok_or_else(|| Malformed::absent(payload.at("voucher"), "an object"));
        match kind.as_str() {
            "deposit" => Ok(Self::Deposit {
                config,
                voucher: need(voucher)?,
                deposit: Deposit::read(&payload.need_object("deposit")?)?,
            }),
            "voucher" => Ok(Self::Voucher { config, voucher: need(voucher)? }),
            "refund" => Ok(Self::Refund { config, voucher, amount: payload.amount("amount")? }),
            other => Err(Malformed::new(payload.at("type"), other, "deposit, voucher or refund")),
        }
    }

    pub const fn config(&self) -> &Config {
        match self {
            Self::Deposit { config, .. } | Self::Voucher { config, .. } | Self::Refund { config, .. } => config,
        }
    }

    pub const fn voucher(&self) -> Option<&Voucher> {
        match self {
            Self::Deposit { voucher, .. } | Self::Voucher { voucher, .. } => Some(voucher),
            Self::Refund { voucher, .. } => voucher.as_ref(),
        }
    }

    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Deposit { .. } => "deposit",
            Self::Voucher { .. } => "voucher",
            Self::Refund { .. } => "refund",
        }
    }
}

impl Config {
    fn read(c: &Fields<'_, '_>) -> Result<Self, Malformed> {
        let withdraw_delay = c.need_seconds("withdrawDelay")?;
        if withdraw_delay >> 40 != 0 {
            return Err(Malformed::new(c.at("withdrawDelay"), &withdraw_delay.to_string(), "seconds that fit 40 bit"));
        }
        Ok(Self {
            payer: c.need_address("payer")?,
            payer_authorizer: c.need_address("payerAuthorizer")?,
            receiver: c.need_address("receiver")?,
            receiver_authorizer: c.need_address("receiverAuthorizer")?,
            token: c.need_address("token")?,
            withdraw_delay,
            salt: c.need_bytes("salt")?,
        })
    }

    /// The typed-data digest of the configuration under the registry's channel of this network.
    pub fn channel_id(&self, network: Network) -> [u8; 32] {
        let config = contract::ChannelConfig {
            payer: self.payer.evm(),
            payerAuthorizer: self.payer_authorizer.evm(),
            receiver: self.receiver.evm(),
            receiverAuthorizer: self.receiver_authorizer.evm(),
            token: self.token.evm(),
            withdrawDelay: Uint::from(self.withdraw_delay),
            salt: FixedBytes(self.salt),
        };
        *digest(&config, network).bytes()
    }
}

impl Voucher {
    fn read(v: &Fields<'_, '_>) -> Result<Self, Malformed> {
        Ok(Self {
            channel_id: v.need_bytes("channelId")?,
            max_claimable: need_uint128(v, "maxClaimableAmount")?,
            signature: v.need_text("signature")?,
        })
    }

    /// What was signed for the registry's channel of this network.
    pub fn digest(&self, network: Network) -> Digest {
        let voucher = contract::Voucher {
            channelId: FixedBytes(self.channel_id),
            maxClaimableAmount: self.max_claimable.u256().saturating_to(),
        };
        digest(&voucher, network)
    }
}

impl Deposit {
    fn read(d: &Fields<'_, '_>) -> Result<Self, Malformed> {
        let authorization = d.need_object("authorization")?;
        let by = if let Some(a) = authorization.object("permit2Authorization")? {
            let permitted = a.need_object("permitted")?;
            DepositBy::Permit2 {
                from: a.need_address("from")?,
                token: permitted.need_address("token")?,
                amount: permitted.need_amount("amount")?,
                spender: a.need_address("spender")?,
                nonce: a.need_number("nonce")?,
                deadline: a.need_seconds("deadline")?,
                channel_id: a.need_object("witness")?.need_bytes("channelId")?,
                signature: a.need_text("signature")?,
            }
        } else if let Some(a) = authorization.object("erc3009Authorization")? {
            DepositBy::Eip3009 {
                valid_after: a.need_seconds("validAfter")?,
                valid_before: a.need_seconds("validBefore")?,
                salt: a.need_number("salt")?,
                signature: a.need_text("signature")?,
            }
        } else {
            let expected = "permit2Authorization or erc3009Authorization";
            return Err(Malformed::absent(d.at("authorization"), expected));
        };
        Ok(Self { amount: need_uint128(d, "amount")?, by })
    }
}

impl DepositBy {
    /// What was signed for a deposit by Permit2; `None` for the other way, whose domain is the token's.
    pub fn permit2_digest(&self, network: Network, permit2: Address) -> Option<Digest> {
        let Self::Permit2 { token, amount, spender, nonce, deadline, channel_id, .. } = self else { return None };
        let message = contract::PermitWitnessTransferFrom {
            permitted: contract::TokenPermissions { token: token.evm(), amount: amount.u256() },
            spender: spender.evm(),
            nonce: *nonce,
            deadline: U256::from(*deadline),
            witness: contract::DepositWitness { channelId: FixedBytes(*channel_id) },
        };
        Some(tip712::digest(&message, &tip712::domain("Permit2", None, network, permit2)))
    }
}

/// The nonce of a TIP-3009 deposit: `keccak256(abi.encode(channelId, salt))`.
pub fn deposit_nonce(channel_id: [u8; 32], salt: U256) -> [u8; 32] {
    keccak256((FixedBytes(channel_id), salt).abi_encode()).0
}

fn digest<S: SolStruct>(message: &S, network: Network) -> Digest {
    let channel = registry::deployments(network).channel.channel;
    tip712::digest(message, &tip712::domain("x402 Batch Settlement", Some("1"), network, channel))
}

/// The channel counts in 128 bit.
fn need_uint128(fields: &Fields<'_, '_>, name: &'static str) -> Result<Amount, Malformed> {
    let amount = fields.need_amount(name)?;
    if amount > Amount::from_u128(u128::MAX) {
        return Err(Malformed::new(fields.at(name), &amount.to_string(), "an amount that fits 128 bit"));
    }
    Ok(amount)
}
