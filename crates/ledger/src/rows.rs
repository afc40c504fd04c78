//! Table `payments`: one row a payment, written and read here and nowhere else; `papers` beside it keeps the
//! documents. Refuses to show a row whose cells are not of their form.

use crate::cells::{Cells, whole};
use crate::payment::{Delivery, Payment, Settlement, SettlementKind, State};
use crate::{LedgerError, PaymentId, wire};
use plan::{AllowanceNeed, AppId, Fee, Plan, PlanDigest, Provenance, Request, TokenRef, Window};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use tron::Address;
use x402::Scheme;

/// A payment with the keys of its row.
pub struct Row {
    pub seq: i64,
    pub app: i64,
    pub site: i64,
    pub asset: i64,
    pub payment: Payment,
}

impl State {
    pub const ALL: [State; 7] =
        [Self::Asked, Self::Reserved, Self::Signed, Self::Rejected, Self::Refused, Self::Cancelled, Self::Expired];

    /// As the row and every surface name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Reserved => "reserved",
            Self::Signed => "signed",
            Self::Rejected => "rejected",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

impl SettlementKind {
    pub const ALL: [SettlementKind; 4] = [Self::Unknown, Self::Seen, Self::Final, Self::NeverUsed];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Seen => "seen",
            Self::Final => "final",
            Self::NeverUsed => "never used",
        }
    }
}

impl Settlement {
    pub const fn kind(&self) -> SettlementKind {
        match self {
            Self::Unknown => SettlementKind::Unknown,
            Self::Seen { .. } => SettlementKind::Seen,
            Self::Final { .. } => SettlementKind::Final,
            Self::NeverUsed => SettlementKind::NeverUsed,
        }
    }

    pub const fn name(&self) -> &'static str {
        self.kind().name()
    }
}

impl Delivery {
    pub const ALL: [Delivery; 3] = [Self::Delivered, Self::RefusedBySeller, Self::NotReported];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::RefusedBySeller => "refused",
            Self::NotReported => "not reported",
        }
    }
}

const SCHEMES: [Scheme; 7] = [
    Scheme::ExactPermit,
    Scheme::ExactEip3009,
    Scheme::ExactPermit2,
    Scheme::ExactGasfree,
    Scheme::Upto,
    Scheme::BatchSettlement,
    Scheme::LegacyDelivery,
];

/// Finds the last purchase of the same thing: site, URL and payee in 64 bits.
pub fn resource(site: &plan::Site, url: &str, payee: &Address) -> i64 {
    let mut hash = Sha256::new();
    for part in [site.to_string().as_bytes(), url.as_bytes(), payee.bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(head)
}

/// Where a row stands: in its place, or for the moment of a signature in `intake`, which has the same columns and no index.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Payments,
    Intake,
}

