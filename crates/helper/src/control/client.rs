//! The command line's side of the control socket: calls a verb, gets its view or its failure. Holds no
//! secret beyond the call that carries it.

use super::Verb;
use super::frame::{Frames, Next};
use super::verb::ExportStream;
use crate::holder::Holder;
use crate::os;
use crate::problem::ProblemView;
use crate::runtime::{Places, RuntimeFile};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use std::path::{Path, PathBuf};
use std::time::Duration;
use view::export::pipe::Piece;
use view::port::EventView;
use view::{Code, Failure};

/// An owner answers whether it is there at once, whatever else it does.
const PULSE: Duration = Duration::from_secs(4);
/// The field of a failure that says so.
const SILENCE: &str = "process";

/// Calls the Countersign that holds a profile.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
    version: String,
    pid: Option<u32>,
}

impl Client {
    /// An owner of our own version at this socket.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), version: env!("CARGO_PKG_VERSION").to_owned(), pid: None }
    }

    /// The version of the running owner, when it is not ours.
    pub fn other_version(&self) -> Option<&str> {
        (self.version != env!("CARGO_PKG_VERSION")).then_some(self.version.as_str())
    }

    /// The process that holds the profile, where the system or the process itself tells.
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// The owner of a profile, when one listens: a Countersign that runs, or a command that is the owner while it lasts
    /// and tells nobody where it is.
    pub async fn find(profile: &str, data_dir: Option<&Path>) -> Option<Self> {
        let client = match RuntimeFile::read(profile, data_dir) {
            Ok(RuntimeFile { control_socket, version, pid, .. }) => {
                Self { socket: control_socket?, version, pid: Some(pid) }
            }
            Err(_) => Self::new(Places::of(profile, data_dir).ok()?.sockets?.control),
        };
        // A crash leaves a file and a socket behind where nobody listens.
        let stream = os::connect(&client.socket).await.ok()?;
        let pid = os::peer(&stream).or(client.pid);
        Some(Self { pid, ..client })
    }

    /// That the owner says nothing, with its process and what the system knows of it.
    pub fn silent(&self) -> Failure {
        let holder = self.pid.and_then(Holder::of_process);
        let who = self
            .pid
            .map_or_else(|| "the process of the running Countersign".to_owned(), |pid| format!("process {pid}"));
        let stopped = holder.is_some_and(|holder| holder.stopped);
        let mut failure = broken(&format!("{who} does not answer (is it stopped?)"));
        failure.field = Some(SILENCE.to_owned());
        let number = self.pid.map_or_else(|| "with its number".to_owned(), |pid| pid.to_string());
        let known = if stopped { "It is stopped. " } else { "" };
        failure.advice = Some(format!("{known}Let it go on (`fg`, or `kill -CONT {number}`), or end it."));
        failure
    }

    /// Whether a call failed because the owner says nothing.
    pub fn is_silence(failure: &Failure) -> bool {
        failure.field.as_deref() == Some(SILENCE)
    }

    /// Ready once the owner stops answering; asked every now and then while a call waits.
    async fn falls_silent(&self) {
        loop {
            tokio::time::sleep(PULSE).await;
            if !self.answers(PULSE).await {
                return;
            }
        }
    }

    /// Whether it answers at all, and in time. A process that is stopped is connected to and says nothing.
    pub async fn answers(&self, within: Duration) -> bool {
        let asked = self.send(Method::GET, "health", Vec::new());
        tokio::time::timeout(within, asked).await.is_ok_and(|answer| answer.is_ok())
    }

    /// Calls a verb. However long the answer takes, an owner that answers nothing any more is told within seconds.
    pub async fn call<V: Verb>(&self, verb: V) -> Result<V::Output, Failure> {
        let body = serde_json::to_vec(&verb).map_err(|_| broken("the call could not be written"))?;
        let answer = async {
            let response = self.send(Method::POST, V::NAME, body).await?;
            let ok = response.status().is_success();
            let bytes = response.into_body().collect().await.map_err(|_| broken("the answer broke off"))?.to_bytes();
            Ok::<_, Failure>((ok, bytes))
        };
        let (ok, bytes) = tokio::select! {
            answer = answer => answer?,
            () = self.falls_silent() => return Err(self.silent()),
        };
        let unreadable =
            |_| broken("the answer is of another version; is the running Countersign as new as this command?");
        match ok {
            true => serde_json::from_slice(&bytes).map_err(unreadable),
            false => Err(serde_json::from_slice::<ProblemView>(&bytes).map_err(unreadable)?.into()),
        }
    }

    /// An export as pieces of bytes. A failure in the middle is its last item: what came before is not whole.
    pub async fn export(
        &self,
        export: &ExportStream,
    ) -> Result<impl Stream<Item = Result<Piece, Failure>> + Send + Unpin + use<>, Failure> {
        let body = serde_json::to_vec(export).map_err(|_| broken("the call could not be written"))?;
        let response = self.send(Method::POST, "export-stream", body).await?;
        if !response.status().is_success() {
            let bytes = response.into_body().collect().await.map_err(|_| broken("the answer broke off"))?.to_bytes();
            let problem = serde_json::from_slice::<ProblemView>(&bytes);
            return Err(problem.map_err(|_| broken("the answer is of another version"))?.into());
        }
        let state = (Some(response.into_body().into_data_stream()), Frames::default());
        let pieces = stream::unfold(state, |(data, mut frames)| async move {
            let mut data = data?;
            loop {
                match frames.next() {
                    Next::Piece(piece) => return Some((Ok(piece), (Some(data), frames))),
                    Next::Whole => return None,
                    Next::Broken => return Some((Err(broken("the answer is of another version")), (None, frames))),
                    Next::More => match data.next().await {
                        Some(Ok(bytes)) => frames.put(&bytes),
                        Some(Err(_)) | None => {
                            return Some((Err(broken("the export broke off; what came is not whole")), (None, frames)));
                        }
                    },
                }
            }
        });
        Ok(Box::pin(pieces))
    }

    /// Events as they happen, until the owner ends.
    pub async fn events(&self) -> Result<impl Stream<Item = EventView> + Send + Unpin + use<>, Failure> {
        let body = self.send(Method::GET, "events", Vec::new()).await?.into_body();
        let state = (body.into_data_stream(), Vec::<u8>::new());
        let lines = stream::unfold(state, |(mut data, mut buffer)| async move {
            loop {
                if let Some(end) = buffer.iter().position(|b| *b == b'\n') {
                    let line: Vec<u8> = buffer.drain(..=end).collect();
                    match serde_json::from_slice(&line) {
                        Ok(event) => return Some((event, (data, buffer))),
                        Err(_) => continue,
                    }
                }
                buffer.extend_from_slice(&data.next().await?.ok()?);
            }
        });
        Ok(Box::pin(lines))
    }

    async fn send(&self, method: Method, name: &str, body: Vec<u8>) -> Result<Response<Incoming>, Failure> {
        let stream =
            os::connect(&self.socket).await.map_err(|_| broken("no Countersign answers on the control socket"))?;
        let request = Request::builder()
            .method(method)
            .uri(format!("/v1/{name}"))
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| broken("the call could not be written"))?;
        let lost = |_| broken("the running Countersign closed the connection");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(lost)
    }
}

fn broken(message: &str) -> Failure {
    let message = message.to_owned();
    Failure { code: Code::Internal, message, advice: None, field: None, found: None, expected: None, retry_after: None }
}
