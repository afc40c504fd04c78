//! A display, a session bus and the WebDriver of our own around the real application, all gone at the end.

use anyhow::{Context, Result, bail};
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// How long anything may take before it counts as not happening.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Process groups that end with the test, whatever happens in it.
struct Running(Vec<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        for child in self.0.iter_mut().rev() {
            // A negative id means the whole group: the bus, the driver, the application and its web processes.
            let _ = Command::new("kill").args(["-TERM", "--", &format!("-{}", child.id())]).status();
            let _ = child.wait();
        }
    }
}

pub struct Screen {
    client: Client,
    shots: PathBuf,
    display: String,
    _running: Running,
    _session: Session,
}

/// What the window stands on: the screen in device pixels, how many of them make one, and the size of text in percent.
pub struct Desktop {
    pub pixels: (u32, u32),
    pub scale: u32,
    pub text: u32,
}

impl Default for Desktop {
    fn default() -> Self {
        Self { pixels: (1400, 900), scale: 1, text: 100 }
    }
}

/// A person's session: a home, and perhaps the keyring that a login unlocks.
#[derive(Clone)]
pub struct Session {
    home: Arc<tempfile::TempDir>,
    keyring: bool,
}

impl Session {
    pub fn new(keyring: bool) -> Result<Self> {
        Ok(Self { home: Arc::new(tempfile::tempdir()?), keyring })
    }

