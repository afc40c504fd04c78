//! A ledger as two years of use would leave it, of any size: the same number gives the same payments. For tests
//! and benchmarks only (feature `bulk`). Never random, never the clock.

use crate::bulk::Life;
use crate::payment::{Delivery, Payment, Settlement, State};
use crate::{Ledger, LedgerError, NewApp, PaymentId};
use plan::{AppId, Fee, Moment, Plan, PlanDigest, Provenance, Request, Site, TokenRef, Why, Window};
use tron::{Address, Amount, Network};
use x402::Scheme;

/// The end of the two years: 2026-11-25T00:00:00Z.
pub const END: Moment = Moment::from_secs(1_795_564_800);
const SPAN: u64 = 730 * 86_400_000;
const SITES: u64 = 600;
/// Rows of one transaction.
const BATCH: u64 = 250_000;
const APPS: [&str; 7] = ["reader", "researcher", "weather-widget", "notes-agent", "translator", "crawler", "小助手"];
const TAGS: [&str; 8] = ["work", "taxes", "travel", "研究", "family", "client A", "client B", "news"];
const TOPICS: [(&str, &str); 16] = [
    ("weather", "天气"),
    ("news", "新闻"),
    ("stock prices", "股票行情"),
    ("translation", "翻译"),
    ("maps", "地图"),
    ("train times", "火车时刻"),
    ("research papers", "论文"),
    ("images", "图片"),
    ("recipes", "菜谱"),
    ("legal texts", "法律文本"),
    ("chemistry data", "化学数据"),
    ("sports results", "体育比分"),
    ("air quality", "空气质量"),
    ("exchange rates", "汇率"),
    ("podcasts", "播客"),
    ("company records", "企业信息"),
];
const PLACES: [(&str, &str); 12] = [
    ("Berlin", "柏林"),
    ("Shanghai", "上海"),
    ("Nairobi", "内罗毕"),
    ("São Paulo", "圣保罗"),
    ("Tokyo", "东京"),
    ("Köln", "科隆"),
    ("Singapore", "新加坡"),
    ("New York", "纽约"),
    ("Beijing", "北京"),
    ("Warsaw", "华沙"),
    ("Taipei", "台北"),
    ("Lagos", "拉各斯"),
];
/// When in the day a payment falls: of a hundred, by the hour.
const RHYTHM: [u64; 24] = [1, 1, 1, 1, 1, 2, 3, 4, 6, 7, 7, 6, 5, 6, 7, 7, 6, 5, 5, 5, 5, 4, 3, 2];

/// Numbers that look random and are not.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).unwrap_or(0)]
    }

    /// Small numbers far more often than large ones.
    fn tail(&mut self, n: u64) -> u64 {
        let third = 1 << 20;
        let (a, b, c) = (self.below(third), self.below(third), self.below(third));
        ((a * b / third) * c / third) * n / third
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            let roll = self.roll().to_be_bytes();
            chunk.copy_from_slice(&roll[..chunk.len()]);
        }
        bytes
    }
}

/// The moment of payment `n` of `count`: even over the days, uneven within them, never backwards.
fn moment(n: u64, count: u64) -> Moment {
    let day_ms = 86_400_000u128;
    let at = u128::from(n) * u128::from(SPAN) / u128::from(count);
    let (day, within) = (at / day_ms, at % day_ms);
    let total: u64 = RHYTHM.iter().sum();
    let mut share = within * u128::from(total);
    let mut ms = 0u128;
    for weight in RHYTHM {
        let hour = u128::from(weight) * day_ms;
        if share < hour {
            ms += share * 3_600_000 / hour;
            break;
        }
        share -= hour;
        ms += 3_600_000;
    }
    let whole = i64::try_from(day * day_ms + ms).unwrap_or(0);
    Moment(END.0 - i64::try_from(SPAN).unwrap_or(0) + whole)
}