/// Writes a new row and its 402; gives its key.
pub fn insert(
    db: &Connection,
    table: Table,
    (app, site, asset): (i64, i64, i64),
    p: &Payment,
    document: &str,
) -> Result<i64, LedgerError> {
    let plan = &p.plan;
    let (into, paper) = match table {
        Table::Payments => ("payments", "INSERT INTO papers (payment, document) VALUES (?1, ?2)"),
        Table::Intake => ("intake", "UPDATE intake SET document = ?2 WHERE rowid = ?1"),
    };
    let columns = "(id, app, site, asset, digest, request_hash, idempotency_key, nonce, dictated,
        expires_at, whys, state, entered_at, reserved_at, ended_at, by_person, code,
        method, url, path, document_hash, option, scheme, payer, payee, symbol, decimals, token_known, contract,
        price, fee_to, fee, maximum, valid_after, valid_before, balance,
        allowance_spender, allowance_have, allowance_need, allowance_cost, findings, site_words, app_words, resource,
        signed_at, ended_by, settlement, settlement_at, tx, block, failure, actual, delivery, delivery_at, http_status,
        caller, provenance) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
        ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40, ?41, ?42, ?43, ?44,
        ?45, ?46, ?47, ?48, ?49, ?50, ?51, ?52, ?53, ?54, ?55, ?56, ?57)";
    let (tx, block) = settled(p);
    let need = plan.allowance.as_ref();
    db.prepare_cached(&format!("INSERT INTO {into} {columns}"))?.execute(params![
        p.id.bytes(),
        app,
        site,
        asset,
        p.digest.bytes(),
        p.request_hash,
        p.idempotency_key,
        p.nonce,
        p.dictated,
        p.expires_at.0,
        wire::write_whys(&p.whys)?,
        p.state.name(),
        p.entered_at.0,
        p.reserved_at.map(|m| m.0),
        p.ended_at.map(|m| m.0),
        p.by_person,
        p.code,
        plan.request.method,
        plan.request.url,
        plan.request.path,
        plan.document,
        whole(plan.option as u64),
        plan.scheme.name(),
        plan.payer.bytes(),
        plan.payee.bytes(),
        plan.token.symbol,
        i64::from(plan.token.decimals),
        plan.token.known,
        plan.contract.bytes(),
        plan.price.to_be_bytes(),
        plan.fee.as_ref().map(|f| *f.to.bytes()),
        plan.fee.as_ref().map(|f| f.amount.to_be_bytes()),
        plan.maximum.to_be_bytes(),
        plan.window.valid_after.cast_signed(),
        plan.window.valid_before.cast_signed(),
        plan.balance.map(|a| a.to_be_bytes()),
        need.map(|n| *n.spender.bytes()),
        need.map(|n| n.have.to_be_bytes()),
        need.map(|n| n.need.to_be_bytes()),
        need.map(|n| whole(n.cost_sun)),
        wire::write_findings(&plan.findings)?,
        plan.site_words,
        plan.app_words,
        resource(&plan.site, &plan.request.url, &plan.payee),
        p.signed_at.map(|m| m.0),
        p.ended_by,
        p.settlement.as_ref().map(Settlement::name),
        p.settlement_at.map(|m| m.0),
        tx,
        block.map(whole),
        p.seller_says,
        p.actual.map(|a| a.to_be_bytes()),
        p.delivery.map(Delivery::name),
        p.delivery_at.map(|m| m.0),
        p.http_status.map(i64::from),
        plan.caller.map(|caller| *caller.bytes()),
        (plan.provenance != Provenance::NotRecorded).then(|| plan.provenance.name()),
    ])?;
    let seq = db.last_insert_rowid();
    db.prepare_cached(paper)?.execute(params![seq, document])?;
    Ok(seq)
}

/// Writes the plan of an open question anew.
pub fn replan(db: &Connection, row: &Row) -> Result<(), LedgerError> {
    let (p, plan) = (&row.payment, &row.payment.plan);
    let sql = "UPDATE payments SET asset = ?2, digest = ?3, nonce = ?4, dictated = ?5, expires_at = ?6, whys = ?7,
        option = ?8, scheme = ?9, payer = ?10, payee = ?11, symbol = ?12, decimals = ?13, token_known = ?14,
        contract = ?15, price = ?16, fee_to = ?17, fee = ?18, maximum = ?19, valid_after = ?20, valid_before = ?21,
        balance = ?22, allowance_spender = ?23, allowance_have = ?24, allowance_need = ?25, allowance_cost = ?26,
        findings = ?27, resource = ?28, caller = ?29 WHERE seq = ?1 AND state = 'asked'";
    let need = plan.allowance.as_ref();
    db.prepare_cached(sql)?.execute(params![
        row.seq,
        row.asset,
        p.digest.bytes(),
        p.nonce,
        p.dictated,
        p.expires_at.0,
        wire::write_whys(&p.whys)?,
        whole(plan.option as u64),
        plan.scheme.name(),
        plan.payer.bytes(),
        plan.payee.bytes(),
        plan.token.symbol,
        i64::from(plan.token.decimals),
        plan.token.known,
        plan.contract.bytes(),
        plan.price.to_be_bytes(),
        plan.fee.as_ref().map(|f| *f.to.bytes()),
        plan.fee.as_ref().map(|f| f.amount.to_be_bytes()),
        plan.maximum.to_be_bytes(),
        plan.window.valid_after.cast_signed(),
        plan.window.valid_before.cast_signed(),
        plan.balance.map(|a| a.to_be_bytes()),
        need.map(|n| *n.spender.bytes()),
        need.map(|n| n.have.to_be_bytes()),
        need.map(|n| n.need.to_be_bytes()),
        need.map(|n| whole(n.cost_sun)),
        wire::write_findings(&plan.findings)?,
        resource(&plan.site, &plan.request.url, &plan.payee),
        plan.caller.map(|caller| *caller.bytes()),
    ])?;
    Ok(())
}

