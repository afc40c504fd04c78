//! What nodes answer: answers as a real node gave them, cut to what matters, and the ones that break every promise.

use super::{at, codes};
use crate::inspect::shapes::{InspectView, KindView};
use crate::inspect::{TEXT_BYTES, node};
use serde_json::{Value, json};

/// One answer a line, with what has to be said of it: title, lines by label and value, codes of findings, `!` in front
/// of those that must not be there.
fn answers() -> Vec<Value> {
    let all = include_str!("answers.jsonl").lines().map(|line| serde_json::from_str(line).unwrap());
    all.collect()
}

fn lines(view: &InspectView) -> Vec<(&str, &str)> {
    let groups = view.parts.iter().flat_map(|part| &part.groups);
    groups.flat_map(|group| &group.lines).map(|line| (line.label.as_str(), line.value.as_str())).collect()
}

#[test]
fn every_answer_of_a_node_is_told_for_what_it_is() {
    for row in answers() {
        let (name, text) = (row["name"].as_str().unwrap(), row["answer"].to_string());
        let seen = at(&text);
        assert_eq!(seen.title, row["title"].as_str().unwrap(), "{name}");
        assert!(seen.understood && seen.parts.len() == 1, "{name}: {seen:#?}");
        for line in row["lines"].as_array().unwrap() {
            let line = (line[0].as_str().unwrap(), line[1].as_str().unwrap());
            assert!(lines(&seen).contains(&line), "{name}: no {line:?} in {:#?}", lines(&seen));
        }
        let codes = codes(&seen);
        for code in row["codes"].as_array().unwrap() {
            let code = code.as_str().unwrap();
            let (wanted, code) = code.strip_prefix('!').map_or((true, code), |code| (false, code));
            assert_eq!(codes.contains(&code), wanted, "{name}: {code} in {codes:?}");
        }
        // Whole answers as curl prints them.
        let whole = at(&format!("HTTP/1.1 200 OK\ncontent-type: application/json;charset=utf-8\n\n{text}"));
        assert_eq!(whole.title, seen.title, "{name}");
    }
}

#[test]
fn every_shape_of_the_table_is_met_by_an_answer() {
    let (mut left, _) = node::shapes(&Value::Null);
    for row in answers() {
        let (_, met) = node::shapes(&row["answer"]);
        left.retain(|name| Some(*name) != met);
    }
    assert!(left.is_empty(), "no answer has the shape of {left:?}");
}

#[test]
fn an_error_page_and_an_empty_text_are_named() {
    let page = "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html\"/>\n<title>Error 405 HTTP method \
                POST is not supported by this URL</title>\n</head>\n<body><h2>HTTP ERROR 405</h2></body></html>";
    let seen = at(page);
    let title = "An HTTP error page in place of an answer: “Error 405 HTTP method POST is not supported by this URL”.";
    assert_eq!((seen.title.as_str(), codes(&seen)), (title, vec!["errorPage"]));
    assert!(seen.parts[0].findings[0].text.contains("8091"));
    let busy = at("<html><head><title>503 Service Temporarily Unavailable</title></head></html>");
    assert!(busy.understood && busy.parts[0].findings[0].text.contains("503"), "{busy:#?}");
    let other = at("<html><head><title>Welcome</title></head><body>200 goods</body></html>");
    assert!(!other.understood, "{other:#?}");
    let nothing = at("");
    assert!(!nothing.understood && nothing.title.starts_with("An empty text"), "{}", nothing.title);
}

/// What other programs answer is not taken for a node's.
#[test]
fn documents_that_only_share_a_member_with_an_answer_stay_unknown() {
    for text in [
        r#"{"count":"many"}"#,
        r#"{"count":3,"items":[]}"#,
        r#"{"num":[]}"#,
        r#"{"prices":{"gold":1}}"#,
        r#"{"code":"E_NOPE","message":"no"}"#,
        r#"{"address":"here","name":"x"}"#,
        r#"{"result":"ok","message":"done"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#,
        r#"{"reward":1,"reward":2}"#,
    ] {
        assert!(!at(text).understood, "{text}");
    }
    // `{}` beside a document is the body that had to be there.
    let offer = super::offer_json();
    let both = at(&format!("HTTP/1.1 402 X\nPAYMENT-REQUIRED: {}\n\n{{}}", x402::header::write(&offer)));
    assert!(both.parts.iter().all(|part| part.kind != KindView::NodeAnswer), "{both:#?}");
}

