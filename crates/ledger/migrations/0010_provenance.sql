-- How it is known that a request went to its site: 'claimed' by the app, or 'verified' by the wallet's own command.
-- Absent in older rows (see src/rows.rs for what they are read as). Without a CHECK, which would read every row of a
-- large file at the update; a name that is none is refused when it is read.
ALTER TABLE payments ADD COLUMN provenance TEXT;
ALTER TABLE intake ADD COLUMN provenance TEXT;

-- Which sites a limit answers for. Limits of before go on covering claimed ones, as they did.
ALTER TABLE rules ADD COLUMN covers TEXT NOT NULL DEFAULT 'claimed and verified'
    CHECK (covers IN ('claimed and verified', 'verified only'));

-- What an app is said to have paid counts payments, as the sums of sites do, and no longer questions that came to
-- nothing. Those are few, and an index knows each kind.
WITH none (app, n) AS MATERIALIZED (
    SELECT app, count(*) FROM (
        SELECT app FROM payments INDEXED BY payments_state
            WHERE state IN ('asked', 'rejected', 'refused', 'cancelled', 'expired')
        UNION ALL
        SELECT app FROM payments INDEXED BY payments_settlement WHERE settlement <> 'final' AND settlement = 'never used'
    ) GROUP BY app
    UNION ALL
    SELECT app, sum(rows - payments) FROM removed GROUP BY app
)
UPDATE apps SET payments = payments - coalesce((SELECT sum(n) FROM none WHERE none.app = apps.app), 0);
