//! The digest that ties an answer to what was shown. Covers the raw 402, app, site and how that is known, option,
//! payer, payee, token, contract, amounts, lifetime, allowance and every finding with its figures; two plans that differ in
//! any of them differ here.

use crate::{Plan, figures};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanDigest([u8; 32]);

impl PlanDigest {
    pub fn of(plan: &Plan) -> Self {
        let mut hash = Sha256::new();
        // Every field is preceded by its length, so that no two field lists run into each other.
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        add(b"countersign plan 3");
        add(&plan.document);
        add(plan.app.0.as_bytes());
        add(plan.site.to_string().as_bytes());
        add(plan.provenance.name().as_bytes());
        add(plan.request.method.as_bytes());
        add(plan.request.url.as_bytes());
        add(&(plan.option as u64).to_be_bytes());
        add(plan.scheme.name().as_bytes());
        add(&plan.network.chain_id().to_be_bytes());
        for address in [plan.payer, plan.payee, plan.token.address, plan.contract] {
            add(address.bytes());
        }
        add(&[plan.token.decimals]);
        add(&plan.price.to_be_bytes());
        match &plan.fee {
            Some(fee) => {
                add(fee.to.bytes());
                add(&fee.amount.to_be_bytes());
            }
            None => add(b"no fee"),
        }
        match &plan.caller {
            Some(caller) => add(caller.bytes()),
            None => add(b"no caller"),
        }
        add(&plan.maximum.to_be_bytes());
        match plan.lifetime() {
            // Begins at the yes: how long it holds is what was shown.
            Some(secs) => {
                add(b"from the yes");
                add(&secs.to_be_bytes());
            }
            None => {
                add(&plan.window.valid_after.to_be_bytes());
                add(&plan.window.valid_before.to_be_bytes());
            }
        }
        match &plan.allowance {
            Some(need) => {
                add(need.spender.bytes());
                add(&need.need.to_be_bytes());
                add(&need.cost_sun.to_be_bytes());
            }
            None => add(b"no allowance"),
        }
        add(&(plan.findings.len() as u64).to_be_bytes());
        for finding in &plan.findings {
            figures::each_part(finding, &mut add);
        }
        Self(hash.finalize().into())
    }

    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl FromStr for PlanDigest {
    type Err = hex::FromHexError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut out = [0; 32];
        hex::decode_to_slice(text, &mut out)?;
        Ok(Self(out))
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
