-- A settlement succeeds for one caller.
-- The SHA-256 of the key by which the first caller proves itself; NULL when it gave none.
ALTER TABLE sent ADD COLUMN claim TEXT CHECK (length(claim) = 64);
-- When its success was told, in seconds since 1970.
ALTER TABLE sent ADD COLUMN told_at INTEGER;

-- Before this everybody who asked was told.
UPDATE sent SET told_at = coalesce(ended_at, noted_at) WHERE state = 'settled';