/// Replaces the value behind one pointer at a time.
fn places(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let at = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                out.push(at.clone());
                places(inner, &at, out);
            }
        }
        Value::Array(items) => {
            if let Some(first) = items.first() {
                out.push(format!("{path}/0"));
                places(first, &format!("{path}/0"), out);
            }
        }
        _ => {}
    }
}

/// Whatever stands in a member: told, bounded, and nothing hidden in it comes through.
fn bounded(text: &str) {
    let seen = at(text);
    assert!(!seen.title.is_empty() && seen.title.chars().count() <= 500);
    let all = lines(&seen);
    assert!(all.len() <= 2000, "{} lines", all.len());
    for (label, value) in all {
        assert!(label.chars().count() <= 200 && value.chars().count() <= 1000, "{label}: {value}");
        assert!(!value.contains(['\u{202e}', '\u{1b}', '\n']), "{value:?}");
    }
    let findings: usize = seen.parts.iter().map(|part| part.findings.len()).sum();
    assert!(findings <= 60, "{findings} findings");
}

#[test]
fn a_member_of_another_type_is_told_and_stops_nothing() {
    let bad = [json!(true), json!(-1), json!(1.5), json!("\u{202e}\u{1b}[2J\n"), json!([[]]), json!({"a": {}})];
    for row in answers() {
        let mut all = Vec::new();
        places(&row["answer"], "", &mut all);
        for (index, pointer) in all.iter().enumerate() {
            // Every member once, each time with another value: all of them together for all answers.
            let mut answer = row["answer"].clone();
            *answer.pointer_mut(pointer).unwrap() = bad[index % bad.len()].clone();
            bounded(&answer.to_string());
        }
    }
    let mut account = answers().remove(0)["answer"].take();
    account["balance"] = json!("much");
    let seen = at(&account.to_string());
    let told = seen.parts[0].findings.iter().find(|one| one.code == "memberWrong").unwrap();
    assert!(told.text.contains("balance: expected a whole number, found much"), "{}", told.text);
}

#[test]
fn what_is_too_deep_or_too_much_is_cut_with_a_word() {
    let deep = format!("{}1{}", "{\"a\":".repeat(120), "}".repeat(120));
    bounded(&format!("{{\"id\":\"x\",\"receipt\":{deep}}}"));
    bounded(&format!("{{\"Error\":{}}}", json!("e".repeat(100_000))));
    let topic = "ab".repeat(32);
    let log = json!({ "address": "41eca9bc828a3005b9a3b909f2cc5c2a54794de05f", "topics": [topic], "data": "" });
    for (name, entry, around) in [
        ("log", log.clone(), json!({ "id": topic, "receipt": {} })),
        ("log", json!([]), json!({ "id": topic, "receipt": {} })),
        ("internal_transactions", json!({}), json!({ "id": topic, "receipt": {} })),
        ("transactions", json!({ "raw_data": {} }), json!({ "blockID": topic, "block_header": { "raw_data": {} } })),
        ("active_permission", json!({ "keys": [{}] }), json!({ "address": "x", "owner_permission": 1 })),
        ("witnesses", json!({}), json!({})),
        ("chainParameter", json!({}), json!({})),
        ("data", json!({ "token_info": 1 }), json!({ "meta": 1 })),
    ] {
        let mut answer = around;
        let room = TEXT_BYTES / 2 / (entry.to_string().len() + 1);
        answer[name] = std::iter::repeat_n(entry, room).collect();
        bounded(&answer.to_string());
    }
    let mut receipt = json!({ "id": topic, "receipt": {} });
    receipt["log"] = std::iter::repeat_n(log, 100).collect();
    assert!(lines(&at(&receipt.to_string())).contains(&("and", "76 more events")));
    let transfer = answer_named("tx memo");
    let mut many: Value = serde_json::from_str(&transfer).unwrap();
    many["signature"] = std::iter::repeat_n(json!({}), 3000).collect();
    bounded(&many.to_string());
    many["raw_data"]["contract"] = std::iter::repeat_n(many["raw_data"]["contract"][0].clone(), 200).collect();
    many["raw_data_hex"] = Value::Null;
    bounded(&many.to_string());
    let batch = json!(vec![json!({ "jsonrpc": "2.0", "id": 1, "result": "0x1" }); 1000]);
    bounded(&batch.to_string());
}

