//! The file: who may read it, what is refused, what happens when the disk does not play along.

use super::*;
use crate::{Entered, Entry, PaymentId, StorageKind};
use plan::{AppId, Covers, Mode, Moment, Plan, PlanDigest, Provenance, Request, Site, TokenRef, Verdict, Window};
use tempfile::TempDir;
use tron::{Address, Amount, Network};

/// A migration of the future.
const SECOND: &str = "ALTER TABLE apps ADD COLUMN colour TEXT; UPDATE apps SET payments = payments + 1;";

pub(crate) fn some_plan() -> Plan {
    let address = |n: u8| Address::from_bytes([n; 20]);
    Plan {
        app: AppId::owner(),
        site: Site::of("https://news.example/").unwrap(),
        provenance: Provenance::Verified,
        request: Request { method: "GET".into(), url: "https://news.example/".into(), path: "/".into() },
        document: [0; 32],
        option: 0,
        scheme: x402::Scheme::ExactPermit,
        network: Network::Nile,
        payer: address(1),
        payee: address(2),
        token: TokenRef { address: address(3), symbol: "USDT".into(), decimals: 6, known: true },
        contract: address(4),
        price: Amount::from_u64(5),
        fee: None,
        caller: None,
        maximum: Amount::from_u64(5),
        window: Window { valid_after: 0, valid_before: u64::MAX },
        allowance: None,
        balance: None,
        findings: Vec::new(),
        site_words: None,
        app_words: None,
    }
}

fn enter(ledger: &Ledger, document: &str) -> Result<PaymentId, LedgerError> {
    enter_plan(ledger, &some_plan(), document)
}

pub(crate) fn enter_plan(ledger: &Ledger, plan: &Plan, document: &str) -> Result<PaymentId, LedgerError> {
    let now = Moment::from_secs(1_800_000_000);
    let id = PaymentId::fresh(now);
    let entry = Entry {
        id,
        plan,
        digest: PlanDigest::of(plan),
        document,
        request_hash: [0; 32],
        idempotency_key: None,
        nonce: &id.to_string(),
        dictated: true,
        expires_at: now,
    };
    match ledger.enter(&entry, now, |_, _| Verdict::Allow)? {
        Entered::New(payment, _) => Ok(payment.id),
        other => panic!("{other:?}"),
    }
}

fn kind<T>(outcome: Result<T, LedgerError>) -> Option<StorageKind> {
    match outcome {
        Err(LedgerError::Storage { kind, .. }) => Some(kind),
        _ => None,
    }
}

#[test]
fn it_is_written_the_way_that_survives_a_power_loss() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
    for connection in [&ledger.writer, &ledger.reader, &ledger.browser] {
        let connection = lock(connection);
        let ask = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!((mode.as_str(), ask("synchronous"), ask("foreign_keys")), ("wal", 2, 1));
    }
    let version: String = lock(&ledger.reader).query_row("SELECT sqlite_version()", [], |row| row.get(0)).unwrap();
    let parts: Vec<u32> = version.split('.').map(|p| p.parse().unwrap()).collect();
    assert!(parts >= vec![3, 53, 0], "{version}: older ones can corrupt a write-ahead log");
}

/// One migration more than there is.
fn grown() -> Vec<&'static str> {
    MIGRATIONS.iter().copied().chain([SECOND]).collect()
}

#[test]
fn a_file_of_a_newer_program_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.sqlite");
    drop(Ledger::open_with(&path, &grown()).unwrap());
    let before = fs::read(&path).unwrap();
    let versions = (MIGRATIONS.len() + 1, MIGRATIONS.len());
    assert!(matches!(Ledger::open(&path), Err(LedgerError::Newer { found, known }) if (found, known) == versions));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_ledger_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let other = folder.path().join("other.sqlite");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    assert!(matches!(Ledger::open(&other), Err(LedgerError::NotALedger { application_id: 0 })));
    let text = folder.path().join("notes.txt");
    fs::write(&text, "dear diary, ".repeat(1000)).unwrap();
    assert_eq!(kind(Ledger::open(&text)), Some(StorageKind::Corrupt));
    assert_eq!(fs::read_to_string(&text).unwrap(), "dear diary, ".repeat(1000));
}

