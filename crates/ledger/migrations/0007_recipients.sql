-- Whoever gets money or may move it is remembered as payees are: the fee's recipient and the caller, each in its role.
-- An address that was paid for goods is not known as one that takes fees. Callers were not written down so far; the
-- recipients of fees are counted from the payments that are still there.
CREATE TABLE recipients (
    network INTEGER NOT NULL,
    address BLOB NOT NULL CHECK (length(address) = 20),
    site    INTEGER NOT NULL,
    role    TEXT NOT NULL CHECK (role IN ('payee', 'fee', 'caller')),
    times   INTEGER NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    -- The first four and last three characters of the address in lower case: two addresses that a person could confuse
    -- share one of them.
    head    TEXT NOT NULL,
    tail    TEXT NOT NULL,
    PRIMARY KEY (network, address, role, site)
) STRICT, WITHOUT ROWID;
INSERT INTO recipients SELECT network, payee, site, 'payee', times, first, last, head, tail FROM payees;
DROP TABLE payees;
CREATE INDEX recipients_site ON recipients (site, network, role);
CREATE INDEX recipients_head ON recipients (network, head);
CREATE INDEX recipients_tail ON recipients (network, tail);

-- Without the ends of the address, which SQL can't compute: they are filled in when the file is opened.
INSERT INTO recipients
    SELECT a.network, p.fee_to, p.site, 'fee', count(*), min(p.reserved_at), max(p.reserved_at), '', ''
    FROM payments p JOIN assets a ON a.asset = p.asset
    WHERE p.fee_to IS NOT NULL AND p.reserved_at IS NOT NULL
        AND (p.state = 'reserved' OR (p.state = 'signed' AND p.settlement IS NOT 'never used'))
    GROUP BY a.network, p.fee_to, p.site;

ALTER TABLE payments ADD COLUMN caller BLOB CHECK (length(caller) = 20);
ALTER TABLE intake ADD COLUMN caller BLOB;
