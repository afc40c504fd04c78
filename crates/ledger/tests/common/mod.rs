//! What the ledger's tests share: a folder that goes away, honest plans, and a judge with one limit.

use ledger::{Answer, Approved, Entered, Entry, Ledger, NewApp, Payment, PaymentId};
use plan::{
    AppId, Moment, Plan, PlanDigest, Provenance, Request, Rules, Site, Spending, TokenRef, Verdict, Why, Window,
};
use std::path::PathBuf;
use tempfile::TempDir;
use tron::{Address, Amount, Network};

/// A Friday.
pub const NOW: Moment = Moment::from_secs(1_800_000_000);
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

pub struct Folder {
    pub dir: TempDir,
}

impl Folder {
    pub fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    pub fn file(&self) -> PathBuf {
        self.dir.path().join("ledger.sqlite")
    }

    /// A ledger with the app "shop".
    pub fn ledger(&self) -> Ledger {
        let ledger = Ledger::open(&self.file()).unwrap();
        let shop = NewApp { id: shop(), name: "Shop", readings: &[], token_hash: [1; 32] };
        if ledger.app(&shop.id).unwrap().is_none() {
            ledger.add_app(&shop, NOW).unwrap();
        }
        ledger
    }
}

pub fn shop() -> AppId {
    AppId("shop".into())
}

pub fn usdt() -> Address {
    Address::parse("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf").unwrap()
}

pub fn site(host: &str) -> Site {
    Site::of(&format!("https://{host}/")).unwrap()
}

pub fn plan(amount: Amount) -> Plan {
    Plan {
        app: shop(),
        site: site("news.example"),
        provenance: Provenance::Claimed,
        request: Request { method: "GET".into(), url: "https://news.example/a".into(), path: "/a".into() },
        document: [3; 32],
        option: 0,
        scheme: x402::Scheme::ExactPermit,
        network: Network::Nile,
        payer: Address::from_bytes([1; 20]),
        payee: Address::from_bytes([7; 20]),
        token: TokenRef { address: usdt(), symbol: "USDT".into(), decimals: 6, known: true },
        contract: Address::parse("TFxDcGvS7zfQrS1YzcCMp673ta2NHHzsiH").unwrap(),
        price: amount,
        fee: None,
        caller: None,
        maximum: amount,
        window: Window { valid_after: NOW.secs(), valid_before: NOW.secs() + 300 },
        allowance: None,
        balance: None,
        findings: Vec::new(),
        site_words: None,
        app_words: None,
    }
}

pub fn units(n: u64) -> Amount {
    Amount::from_u64(n)
}

/// An entry with a nonce and a request of its own.
pub fn entry<'a>(plan: &'a Plan, id: PaymentId, nonce: &'a str) -> Entry<'a> {
    Entry {
        id,
        plan,
        digest: PlanDigest::of(plan),
        document: "{\"x402Version\":2}",
        request_hash: [5; 32],
        idempotency_key: None,
        nonce,
        dictated: true,
        expires_at: NOW.plus_ms(5 * MINUTE),
    }
}

pub fn allow(_: &Rules, _: &Spending) -> Verdict {
    Verdict::Allow
}

pub fn ask(_: &Rules, _: &Spending) -> Verdict {
    Verdict::Ask(vec![Why::NoRule])
}

/// Allows while the app's day holds.
pub fn up_to(limit: u64, asked: Amount) -> impl FnOnce(&Rules, &Spending) -> Verdict {
    move |_, spending| match spending.app_day.checked_add(asked) {
        Some(sum) if sum <= units(limit) => Verdict::Allow,
        _ => Verdict::Ask(vec![Why::OverDay { limit: units(limit), spent: spending.app_day, asked }]),
    }
}

/// Enters `plan` and expects a new row.
pub fn enter(ledger: &Ledger, plan: &Plan, now: Moment, judge: impl FnOnce(&Rules, &Spending) -> Verdict) -> Payment {
    let id = PaymentId::fresh(now);
    match ledger.enter(&entry(plan, id, &id.to_string()), now, judge).unwrap() {
        Entered::New(payment, _) => payment,
        other => panic!("{other:?}"),
    }
}