#[test]
fn a_copy_is_made_before_an_older_ledger_is_changed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let id = enter(&Ledger::open(&path).unwrap(), "{}").unwrap();
    let names = || fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    assert!(names().iter().all(|n| !n.to_string_lossy().contains("version")), "a new ledger needs no copy");
    let ledger = Ledger::open_with(&path, &grown()).unwrap();
    assert!(ledger.payment(id).unwrap().is_some());
    let copy = folder.path().join(format!("ledger.sqlite.version-{}", MIGRATIONS.len()));
    assert!(names().iter().filter(|n| n.to_string_lossy().contains("version")).count() == 1, "{:?}", names());
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&copy).unwrap().permissions()) & 0o777, 0o600);
    let old = Ledger::open(&copy).unwrap();
    assert!(old.payment(id).unwrap().is_some(), "the copy is the older ledger, whole");
}

/// What an older ledger knows of the recipients of fees is known after its migration, by the looks of its address too.
#[test]
fn recipients_of_fees_are_brought_along() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let before = MIGRATIONS.iter().position(|sql| sql.contains("CREATE TABLE recipients")).unwrap();
    drop(Ledger::open_with(&path, &MIGRATIONS[..before]).unwrap());
    let (payee, fee_to) = (Address::from_bytes([2; 20]), Address::from_bytes([8; 20]));
    let db = Connection::open(&path).unwrap();
    let payment = |nonce: u8, state: &str, settlement: Option<&str>| {
        let blob = |n: u8, len: usize| vec![n; len];
        db.execute(
            "INSERT INTO payments (id, app, site, asset, digest, request_hash, nonce, dictated, expires_at, whys, state,
                entered_at, reserved_at, by_person, settlement, delivery, signed_at, method, url, path, document_hash, option, scheme, payer, payee, symbol,
                decimals, token_known, contract, price, fee_to, fee, maximum, valid_after, valid_before, findings, resource)
             VALUES (?1, 1, 1, 1, ?2, ?2, ?3, 1, 0, '[]', ?4, 5, 5, 0, ?5, ?9, ?10, 'GET', 'u', 'p', ?2, 0, 'exact_permit', ?6, ?7,
                'USDT', 6, 1, ?6, ?2, ?8, ?2, ?2, 0, 0, '[]', 0)",
            rusqlite::params![
                blob(nonce, 16), blob(0, 32), nonce.to_string(), state, settlement, blob(1, 20), payee.bytes(), fee_to.bytes(),
                settlement.map(|_| "not reported"), settlement.map(|_| 5)
            ],
        )
        .unwrap();
    };
    db.execute_batch(
        "INSERT INTO sites (key) VALUES ('https://news.example');
         INSERT INTO assets (network, token, symbol, decimals) VALUES (3448148188, zeroblob(20), 'USDT', 6);
         INSERT INTO payees VALUES (3448148188, x'0202020202020202020202020202020202020202', 1, 3, 5, 7, 'tabc', 'xyz');",
    )
    .unwrap();
    payment(1, "signed", Some("final"));
    payment(2, "reserved", None);
    payment(3, "signed", Some("never used"));
    payment(4, "rejected", None);
    drop(db);
    let ledger = Ledger::open(&path).unwrap();
    let site = Site::of("https://news.example/").unwrap();
    let payee_of_site = ledger.payees(&site).unwrap().remove(0);
    assert_eq!((payee_of_site.times, payee_of_site.settled), (3, 2), "one of them is only reserved");
    let mut like = *fee_to.bytes();
    like[19] ^= 1;
    let others = [(plan::Role::Fee, fee_to), (plan::Role::Fee, Address::from_bytes(like))];
    let history = ledger
        .history(&crate::HistoryKey {
            app: &plan::AppId::owner(),
            site: &site,
            payee,
            others: &others,
            network: Network::Nile,
            token: Address::ZERO,
            url: "u",
            payer: payee,
            own: None,
        })
        .unwrap();
    assert_eq!((history.others[0].times, history.others[0].of_site.clone()), (2, vec![(fee_to, 1)]));
    assert_eq!(history.others[1].similar, [fee_to]);
}