fn address(dice: &mut Dice) -> Address {
    Address::from_bytes(dice.bytes())
}

/// Payment `n` of `count`.
pub fn life(n: u64, count: u64) -> Life {
    let mut dice = Dice(n.wrapping_mul(0x1234_5678_9abc_def1) ^ count);
    let at = moment(n, count);
    let number = dice.tail(SITES);
    // What is the site's own does not change from payment to payment.
    let mut own = Dice(number + 1_000_000);
    let topic = own.one(&TOPICS);
    let chinese = own.below(3) == 0;
    let host = format!("{}{number}.example", if chinese { "cn-data" } else { topic.0.split(' ').next().unwrap_or("") });
    let payees = [address(&mut own), address(&mut own)];
    let payee = payees[usize::from(dice.below(20) == 0)];
    let (network, token) = match own.below(10) {
        0 => (Network::Nile, ("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf", "USDT", 6)),
        1 | 2 => (Network::Mainnet, ("TXDk8mbtRbXeYuMNS83CfKPaYYT8XWv9Hz", "USDD", 18)),
        _ => (Network::Mainnet, ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "USDT", 6)),
    };
    let unit = if token.2 == 18 { 1_000_000_000_000_000 } else { 1_000 };
    let price = Amount::from_u64((1 + own.below(400) + dice.below(20)) * unit);
    let place = dice.one(&PLACES);
    let site_words = if chinese {
        format!("{}{},每小时更新", place.1, topic.1)
    } else {
        format!("{} for {}, updated hourly", topic.0, place.0)
    };
    let path = format!("/{}/{}", topic.0.replace(' ', "-"), dice.below(50_000));
    let app = (*dice.one(&APPS)).to_owned();
    let app_words =
        (dice.below(3) == 0).then(|| format!("asked for {} in {} (#{})", topic.0, place.0, dice.below(10_000)));
    let fee = (own.below(3) == 0).then(|| Fee { to: payees[0], amount: Amount::from_u64(10 * unit) });
    let maximum = fee.as_ref().map_or(price, |f| price.saturating_add(f.amount));
    let valid_after = at.secs();
    let plan = Plan {
        app: AppId(app),
        site: Site::of(&format!("https://{host}/")).unwrap_or_else(|_| unreachable!("hosts of ours are hosts")),
        provenance: Provenance::Claimed,
        request: Request { method: "GET".to_owned(), url: format!("https://{host}{path}"), path },
        document: dice.bytes(),
        option: 0,
        scheme: if own.below(5) == 0 { Scheme::ExactGasfree } else { Scheme::ExactPermit },
        network,
        payer: Address::from_bytes([1 + u8::from(own.below(4) == 0); 20]),
        payee,
        token: TokenRef {
            address: Address::parse(token.0).unwrap_or_else(|_| unreachable!("these are addresses")),
            symbol: token.1.to_owned(),
            decimals: token.2,
            known: true,
        },
        contract: Address::from_bytes([40; 20]),
        price,
        caller: fee.as_ref().map(|fee| fee.to),
        fee,
        maximum,
        window: Window { valid_after, valid_before: valid_after + 300 },
        allowance: None,
        balance: None,
        findings: Vec::new(),
        site_words: Some(site_words),
        app_words,
    };
    // As a real one: the moment first, so that ids come in the order of their rows.
    let mut seed = dice.bytes::<16>();
    seed[..6].copy_from_slice(&at.0.to_be_bytes()[2..]);
    let id = PaymentId::from_bytes(seed);
    let mut payment = Payment {
        id,
        digest: PlanDigest::of(&plan),
        plan,
        request_hash: dice.bytes(),
        idempotency_key: None,
        nonce: format!("{n:032x}"),
        dictated: true,
        expires_at: at.plus_ms(300_000),
        whys: Vec::new(),
        state: State::Signed,
        entered_at: at,
        reserved_at: Some(at),
        signed_at: Some(at),
        ended_at: None,
        by_person: false,
        code: None,
        ended_by: None,
        settlement: None,
        settlement_at: None,
        actual: None,
        delivery: None,
        delivery_at: None,
        http_status: None,
        seller_says: None,
        dropped_at: None,
    };
    live(&mut payment, &mut dice, n + 20 >= count);
    let noted = dice.below(100);
    let signed = payment.state == State::Signed;
    Life {
        document: "{\"x402Version\":2}".to_owned(),
        header: signed.then(|| ("PAYMENT-SIGNATURE".to_owned(), "e30=".to_owned())),
        note: if noted == 0 { format!("checked with {} 已核对", place.0) } else { String::new() },
        tags: if noted < 4 { vec![(*dice.one(&TAGS)).to_owned()] } else { vec![] },
        payment,
    }
}

