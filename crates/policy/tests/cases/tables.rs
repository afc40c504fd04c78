//! The cases: what is changed about an honest payment, and what has to be found.

use super::*;

/// Nothing may be signed, whoever says so.
pub const STOPPED: &[(&str, &str, Change)] = &[
    ("a clock so far behind that the permission is over on the chain", "clockOff", |w| {
        w.chain.clock_ahead_ms = Some(-300_000);
        w.window.valid_before = NOW_SECS + 5;
    }),
    ("a deadline in a year", "deadlineFar", |w| w.window.valid_before = NOW_SECS + 31_536_000),
    ("no deadline to speak of", "deadlineFar", |w| w.window.valid_before = u64::MAX),
    ("a token nobody knows", "tokenUnknown", |w| unknown_token(w, "TFFAMQLZybALaLb4uxHA9RBE7pxhUAjF3U", "ABC")),
    ("a token nobody knows that calls itself USDT", "tokenUnknown", |w| {
        unknown_token(w, "TSP9UW6FQhT76XD2jWA6ipGMx3yGbjDffP", "USDT")
    }),
    ("a token nobody knows without a name", "tokenUnknown", |w| {
        unknown_token(w, "TSP9UW6FQhT76XD2jWA6ipGMx3yGbjDffP", "")
    }),
    ("mainnet's USDT on Nile", "tokenUnknown", |w| unknown_token(w, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "USDT")),
    ("Nile's USDT on mainnet", "tokenUnknown", |w| w.network = Network::Mainnet),
    ("Nile's USDT on Shasta", "tokenUnknown", |w| w.network = Network::Shasta),
    ("the payment contract as token", "tokenUnknown", |w| unknown_token(w, PERMIT, "USDT")),
    ("the payee as token", "tokenUnknown", |w| {
        let at = w.payee.to_string();
        unknown_token(w, &at, "USDT");
    }),
    ("a token that shares both ends with USDT", "tokenLooksLike", |w| unknown_token(w, USDT_BOTH_ENDS, "USDT")),
    ("a token that shares its beginning with USDT", "tokenLooksLike", |w| unknown_token(w, USDT_HEAD, "USDT")),
    ("a look-alike token under another name", "tokenLooksLike", |w| unknown_token(w, USDT_HEAD, "XYZ")),
    ("a contract that is not in the registry", "contractUnknown", |w| w.contract_known = false),
    ("a contract that is the token", "contractUnknown", |w| {
        w.contract = w.token.address;
        w.contract_known = false;
    }),
    ("no caller", "callerMissing", |w| w.caller_missing = true),
    ("no transferWithAuthorization", "tokenCannotAuthorize", |w| w.chain.token = TokenSays::CannotAuthorize),
    ("another token's domain", "domainDiffers", |w| {
        let claimed = ("Tether USD".to_owned(), "1".to_owned());
        w.chain.token = TokenSays::OtherDomain { claimed, stated: (Some("Authorized Dollar".to_owned()), None) };
    }),
    ("a nonce that is used", "nonceUsed", |w| w.chain.nonce_used = Some(true)),
    ("a deadline a second ago", "deadlinePassed", |w| w.window.valid_before = NOW_SECS - 1),
    ("a deadline right now", "deadlinePassed", |w| w.window.valid_before = NOW_SECS),
    ("a deadline in 1970", "deadlinePassed", |w| w.window.valid_before = 0),
    ("a balance of nothing", "balanceShort", |w| w.chain.balance = Some(Amount::ZERO)),
    ("a balance one unit short", "balanceShort", |w| w.chain.balance = Some(Amount::from_u64(249_999))),
    ("a balance that lacks the fee", "balanceShort", |w| {
        w.fee = fee(1);
        w.chain.balance = Some(Amount::from_u64(250_000));
    }),
    ("an allowance and no TRX for it", "trxShort", |w| sender(w, |it| it.trx_sun = it.takes_sun - 1)),
    ("an allowance and an account that never was", "accountNotActive", |w| {
        sender(w, |it| (it.active, it.trx_sun) = (false, 0));
    }),
    ("an allowance and keys of others", "otherKeys", |w| sender(w, |it| it.own_key = false)),
    ("a token that is paused", "tokenPaused", |w| w.chain.trial = Trial::Paused),
    ("a token that has blocked the payer", "payerBlocked", |w| w.chain.trial = Trial::Blocked),
    ("a price beyond the balance", "balanceShort", |w| w.price = u64::MAX),
];

