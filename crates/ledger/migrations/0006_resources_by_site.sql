-- The last purchase of the same thing is looked for on the way to every signature. By site, what belongs together lies
-- together: a site that is paid often is in memory, where before each look read another page of a large file.
DROP INDEX payments_resource;
CREATE INDEX payments_resource ON payments (site, resource) WHERE reserved_at IS NOT NULL;