/// What became of it. Only the newest may be unsettled.
fn live(payment: &mut Payment, dice: &mut Dice, newest: bool) {
    let at = payment.entered_at;
    let end = |payment: &mut Payment, state| {
        payment.state = state;
        payment.whys = vec![Why::NoRule];
        (payment.reserved_at, payment.signed_at) = (None, None);
        payment.ended_at = Some(at.plus_ms(9_000));
    };
    match dice.below(100) {
        0..=2 => {
            end(payment, State::Refused);
            payment.code = Some("balanceShort".to_owned());
        }
        3 | 4 => {
            end(payment, State::Rejected);
            payment.code = Some("tooDear".to_owned());
            payment.ended_by = Some("window".to_owned());
        }
        5 => end(payment, State::Expired),
        6 => end(payment, State::Cancelled),
        roll => {
            let tx = || dice_hex(payment.id);
            payment.settlement = Some(match roll {
                _ if newest => Settlement::Unknown,
                7..=9 => Settlement::NeverUsed,
                _ => Settlement::Final { tx: Some(tx()), block: Some(70_000_000 + at.secs() / 3 % 10_000_000) },
            });
            // What the seller calls failed is over with its window: then nobody used the permission.
            payment.seller_says = (newest && roll <= 30).then(|| "out of energy".to_owned());
            let later = if roll < 10 { 600_000 } else { 4_000 };
            let unknown = payment.settlement == Some(Settlement::Unknown);
            payment.settlement_at = Some(if unknown { at } else { at.plus_ms(later) });
            let (delivery, status) =
                if roll == 10 { (Delivery::RefusedBySeller, 500) } else { (Delivery::Delivered, 200) };
            payment.delivery = Some(delivery);
            payment.delivery_at = Some(at.plus_ms(700));
            payment.http_status = Some(status);
        }
    }
}

fn dice_hex(id: PaymentId) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(64);
    let mut dice = Dice(u64::from_be_bytes(id.bytes()[8..].try_into().unwrap_or_default()));
    for byte in dice.bytes::<32>() {
        // Writing into a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl Ledger {
    /// Pairs the apps that the payments come from.
    pub fn pair_believable_apps(&self) -> Result<(), LedgerError> {
        let begin = Moment(END.0 - i64::try_from(SPAN).unwrap_or(0));
        for (n, name) in (1u8..).zip(APPS) {
            self.add_app(&NewApp { id: AppId(name.to_owned()), name, readings: &[], token_hash: [n; 32] }, begin)?;
        }
        Ok(())
    }

    /// Fills an empty ledger with `count` payments. `told` hears "rows" or "index" and how many are done or left.
    pub fn fill(&self, count: u64, mut told: impl FnMut(&'static str, u64)) -> Result<(), LedgerError> {
        self.pair_believable_apps()?;
        let mut bulk = self.bulk()?;
        let mut n = 0;
        while n < count {
            let next = (n + BATCH).min(count);
            bulk.add((n..next).map(|n| life(n, count)))?;
            n = next;
            told("rows", n);
        }
        bulk.finish(|left| told("index", left))
    }
}