    /// What runs on the session's bus before the program that follows as arguments.
    const fn login(&self) -> &'static str {
        match self.keyring {
            false => r#"exec "$@""#,
            // Asking for the name must not start a second one.
            true => {
                r#"printf 'of the login\n' | gnome-keyring-daemon --foreground --components=secrets --unlock &
                until dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
                    org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets | grep -q true; do sleep 0.05; done
                exec "$@""#
            }
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn program(path: PathBuf, how: &str) -> Result<PathBuf> {
    path.canonicalize().with_context(|| format!("{} is missing: {how}", path.display()))
}

/// The built application.
pub fn application() -> Result<PathBuf> {
    program(target().join("debug/countersign-app"), "cargo build -p countersign-app")
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Xvfb on a display that is free, told by itself.
fn display(running: &mut Running, (width, height): (u32, u32)) -> Result<String> {
    let mut server = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", &format!("{width}x{height}x24"), "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("Xvfb can't be started: install xvfb, or run `cargo xtask setup`")?;
    let output = server.stdout.take().context("the output was asked for")?;
    running.0.push(server);
    let mut number = String::new();
    BufReader::new(output).read_line(&mut number)?;
    match number.trim() {
        "" => bail!("Xvfb gave no display"),
        number => Ok(format!(":{number}")),
    }
}

impl Screen {
    /// Starts the application with these arguments, in a session without a keyring.
    pub async fn open(args: &[&str]) -> Result<Self> {
        Self::open_in(&Session::new(false)?, args).await
    }

    /// As [`Screen::open`], in this session.
    pub async fn open_in(session: &Session, args: &[&str]) -> Result<Self> {
        Self::open_on(&Desktop::default(), session, args).await
    }

    /// As [`Screen::open_in`], on this desktop.
    pub async fn open_on(desktop: &Desktop, session: &Session, args: &[&str]) -> Result<Self> {
        let application = application()?;
        let driver = target().join("tools/bin/tauri-driver");
        let driver = program(driver, "cargo install tauri-driver --version '^2' --locked --root target/tools")?;
        let shots = match std::env::var_os("UPDATE_SCREENSHOTS") {
            Some(_) => root().join("docs/screenshots"),
            None => target().join("screenshots"),
        };
        std::fs::create_dir_all(&shots)?;

        let home = &session.home;
        let mut running = Running(vec![]);
        let display = display(&mut running, desktop.pixels)?;
        let (port, native) = (free_port()?, free_port()?);
        let child = Command::new("dbus-run-session")
            .args(["--", "sh", "-c", session.login(), "sh"])
            .arg(driver)
            .args(["--port", &port.to_string(), "--native-port", &native.to_string()])
            .env("DISPLAY", &display)
            .env("GDK_SCALE", desktop.scale.to_string())
            .env("GDK_DPI_SCALE", format!("{}.{:02}", desktop.text / 100, desktop.text % 100))
            .env_remove("WAYLAND_DISPLAY")
            .env("HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path())
            .env("XDG_DATA_HOME", home.path().join("data"))
            .env("XDG_CONFIG_HOME", home.path().join("config"))
            .env("XDG_CACHE_HOME", home.path().join("cache"))
            // A display without graphics memory: the plain way of drawing starts faster.
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("dbus-run-session can't be started: install dbus")?;
        running.0.push(child);

        let options = json!({ "application": application, "args": args });
        let wanted = [("browserName", json!("wry")), ("tauri:options", options)];
        let capabilities = wanted.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut builder = ClientBuilder::rustls()?;
        builder.capabilities(capabilities);
        let url = format!("http://127.0.0.1:{port}");
        let connected = tokio::time::timeout(PATIENCE, async {
            loop {
                // The driver needs a moment until it listens.
                match builder.connect(&url).await {
                    Ok(client) => return client,
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        let client = connected.await.context("the application did not open a window")?;
        Ok(Self { client, shots, display, _running: running, _session: session.clone() })
    }

    /// Ends the application.
    pub async fn close(self) -> Result<()> {
        Ok(self.client.close().await?)
    }

    async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(found) = look().await? {
                    return anyhow::Ok(found);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => {
                let page = self.client.execute("return document.body.innerText", vec![]).await.unwrap_or_default();
                bail!("{what} did not happen; the window says: {page}")
            }
        }
    }

    /// Turns to the window whose page this is: "index", "approval" or "vault".
    pub async fn turn_to(&self, page: &str) -> Result<()> {
        let name = format!("/{page}.html");
        self.until(&format!("the window {page}"), async || {
            for window in self.client.windows().await.context("the windows")? {
                // A window may close between being listed and being looked at.
                if self.client.switch_to_window(window).await.is_err() {
                    continue;
                }
                let path = self.client.execute("return location.pathname", vec![]).await.unwrap_or_default();
                if path == name || (page == "index" && path == "/") {
                    return Ok(Some(()));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Waits until no window shows this page.
    pub async fn closed(&self, page: &str) -> Result<()> {
        let name = format!("/{page}.html");
        self.until(&format!("closing {page}"), async || {
            for window in self.client.windows().await.context("the windows")? {
                if self.client.switch_to_window(window).await.is_err() {
                    continue;
                }
                if self.client.execute("return location.pathname", vec![]).await.unwrap_or_default() == name {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await
    }

    /// Waits for the first element that fits.
    pub async fn find(&self, css: &str) -> Result<Element> {
        self.until(css, async || Ok(self.client.find(Locator::Css(css)).await.ok())).await
    }

    pub async fn count(&self, css: &str) -> Result<usize> {
        Ok(self.client.find_all(Locator::Css(css)).await?.len())
    }

    pub async fn texts(&self, css: &str) -> Result<Vec<String>> {
        let mut texts = vec![];
        for element in self.client.find_all(Locator::Css(css)).await? {
            texts.push(element.text().await?);
        }
        Ok(texts)
    }

    /// Waits until the element says something with this in it.
    pub async fn says(&self, css: &str, part: &str) -> Result<String> {
        self.until(&format!("{css} saying {part:?}"), async || {
            let Ok(element) = self.client.find(Locator::Css(css)).await else { return Ok(None) };
            Ok(element.text().await.ok().filter(|text| text.contains(part)))
        })
        .await
    }

    pub async fn click(&self, css: &str) -> Result<()> {
        self.find(css).await?.click().await.with_context(|| format!("clicking {css}"))
    }

    /// A click after which the window may be gone before the driver has its answer.
    pub async fn click_away(&self, css: &str) -> Result<()> {
        let _ = self.find(css).await?.click().await;
        Ok(())
    }

    /// Closes the approval window, which also closes by itself.
    pub async fn dismiss(&self) -> Result<()> {
        if let Ok(button) = self.client.find(Locator::Css("[data-act=close]")).await {
            let _ = button.click().await;
        }
        self.closed("approval").await
    }

    /// Types the passphrase for what was asked for just now, in the window for secrets, and turns to `page` again.
    pub async fn confirm(&self, passphrase: &str, page: &str) -> Result<()> {
        self.turn_to("vault").await?;
        self.find("[data-step=confirm]").await?;
        self.enter("[data-field=passphrase]", passphrase).await?;
        self.click_away("[data-act=run]").await?;
        self.closed("vault").await?;
        self.turn_to(page).await
    }

    pub async fn enter(&self, css: &str, text: &str) -> Result<()> {
        self.find(css).await?.send_keys(text).await.with_context(|| format!("typing into {css}"))
    }

    /// One key, to wherever the focus is.
    pub async fn press(&self, key: char) -> Result<()> {
        let keys = KeyActions::new("keyboard".to_owned());
        let keys = keys.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
        self.client.perform_actions(keys).await.context("pressing a key")
    }

    /// Keys as a keyboard sends them, to wherever the focus is.
    pub async fn press_ctrl_enter(&self) -> Result<()> {
        let keys = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value: '\u{e009}' })
            .then(KeyAction::Down { value: '\u{e007}' })
            .then(KeyAction::Up { value: '\u{e007}' })
            .then(KeyAction::Up { value: '\u{e009}' });
        self.client.perform_actions(keys).await.context("pressing Ctrl+Enter")
    }

    pub async fn script(&self, script: &str) -> Result<Value> {
        self.client.execute(script, vec![]).await.with_context(|| format!("running {script}"))
    }

    /// The window's place and size on the screen, in the units that pages use at the usual text size.
    pub async fn place(&self) -> Result<(u64, u64, u64, u64)> {
        self.client.get_window_rect().await.context("the window's place")
    }

    /// What the window manager is told of the window with this title.
    pub fn told_of(&self, title: &str, property: &str) -> Result<String> {
        let mut xprop = Command::new("xprop");
        xprop.args(["-display", &self.display, "-name", title, property]);
        let told = xprop.output().context("xprop can't be started: install x11-utils, or run `cargo xtask setup`")?;
        Ok(String::from_utf8_lossy(&told.stdout).into_owned())
    }

    /// A picture of the window as it is.
    pub async fn shot(&self, name: &str) -> Result<()> {
        // WebKit answers with the next frame, and a page at rest draws none.
        let tick = "let n = 0; const t = setInterval(() => { document.documentElement.style.opacity = \
                    (n += 1) % 2 ? 0.9999 : 1; if (n > 60) clearInterval(t) }, 20)";
        self.script(tick).await?;
        let png = tokio::time::timeout(PATIENCE, self.client.screenshot())
            .await
            .context("no picture")?
            .context("a picture")?;
        std::fs::write(self.shots.join(format!("{name}.png")), png)?;
        Ok(())
    }
}