/// A person has to look, whatever the rules allow.
pub const ASKED: &[(&str, &str, Change)] = &[
    ("a payee never seen", "payeeFirstSeen", |w| {
        w.payee = stranger();
        w.history = History::default();
    }),
    ("the first payment ever", "payeeFirstSeen", |w| w.history = History::default()),
    ("a payee seen zero times", "payeeFirstSeen", |w| w.history.payee_times = 0),
    ("another payee than before, never seen", "payeeChanged", |w| {
        w.payee = stranger();
        w.history.payee_times = 0;
        w.history.payee_since = None;
    }),
    ("another payee than before, known elsewhere", "payeeChanged", |w| w.payee = stranger()),
    ("a payee that begins as a known one", "payeeLooksLike", |w| {
        w.payee = like_payee();
        w.history.payee_times = 0;
        w.history.payee_since = None;
    }),
    ("a payee that resembles another site's", "payeeLooksLike", |w| {
        w.payee = like_payee();
        w.history = History { similar_payees: vec![stranger(), payee()], ..History::default() };
    }),
    ("a payee known from another site, at a site without history", "payeeNewHere", |w| {
        w.history.payees_of_site = Vec::new();
    }),
    ("a fee to an address never met", "feeRecipientFirstSeen", |w| {
        w.fee = fee(25_000);
        other(w, Role::Fee, 0, vec![]);
    }),
    ("a fee to another address than before", "feeRecipientChanged", |w| {
        w.fee = fee(1);
        other(w, Role::Fee, 0, vec![(payee(), 3)]);
    }),
    ("a fee to another address than before, known elsewhere", "feeRecipientChanged", |w| {
        w.fee = fee(1);
        other(w, Role::Fee, 9, vec![(payee(), 3)]);
    }),
    ("a first fee here, to an address known elsewhere", "feeRecipientNewHere", |w| {
        w.fee = fee(1);
        other(w, Role::Fee, 9, vec![]);
    }),
    ("a fee to an address that looks like a known one", "feeRecipientLooksLike", |w| {
        w.fee = fee(1);
        other(w, Role::Fee, 0, vec![]);
        w.history.others[0].address = like_payee();
        w.history.others[0].similar = vec![payee()];
    }),
    ("a caller never met", "callerFirstSeen", |w| other(w, Role::Caller, 0, vec![])),
    ("another caller than before", "callerChanged", |w| other(w, Role::Caller, 0, vec![(payee(), 3)])),
    ("a caller that looks like the known one", "callerLooksLike", |w| {
        other(w, Role::Caller, 0, vec![(payee(), 3)]);
        w.history.others[0].address = like_payee();
    }),
    ("a new site one letter away from a known one", "siteResembles", |w| {
        w.history.other_sites = sites(&["https://weather.example", "https://newz.example"]);
    }),
    ("a new site in another script", "siteResembles", |w| w.history.other_sites = sites(&["https://nеws.example"])),
    ("a new site that begins like a known one", "siteResembles", |w| {
        w.history.other_sites = sites(&["https://news.example.shop"]);
    }),
    ("a known host without transport security", "siteOtherPort", |w| {
        w.history.other_sites = sites(&["http://news.example"])
    }),
    ("a known host at another port", "siteOtherPort", |w| {
        w.history.other_sites = sites(&["https://news.example:8443"])
    }),
    ("a fee of eleven percent", "feeShare", |w| w.fee = fee(27_500)),
    ("a fee one unit above ten percent", "feeShare", |w| w.fee = fee(25_001)),
    ("a fee of the price again", "feeShare", |w| w.fee = fee(250_000)),
    ("a fee a hundred times the price", "feeShare", |w| w.fee = fee(25_000_000)),
    ("a fee on nothing", "feeShare", |w| {
        w.price = 0;
        w.fee = fee(1);
    }),
    ("more than three times the usual price", "priceAboveUsual", |w| w.price = 750_001),
    ("a hundred times the usual price", "priceAboveUsual", |w| w.price = 25_000_000),
    ("any price where it was free", "priceAboveUsual", |w| w.history.usual_price = Some(Amount::ZERO)),
    ("a deadline in an hour and a second", "deadlineFar", |w| w.window.valid_before = NOW_SECS + 3601),
    ("a deadline in thirty days", "deadlineFar", |w| w.window.valid_before = NOW_SECS + 30 * 86_400),
    ("a permission for tomorrow", "notYetValid", |w| {
        w.window.valid_after = NOW_SECS + 86_400;
        w.window.valid_before = NOW_SECS + 86_700;
    }),
    ("a permission that begins in a minute and a second", "notYetValid", |w| w.window.valid_after = NOW_SECS + 61),
    ("no block that tells the time", "chainUnknown", |w| w.chain.clock_ahead_ms = None),
    ("a record that lies a day ahead", "recordAhead", |w| {
        w.history.newest = Moment::from_secs(i64::try_from(NOW_SECS + 86_400).unwrap());
    }),
    ("a clock five minutes ahead of the chain", "clockOff", |w| w.chain.clock_ahead_ms = Some(300_000)),
    ("a clock five minutes behind, and a permission of ten", "clockOff", |w| {
        w.chain.clock_ahead_ms = Some(-300_000);
        w.window.valid_before = NOW_SECS + 600;
    }),
    ("a permission that begins in two minutes", "notYetValid", |w| w.window.valid_after = NOW_SECS + 120),
    ("eighteen decimals claimed of six", "decimalsClaimed", |w| w.claimed_decimals = Some(18)),
    ("no decimals claimed of six", "decimalsClaimed", |w| w.claimed_decimals = Some(0)),
    ("an absurd number of decimals", "decimalsClaimed", |w| w.claimed_decimals = Some(u64::MAX)),
    ("USDD's older deployment", "tokenOlder", |w| {
        w.network = Network::Mainnet;
        w.token = TokenRef { address: address(USDD_OLDER), symbol: "USDD".into(), decimals: 18, known: true };
    }),
    ("another host", "resourceElsewhere", |w| elsewhere(w, "https://shop.example/articles/8841")),
    ("a subdomain", "resourceElsewhere", |w| elsewhere(w, "https://api.news.example/articles/8841")),
    ("the parent domain", "resourceElsewhere", |w| elsewhere(w, "https://example/articles/8841")),
    ("the host as a subdomain of another", "resourceElsewhere", |w| {
        elsewhere(w, "https://news.example.evil.example/articles/8841")
    }),
    ("the host as user name", "resourceElsewhere", |w| elsewhere(w, "https://news.example@evil.example/articles/8841")),
    ("the host as user name and password", "resourceElsewhere", |w| {
        elsewhere(w, "https://news.example:443@evil.example/articles/8841")
    }),
    ("a user name before the host", "resourceElsewhere", |w| {
        elsewhere(w, "https://evil.example@news.example/articles/8841")
    }),
    ("no transport security on a port of its own", "resourceElsewhere", |w| {
        elsewhere(w, "http://news.example:8080/articles/8841");
    }),
    ("another port", "resourceElsewhere", |w| elsewhere(w, "https://news.example:8443/articles/8841")),
    ("port 80 under https", "resourceElsewhere", |w| elsewhere(w, "https://news.example:80/articles/8841")),
    ("backslashes", "resourceElsewhere", |w| elsewhere(w, "https:\\\\evil.example\\articles\\8841")),
    ("a host without scheme", "resourceElsewhere", |w| elsewhere(w, "//evil.example/articles/8841")),
    ("a look-alike host in another script", "resourceElsewhere", |w| {
        elsewhere(w, "https://nеws.example/articles/8841")
    }),
    ("full-width letters of another host", "resourceElsewhere", |w| {
        elsewhere(w, "https://ｅvil.example/articles/8841")
    }),
    ("a file", "resourceElsewhere", |w| elsewhere(w, "file:///etc/passwd")),
    ("a script", "resourceElsewhere", |w| elsewhere(w, "javascript:alert(1)")),
    ("inline data", "resourceElsewhere", |w| elsewhere(w, "data:text/html,hello")),
    ("an IP address", "resourceElsewhere", |w| elsewhere(w, "https://127.0.0.1/articles/8841")),
    ("something that is no URL", "resourceElsewhere", |w| elsewhere(w, "https://")),
    ("an unfinished IPv6 host", "resourceElsewhere", |w| elsewhere(w, "https://[::1/articles")),
    ("no answer about the balance", "chainUnknown", |w| w.chain.balance = None),
    ("no answer about the allowance", "chainUnknown", |w| w.chain.allowance = None),
    ("no answer about the nonce", "chainUnknown", |w| w.chain.nonce_used = None),
    ("no answer at all", "chainUnknown", |w| w.chain = ChainFacts::default()),
    ("no allowance", "allowanceMissing", |w| w.chain.allowance = Some(Amount::ZERO)),
    ("an allowance one unit short", "allowanceMissing", |w| w.chain.allowance = Some(Amount::from_u64(249_999))),
    ("no allowance, and an account that can give it", "allowanceMissing", |w| sender(w, |_| ())),
    ("no allowance, and no answer about the account", "chainUnknown", |w| {
        w.chain.allowance = Some(Amount::ZERO);
    }),
    ("a trial run that fails", "transferFails", |w| w.chain.trial = Trial::Fails { reason: "no".into() }),
    ("an allowance that lacks the fee", "allowanceMissing", |w| {
        w.fee = fee(10);
        w.chain.allowance = Some(Amount::from_u64(250_000));
    }),
    ("the same again at once", "paidJustNow", |w| w.history.same_resource = Some(recent(0, false))),
    ("the same again after a minute", "paidJustNow", |w| w.history.same_resource = Some(recent(60_000, false))),
    ("the same again while the first may still be settled", "paidJustNow", |w| {
        w.history.same_resource = Some(unknown(540_000, false));
    }),
    ("the same again, which was paid and not delivered", "paidJustNow", |w| {
        w.history.same_resource = Some(Recent { refused: true, ..recent(540_000, false) });
    }),
    ("the same asked twice by one app", "askedToo", |w| w.history.asked_too = Some(asked_too(true))),
    ("the same again, before it was paid", "paidJustNow", |w| w.history.same_resource = Some(recent(-5_000, false))),
];