#[test]
fn a_record_that_has_to_be_there_is_not_made() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.sqlite");
    assert!(matches!(Ledger::open_existing(&path), Err(LedgerError::Gone { empty: false })));
    assert!(!path.exists());
    fs::write(&path, "").unwrap();
    let log = folder.path().join("ledger.sqlite-wal");
    fs::write(&log, "what is left").unwrap();
    assert!(matches!(Ledger::open_existing(&path), Err(LedgerError::Gone { empty: true })));
    assert_eq!((fs::read(&path).unwrap().len(), fs::read(&log).unwrap().len()), (0, 12), "nothing was touched");
    fs::remove_file(&log).unwrap();
    // A database without a table.
    Connection::open(&path).unwrap().execute_batch("VACUUM; PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint").unwrap();
    assert!(matches!(Ledger::open_existing(&path), Err(LedgerError::Gone { empty: true })));
    fs::remove_file(&path).unwrap();
    let id = enter(&Ledger::open(&path).unwrap(), "{}").unwrap();
    assert!(Ledger::open_existing(&path).unwrap().payment(id).unwrap().is_some());
}

#[test]
fn what_is_known_of_old_sites_and_limits_is_told_and_no_more() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.sqlite");
    // As the version before wrote it.
    let seventh = MIGRATIONS.iter().position(|m| m.contains("ADD COLUMN provenance")).unwrap();
    let old = Ledger::open_with(&path, &MIGRATIONS[..seventh]).unwrap();
    lock(&old.writer)
        .execute_batch(
            "INSERT INTO apps (id, name, paired_at, payments) VALUES ('shop', 'shop', 0, 3);
             UPDATE apps SET payments = 1 WHERE rowid = 1;
             INSERT INTO sites (key) VALUES ('https://news.example');
             INSERT INTO assets (network, token, symbol, decimals) VALUES (3448148188, zeroblob(20), 'USDT', 6);
             INSERT INTO rules VALUES (2, 0, 1, 'allow', NULL, zeroblob(32), NULL, 0);
             WITH n (seq, app, state) AS (VALUES (1, 1, 'asked'), (2, 2, 'asked'), (3, 2, 'reserved'), (4, 2, 'rejected'))
             INSERT INTO payments (seq, id, app, site, asset, digest, request_hash, nonce, dictated, expires_at, whys, state,
                entered_at, reserved_at, by_person, method, url, path, document_hash, option, scheme, payer, payee, symbol,
                decimals, token_known, contract, price, maximum, valid_after, valid_before, findings, resource)
             SELECT seq, CAST(printf('%016d', seq) AS BLOB), app, 1, 1, zeroblob(32), zeroblob(32), seq, 1, 0, '[]', state,
                1, 1, 0, 'GET', 'https://news.example/', '/', zeroblob(32), 0, 'exact_permit', zeroblob(20), zeroblob(20),
                'USDT', 6, 1, zeroblob(20), zeroblob(32), zeroblob(32), 0, 9, '[]', 0 FROM n",
        )
        .unwrap();
    drop(old);
    let ledger = Ledger::open(&path).unwrap();
    let known = |seq: u8| {
        let mut id = [b'0'; 16];
        id[15] = b'0' + seq;
        ledger.payment(PaymentId::from_bytes(id)).unwrap().unwrap().plan.provenance
    };
    assert_eq!(known(1), Provenance::NotRecorded, "the owner's command may have asked the site");
    assert_eq!([2, 3, 4].map(known), [Provenance::Claimed; 3], "an app's word is what there was");
    let rules = ledger.list_rules(Moment(0)).unwrap();
    assert!(matches!(&rules[0].mode, Mode::Allow(limit) if limit.covers == Covers::ClaimedAndVerified));
    assert_eq!(ledger.apps().unwrap()[1].payments, 1, "two of three were only questions");
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let id = enter(&Ledger::open(&path).unwrap(), "{}").unwrap();
    let broken = "ALTER TABLE apps ADD COLUMN colour TEXT; ALTER TABLE nothing ADD COLUMN x TEXT;";
    assert!(Ledger::open_with(&path, &[MIGRATIONS, &[broken]].concat()).is_err());
    assert!(Ledger::open(&path).unwrap().payment(id).unwrap().is_some());
}

