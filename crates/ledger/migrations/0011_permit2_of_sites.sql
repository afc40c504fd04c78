-- Which of a network's two Permit2 deployments a site is paid through: `chosen` by a person, `settled` as the chain last
-- showed it, and `refused` where the seller called a signature for it wrong and nothing was settled through it since.
CREATE TABLE permit2_of_sites (
    site    INTEGER NOT NULL REFERENCES sites (site),
    network INTEGER NOT NULL,
    chosen  TEXT,
    settled TEXT,
    refused TEXT,
    PRIMARY KEY (site, network)
) STRICT, WITHOUT ROWID;
