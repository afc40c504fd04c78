//! What the inspector says, as a reader sees it.

use super::*;
use tron::{Address, Network, PrivateKey};
use x402::Offer;

mod node;
mod pasted;
mod transactions;

const NOW: Moment = Moment(1_795_600_000_000);

fn key() -> PrivateKey {
    PrivateKey::from_bytes(&[7; 32]).unwrap()
}

fn offer_json() -> String {
    r#"{"x402Version":2,"resource":{"url":"https://shop.example/report"},"accepts":[{"scheme":"exact_permit","network":"tron:nile","amount":"250000","asset":"TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf","payTo":"TLEaY8XoqpBmndLsjcfThgdKLN1ssNuUcF","maxTimeoutSeconds":300,"extra":{"fee":{"feeTo":"TYBNgWfhGuNzdLtjKtxXTfskAhTbMcqbaG","feeAmount":"10000","caller":"TYBNgWfhGuNzdLtjKtxXTfskAhTbMcqbaG"}}},{"scheme":"exact","network":"eip155:8453","amount":"1","asset":"0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913","payTo":"0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"}],"extensions":{"paymentPermitContext":{"meta":{"kind":"PAYMENT_ONLY","paymentId":"0x00112233445566778899aabbccddeeff","nonce":"5","validAfter":0,"validBefore":1795600600}}}}"#.to_owned()
}

fn payment() -> x402::Payment {
    let offer = Offer::read(&offer_json()).unwrap();
    let option = &offer.options[0];
    let authorization = option.terms.as_ref().unwrap().authorize(key().address()).unwrap();
    authorization.payment(&offer, option, &key().sign(&authorization.digest))
}

fn typed_document() -> String {
    let offer = Offer::read(&offer_json()).unwrap();
    offer.options[0].terms.as_ref().unwrap().authorize(key().address()).unwrap().typed_data().to_string()
}

fn at(text: &str) -> InspectView {
    inspect_at(text, NOW)
}

fn codes(view: &InspectView) -> Vec<&str> {
    view.parts.iter().flat_map(|part| &part.findings).map(|finding| finding.code.as_str()).collect()
}

fn value(view: &InspectView, label: &str) -> String {
    let lines = view.parts.iter().flat_map(|part| &part.groups).flat_map(|group| &group.lines);
    let found = lines.into_iter().find(|line| line.label == label);
    found.unwrap_or_else(|| panic!("no line {label:?} in {view:#?}")).value.clone()
}

#[test]
fn every_form_of_a_402_says_what_it_is() {
    let json = offer_json();
    let header = x402::header::write(&json);
    let curl = format!("HTTP/2 402 \r\ncontent-type: application/json\r\npayment-required: {header}\r\n\r\n{{}}");
    let forms = [
        json.clone(),
        header.clone(),
        format!("PAYMENT-REQUIRED: {header}"),
        format!("< payment-required: {header}\n"),
        format!("\"payment-required\": \"{header}\","),
        format!("{{\"Payment-Required\":\"{header}\"}}"),
        header.as_bytes().chunks(76).map(|line| String::from_utf8(line.to_vec()).unwrap() + "\n").collect(),
        curl,
    ];
    for form in forms {
        let seen = at(&form);
        assert!(seen.title.ends_with("of version 2 with 2 options."), "{}: {form}", seen.title);
        assert_eq!(value(&seen, "price"), "0.25 USDT");
        assert!(codes(&seen).contains(&"networkForeign"), "{:?}", codes(&seen));
    }
    let url_safe = at(header.replace('+', "-").replace('/', "_").trim_end_matches('='));
    assert!(url_safe.understood);
}

#[test]
fn a_payment_names_its_signer_its_digest_and_when_it_ends() {
    let payment = payment();
    let seen = at(&format!("PAYMENT-SIGNATURE: {}", payment.header_value()));
    assert_eq!(value(&seen, "signature recovers to"), key().address().to_string());
    assert!(codes(&seen).contains(&"signerFits") && !codes(&seen).contains(&"payloadExpired"), "{:?}", codes(&seen));
    let late = inspect_at(payment.to_json(), Moment(NOW.0 + 3_600_000));
    assert!(codes(&late).contains(&"payloadExpired"));
    let altered = payment.to_json().replace("\"payAmount\":\"250000\"", "\"payAmount\":\"350000\"");
    assert!(codes(&at(&altered)).contains(&"signerDiffers"));
    // Without a clock nothing is called expired.
    assert!(!codes(&inspect(payment.to_json())).contains(&"payloadExpired"));
}

