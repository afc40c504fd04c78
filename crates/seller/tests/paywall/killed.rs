//! The shop is killed while it sells: at every step, all its tasks at once, nothing said to anybody. It starts again,
//! the buyer asks again with the same payment, and gets what it paid for, once paid.

use crate::stage::{Stage, got, offer, reason, shop};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use seller::Seller;
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{runtime::Runtime, sync::oneshot};
use tron::Amount;

/// The path of the request to hold, whether with its answer, and who is told.
type Armed = (&'static str, bool, oneshot::Sender<()>);

/// The facilitator's door, which can hold one request for ever.
#[derive(Clone)]
struct Door {
    facilitator: String,
    http: reqwest::Client,
    armed: Arc<Mutex<Option<Armed>>>,
}

impl Door {
    /// Resolves when a request to this path is there: before the facilitator hears of it, or with its answer.
    fn hold(&self, path: &'static str, answered: bool) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        *self.armed.lock().unwrap() = Some((path, answered, tell));
        told
    }
}

async fn pass(State(door): State<Door>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let held = door.armed.lock().unwrap().take_if(|(path, ..)| *path == uri.path());
    let held = match held {
        Some((_, false, tell)) => {
            tell.send(()).unwrap();
            return std::future::pending().await;
        }
        held => held,
    };
    let url = format!("{}{}", door.facilitator, uri.path());
    let asked = if body.is_empty() { door.http.get(url) } else { door.http.post(url).body(body) };
    let key = headers.get("idempotency-key").cloned();
    let asked = key.into_iter().fold(asked, |asked, key| asked.header("idempotency-key", key));
    let answer = asked.send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    if let Some((.., tell)) = held {
        tell.send(()).unwrap();
        return std::future::pending().await;
    }
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], text).into_response()
}

/// A shop with a runtime of its own.
struct Shop {
    runtime: Runtime,
    url: String,
}

impl Shop {
    fn open(stage: &Stage, facilitator: &str, journal: Option<&Path>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (clock, kitchen) = (stage.devnet.clock().clone(), stage.kitchen.clone());
        let seller = Seller::new(facilitator).unwrap().secret([7; 32]).clock(move || clock.now_secs());
        let seller = match journal {
            Some(path) => seller.journal(path).unwrap(),
            None => seller,
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, shop(&seller, &kitchen)).await
        });
        Self { runtime, url }
    }

    /// Every task ends where it is.
    async fn kill(self) {
        tokio::task::spawn_blocking(move || self.runtime.shutdown_timeout(Duration::from_secs(60))).await.unwrap();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The facilitator is asked: before it hears, or with its answer on the way.
    Asking(&'static str, bool),
    Working,
    Answered,
}

const STEPS: [Step; 6] = [
    Step::Asking("/verify", false),
    Step::Asking("/verify", true),
    Step::Working,
    Step::Asking("/settle", false),
    Step::Asking("/settle", true),
    Step::Answered,
];

struct Scene {
    stage: Stage,
    door: Door,
    url: String,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn start() -> Self {
        let stage = Stage::start(|s| s).await;
        let (facilitator, http) = (stage.facilitator.clone(), reqwest::Client::new());
        let door = Door { facilitator, http, armed: Arc::default() };
        let url = crate::stage::serve(Router::new().fallback(pass).with_state(door.clone())).await;
        Self { stage, door, url, folder: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> Shop {
        Shop::open(&self.stage, &self.url, Some(&self.folder.path().join("shop.journal")))
    }

    /// A payment for this path, and the shop killed at a step of selling.
    async fn killed_at(&mut self, step: Step, path: &str, option: usize) -> x402::Payment {
        let first = self.open();
        let asked = self.stage.http.get(format!("{}{path}", first.url)).send().await.unwrap();
        let payment = self.stage.sign(&offer(&asked), option);
        let held = match step {
            Step::Asking(call, answered) => Some(self.door.hold(call, answered)),
            _ => None,
        };
        let request = self.ask(&first, path, &payment);
        let call = tokio::spawn(request.send());
        match (step, held) {
            (Step::Working, _) => self.stage.began.recv().await.unwrap(),
            (_, Some(held)) => held.await.unwrap(),
            _ => assert_eq!(call.await.unwrap().unwrap().status(), 200),
        }
        first.kill().await;
        payment
    }

    fn ask(&self, shop: &Shop, path: &str, payment: &x402::Payment) -> reqwest::RequestBuilder {
        let request = self.stage.http.get(format!("{}{path}", shop.url));
        request.header(payment.header_name(), payment.header_value())
    }
}

#[tokio::test]
async fn a_shop_that_was_killed_at_any_step_gives_the_same_payment_what_it_paid_for_once() {
    let mut scene = Scene::start().await;
    for (sold, step) in (1..).zip(STEPS) {
        let path = if step == Step::Working { "/slow" } else { "/browser" };
        let payment = scene.killed_at(step, path, 0).await;
        let second = scene.open();
        // Whoever stood in the slow kitchen is gone.
        scene.stage.kitchen.go.add_permits(usize::from(step == Step::Working));
        let answer = got(scene.ask(&second, path, &payment).send().await.unwrap()).await;
        assert_eq!((answer.0, answer.1), (200, true), "{step:?} {answer:?}");
        let again = got(scene.ask(&second, path, &payment).send().await.unwrap()).await;
        assert_eq!(again, answer, "{step:?}");
        let other = scene.ask(&second, "/private", &payment).send().await.unwrap();
        assert_ne!(other.status(), 200, "{step:?}: it buys one thing");
        assert_eq!(scene.stage.earned().await, Amount::from_u64(50_000 * sold), "{step:?}");
        second.kill().await;
    }
}

#[tokio::test]
async fn what_was_delivered_is_delivered_once_more_and_not_at_every_restart() {
    let mut scene = Scene::start().await;
    let payment = scene.killed_at(Step::Answered, "/browser", 0).await;
    for expected in [200, 402, 402] {
        let shop = scene.open();
        let answer = scene.ask(&shop, "/browser", &payment).send().await.unwrap();
        assert_eq!(answer.status(), expected);
        if expected == 402 {
            assert_eq!(reason(answer).await, "payment_already_used");
        }
        shop.kill().await;
    }
    assert_eq!((scene.stage.kitchen.runs(), scene.stage.earned().await), (2, Amount::from_u64(50_000)));
}

#[tokio::test]
async fn a_payment_that_the_buyer_chose_the_nonce_of_survives_too_also_beyond_its_window() {
    let mut scene = Scene::start().await;
    let payment = scene.killed_at(Step::Asking("/settle", true), "/token", 0).await;
    scene.stage.devnet.clock().advance(Duration::from_secs(700));
    let second = scene.open();
    // It buys what it was taken for, though its message names no resource.
    assert_ne!(scene.ask(&second, "/ways", &payment).send().await.unwrap().status(), 200);
    let answer = got(scene.ask(&second, "/token", &payment).send().await.unwrap()).await;
    assert_eq!((answer.0, answer.1), (200, true), "{answer:?}");
    second.kill().await;
}

#[tokio::test]
async fn a_shop_that_writes_nothing_down_forgets() {
    let mut scene = Scene::start().await;
    let payment = scene.killed_at(Step::Asking("/settle", true), "/browser", 0).await;
    let shop = Shop::open(&scene.stage, &scene.url, None);
    // An offer, so that it knows the fee again.
    scene.stage.http.get(format!("{}/browser", shop.url)).send().await.unwrap();
    let answer = scene.ask(&shop, "/browser", &payment).send().await.unwrap();
    assert_eq!(reason(answer).await, "nonce_already_used");
    shop.kill().await;
}