/// Takes `plan` in on the short way; `None`: it is not allowed and left no row.
pub fn enter_allowed(
    ledger: &Ledger,
    plan: &Plan,
    now: Moment,
    judge: impl FnOnce(&Rules, &Spending) -> Verdict,
) -> Option<Payment> {
    let id = PaymentId::fresh(now);
    match ledger.enter_allowed(&entry(plan, id, &id.to_string()), now, judge).unwrap() {
        Some(Entered::New(payment, _)) => Some(payment),
        Some(other) => panic!("{other:?}"),
        None => None,
    }
}

pub fn reserve(ledger: &Ledger, amount: u64, now: Moment) -> Payment {
    enter(ledger, &plan(units(amount)), now, allow)
}

pub fn sign(ledger: &Ledger, amount: u64, now: Moment) -> Payment {
    let payment = reserve(ledger, amount, now);
    ledger.signed(payment.id, "PAYMENT-SIGNATURE", "cGF5", now).unwrap()
}

pub fn answer(payment: &Payment) -> Answer {
    Answer { digest: payment.digest, window: payment.plan.window }
}

pub fn approve(ledger: &Ledger, payment: &Payment, now: Moment) -> Payment {
    match ledger.approve(payment.id, &answer(payment), now, |_| true).unwrap() {
        Approved::Reserved(payment) => payment,
        other => panic!("{other:?}"),
    }
}

/// What counts for "shop" at `news.example` in USDT.
pub fn spending(ledger: &Ledger, now: Moment) -> Spending {
    ledger.standing(&shop(), &site("news.example"), Network::Nile, usdt(), now).unwrap().spending
}

/// Opens the file as SQLite does, checks its structure, and compares the sums per site and token with rows and
/// what was removed, counted one by one.
pub fn assert_the_books_balance(file: &std::path::Path) {
    use std::collections::BTreeMap;
    let db = rusqlite::Connection::open(file).unwrap();
    let whole: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    let broken: i64 = db.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
    assert_eq!(broken, 0, "every key leads somewhere");
    type Sums = BTreeMap<(i64, i64), (i64, Amount, Amount)>;
    let sums = |sql: &str| -> Sums {
        let mut sums = Sums::new();
        let mut query = db.prepare(sql).unwrap();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let amount = |n: usize| Amount::from_be_bytes(row.get::<_, [u8; 32]>(n).unwrap());
            let key = (row.get(0).unwrap(), row.get(1).unwrap());
            let sum = sums.entry(key).or_insert((0, Amount::ZERO, Amount::ZERO));
            sum.0 += row.get::<_, i64>(2).unwrap();
            sum.1 = sum.1.checked_add(amount(3)).unwrap();
            sum.2 = sum.2.checked_add(amount(4)).unwrap();
        }
        sums.retain(|_, sum| *sum != (0, Amount::ZERO, Amount::ZERO));
        sums
    };
    let kept = sums("SELECT site, asset, payments, settled, open FROM tallies");
    let counted = sums(
        "SELECT site, asset, 1, CASE WHEN settlement IN ('seen', 'final') THEN coalesce(actual, maximum) ELSE zeroblob(32) END,
            CASE WHEN settlement IN ('seen', 'final') THEN zeroblob(32) ELSE maximum END
         FROM payments WHERE state = 'reserved' OR settlement <> 'never used'
         UNION ALL SELECT site, asset, payments, settled, zeroblob(32) FROM removed",
    );
    assert_eq!(kept, counted, "the sums are what the rows make up");
    // Everything up to the mark is in the index, and nothing that is gone.
    let strays: i64 = db
        .query_row(
            "SELECT (SELECT count(*) FROM payments WHERE seq <= upto AND seq NOT IN (SELECT id FROM words_docsize))
             + (SELECT count(*) FROM words_docsize WHERE id NOT IN (SELECT seq FROM payments)) FROM indexing",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(strays, 0, "index and rows agree");
}