#[test]
fn a_payment_beside_its_402_is_judged_as_a_facilitator_would() {
    let payment = payment();
    let both = format!("{}\nPAYMENT-SIGNATURE: {}", offer_json(), payment.header_value());
    let seen = at(&both);
    assert_eq!(seen.title, "2 documents.");
    assert!(codes(&seen).contains(&"paysAsAsked") && codes(&seen).contains(&"verdictYes"), "{:?}", codes(&seen));
    let dearer = at(&both.replacen("\"amount\":\"250000\"", "\"amount\":\"260000\"", 1));
    assert!(
        codes(&dearer).contains(&"paysDifferently") && codes(&dearer).contains(&"verdictNo"),
        "{:?}",
        codes(&dearer)
    );
    let request = x402::facilitator::write_request(&payment, &Offer::read(&offer_json()).unwrap().options[0]);
    assert!(codes(&at(&request)).contains(&"verdictYes"), "{:?}", codes(&at(&request)));
}

#[test]
fn typed_data_is_recognised_and_with_a_signature_its_signer_is_told() {
    let offer = Offer::read(&offer_json()).unwrap();
    let authorization = offer.options[0].terms.as_ref().unwrap().authorize(key().address()).unwrap();
    let document = authorization.typed_data().to_string();
    let seen = at(&document);
    assert_eq!(seen.title, "Typed data (TIP-712): a payment by exact_permit (PaymentPermit).");
    assert_eq!(value(&seen, "digest to sign"), authorization.digest.to_string());
    assert_eq!(value(&seen, "payment.payAmount"), "0.25 USDT");
    let signature = key().sign(&authorization.digest);
    let signed = at(&format!("{document}\n{signature}"));
    assert!(codes(&signed).contains(&"signerFits"));
    let digest = at(&format!("{}\n{signature}", authorization.digest));
    assert_eq!(value(&digest, "signature recovers to"), key().address().to_string());
    let elsewhere = document.replace("3448148188", "8453");
    assert!(codes(&at(&elsewhere)).contains(&"typedNotTron"));
}

#[test]
fn a_transaction_is_read_with_its_call_and_its_signer() {
    let usdt = Address::parse("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf").unwrap();
    let permit = tron::registry::deployments(Network::Nile).payment_permit;
    let raw = tron::RawTransaction {
        ref_block_bytes: [1, 2],
        ref_block_hash: [3; 8],
        expiration_ms: 1_795_600_060_000,
        timestamp_ms: 1_795_600_000_000,
        contract: tron::tx::Contract::Trigger {
            owner: key().address(),
            contract: usdt,
            call_value_sun: 0,
            data: tron::abi::approve(permit, tron::Amount::MAX),
        },
        fee_limit_sun: 100_000_000,
    };
    let seen = at(&raw.to_hex());
    assert!(seen.title.contains("approve") && seen.needs_network, "{}", seen.title);
    assert!(codes(&seen).contains(&"allowanceUnlimited"));
    assert_eq!(value(&seen, "transaction id"), raw.id().to_string());
    let signed = tron::SignedTransaction::sign(raw, &key());
    for form in [signed.to_hex(), format!("0x{}", signed.to_hex()), signed.to_json().to_string()] {
        assert!(codes(&at(&form)).contains(&"signerFits"), "{form}");
    }
}

