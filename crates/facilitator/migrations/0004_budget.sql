-- What settlements cost, by whom they paid and by minute (of 1970): a restart doesn't fill a budget again.
CREATE TABLE costs (
  payee  TEXT NOT NULL,
  minute INTEGER NOT NULL,
  sun    INTEGER NOT NULL,
  PRIMARY KEY (payee, minute)
) STRICT, WITHOUT ROWID;