/// Transaction and block as the row has them.
fn settled(p: &Payment) -> (Option<&String>, Option<u64>) {
    match &p.settlement {
        Some(Settlement::Seen { tx }) => (tx.as_ref(), None),
        Some(Settlement::Final { tx, block }) => (tx.as_ref(), *block),
        Some(Settlement::Unknown | Settlement::NeverUsed) | None => (None, None),
    }
}

/// Writes what the three lives changed.
pub fn update(db: &Connection, row: &Row) -> Result<(), LedgerError> {
    let p = &row.payment;
    let (tx, block) = settled(p);
    let sql = "UPDATE payments SET state = ?2, reserved_at = ?3, signed_at = ?4, ended_at = ?5, by_person = ?6,
        code = ?7, ended_by = ?8, settlement = ?9, settlement_at = ?10, tx = ?11, block = ?12, failure = ?13,
        actual = ?14, delivery = ?15, delivery_at = ?16, http_status = ?17, valid_after = ?18, valid_before = ?19, dropped_at = ?20
        WHERE seq = ?1";
    db.prepare_cached(sql)?.execute(params![
        row.seq,
        p.state.name(),
        p.reserved_at.map(|m| m.0),
        p.signed_at.map(|m| m.0),
        p.ended_at.map(|m| m.0),
        p.by_person,
        p.code,
        p.ended_by,
        p.settlement.as_ref().map(Settlement::name),
        p.settlement_at.map(|m| m.0),
        tx,
        block.map(whole),
        p.seller_says,
        p.actual.map(|a| a.to_be_bytes()),
        p.delivery.map(Delivery::name),
        p.delivery_at.map(|m| m.0),
        p.http_status.map(i64::from),
        p.plan.window.valid_after.cast_signed(),
        p.plan.window.valid_before.cast_signed(),
        p.dropped_at.map(|m| m.0),
    ])?;
    Ok(())
}

/// The columns of a payment; `p`, `apps`, `sites` and `assets` are joined by [`FROM`].
const COLUMNS: &str = "SELECT p.rowid, p.app, p.site, p.asset, p.id, apps.id, sites.key, assets.network, assets.token,
    p.digest, p.request_hash, p.idempotency_key, p.nonce, p.dictated, p.expires_at, p.whys,
    p.state, p.entered_at, p.reserved_at, p.signed_at, p.ended_at, p.by_person, p.code, p.ended_by,
    p.settlement, p.settlement_at, p.tx, p.block, p.failure, p.actual, p.delivery, p.delivery_at, p.http_status,
    p.method, p.url, p.path, p.document_hash, p.option, p.scheme, p.payer, p.payee, p.symbol, p.decimals,
    p.token_known, p.contract, p.price, p.fee_to, p.fee, p.maximum, p.valid_after, p.valid_before, p.balance,
    p.allowance_spender, p.allowance_have, p.allowance_need, p.allowance_cost, p.findings, p.site_words, p.app_words,
    p.caller, p.provenance, p.dropped_at";

