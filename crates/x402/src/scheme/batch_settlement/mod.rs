//! `batch-settlement`: a payment channel that is filled once and paid from by cumulative vouchers. Decodes
//! and explains; does not sign yet.

pub mod contract;
mod payload;

use super::{Common, Unusable, exact_eip3009, exact_permit2};
use crate::{Malformed, read::Fields};
pub use payload::{Config, Deposit, DepositBy, Payload, Voucher, deposit_nonce};
use tron::{Address, Amount, Network, registry, registry::Channel};

/// Seconds that a withdrawal without the receiver has to wait, as the contract bounds it.
pub const WITHDRAW_DELAY: std::ops::RangeInclusive<u64> = 900..=2_592_000;

/// How a deposit moves into the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositMethod {
    Eip3009,
    Permit2,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// `price` is what this request adds to the voucher.
    pub common: Common,
    pub contracts: Channel,
    permit2: Address,
    pub receiver_authorizer: Address,
    /// Seconds.
    pub withdraw_delay: u64,
    pub method: DepositMethod,
    pub domain_name: Option<String>,
    pub domain_version: Option<String>,
    /// Only in a corrective 402; the server's word.
    pub channel_state: Option<ChannelState>,
    pub voucher_state: Option<VoucherState>,
    pub max_timeout_seconds: Option<u64>,
}

/// What the server says about the channel. To be believed only as far as chain and own signatures agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelState {
    pub channel_id: Option<[u8; 32]>,
    pub balance: Option<Amount>,
    pub total_claimed: Option<Amount>,
    pub charged_cumulative: Option<Amount>,
}

/// The last voucher that the server holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VoucherState {
    pub signed_max_claimable: Option<Amount>,
    pub signature: Option<String>,
}

impl Terms {
    pub(crate) fn read(common: Common, timeout: Option<u64>, extra: &Fields<'_, '_>) -> Result<Self, Unusable> {
        let (domain_name, domain_version) = exact_eip3009::read_domain(Some(extra))?;
        let receiver_authorizer = extra.need_address("receiverAuthorizer")?;
        if receiver_authorizer.is_zero() {
            let found = receiver_authorizer.to_string();
            return Err(Malformed::new(extra.at("receiverAuthorizer"), &found, "an address that is not zero").into());
        }
        let withdraw_delay = extra.need_seconds("withdrawDelay")?;
        if !WITHDRAW_DELAY.contains(&withdraw_delay) {
            let expected = format!("{} to {} seconds", WITHDRAW_DELAY.start(), WITHDRAW_DELAY.end());
            return Err(Malformed::new(extra.at("withdrawDelay"), &withdraw_delay.to_string(), expected).into());
        }
        let method = match extra.text("assetTransferMethod")?.as_deref() {
            Some("permit2") => DepositMethod::Permit2,
            _ => DepositMethod::Eip3009,
        };
        Ok(Self {
            common,
            contracts: registry::deployments(common.network).channel,
            permit2: exact_permit2::default_set(common.network, |_| true)?.permit2,
            receiver_authorizer,
            withdraw_delay,
            method,
            domain_name,
            domain_version,
            channel_state: extra.object("channelState")?.map(|s| ChannelState::read(&s)).transpose()?,
            voucher_state: extra.object("voucherState")?.map(|s| VoucherState::read(&s)).transpose()?,
            max_timeout_seconds: timeout,
        })
    }

    pub(crate) fn spender(&self) -> Option<Address> {
        (self.method == DepositMethod::Permit2).then_some(self.permit2)
    }

    /// The published channel pays out with a checked transfer, and mainnet USDT's `transfer` answers false on
    /// success: a deposit there may never come out again.
    pub fn deposit_may_be_lost(&self) -> bool {
        self.common.network == Network::Mainnet
            && tron::token::lookup(Network::Mainnet, self.common.token).is_some_and(|t| t.symbol == "USDT")
    }
}

impl ChannelState {
    fn read(state: &Fields<'_, '_>) -> Result<Self, Malformed> {
        Ok(Self {
            channel_id: state.bytes("channelId")?,
            balance: state.amount("balance")?,
            total_claimed: state.amount("totalClaimed")?,
            charged_cumulative: state.amount("chargedCumulativeAmount")?,
        })
    }
}

impl VoucherState {
    fn read(state: &Fields<'_, '_>) -> Result<Self, Malformed> {
        Ok(Self { signed_max_claimable: state.amount("signedMaxClaimable")?, signature: state.text("signature")? })
    }
}
