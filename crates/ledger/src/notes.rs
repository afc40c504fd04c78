//! Tables `notes`, `tags` and `tagged`: a person's words on payments. Refuses what is empty or too long; the
//! search finds them as soon as they are written.

use crate::cells::Cells;
use crate::{Ledger, LedgerError, PaymentId, grams, indexing, rows};
use plan::Moment;
use rusqlite::{Connection, OptionalExtension, params};

/// The longest note and the longest tag, in characters.
pub const NOTE_MAX: usize = 500;
pub const TAG_MAX: usize = 40;
/// The most tags of one payment.
pub const TAGS_MAX: usize = 20;

/// A tag and how often it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    pub name: String,
    pub payments: u64,
}

/// The form in which tags are compared.
fn folded(name: &str) -> String {
    grams::fold(name.trim())
}

pub fn find_tag(db: &Connection, name: &str) -> Result<Option<i64>, LedgerError> {
    Ok(db
        .prepare_cached("SELECT tag FROM tags WHERE folded = ?1")?
        .query_row([folded(name)], |row| row.get(0))
        .optional()?)
}

fn keep_tag(db: &Connection, name: &str) -> Result<i64, LedgerError> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > TAG_MAX || name.contains(|c: char| c.is_control() || c == ',') {
        return Err(LedgerError::NotATag { found: name.chars().take(TAG_MAX + 1).collect() });
    }
    if let Some(tag) = find_tag(db, name)? {
        return Ok(tag);
    }
    db.prepare_cached("INSERT INTO tags (name, folded) VALUES (?1, ?2)")?.execute([name, &folded(name)])?;
    Ok(db.last_insert_rowid())
}

/// Note and tags of a row.
pub fn of(db: &Connection, seq: i64) -> Result<(Option<String>, Vec<String>), LedgerError> {
    let note = db
        .prepare_cached("SELECT note FROM notes WHERE payment = ?1")?
        .query_row([seq], |row| row.get(0))
        .optional()?;
    let mut query = db.prepare_cached(
        "SELECT t.name FROM tagged g CROSS JOIN tags t ON t.tag = g.tag WHERE g.payment = ?1 ORDER BY t.folded",
    )?;
    let tags = query.query_map([seq], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok((note, tags))
}

/// A tag that no payment has any more is forgotten.
pub fn drop_unused(db: &Connection) -> Result<(), LedgerError> {
    db.prepare_cached("DELETE FROM tags WHERE NOT EXISTS (SELECT 1 FROM tagged g WHERE g.tag = tags.tag)")?
        .execute([])?;
    Ok(())
}

/// Writes both, without the index.
pub fn write(db: &Connection, seq: i64, note: &str, tags: &[String], now: Moment) -> Result<(), LedgerError> {
    let note = note.trim();
    let length = note.chars().count();
    if length > NOTE_MAX {
        return Err(LedgerError::NoteTooLong { length });
    }
    if tags.len() > TAGS_MAX {
        return Err(LedgerError::TooManyTags { found: tags.len() });
    }
    match note.is_empty() {
        true => db.prepare_cached("DELETE FROM notes WHERE payment = ?1")?.execute([seq])?,
        false => {
            db.prepare_cached("INSERT OR REPLACE INTO notes VALUES (?1, ?2, ?3)")?.execute(params![seq, note, now.0])?
        }
    };
    db.prepare_cached("DELETE FROM tagged WHERE payment = ?1")?.execute([seq])?;
    for name in tags {
        let tag = keep_tag(db, name)?;
        db.prepare_cached("INSERT OR IGNORE INTO tagged VALUES (?1, ?2)")?.execute([tag, seq])?;
    }
    Ok(())
}

impl Ledger {
    /// Sets a payment's note ("" removes it) and tags, all at once.
    ///
    /// # Errors
    /// [`LedgerError::NoteTooLong`], [`LedgerError::NotATag`], [`LedgerError::TooManyTags`],
    /// [`LedgerError::NoSuchPayment`], or a storage error; then nothing changed.
    pub fn set_note(&self, id: PaymentId, note: &str, tags: &[String], now: Moment) -> Result<(), LedgerError> {
        self.write("write a note", |db| {
            let seq = rows::seq(db, id)?;
            write(db, seq, note, tags, now)?;
            drop_unused(db)?;
            indexing::refresh(db, seq)
        })
    }

    /// Every tag by name.
    pub fn tags(&self) -> Result<Vec<Tag>, LedgerError> {
        self.browse("list tags", |db| {
            // Counted up to a bound: "1000" is as much as anybody needs to know.
            let mut query = db.prepare_cached(
                "SELECT name, (SELECT count(*) FROM (SELECT 1 FROM tagged g WHERE g.tag = tags.tag LIMIT 1000))
                 FROM tags ORDER BY folded LIMIT 1000",
            )?;
            let mut rows = query.query([])?;
            let mut tags = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::of(row);
                tags.push(Tag { name: cells.take()?, payments: cells.count()? });
            }
            Ok(tags)
        })
    }

    /// Renames a tag on every payment; where the new name exists the two become one.
    ///
    /// # Errors
    /// [`LedgerError::NoSuch`], [`LedgerError::NotATag`], or a storage error; then nothing changed.
    pub fn rename_tag(&self, name: &str, new: &str) -> Result<(), LedgerError> {
        self.write("rename a tag", |db| {
            let old = find_tag(db, name)?.ok_or_else(|| LedgerError::NoSuch { what: "tag", key: name.to_owned() })?;
            let payments: Vec<i64> = db
                .prepare_cached("SELECT payment FROM tagged WHERE tag = ?1")?
                .query_map([old], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let into = keep_tag(db, new)?;
            if into == old {
                // The same letters in another case.
                db.prepare_cached("UPDATE tags SET name = ?2 WHERE tag = ?1")?.execute(params![old, new.trim()])?;
                return Ok(());
            }
            db.prepare_cached("UPDATE OR IGNORE tagged SET tag = ?2 WHERE tag = ?1")?.execute([old, into])?;
            db.prepare_cached("DELETE FROM tagged WHERE tag = ?1")?.execute([old])?;
            drop_unused(db)?;
            payments.into_iter().try_for_each(|seq| indexing::refresh(db, seq))
        })
    }
}