/// The payments come first: the order of the joins is the order of the list.
const FROM: &str = "CROSS JOIN apps ON apps.app = p.app CROSS JOIN sites ON sites.site = p.site
    CROSS JOIN assets ON assets.asset = p.asset";

/// The query for `FROM payments p {index} … {rest}`; `index` says by which way ("" or "INDEXED BY …").
pub fn query(index: &str, rest: &str) -> String {
    format!("{COLUMNS} FROM payments p {index} {FROM} {rest}")
}

/// All rows of [`query`].
pub fn select(
    db: &Connection,
    index: &str,
    rest: &str,
    params: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Row>, LedgerError> {
    let mut query = db.prepare_cached(&query(index, rest))?;
    let mut rows = query.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(&mut Cells::of(row))?);
    }
    Ok(found)
}

/// The header that pays, beside the 402.
pub fn write_header(db: &Connection, seq: i64, name: &str, value: &str) -> Result<(), LedgerError> {
    db.prepare_cached("UPDATE papers SET header_name = ?2, header_value = ?3 WHERE payment = ?1")?
        .execute(params![seq, name, value])?;
    Ok(())
}

/// What stands in `intake`, each with its 402.
pub fn taken_in(db: &Connection) -> Result<Vec<(Row, String)>, LedgerError> {
    let mut query = db.prepare_cached(&format!("{COLUMNS}, p.document FROM intake p {FROM} ORDER BY p.rowid"))?;
    let mut rows = query.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        found.push((read(&mut cells)?, cells.take()?));
    }
    Ok(found)
}

pub fn find(db: &Connection, id: PaymentId) -> Result<Option<Row>, LedgerError> {
    Ok(select(db, "", "WHERE p.id = ?1", &[id.bytes()])?.pop())
}

pub fn get(db: &Connection, id: PaymentId) -> Result<Row, LedgerError> {
    find(db, id)?.ok_or(LedgerError::NoSuchPayment { id })
}

/// The key of a payment's row.
pub fn seq(db: &Connection, id: PaymentId) -> Result<i64, LedgerError> {
    db.prepare_cached("SELECT seq FROM payments WHERE id = ?1")?
        .query_row([id.bytes()], |row| row.get(0))
        .optional()?
        .ok_or(LedgerError::NoSuchPayment { id })
}

