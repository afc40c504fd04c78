-- How the name of an app is read, once for each way to read it: names that a person could take for one another share
-- one, and of two that are approved at the same moment the second is refused here. Apps that were paired before have
-- none; the look at their names goes on finding them.
CREATE TABLE app_names (
    reading TEXT PRIMARY KEY,
    app     INTEGER NOT NULL REFERENCES apps
) STRICT, WITHOUT ROWID;
CREATE INDEX app_names_app ON app_names (app);
