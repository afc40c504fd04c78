-- Which account pays for an app, on all sites together (site 0) or on one.
CREATE TABLE payers (
    app     INTEGER NOT NULL REFERENCES apps,
    site    INTEGER NOT NULL,
    account BLOB NOT NULL CHECK (length(account) = 20),
    set_at  INTEGER NOT NULL,
    PRIMARY KEY (app, site)
) STRICT, WITHOUT ROWID;