fn read(cells: &mut Cells<'_>) -> Result<Row, LedgerError> {
    let (seq, app, site, asset) = (cells.take()?, cells.take()?, cells.take()?, cells.take()?);
    let id = PaymentId::from_bytes(cells.take()?);
    let (app_id, site_key, network, token) = (cells.app()?, cells.site()?, cells.network()?, cells.address()?);
    let digest = PlanDigest::from_bytes(cells.take()?);
    let (request_hash, idempotency_key, nonce, dictated) = (cells.take()?, cells.take()?, cells.take()?, cells.take()?);
    let expires_at = cells.moment()?;
    let whys = wire::read_whys(cells.text("whys")?)?;
    let state = read_state(cells.text("state")?)?;
    let (entered_at, reserved_at, signed_at, ended_at) =
        (cells.moment()?, cells.maybe_moment()?, cells.maybe_moment()?, cells.maybe_moment()?);
    let (by_person, code, ended_by) = (cells.take()?, cells.take()?, cells.take()?);
    let settlement: Option<String> = cells.take()?;
    let settlement_at = cells.maybe_moment()?;
    let (tx, block, seller_says) = (cells.take()?, cells.maybe_number("block")?, cells.take()?);
    let settlement = settlement.map(|name| read_settlement(&name, tx, block)).transpose()?;
    let actual = cells.maybe_amount()?;
    let delivery: Option<String> = cells.take()?;
    let delivery = delivery.map(|name| named(&name, "delivery", &Delivery::ALL, |d| d.name())).transpose()?;
    let (delivery_at, http_status) = (cells.maybe_moment()?, cells.maybe_number("http_status")?);
    let request = Request { method: cells.take()?, url: cells.take()?, path: cells.take()? };
    let (document, option) = (cells.take()?, cells.number("option")?);
    let scheme = named(cells.text("scheme")?, "scheme", &SCHEMES, |s| s.name())?;
    let (payer, payee) = (cells.address()?, cells.address()?);
    let token =
        TokenRef { address: token, symbol: cells.take()?, decimals: cells.number("decimals")?, known: cells.take()? };
    let (contract, price) = (cells.address()?, cells.amount()?);
    let fee = match (cells.maybe_address()?, cells.maybe_amount()?) {
        (Some(to), Some(amount)) => Some(Fee { to, amount }),
        _ => None,
    };
    let maximum = cells.amount()?;
    // All 64 bits: a server may name any number, and the digest covers it as it is.
    let window = Window {
        valid_after: cells.take::<i64>()?.cast_unsigned(),
        valid_before: cells.take::<i64>()?.cast_unsigned(),
    };
    let balance = cells.maybe_amount()?;
    let need = (cells.maybe_address()?, cells.maybe_amount()?, cells.maybe_amount()?, cells.maybe_number("cost")?);
    let allowance = match need {
        (Some(spender), Some(have), Some(need), Some(cost_sun)) => {
            Some(AllowanceNeed { spender, have, need, cost_sun })
        }
        _ => None,
    };
    let findings = wire::read_findings(cells.text("findings")?)?;
    let (site_words, app_words) = (cells.take()?, cells.take()?);
    let caller = cells.maybe_address()?;
    let provenance = read_provenance(cells.maybe_text("provenance")?, &app_id)?;
    let dropped_at = cells.maybe_moment()?;
    let plan = Plan {
        app: app_id,
        site: site_key,
        provenance,
        request,
        document,
        option,
        scheme,
        network,
        payer,
        payee,
        token,
        contract,
        price,
        fee,
        caller,
        maximum,
        window,
        allowance,
        balance,
        findings,
        site_words,
        app_words,
    };
    let payment = Payment {
        id,
        plan,
        digest,
        request_hash,
        idempotency_key,
        nonce,
        dictated,
        expires_at,
        whys,
        state,
        entered_at,
        reserved_at,
        signed_at,
        ended_at,
        by_person,
        code,
        ended_by,
        settlement,
        settlement_at,
        actual,
        delivery,
        delivery_at,
        http_status,
        seller_says,
        dropped_at,
    };
    Ok(Row { seq, app, site, asset, payment })
}

/// Rows of before it was written down: what an app brought was claimed, as ever; of what the owner's own command line
/// brought nobody knows any more.
fn read_provenance(name: Option<&str>, app: &AppId) -> Result<Provenance, LedgerError> {
    match name {
        Some(name) => named(name, "provenance", &Provenance::ALL, |p| p.name()),
        None if *app == AppId::owner() => Ok(Provenance::NotRecorded),
        None => Ok(Provenance::Claimed),
    }
}

fn named<T: Copy>(
    found: &str,
    field: &'static str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, LedgerError> {
    all.iter()
        .copied()
        .find(|value| name(*value) == found)
        .ok_or_else(|| LedgerError::Damaged { field, found: found.to_owned() })
}

pub fn read_state(name: &str) -> Result<State, LedgerError> {
    named(name, "state", &State::ALL, |s| s.name())
}

pub fn read_kind(name: &str) -> Result<SettlementKind, LedgerError> {
    named(name, "settlement", &SettlementKind::ALL, |k| k.name())
}

fn read_settlement(name: &str, tx: Option<String>, block: Option<u64>) -> Result<Settlement, LedgerError> {
    match name {
        "unknown" => Ok(Settlement::Unknown),
        "seen" => Ok(Settlement::Seen { tx }),
        "final" => Ok(Settlement::Final { tx, block }),
        "never used" => Ok(Settlement::NeverUsed),
        other => Err(LedgerError::Damaged { field: "settlement", found: other.to_owned() }),
    }
}
