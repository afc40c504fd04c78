-- That a settlement failed is what the seller says of it: the permission could be used all the same, so the outcome is
-- not known until the chain shows it. `failure` keeps the seller's word beside it. The name stays in the table's check
-- and in the index of what is open, where nothing has it any more.
UPDATE payments SET settlement = 'unknown', tx = NULL WHERE settlement = 'failed' AND settlement <> 'final';