/// Ordinary life: a generous rule answers without a question. What is listed is noted on the way.
pub const HONEST: &[(&str, &[&str], Change)] = &[
    ("the same as ever", &[], |_| ()),
    ("a fee of ten percent", &[], |w| w.fee = fee(25_000)),
    ("a fee of nothing", &[], |w| w.fee = fee(0)),
    ("three times the usual price", &[], |w| w.price = 750_000),
    ("a price of one unit", &[], |w| w.price = 1),
    ("no usual price yet", &[], |w| w.history.usual_price = None),
    ("a deadline in an hour", &[], |w| w.window.valid_before = NOW_SECS + 3600),
    ("a deadline in a second", &[], |w| w.window.valid_before = NOW_SECS + 1),
    ("a clock two minutes behind the chain", &[], |w| w.chain.clock_ahead_ms = Some(-120_000)),
    ("a record that ends two minutes ahead", &[], |w| {
        w.history.newest = Moment::from_secs(i64::try_from(NOW_SECS + 120).unwrap());
    }),
    ("a clock half a minute ahead of the chain", &[], |w| w.chain.clock_ahead_ms = Some(30_000)),
    ("a price of nothing", &["nothingPaid"], |w| w.price = 0),
    ("a permission that begins in a minute", &["notYetValid"], |w| w.window.valid_after = NOW_SECS + 60),
    ("a permission since 1970", &[], |w| w.window.valid_after = 0),
    ("the right decimals claimed", &[], |w| w.claimed_decimals = Some(6)),
    ("no name claimed", &[], |w| w.claimed_symbol = None),
    ("another name claimed for a known token", &[], |w| w.claimed_symbol = Some("Tether".into())),
    ("no resource claimed", &[], |w| w.claimed = None),
    ("an empty resource", &[], |w| elsewhere(w, "")),
    ("the resource as a path", &[], |w| elsewhere(w, "/articles/8841")),
    ("the host in capitals", &[], |w| elsewhere(w, "https://NEWS.example/articles/8841")),
    ("the host with a trailing dot", &[], |w| elsewhere(w, "https://news.example./articles/8841")),
    ("the port in writing", &[], |w| elsewhere(w, "https://news.example:443/articles/8841")),
    ("http behind a proxy that ends TLS", &[], |w| elsewhere(w, "http://news.example/articles/8841")),
    ("another query", &[], |w| elsewhere(w, "https://news.example/articles/8841?utm=1")),
    ("another path", &["resourceElsewhere"], |w| elsewhere(w, "https://news.example/articles")),
    ("the whole balance", &[], |w| w.chain.balance = Some(Amount::from_u64(250_000))),
    ("a trial run that goes well", &[], |w| w.chain.trial = Trial::Goes),
    ("a poor account with its allowance", &[], |w| {
        sender(w, |it| it.trx_sun = 0);
        w.chain.allowance = Some(Amount::from_u64(250_000));
    }),
    ("the whole allowance", &[], |w| w.chain.allowance = Some(Amount::from_u64(250_000))),
    ("no allowance where none is needed", &[], |w| {
        w.needs_allowance = false;
        w.chain.allowance = None;
    }),
    ("the same again after it was delivered", &["paidJustNow"], |w| w.history.same_resource = Some(recent(1000, true))),
    ("the same again a minute and a bit later", &[], |w| w.history.same_resource = Some(recent(60_001, false))),
    ("the same again later, delivered and not yet seen on chain", &[], |w| {
        w.history.same_resource = Some(unknown(60_001, true));
    }),
    ("the same asked by another app as well", &["askedToo"], |w| w.history.asked_too = Some(asked_too(false))),
    ("the site's second payee", &[], |w| w.history.payees_of_site = vec![(stranger(), 9), (payee(), 3)]),
    ("a fee to whom it always went", &[], |w| {
        w.fee = fee(25_000);
        other(w, Role::Fee, 3, vec![(stranger(), 3)]);
    }),
    ("the site's second caller", &[], |w| other(w, Role::Caller, 1, vec![(payee(), 9), (stranger(), 1)])),
    ("a caller known from other sites", &["callerNewHere"], |w| other(w, Role::Caller, 3, vec![])),
    ("another port of this machine", &["siteOtherPort", "resourceElsewhere"], |w| {
        w.site = Site::of("http://127.0.0.1:4021/").unwrap();
        w.url = "http://127.0.0.1:4021/".into();
        elsewhere(w, "http://127.0.0.1:4021/a");
        w.history.other_sites = sites(&["http://127.0.0.1:4022"]);
    }),
    ("a new site that resembles none", &[], |w| w.history.other_sites = sites(&["https://weather.example"])),
    ("a known payee that resembles another", &[], |w| w.history.similar_payees = vec![like_payee()]),
    ("the second test USDT", &[], |w| w.token.address = address(USDT_SECOND)),
    ("a token that the person added", &["tokenUnknown"], |w| {
        unknown_token(w, "TFFAMQLZybALaLb4uxHA9RBE7pxhUAjF3U", "ABC");
        w.token_added = true;
    }),
];
