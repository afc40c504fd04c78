-- What a limit allowed, for the moment of its signature: durable in one row of a table without an index, before the
-- key is touched. Every write moves it to `payments` first and books it (see intake.rs), so it is empty almost always.
-- It has the columns of `payments`, in types that take whatever those take; a migration that changes `payments`
-- changes it too.
CREATE TABLE intake AS SELECT * FROM payments WHERE 0;
ALTER TABLE intake ADD COLUMN document TEXT;
