//! A seller made of bytes: asks for 0.012 USDT on the practice chain and does with a payment what the test says. It
//! settles nothing.
#![allow(dead_code, reason = "not every test uses every part")]

use base64::Engine;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub payment: Option<String>,
    /// The how-manieth on its connection.
    pub on_connection: usize,
    /// The how-manieth with a payment.
    pub nth: usize,
    pub body: Vec<u8>,
}

type Answer = Arc<dyn Fn(&Request) -> Vec<u8> + Send + Sync>;

pub struct Seller {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    /// Whether a connection stays open behind the answer to a payment.
    open: Arc<Mutex<bool>>,
}

impl Seller {
    /// Answers to a payment with these bytes; none: the connection is closed without a word.
    pub fn start(paid: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let ask =
            |url: &str| answer("402 Payment Required", &format!("PAYMENT-REQUIRED: {}\r\n", offer(url, "12000")), "{}");
        Self::asking(ask, paid)
    }

    /// The 402 as well.
    pub fn asking(
        ask: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
        paid: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/article", listener.local_addr().unwrap());
        let (requests, open) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::<Mutex<bool>>::default());
        let seller = Self { url: url.clone(), requests: Arc::clone(&requests), open: Arc::clone(&open) };
        let reply: Answer = Arc::new(move |request| match request.payment {
            Some(_) => paid(request),
            None => ask(&url),
        });
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (reply, requests, open) = (Arc::clone(&reply), Arc::clone(&requests), Arc::clone(&open));
                std::thread::spawn(move || serve(stream, &reply, &requests, &open));
            }
        });
        seller
    }

    pub fn kept_open(self) -> Self {
        *self.open.lock().unwrap() = true;
        self
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub fn payments(&self) -> Vec<String> {
        self.requests().into_iter().filter_map(|request| request.payment).collect()
    }
}

fn serve(stream: TcpStream, reply: &Answer, requests: &Mutex<Vec<Request>>, open: &Mutex<bool>) {
    let mut input = BufReader::new(stream.try_clone().unwrap());
    let mut output = stream;
    let mut on_connection = 0;
    loop {
        let (mut payment, mut length, mut line) = (None, 0, String::new());
        loop {
            line.clear();
            if input.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            match line.trim().split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())) {
                Some((name, value)) if name == "payment-signature" => payment = Some(value),
                Some((name, value)) if name == "content-length" => length = value.parse().unwrap(),
                _ if line.trim().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        input.read_exact(&mut body).unwrap();
        on_connection += 1;
        let request = {
            let mut all = requests.lock().unwrap();
            let nth = all.iter().filter(|r| r.payment.is_some()).count() + 1;
            let request = Request { payment, on_connection, nth, body };
            all.push(request.clone());
            request
        };
        let bytes = reply(&request);
        if bytes.is_empty() || output.write_all(&bytes).is_err() {
            return;
        }
        if request.payment.is_some() && !*open.lock().unwrap() {
            return;
        }
    }
}

/// A whole HTTP answer.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub fn ok(body: &str) -> Vec<u8> {
    answer("200 OK", "", body)
}

/// The value of a 402's header that asks for this much of the practice chain's USDT.
pub fn offer(url: &str, amount: &str) -> String {
    offer_saying(url, amount, "PAYMENT-SIGNATURE header is required")
}

/// The same with the seller's `error`.
pub fn offer_saying(url: &str, amount: &str, error: &str) -> String {
    let offer = serde_json::json!({
        "x402Version": 2,
        "error": error,
        "resource": { "url": url, "description": "One article" },
        "accepts": [{
            "scheme": "exact",
            "network": "tron:3448148188",
            "amount": amount,
            "asset": "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf",
            "payTo": "THosr6RvWuGU7e6nvydTkgH9id7QaNWsDd",
            "maxTimeoutSeconds": 300,
            "extra": { "assetTransferMethod": "permit2" },
        }],
    });
    base64::engine::general_purpose::STANDARD.encode(offer.to_string())
}
