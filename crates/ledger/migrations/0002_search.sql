-- Search, notes and tags.

-- An inverted index over the pieces of each payment's words (see src/grams.rs). Contentless and without
-- positions: a hit is checked against the row itself, which keeps the index a fifth of the size.
CREATE VIRTUAL TABLE words USING fts5(
    grams, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);

-- Rows up to this key are in `words`; newer ones are looked through until they are.
CREATE TABLE indexing (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    upto INTEGER NOT NULL
) STRICT;
INSERT INTO indexing VALUES (1, 0);

-- A person's words on a payment.
CREATE TABLE notes (
    payment INTEGER PRIMARY KEY REFERENCES payments,
    note    TEXT NOT NULL CHECK (length(note) BETWEEN 1 AND 500),
    at      INTEGER NOT NULL
) STRICT;

CREATE TABLE tags (
    tag    INTEGER PRIMARY KEY,
    name   TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
    -- In lower case: "Travel" and "travel" are one tag.
    folded TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE tagged (
    tag     INTEGER NOT NULL REFERENCES tags,
    payment INTEGER NOT NULL REFERENCES payments,
    PRIMARY KEY (tag, payment)
) STRICT, WITHOUT ROWID;
CREATE INDEX tagged_payment ON tagged (payment, tag);

-- A transaction is looked up by its first 16 digits and then compared whole: a quarter of the size.
CREATE INDEX payments_tx ON payments (substr(tx, 1, 16)) WHERE tx IS NOT NULL;

-- What went wrong or is still under way is rare among millions that are final.
CREATE INDEX payments_settlement ON payments (settlement) WHERE settlement <> 'final';
CREATE INDEX payments_undelivered ON payments (delivery) WHERE delivery = 'refused';
