-- What was removed from the record by its age, per app, site and token. The sums in `tallies` and `spendings`
-- keep it: rows that are there and rows that are counted here make them up together.
CREATE TABLE removed (
    app      INTEGER NOT NULL REFERENCES apps,
    site     INTEGER NOT NULL REFERENCES sites,
    asset    INTEGER NOT NULL REFERENCES assets,
    -- All rows, and those of them that count as paid.
    rows     INTEGER NOT NULL,
    payments INTEGER NOT NULL,
    settled  BLOB NOT NULL CHECK (length(settled) = 32),
    -- The newest moment at which one of them was entered.
    newest   INTEGER NOT NULL,
    PRIMARY KEY (app, site, asset)
) STRICT, WITHOUT ROWID;
