-- Hosts that are blocked whole, whatever the scheme and port: a site is one scheme and one port, and whoever answers
-- there can answer at another.
CREATE TABLE blocked_hosts (
    host       TEXT PRIMARY KEY,
    blocked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
