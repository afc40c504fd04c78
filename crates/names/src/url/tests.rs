//! Both sides of the door: spellings that all agree on, and those that two programs read as two hosts.

use super::*;

#[test]
fn harmless_spellings_are_one_address() {
    for (text, read, host, port) in [
        ("https://News.Example/a?b#c", "https://news.example/a?b#c", "news.example", 443),
        ("HTTPS://news.example", "https://news.example/", "news.example", 443),
        ("https://news.example:443/a", "https://news.example/a", "news.example", 443),
        ("https://news.example:/a", "https://news.example/a", "news.example", 443),
        ("https://news.example?q=1", "https://news.example/?q=1", "news.example", 443),
        ("https://news.example./a", "https://news.example./a", "news.example", 443),
        ("http://127.0.0.1:4021/x", "http://127.0.0.1:4021/x", "127.0.0.1", 4021),
        ("http://[::1]:80/", "http://[::1]/", "[::1]", 80),
        ("http://[0:0::1]/", "http://[::1]/", "[::1]", 80),
        ("http://localhost:65535", "http://localhost:65535/", "localhost", 65535),
        ("https://news.example/%61/%2F?x=%40#%00", "https://news.example/%61/%2F?x=%40#%00", "news.example", 443),
        ("https://news.example/a@b?c@d#e@f", "https://news.example/a@b?c@d#e@f", "news.example", 443),
        ("https://news.example/?back=\\", "https://news.example/?back=\\", "news.example", 443),
        ("https://news.example/天气", "https://news.example/%E5%A4%A9%E6%B0%94", "news.example", 443),
        ("https://bücher.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
        ("https://BÜCHER.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
        ("https://bu\u{308}cher.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
        (
            "https://新闻.bücher.example/",
            "https://xn--efvy88h.xn--bcher-kva.example/",
            "xn--efvy88h.xn--bcher-kva.example",
            443,
        ),
        ("http://my_service:8080/", "http://my_service:8080/", "my_service", 8080),
        ("http://1.example/", "http://1.example/", "1.example", 80),
        ("http://0xcafe.example/", "http://0xcafe.example/", "0xcafe.example", 80),
        ("http://a--b.example/../c", "http://a--b.example/c", "a--b.example", 80),
    ] {
        let url = WebUrl::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!((url.as_str(), url.host(), url.port()), (read, host, port), "{text}");
    }
}

#[test]
fn what_two_readers_could_read_as_two_hosts_is_refused() {
    for text in [
        // Backslashes: a slash for some, part of the host or user for others.
        "http://good.example\\@127.0.0.1:9997/",
        "http:\\\\good.example/",
        "http:/\\good.example/",
        "http://good.example\\/path",
        "http://good.example/\\evil.example",
        "http://good.example/a\\b?c",
        "http://good.example?\\@evil.example/",
        "http://good.example#\\@evil.example/",
        // Slashes that some add or drop.
        "https:good.example",
        "http:/good.example",
        "https:///good.example",
        "https:////good.example/",
        "http:///",
        "//good.example/",
        "/path",
        "good.example",
        // User information, and what old readers take for it.
        "http://user@good.example/",
        "http://user:secret@good.example/",
        "http://@good.example/",
        "http://:@good.example/",
        "http://good.example@evil.example/",
        "http://a@b@c/",
        "http://good.example#@evil.example/",
        "http://good.example?@evil.example/",
        "http://good.example:80#@evil.example/",
        // Blanks, tabs, line breaks, controls, what is not seen.
        " http://good.example/",
        "http://good.example/ ",
        "http://good.example/a b",
        "http://good .example/",
        "http://good\t.example/",
        "ht\ttp://good.example/",
        "http://good.example/\n",
        "http://good.example/a\r\nHost: evil.example",
        "\u{0}http://good.example/",
        "http://good.example/\u{7f}",
        "http://good.example/\u{a0}",
        "http://good\u{ad}.example/",
        "http://good\u{200b}.example/",
        "http://good.example/\u{202e}",
        "\u{feff}http://good.example/",
        // Hosts that are decoded, mapped or cut.
        "http://good%2eexample/",
        "http://go%6fd.example/",
        "http://good.example%2F.evil.example/",
        "http://good.example%40evil.example/",
        "http://good.example%00.evil.example/",
        "http://good。example/",
        "http://good．example/",
        "http://ｇｏｏｄ.example/",
        "http://①.example/",
        "http://127。0。0。1/",
        "http://faß.example/",
        "http://βόλος.example/",
        "http://\u{212a}elvin.example/",
        "http://℀.example/",
        "http://good.example;evil.example/",
        "http://good.example,evil.example/",
        "http://good*.example/",
        "http://good!.example/",
        "http://{good}.example/",
        "http://good^.example/",
        "http://xn--a.example/",
        // Numbers as addresses.
        "http://0x7f.1/",
        "http://2130706433/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.01/",
        "http://127.0.0.1./",
        "http://127.0.0.256/",
        "http://1.2.3.4.5/",
        "http://0x/",
        "http://1../",
        "http://good.example.1/",
        "http://[::1%25eth0]/",
        "http://[::1%eth0]/",
        "http://[::1/",
        "http://::1/",
        "http://[good.example]/",
        "http://[::1]evil.example/",
        // No host, no port.
        "http://",
        "http://./",
        "http://../",
        "http://:80/",
        "http://?x",
        "http://.good.example/",
        "http://good..example/",
        "http://good.example../",
        "http://good.example:0/",
        "http://good.example:65536/",
        "http://good.example:99999999999/",
        "http://good.example:+80/",
        "http://good.example:８０/",
        "http://good.example:80:81/",
        "http://good.example:80a/",
        "http://good.example:-1/",
        // Other schemes.
        "",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "ftp://good.example/",
        "httpss://good.example/",
        "http",
        "http:",
    ] {
        assert!(WebUrl::parse(text).is_err(), "{text:?} was read as {:?}", WebUrl::parse(text));
    }
    let long = format!("http://{}.example/", "a".repeat(64));
    assert!(matches!(WebUrl::parse(&long), Err(UrlError::Host { .. })));
    assert!(WebUrl::parse(&format!("http://{}example/", "abcd.".repeat(60))).is_err());
}

#[test]
fn a_reason_is_given_and_no_secret_repeated() {
    for text in [
        "http://user:hunter22@good.example/",
        "http://user:hunter22@good..example/",
        "ftp://user:hunter22@good.example/",
    ] {
        assert!(!WebUrl::parse(text).unwrap_err().to_string().contains("hunter22"), "{text}");
    }
    let said = |text| WebUrl::parse(text).unwrap_err().to_string();
    assert!(said("http://good.example\\@127.0.0.1/").contains("a backslash"));
    assert!(said("https:good.example").contains("two slashes"));
    assert!(said("http://2130706433/").contains("four decimal numbers"));
}

#[test]
fn settings_may_hold_a_login_that_ends_where_everybody_ends_it() {
    let url = WebUrl::parse_setting("https://user:very-secret@node.example/v1").unwrap();
    assert_eq!((url.host(), url.as_url().password()), ("node.example", Some("very-secret")));
    assert!(!format!("{url:?}").contains("very-secret"));
    for text in ["https://a@b@node.example/", "https://us\\er@node.example/", "http://node.example#@evil.example/"] {
        assert!(WebUrl::parse_setting(text).is_err(), "{text}");
    }
}

#[test]
fn this_machine_is_told_apart() {
    for (text, loopback) in [
        ("http://127.0.0.1:8090", true),
        ("http://127.9.9.9", true),
        ("http://[::1]:1", true),
        ("http://localhost:8090", true),
        ("http://app.localhost", true),
        ("http://localhost.example", false),
        ("http://10.0.0.1", false),
    ] {
        assert_eq!(WebUrl::parse(text).unwrap().is_loopback(), loopback, "{text}");
    }
}
