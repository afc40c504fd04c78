-- How often somebody was really paid: settlements that the chain has shown, apart from what was merely approved. Payments
-- that were removed by their age had ended for good, so that all that is not settled still stands in a row.
ALTER TABLE recipients ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recipients ADD COLUMN settled_first INTEGER;
UPDATE recipients SET settled = times - (
    SELECT count(*) FROM payments p INDEXED BY payments_open JOIN assets a ON a.asset = p.asset
    WHERE (p.state = 'reserved' OR p.settlement IN ('unknown', 'seen', 'failed'))
        AND coalesce(p.settlement, '') <> 'seen' AND p.site = recipients.site AND a.network = recipients.network
        AND CASE recipients.role WHEN 'payee' THEN p.payee WHEN 'fee' THEN p.fee_to ELSE p.caller END = recipients.address);
UPDATE recipients SET settled_first = first WHERE settled > 0;
