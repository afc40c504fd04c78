-- The first shape of the ledger. A migration that was released is never edited; a change is a new file.
--
-- Moments are milliseconds since 1970 UTC. Amounts are 32 big-endian bytes in the token's smallest unit:
-- exact for any token, and they sort as numbers do. Addresses are 20 bytes. Networks are chain ids.

-- The newest moment that was written. Later writes are never dated before it, so that a clock set back
-- widens no window.
CREATE TABLE clock (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    newest INTEGER NOT NULL
) STRICT;
INSERT INTO clock VALUES (1, 0);

CREATE TABLE apps (
    app        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    -- SHA-256 of the token; the owner's own command line has none.
    token_hash BLOB UNIQUE CHECK (length(token_hash) = 32),
    paired_at  INTEGER NOT NULL,
    last_seen  INTEGER,
    revoked_at INTEGER,
    blocked_at INTEGER,
    payments   INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO apps (id, name, paired_at) VALUES ('owner', 'owner', 0);

CREATE TABLE sites (
    site       INTEGER PRIMARY KEY,
    -- scheme, host and port: "https://news.example"
    key        TEXT NOT NULL UNIQUE,
    blocked_at INTEGER
) STRICT;

-- Every token that a row speaks of, with symbol and decimals as last used.
CREATE TABLE assets (
    asset    INTEGER PRIMARY KEY,
    network  INTEGER NOT NULL,
    token    BLOB NOT NULL CHECK (length(token) = 20),
    symbol   TEXT NOT NULL,
    decimals INTEGER NOT NULL,
    UNIQUE (network, token)
) STRICT;

CREATE TABLE payments (
    seq               INTEGER PRIMARY KEY,
    id                BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    app               INTEGER NOT NULL REFERENCES apps,
    site              INTEGER NOT NULL REFERENCES sites,
    asset             INTEGER NOT NULL REFERENCES assets,
    digest            BLOB NOT NULL CHECK (length(digest) = 32),
    request_hash      BLOB NOT NULL CHECK (length(request_hash) = 32),
    idempotency_key   TEXT,
    nonce             TEXT NOT NULL,
    dictated          INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    whys              TEXT NOT NULL,

    -- authorization
    state             TEXT NOT NULL CHECK
        (state IN ('asked', 'reserved', 'signed', 'rejected', 'refused', 'cancelled', 'expired')),
    entered_at        INTEGER NOT NULL,
    reserved_at       INTEGER,
    signed_at         INTEGER,
    ended_at          INTEGER,
    by_person         INTEGER NOT NULL,
    code              TEXT,
    ended_by          TEXT,

    -- settlement
    settlement        TEXT CHECK (settlement IN ('unknown', 'seen', 'final', 'failed', 'never used')),
    settlement_at     INTEGER,
    tx                TEXT,
    block             INTEGER,
    failure           TEXT,
    actual            BLOB CHECK (length(actual) = 32),

    -- delivery
    delivery          TEXT CHECK (delivery IN ('delivered', 'refused', 'not reported')),
    delivery_at       INTEGER,
    http_status       INTEGER,

    -- the plan, as it was shown
    method            TEXT NOT NULL,
    url               TEXT NOT NULL,
    path              TEXT NOT NULL,
    document_hash     BLOB NOT NULL CHECK (length(document_hash) = 32),
    option            INTEGER NOT NULL,
    scheme            TEXT NOT NULL,
    payer             BLOB NOT NULL CHECK (length(payer) = 20),
    payee             BLOB NOT NULL CHECK (length(payee) = 20),
    symbol            TEXT NOT NULL,
    decimals          INTEGER NOT NULL,
    token_known       INTEGER NOT NULL,
    contract          BLOB NOT NULL CHECK (length(contract) = 20),
    price             BLOB NOT NULL CHECK (length(price) = 32),
    fee_to            BLOB CHECK (length(fee_to) = 20),
    fee               BLOB CHECK (length(fee) = 32),
    maximum           BLOB NOT NULL CHECK (length(maximum) = 32),
    valid_after       INTEGER NOT NULL,
    valid_before      INTEGER NOT NULL,
    balance           BLOB CHECK (length(balance) = 32),
    allowance_spender BLOB CHECK (length(allowance_spender) = 20),
    allowance_have    BLOB CHECK (length(allowance_have) = 32),
    allowance_need    BLOB CHECK (length(allowance_need) = 32),
    allowance_cost    INTEGER,
    findings          TEXT NOT NULL,
    site_words        TEXT,
    app_words         TEXT,

    -- site, URL and payee in 64 bits: finds the last purchase of the same thing
    resource          INTEGER NOT NULL,

    CHECK (state NOT IN ('reserved', 'signed') OR reserved_at IS NOT NULL),
    CHECK ((state = 'signed') = (settlement IS NOT NULL AND delivery IS NOT NULL AND signed_at IS NOT NULL))
) STRICT;

-- The row id ends every index entry: each serves a list, newest first, from any point on.
CREATE INDEX payments_app ON payments (app);
CREATE INDEX payments_site ON payments (site);
CREATE INDEX payments_asset ON payments (asset);
CREATE INDEX payments_state ON payments (state);
CREATE INDEX payments_resource ON payments (resource) WHERE reserved_at IS NOT NULL;
CREATE UNIQUE INDEX payments_key ON payments (app, idempotency_key) WHERE idempotency_key IS NOT NULL;
-- What is not settled for good. Unique: one nonce, one authorization, one reservation.
CREATE UNIQUE INDEX payments_open ON payments (contract, payer, nonce)
    WHERE state = 'reserved' OR settlement IN ('unknown', 'seen', 'failed');

CREATE TABLE papers (
    payment      INTEGER PRIMARY KEY REFERENCES payments,
    document     TEXT NOT NULL,
    header_name  TEXT,
    header_value TEXT,
    response     TEXT
) STRICT;

-- Sums of what counts as spent, by minute (span 0), hour (1) and day (2). Site 0 is all sites together.
CREATE TABLE spendings (
    app    INTEGER NOT NULL,
    site   INTEGER NOT NULL,
    asset  INTEGER NOT NULL,
    span   INTEGER NOT NULL,
    start  INTEGER NOT NULL,
    amount BLOB NOT NULL CHECK (length(amount) = 32),
    PRIMARY KEY (app, site, asset, span, start)
) STRICT, WITHOUT ROWID;

-- Sums per site and token, for ever.
CREATE TABLE tallies (
    site     INTEGER NOT NULL,
    asset    INTEGER NOT NULL,
    payments INTEGER NOT NULL,
    settled  BLOB NOT NULL CHECK (length(settled) = 32),
    open     BLOB NOT NULL CHECK (length(open) = 32),
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    PRIMARY KEY (site, asset)
) STRICT, WITHOUT ROWID;

-- Whom a site was paid at. `head` and `tail` are the first four and last three characters of the address
-- in lower case: two addresses that a person could confuse share one of them.
CREATE TABLE payees (
    network INTEGER NOT NULL,
    payee   BLOB NOT NULL CHECK (length(payee) = 20),
    site    INTEGER NOT NULL,
    times   INTEGER NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    head    TEXT NOT NULL,
    tail    TEXT NOT NULL,
    PRIMARY KEY (network, payee, site)
) STRICT, WITHOUT ROWID;
CREATE INDEX payees_site ON payees (site, network);
CREATE INDEX payees_head ON payees (network, head);
CREATE INDEX payees_tail ON payees (network, tail);

-- Site 0 is the app on all sites together.
CREATE TABLE rules (
    app         INTEGER NOT NULL REFERENCES apps,
    site        INTEGER NOT NULL,
    asset       INTEGER NOT NULL REFERENCES assets,
    mode        TEXT NOT NULL CHECK (mode IN ('ask', 'allow', 'block')),
    per_payment BLOB CHECK (length(per_payment) = 32),
    per_day     BLOB CHECK (length(per_day) = 32),
    per_month   BLOB CHECK (length(per_month) = 32),
    set_at      INTEGER NOT NULL,
    PRIMARY KEY (app, site, asset)
) STRICT, WITHOUT ROWID;

-- Approving transactions, written before they are broadcast.
CREATE TABLE allowances (
    seq        INTEGER PRIMARY KEY,
    tx         TEXT NOT NULL UNIQUE,
    payment    INTEGER NOT NULL REFERENCES payments,
    asset      INTEGER NOT NULL REFERENCES assets,
    owner      BLOB NOT NULL CHECK (length(owner) = 20),
    spender    BLOB NOT NULL CHECK (length(spender) = 20),
    amount     BLOB NOT NULL CHECK (length(amount) = 32),
    signed_hex TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    outcome    TEXT CHECK (outcome IN ('confirmed', 'failed', 'expired')),
    outcome_at INTEGER,
    block      INTEGER,
    fee_sun    INTEGER,
    reason     TEXT
) STRICT;
CREATE INDEX allowances_payment ON allowances (payment);
CREATE INDEX allowances_open ON allowances (seq) WHERE outcome IS NULL;

-- Tokens that the person added.
CREATE TABLE tokens (
    network  INTEGER NOT NULL,
    token    BLOB NOT NULL CHECK (length(token) = 20),
    symbol   TEXT NOT NULL,
    decimals INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (network, token)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
