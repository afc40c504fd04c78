//! A wire between two programs that loses what it is told to lose: a relay on 127.0.0.1 that carries one HTTP
//! exchange per connection. Knows nothing of what it carries but the request line.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What goes wrong with one exchange. The asking side sees a closed connection unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It arrives and is answered; the answer is lost.
    Answer,
    /// It never arrives.
    Request,
    /// The asking side gives up at once; it arrives afterwards.
    Late,
    /// It arrives twice at the same time; one of the answers comes back.
    Twice,
    /// It arrives, and the connection ends on both sides before the answer is there.
    HangUp(Duration),
}

pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    /// Taken in turn: several are one service behind a load balancer.
    targets: Mutex<Vec<SocketAddr>>,
    losses: Mutex<Vec<(String, Loss)>>,
    exchanges: Mutex<Vec<JoinHandle<()>>>,
}

impl Wire {
    /// Leads nowhere yet.
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::new(Shared::default()));
        let all = Arc::clone(&shared);
        let listener = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let exchange = tokio::spawn(carry(client, Arc::clone(&all)));
                let mut exchanges = all.exchanges.lock().unwrap();
                exchanges.retain(|e| !e.is_finished());
                exchanges.push(exchange);
            }
        });
        Self { address, shared, listener }
    }

    pub fn to(&self, targets: &[SocketAddr]) {
        *self.shared.targets.lock().unwrap() = targets.to_vec();
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next `times` requests whose first line begins with this (`GET /goods/3`) go wrong.
    pub fn lose(&self, request: &str, loss: Loss, times: u64) {
        let mut losses = self.shared.losses.lock().unwrap();
        losses.extend((0..times).map(|_| (request.to_owned(), loss)));
    }

    /// Waits until everything that is under way has arrived.
    pub async fn quiet(&self) {
        let exchanges = std::mem::take(&mut *self.shared.exchanges.lock().unwrap());
        futures::future::join_all(exchanges).await;
    }

    /// Cuts everything that is under way.
    pub async fn cut(&self) {
        let exchanges = std::mem::take(&mut *self.shared.exchanges.lock().unwrap());
        exchanges.iter().for_each(JoinHandle::abort);
        futures::future::join_all(exchanges).await;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Shared {
    fn take(&self, request: &[u8]) -> Option<Loss> {
        let mut losses = self.losses.lock().unwrap();
        let found = losses.iter().position(|(line, _)| request.starts_with(line.as_bytes()))?;
        Some(losses.remove(found).1)
    }

    /// `None`: nobody answered.
    async fn forward(&self, request: &[u8]) -> Option<Vec<u8>> {
        let target = {
            let mut targets = self.targets.lock().unwrap();
            let target = *targets.first()?;
            targets.rotate_left(1);
            target
        };
        let mut server = TcpStream::connect(target).await.ok()?;
        let (head, body) = request.split_at(head_end(request)?);
        let head = std::str::from_utf8(head).ok()?;
        // As if there were no wire: the server's own name. One exchange, then the connection is over.
        let kept = head.lines().filter(|l| !l.is_empty() && !is(l, "host") && !is(l, "connection"));
        let mut whole: String = kept.flat_map(|line| [line, "\r\n"]).collect();
        whole.push_str(&format!("host: {target}\r\nconnection: close\r\n\r\n"));
        server.write_all(whole.as_bytes()).await.ok()?;
        server.write_all(body).await.ok()?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await.ok()?;
        (!answer.is_empty()).then_some(answer)
    }
}

async fn carry(mut client: TcpStream, shared: Arc<Shared>) {
    let Some(request) = read(&mut client).await else { return };
    let answer = match shared.take(&request) {
        None => shared.forward(&request).await,
        Some(Loss::Answer) => {
            shared.forward(&request).await;
            None
        }
        Some(Loss::Request) => None,
        Some(Loss::Late) => {
            drop(client);
            shared.forward(&request).await;
            return;
        }
        Some(Loss::Twice) => {
            let (first, second) = tokio::join!(shared.forward(&request), shared.forward(&request));
            first.or(second)
        }
        Some(Loss::HangUp(after)) => {
            drop(client);
            let _ = tokio::time::timeout(after, shared.forward(&request)).await;
            return;
        }
    };
    if let Some(answer) = answer {
        // The asking side may be gone.
        let _ = client.write_all(&answer).await;
    }
}

fn is(line: &str, name: &str) -> bool {
    line.split_once(':').is_some_and(|(n, _)| n.eq_ignore_ascii_case(name))
}

fn head_end(request: &[u8]) -> Option<usize> {
    request.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4)
}

/// One request with its whole body.
async fn read(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        if let Some(end) = head_end(&request) {
            let head = std::str::from_utf8(&request[..end]).ok()?;
            let length = head.lines().find(|l| is(l, "content-length")).and_then(|l| l.split_once(':'));
            let length = length.map_or(Some(0), |(_, n)| n.trim().parse::<usize>().ok())?;
            if request.len() >= end + length {
                return Some(request);
            }
        }
        if client.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
}