#[test]
fn many_openers_of_a_new_file_migrate_it_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.sqlite");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| Ledger::open_with(&path, &grown()).unwrap());
        }
    });
    let ledger = Ledger::open_with(&path, &grown()).unwrap();
    assert_eq!(ledger.apps().unwrap()[0].payments, 1, "the second migration ran once");
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.sqlite");
    drop(Ledger::open(&path).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let ledger = Ledger::open(&path).unwrap();
    enter(&ledger, "{}").unwrap();
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3, "the ledger, its log and the log's index");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.file_name());
    }
}

#[test]
fn a_full_disk_leaves_no_row_and_heals_with_room() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
    let limit = |pages: i64| {
        let set =
            lock(&ledger.writer).pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0));
        set.unwrap()
    };
    let large = "x".repeat(100_000);
    for _ in 0..25 {
        limit(1);
        assert_eq!(kind(enter(&ledger, &large)), Some(StorageKind::Full));
        assert!(ledger.unfinished().unwrap().is_empty());
        assert!(ledger.totals().unwrap().is_empty());
    }
    limit(1_000_000);
    enter(&ledger, &large).unwrap();
}

#[test]
fn a_ledger_that_may_not_be_written_signs_nothing() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
    for _ in 0..25 {
        lock(&ledger.writer).pragma_update(None, "query_only", true).unwrap();
        assert_eq!(kind(enter(&ledger, "{}")), Some(StorageKind::ReadOnly));
        lock(&ledger.writer).pragma_update(None, "query_only", false).unwrap();
        assert!(ledger.unfinished().unwrap().is_empty());
    }
}

#[test]
fn a_judge_that_panics_leaves_the_ledger_as_it_was() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
    let plan = some_plan();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        ledger.write("test", |db| {
            db.execute("INSERT INTO sites (key) VALUES ('https://x.example')", []).unwrap();
            let _: &Plan = &plan;
            panic!("on purpose")
        }) as Result<(), LedgerError>
    }));
    assert!(panicked.is_err());
    assert!(ledger.sites().unwrap().is_empty());
    enter(&ledger, "{}").unwrap();
}

#[test]
fn a_damaged_file_is_noticed_when_it_is_opened_or_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = Ledger::open(&path).unwrap();
    for _ in 0..10 {
        enter(&ledger, &"x".repeat(5000)).unwrap();
    }
    lock(&ledger.writer).execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(ledger);
    let whole = fs::read(&path).unwrap();
    let mut noticed = 0;
    for page in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..page * 4096 + 16].fill(0xff);
        fs::write(&path, &damaged).unwrap();
        noticed += usize::from(Ledger::open(&path).is_err());
    }
    // A page of a long document has no structure to check; every other one does.
    assert!(noticed > 20, "{noticed} of {}", whole.len() / 4096);
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(Ledger::open(&path).is_err(), "half a file");
}

#[test]
fn a_torn_log_opens_to_what_was_committed_before_the_tear() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = Ledger::open(&path).unwrap();
    let log = folder.path().join("ledger.sqlite-wal");
    // Where the log ended after each commit.
    let mut ends = vec![(fs::metadata(&log).unwrap().len(), 0)];
    for n in 1..=20 {
        enter(&ledger, "{}").unwrap();
        ends.push((fs::metadata(&log).unwrap().len(), n));
    }
    let (database, whole) = (fs::read(&path).unwrap(), fs::read(&log).unwrap());
    assert_eq!(whole.len() as u64, ends[20].0, "no checkpoint came in between");
    for cut in (0..whole.len()).step_by(17_771) {
        let torn = folder.path().join(format!("torn-{cut}.sqlite"));
        fs::write(&torn, &database).unwrap();
        fs::write(folder.path().join(format!("torn-{cut}.sqlite-wal")), &whole[..cut]).unwrap();
        let expected = ends.iter().rev().find(|(end, _)| *end <= cut as u64).map(|(_, n)| *n);
        match (Ledger::open(&torn), expected) {
            (Ok(ledger), Some(n)) => assert_eq!(ledger.unfinished().unwrap().len(), n, "cut at {cut}"),
            // Before the first commit there is an empty file, which becomes a new ledger.
            (Ok(ledger), None) => assert!(ledger.unfinished().unwrap().is_empty()),
            (Err(error), _) => panic!("cut at {cut}: {error}"),
        }
    }
}
