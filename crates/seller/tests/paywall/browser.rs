//! People with a browser, pages that buy, and methods that buy nothing.

use crate::stage::{Stage, got, offer, reason, settlement};
use reqwest::{Method, header::ACCEPT};
use tron::Amount;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn a_browser_gets_a_page_that_says_what_it_costs() {
    let stage = Stage::start(|s| s).await;
    let page = stage.http.get(format!("{}/cheap", stage.shop)).header(ACCEPT, BROWSER).send().await.unwrap();
    assert_eq!(page.status(), 402);
    let header = page.headers()["payment-required"].to_str().unwrap().to_owned();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(
        (&page.headers()["cache-control"], &page.headers()["vary"]),
        (&"no-store".parse().unwrap(), &"Accept".parse().unwrap())
    );
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert_eq!(offer(&page).options.len(), 2);
    let text = page.text().await.unwrap();
    let payee = crate::stage::key(0x5e).address().to_string();
    let command = format!("countersign pay &#39;{}/cheap&#39;", stage.shop);
    for part in [
        "0.25 USDT",
        "0.01 USDT for the facilitator, 0.26 USDT together",
        "0.05 USDT",
        "TRON Nile",
        &payee,
        &command,
        &header,
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for part in ["<script", "javascript:", "src=", "href=", "<form"] {
        assert!(!text.contains(part), "{part}");
    }
}

#[tokio::test]
async fn a_page_says_why_a_payment_bought_nothing() {
    let stage = Stage::start(|s| s).await;
    let payment = stage.sign(&stage.offer("/cheap").await, 0);
    stage.devnet.clock().advance(std::time::Duration::from_secs(601));
    let page = stage.paying("/cheap", &payment).header(ACCEPT, BROWSER).send().await.unwrap();
    assert_eq!(page.status(), 402);
    assert!(page.text().await.unwrap().contains("<p class=\"notice\" role=\"alert\">"));
}

#[tokio::test]
async fn hostile_texts_stay_texts_on_the_page() {
    let stage = Stage::start(|s| s).await;
    let hostile = stage.http.get(format!("{}/hostile?a='><script>", stage.shop)).header(ACCEPT, BROWSER);
    let text = hostile.send().await.unwrap().text().await.unwrap();
    for part in ["<script", "<img", "<b>", "\u{202e}", "'>"] {
        assert!(!text.contains(part), "{part} in {text}");
    }
    for part in ["&lt;script&gt;alert(1)&lt;/script&gt;", "\\u{202e}txet &amp; &quot;quotes&quot; &#39;single&#39;"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn head_shows_the_price_and_never_pays_it() {
    let stage = Stage::start(|s| s).await;
    let url = format!("{}/cheap", stage.shop);
    let asked = stage.http.head(&url).send().await.unwrap();
    assert_eq!(asked.status(), 402);
    // What HEAD offers is paid with GET.
    let payment = stage.sign(&offer(&asked), 1);
    let head = || stage.http.head(&url).header(payment.header_name(), payment.header_value()).send();
    assert_eq!(head().await.unwrap().status(), 402);
    assert_eq!((stage.kitchen.runs(), stage.earned().await), (0, Amount::ZERO));
    assert_eq!(stage.pay("/cheap", &payment).await.status(), 200);
    // Of an answer that is kept it shows the head.
    let kept = head().await.unwrap();
    assert!(kept.status() == 200 && settlement(&kept).success);
    assert_eq!(stage.kitchen.runs(), 1);
}

#[tokio::test]
async fn options_is_free_and_gets_nothing() {
    let stage = Stage::start(|s| s).await;
    let options = stage.http.request(Method::OPTIONS, format!("{}/any", stage.shop)).send().await.unwrap();
    assert_eq!(got(options).await, (204, false, String::new()));
    assert_eq!(stage.kitchen.runs(), 0);
}

#[tokio::test]
async fn pages_of_allowed_origins_can_buy_and_others_can_not() {
    let stage = Stage::start(|s| s).await;
    let url = format!("{}/browser", stage.shop);
    for (origin, allowed) in [("https://app.example", true), ("https://other.example", false)] {
        let preflight = stage.http.request(Method::OPTIONS, &url).header("Origin", origin);
        let preflight = preflight.header("Access-Control-Request-Method", "GET");
        let preflight = preflight.header("Access-Control-Request-Headers", "payment-signature").send().await.unwrap();
        assert_eq!(preflight.status(), 200);
        let asked = stage.http.get(&url).header("Origin", origin).send().await.unwrap();
        for response in [&preflight, &asked] {
            let granted = response.headers().get("access-control-allow-origin");
            assert_eq!(granted.map(|o| o.to_str().unwrap()), allowed.then_some(origin));
        }
        assert_eq!(preflight.headers()["access-control-allow-headers"], "payment-signature");
        let exposed = asked.headers()["access-control-expose-headers"].to_str().unwrap();
        assert!(exposed.contains("payment-required") && exposed.contains("payment-response"), "{exposed}");
        assert_eq!(reason(asked).await, "payment required");
    }
    // Without the layer nothing is allowed to anybody.
    let asked =
        stage.http.get(format!("{}/cheap", stage.shop)).header("Origin", "https://app.example").send().await.unwrap();
    assert!(!asked.headers().contains_key("access-control-allow-origin"));
}
