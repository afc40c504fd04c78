//! How a site is known, and which sites a limit answers for: two words and two looks on every surface, because a site
//! that an app only names proves nothing. Decides nothing.

use crate::words::{Arg, say};
use plan::{Covers, Provenance};
use serde::{Deserialize, Serialize};
use specta::Type;
use utoipa::ToSchema;

/// How it is known that a request went to its site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ProvenanceView {
    /// The app says so; the wallet has not asked the site.
    Claimed,
    /// The wallet's own command asked the site and met the 402.
    Verified,
    /// Of a time in which it was not written down.
    NotRecorded,
}

impl From<Provenance> for ProvenanceView {
    fn from(provenance: Provenance) -> Self {
        match provenance {
            Provenance::Claimed => Self::Claimed,
            Provenance::Verified => Self::Verified,
            Provenance::NotRecorded => Self::NotRecorded,
        }
    }
}

impl ProvenanceView {
    /// "claimed", "verified", "not recorded".
    pub fn word(self) -> String {
        say(&format!("{}-word", self.key()), &[])
    }

    /// What that means, for the site and the app of a question.
    pub(crate) fn note(self, site: &str, app: &str) -> String {
        say(self.key(), &[("site", Arg::Text(site)), ("app", Arg::Text(app))])
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Claimed => "site-claimed",
            Self::Verified => "site-verified",
            Self::NotRecorded => "site-notRecorded",
        }
    }
}

/// Which sites a limit answers for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CoversView {
    /// Also those that only the app names.
    #[default]
    ClaimedAndVerified,
    /// Only those that the wallet asked itself.
    VerifiedOnly,
}

impl CoversView {
    /// "claimed and verified sites", "verified sites only".
    pub fn words(self) -> String {
        let key = match self {
            Self::ClaimedAndVerified => "covers-claimedAndVerified",
            Self::VerifiedOnly => "covers-verifiedOnly",
        };
        say(key, &[])
    }
}

impl From<Covers> for CoversView {
    fn from(covers: Covers) -> Self {
        match covers {
            Covers::ClaimedAndVerified => Self::ClaimedAndVerified,
            Covers::VerifiedOnly => Self::VerifiedOnly,
        }
    }
}

impl From<CoversView> for Covers {
    fn from(covers: CoversView) -> Self {
        match covers {
            CoversView::ClaimedAndVerified => Self::ClaimedAndVerified,
            CoversView::VerifiedOnly => Self::VerifiedOnly,
        }
    }
}
