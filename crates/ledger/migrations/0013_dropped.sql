-- Since when a settlement that was seen is in no block any more, because the chain has dropped its block: until it is
-- seen again, or until its permission is over. The settlement itself is unknown meanwhile.
ALTER TABLE payments ADD COLUMN dropped_at INTEGER;
ALTER TABLE intake ADD COLUMN dropped_at INTEGER;
