-- Seen is not final: a block may be dropped for about a minute.
CREATE TABLE sent_now (
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
  -- open: its fate is not known. seen: in a block that may still be dropped, it moved the money. settled: that is
  -- final. failing: in a block that may still be dropped, without effect. failed: that is final.
  -- dead: it is in no block and can't get into one. reversed: it was seen, the chain dropped it, and its
  -- authorization can't be settled any more.
  state         TEXT NOT NULL CHECK (state IN ('open', 'seen', 'settled', 'failing', 'failed', 'dead', 'reversed')),
  noted_at      INTEGER NOT NULL,
  ended_at      INTEGER,
  claim         TEXT CHECK (length(claim) = 64),
  told_at       INTEGER,
  -- The block in which it was seen.
  block         INTEGER,
  -- Since when the chain has dropped what was seen, until it is in a block again.
  left_at       INTEGER,
  -- Why it failed, or why it can't be sent again.
  reason        TEXT
) STRICT;
INSERT INTO sent_now
  SELECT transaction_id, network, contract, owner, nonce, digest, scheme, valid_before, token, payee, amount, fee_to,
    fee_amount, signer, bytes, expiration_ms, state, noted_at, ended_at, claim, told_at, NULL, NULL, NULL
  FROM sent;
DROP TABLE sent;
ALTER TABLE sent_now RENAME TO sent;

-- Whatever a program does: one transaction for one authorization, until it is known to be dead.
CREATE UNIQUE INDEX sent_once ON sent (network, contract, owner, nonce) WHERE state <> 'dead';
CREATE INDEX sent_followed ON sent (noted_at) WHERE state IN ('open', 'seen', 'failing');
CREATE INDEX sent_ended ON sent (valid_before) WHERE state IN ('settled', 'failed', 'dead', 'reversed');
CREATE INDEX sent_nonce ON sent (nonce);

-- What was settled in the last minutes was only seen.
UPDATE sent SET state = 'seen' WHERE state = 'settled' AND noted_at > (SELECT max(noted_at) FROM sent) - 600;