/// Nothing of a key that somebody's service made is shown, in no part.
#[test]
fn a_private_key_in_an_answer_is_not_shown_again() {
    let secret = "cd".repeat(32);
    let seen = at(&json!({ "privateKey": secret, "address": "TX5TdJt15qGfJvo67qucG3uj5kGPvAXixV" }).to_string());
    assert_eq!(seen.parts[0].kind, KindView::Secret);
    assert!(!serde_json::to_string(&seen).unwrap().contains(&secret));
}

fn answer_named(name: &str) -> String {
    let row = answers().into_iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}"));
    row["answer"].to_string()
}

#[test]
fn an_answer_is_found_in_a_log_and_a_small_one_is_not_looked_for() {
    let receipt = answer_named("info reverted");
    let seen = at(&format!("2026-11-30 12:00 WARN node said {receipt} and that was it"));
    assert!(codes(&seen).contains(&"insideText") && codes(&seen).contains(&"endedBadly"), "{seen:#?}");
    let kept = json!({ "name": "info", "answer": serde_json::from_str::<Value>(&receipt).unwrap() });
    assert!(codes(&at(&kept.to_string())).contains(&"endedBadly"));
    // Written down as a text.
    assert_eq!(at(&json!(receipt).to_string()).title, at(&receipt).title);
    for text in ["the body was {} as ever", "left {\"count\":3} of them", "{\"body\":{},\"why\":\"empty\"}"] {
        assert!(!at(text).understood, "{text}");
    }
}

#[test]
fn a_receipt_beside_its_transaction_says_who_paid_for_what() {
    let (tx, receipt) = (answer_named("tx memo"), answer_named("info memo"));
    let seen = at(&format!("{tx}\n{receipt}"));
    assert!(codes(&seen).contains(&"receiptFits"), "{:?}", codes(&seen));
    assert!(lines(&seen).contains(&("paid by", "TX5TdJt15qGfJvo67qucG3uj5kGPvAXixV")));
    let remarks = seen.parts.iter().flat_map(|part| &part.groups).flat_map(|group| &group.lines);
    assert!(remarks.filter_map(|line| line.remark.as_deref()).any(|remark| remark == "for the memo"));
    let other = at(&format!("{tx}\n{}", answer_named("info reverted")));
    assert!(!codes(&other).contains(&"receiptFits"));
}

/// Foreign words stand in quotes, visible and cut, wherever a node repeats them.
#[test]
fn words_of_others_are_made_safe_to_show() {
    let bad = "\u{202e}evil\u{1b}[31m".repeat(100);
    let hex: String = bad.bytes().map(|byte| format!("{byte:02x}")).collect();
    let tx = "ab".repeat(32);
    for text in [
        json!({ "Error": bad }),
        json!({ "result": { "code": "OTHER_ERROR", "message": hex } }),
        json!({ "code": "SIGERROR", "txid": tx, "message": hex }),
        json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32000, "message": bad } }),
        json!({ "jsonrpc": "2.0", "id": bad, "result": bad }),
        json!({ "witnesses": [{ "address": "TX5TdJt15qGfJvo67qucG3uj5kGPvAXixV", "url": hex }] }),
        json!({ "id": tx, "receipt": { "result": bad }, "resMessage": hex, "result": "FAILED" }),
        json!({ "id": tx, "receipt": {}, "internal_transactions": [{ "note": hex,
            "transferTo_address": "TX5TdJt15qGfJvo67qucG3uj5kGPvAXixV", "callValueInfo": [{ "tokenId": bad }] }] }),
        json!({ "data": [{ "token_info": { "symbol": bad, "address": "TX5TdJt15qGfJvo67qucG3uj5kGPvAXixV" } }], "meta": {} }),
        json!({ "address": "TX5TdJt15qGfJvo67qucG3uj5kGPvAXixV", "create_time": 1, "account_name": hex }),
    ] {
        let mut seen = at(&text.to_string());
        // The document keeps JSON's own escapes.
        seen.parts.iter_mut().for_each(|part| part.document.clear());
        let shown = serde_json::to_string(&seen).unwrap();
        assert!(seen.understood && !shown.contains(['\u{202e}', '\u{1b}']) && !shown.contains("\\u001b"), "{text}");
    }
}