#[test]
fn small_things_are_told_by_their_form() {
    for (text, kind) in [
        ("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf", KindView::Address),
        ("0xeca9bc828a3005b9a3b909f2cc5c2a54794de05f", KindView::Address),
        ("eip155:8453", KindView::Network),
        ("tron:0xcd8690dc", KindView::Network),
        ("https://shop.example/report", KindView::Url),
        (&"ab".repeat(32), KindView::Hash),
        (r#"{"isValid":false,"invalidReason":"expired"}"#, KindView::VerifyResponse),
        (r#"{"kinds":[{"x402Version":2,"scheme":"exact","network":"tron:nile"}]}"#, KindView::Supported),
        (r#"{"success":true,"transaction":"","network":"tron:nile"}"#, KindView::SettleResponse),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"type":"text","text":"{\"x402Version\":2,\"accepts\":[{}]}"}]}}"#,
            KindView::PaymentRequired,
        ),
        (
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
            KindView::Secret,
        ),
        ("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBg", KindView::Unknown),
        ("hello", KindView::Unknown),
        ("", KindView::Unknown),
    ] {
        let seen = at(text);
        assert_eq!(seen.parts[0].kind, kind, "{text}: {seen:#?}");
        assert!(!format!("{seen:?}").contains("abandon"), "secret words are not repeated");
    }
    let slip = at("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBg");
    assert!(slip.parts[0].tried[0].expected.contains("checksum"), "{:?}", slip.parts[0].tried);
    let twice = at(r#"{"x402Version":2,"accepts":[{"scheme":"exact","scheme":"upto"}]}"#);
    assert_eq!(twice.parts[0].tried[0].field, "accepts[0].scheme");
    assert!(twice.parts[0].tried[0].found.contains("the same key again"), "{:?}", twice.parts[0].tried);
}

#[test]
fn redirects_are_shown_and_judged_and_a_header_that_came_twice_is_told() {
    let header = x402::header::write(&offer_json());
    let away = |to: &str| {
        let text = format!(
            "GET https://shop.example/a HTTP/1.1\n\nHTTP/1.1 302 Found\nlocation: {to}\nset-cookie: id=secret\n\n"
        );
        at(&text)
    };
    assert!(codes(&away("/b")).contains(&"redirect"));
    assert!(codes(&away("https://other.example/b")).contains(&"redirectElsewhere"));
    assert!(codes(&away("http://shop.example/b")).contains(&"redirectInsecure"));
    assert!(!format!("{:?}", away("/b")).contains("id=secret"));
    let twice = at(&format!("PAYMENT-REQUIRED: {header}\nPAYMENT-REQUIRED: {header}"));
    assert!(codes(&twice).contains(&"headerTwice"));
    let answer = |body: &str| at(&format!("HTTP/1.1 402 Payment Required\npayment-required: {header}\n\n{body}"));
    let same = answer(&offer_json());
    assert!(codes(&same).contains(&"bodySame") && same.title.starts_with("A PAYMENT-REQUIRED"), "{}", same.title);
    assert!(codes(&answer(&offer_json().replace("250000", "1"))).contains(&"bodyDiffers"));
}

#[test]
fn a_member_that_nobody_asked_for_is_shown_with_a_safe_short_name() {
    let long = "x".repeat(3000);
    let offer = format!(
        r#"{{"x402Version":2,"accepts":[{{"scheme":"a","pay \u202eless":1,"{long}":1}}],"\u200bsigned":true}}"#
    );
    let seen = inspect(&offer);
    let lines = seen.parts.iter().flat_map(|part| &part.groups).flat_map(|group| &group.lines);
    let labels: Vec<&str> = lines.map(|line| line.label.as_str()).collect();
    assert!(labels.contains(&"pay ⟨U+202E⟩less") && labels.contains(&"⟨U+200B⟩signed"), "{labels:?}");
    assert!(labels.iter().all(|label| label.chars().count() <= 81));
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let seen = at(&"a".repeat(TEXT_BYTES + 1));
    assert!(!seen.understood && seen.parts[0].tried[0].found == format!("{} bytes", TEXT_BYTES + 1));
    let many = at(&"tron:nile\n".repeat(40));
    assert!(many.parts.len() == split::PIECES + 1 && many.parts.last().unwrap().kind == KindView::Unknown);
}

/// Every code that is used has its words, and every word its use.
#[test]
fn every_finding_has_a_title_and_says_what_to_do() {
    let sources = [
        include_str!("answer.rs"),
        include_str!("answers.rs"),
        include_str!("beside.rs"),
        include_str!("addresses.rs"),
        include_str!("bytes.rs"),
        include_str!("calls.rs"),
        include_str!("nearly.rs"),
        include_str!("transactions.rs"),
        include_str!("chain.rs"),
        include_str!("extensions.rs"),
        include_str!("odd.rs"),
        include_str!("offers.rs"),
        include_str!("partly.rs"),
        include_str!("payments.rs"),
        include_str!("read.rs"),
        include_str!("typed.rs"),
        include_str!("mod.rs"),
        include_str!("node/account.rs"),
        include_str!("node/block.rs"),
        include_str!("node/contract.rs"),
        include_str!("node/mod.rs"),
        include_str!("node/plain.rs"),
        include_str!("node/receipt.rs"),
        include_str!("node/rpc.rs"),
        include_str!("node/said.rs"),
        include_str!("node/send.rs"),
    ]
    .concat();
    let catalogue = include_str!("../../words/en.ftl");
    let quoted: std::collections::HashSet<&str> = sources.split('"').collect();
    for line in catalogue.lines().filter_map(|line| line.strip_prefix("inspect-")) {
        let code = line.split([' ', '-']).next().unwrap();
        assert!(quoted.contains(code), "nothing finds {code}");
    }
    for code in sources.split("found(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        for key in [format!("inspect-{code} ="), format!("inspect-{code}-title =")] {
            assert!(catalogue.contains(&key), "{key} is missing");
        }
    }
}

#[test]
fn what_is_asked_stands_above_the_messages_that_carried_it() {
    let header = x402::header::write(&offer_json());
    let fetched = format!(
        "GET https://shop.example/report HTTP/1.1\nHTTP/1.1 402 Payment Required\npayment-required: {header}\nserver: x\n\n{{}}"
    );
    let kinds: Vec<KindView> = at(&fetched).parts.iter().map(|part| part.kind).collect();
    assert_eq!(kinds.first(), Some(&KindView::PaymentRequired), "{kinds:?}");
    let cards = kinds.iter().position(|kind| *kind == KindView::Http).unwrap();
    assert!(kinds[cards..].iter().all(|kind| *kind == KindView::Http), "{kinds:?}");
}

const USDT: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
const SHOP: &str = "TLEaY8XoqpBmndLsjcfThgdKLN1ssNuUcF";
const SETTLER: &str = "TYBNgWfhGuNzdLtjKtxXTfskAhTbMcqbaG";

/// A request to verify with this payload, signed by our key, and with the option that it echoes.
fn of_scheme(scheme: &str, extra: &str, payload: &str) -> String {
    let option = format!(
        r#"{{"scheme":"{scheme}","network":"tron:nile","amount":"250000","asset":"{USDT}","payTo":"{SHOP}","maxTimeoutSeconds":300,"extra":{extra}}}"#
    );
    let unsigned = format!(r#"{{"x402Version":2,"accepted":{option},"payload":{payload}}}"#);
    let blank = format!("0x{}", "11".repeat(65));
    let mut filled = unsigned.replace("SIGNATURE", &blank);
    let read = |text: &str| x402::Payment::read(text).unwrap().payload.unwrap();
    if let x402::Payload::BatchSettlement(channel) = read(&filled) {
        let id = channel.config().channel_id(Network::Nile);
        filled = filled.replace(&"00".repeat(32), &payments::hex(&id));
    }
    let digest = read(&filled).digest(Network::Nile, None).unwrap();
    let signed = filled.replace(&blank, &key().sign(&digest).to_hex());
    format!(r#"{{"x402Version":2,"paymentPayload":{signed},"paymentRequirements":{option}}}"#)
}

#[test]
fn schemes_that_are_not_settled_here_are_checked_as_far_as_they_can_be_and_it_says_how_far() {
    let (user, spender) = (key().address(), tron::registry::deployments(Network::Nile).permit2[0].upto_proxy.unwrap());
    let upto = of_scheme(
        "upto",
        &format!(r#"{{"permit2FacilitatorAddress":"{SETTLER}"}}"#),
        &format!(
            r#"{{"signature":"SIGNATURE","permit2Authorization":{{"from":"{user}","permitted":{{"token":"{USDT}","amount":"250000"}},"spender":"{spender}","nonce":"7","deadline":"1795600600","witness":{{"to":"{SHOP}","facilitator":"{SETTLER}","validAfter":"0"}}}}}}"#
        ),
    );
    let gasfree = of_scheme(
        "exact_gasfree",
        "{}",
        &format!(
            r#"{{"signature":"SIGNATURE","gasfreeAddress":"{SETTLER}","gasfree":{{"token":"{USDT}","serviceProvider":"{SETTLER}","user":"{user}","receiver":"{SHOP}","value":"250000","maxFee":"1000000","deadline":1795600600,"version":1,"nonce":3}}}}"#
        ),
    );
    let zero = "00".repeat(32);
    let channel = of_scheme(
        "batch-settlement",
        &format!(r#"{{"receiverAuthorizer":"{SETTLER}","withdrawDelay":900}}"#),
        &format!(
            r#"{{"type":"voucher","channelConfig":{{"payer":"{user}","payerAuthorizer":"{user}","receiver":"{SHOP}","receiverAuthorizer":"{SETTLER}","token":"{USDT}","withdrawDelay":900,"salt":"0x{}"}},"voucher":{{"channelId":"0x{zero}","maxClaimableAmount":"250000","signature":"SIGNATURE"}}}}"#,
            "01".repeat(32)
        ),
    );
    let late = Moment(NOW.0 + 3_600_000);
    for (request, changed, wrong, ends) in [
        (&upto, upto.replace("\"nonce\":\"7\"", "\"nonce\":\"8\""), "signature", true),
        (
            &upto,
            upto.replacen("\"amount\":\"250000\"}", "\"amount\":\"350000\"}", 1),
            "the most that can be taken",
            true,
        ),
        (&gasfree, gasfree.replace("\"value\":\"250000\"", "\"value\":\"1\""), "amount", true),
        (&channel, channel.replace(&"01".repeat(32), &"02".repeat(32)), "the channel that is named", false),
        (
            &channel,
            channel.replace("\"maxClaimableAmount\":\"250000\"", "\"maxClaimableAmount\":\"9\""),
            "signature",
            false,
        ),
    ] {
        let seen = at(request);
        assert!(codes(&seen).contains(&"verdictPartly"), "{:?} {request}", codes(&seen));
        assert_ne!(&changed, request);
        let seen = at(&changed);
        let no = seen.parts.iter().flat_map(|part| &part.findings).find(|found| found.code == "verdictPartlyNo");
        assert!(no.is_some_and(|no| no.text.contains(wrong)), "{wrong}: {no:?}");
        assert_eq!(codes(&inspect_at(request, late)).contains(&"verdictPartlyNo"), ends, "{request}");
    }
}
