-- One row per transaction, written before it is sent.
CREATE TABLE sent (
  transaction_id TEXT NOT NULL UNIQUE CHECK (length(transaction_id) = 64),
  -- The authorization that it settles: a nonce of its owner, kept by a contract of a network.
  network       TEXT NOT NULL,
  contract      TEXT NOT NULL,
  owner         TEXT NOT NULL,
  nonce         TEXT NOT NULL,
  digest        TEXT NOT NULL,
  scheme        TEXT NOT NULL,
  -- Seconds since 1970.
  valid_before  INTEGER NOT NULL,
  -- What has to move, in the token's smallest unit.
  token         TEXT NOT NULL,
  payee         TEXT NOT NULL,
  amount        TEXT NOT NULL,
  fee_to        TEXT,
  fee_amount    TEXT,
  -- Who signed it, the very bytes, and when no block takes it any more (milliseconds since 1970).
  signer        TEXT NOT NULL,
  bytes         BLOB NOT NULL,
  expiration_ms INTEGER NOT NULL,
  -- open: its fate is not known. settled: it moved the money. failed: it is in a block and moved nothing.
  -- dead: it is in no block and can't get into one.
  state         TEXT NOT NULL CHECK (state IN ('open', 'settled', 'failed', 'dead')),
  noted_at      INTEGER NOT NULL,
  ended_at      INTEGER
) STRICT;

-- Whatever a program does: one transaction for one authorization, until it is known to be dead.
CREATE UNIQUE INDEX sent_once ON sent (network, contract, owner, nonce) WHERE state <> 'dead';
CREATE INDEX sent_open ON sent (noted_at) WHERE state = 'open';
CREATE INDEX sent_ended ON sent (valid_before) WHERE state <> 'open';

-- The fees of each token, and until when an earlier one that was quoted stays good. until is NULL for today's.
CREATE TABLE prices (
  network       TEXT NOT NULL,
  token         TEXT NOT NULL,
  base          TEXT NOT NULL,
  basis_points  INTEGER NOT NULL,
  minimum       TEXT NOT NULL,
  maximum       TEXT,
  free_up_to    TEXT NOT NULL,
  fee_to        TEXT NOT NULL,
  quote_seconds INTEGER NOT NULL,
  until         INTEGER
) STRICT;

CREATE UNIQUE INDEX prices_today ON prices (network, token) WHERE until IS NULL;
