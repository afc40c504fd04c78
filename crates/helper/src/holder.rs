//! Who holds a port or a lock, as far as Linux tells: a name for a sentence, never a reason to act. Elsewhere nobody
//! is named.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

/// A process of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub pid: u32,
    /// "countersign serve": the program and its first argument, safe to show.
    pub program: String,
    /// Ctrl+Z, or the system, holds it: it answers nobody.
    pub stopped: bool,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.program, self.pid)
    }
}

impl Holder {
    /// Who listens at this address, or at its port on every address. Another user's process stays unknown.
    pub fn of_port(addr: SocketAddr) -> Option<Self> {
        let file = if addr.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
        let table = std::fs::read_to_string(file).ok()?;
        let socket = format!("socket:[{}]", listening(&table, addr)?);
        let processes = std::fs::read_dir("/proc").ok()?.flatten();
        processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).find_map(|pid| {
            let open = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
            let mut targets = open.filter_map(|fd| std::fs::read_link(fd.path()).ok());
            targets.any(|target| target.as_os_str() == socket.as_str()).then(|| Self::of(pid)).flatten()
        })
    }

    /// Who holds the lock of this file.
    pub fn of_lock(path: &Path) -> Option<Self> {
        let locks = std::fs::read_to_string("/proc/locks").ok()?;
        Self::of(holding(&locks, crate::os::inode(path)?)?)
    }

    /// The process with this number.
    pub fn of_process(pid: u32) -> Option<Self> {
        Self::of(pid)
    }

    fn of(pid: u32) -> Option<Self> {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let mut words = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        let program = words.next().filter(|word| !word.is_empty())?;
        let program = program.rsplit('/').next().unwrap_or_default().to_owned();
        let first = words.next().filter(|word| !word.is_empty() && !word.starts_with('-'));
        let named = first.map_or(program.clone(), |first| format!("{program} {first}"));
        // Behind the name, which may hold anything: a space, then the state.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        Some(Self { pid, program: view::question::quoted(&named, 60), stopped: matches!(state, Some('T' | 't')) })
    }
}

/// The inode of the socket that listens there, from the kernel's table.
fn listening(table: &str, addr: SocketAddr) -> Option<u64> {
    // Each four bytes as a number of this machine's order.
    let words = |bytes: &[u8]| -> String {
        let word = |four: &[u8]| four.try_into().map(|four| format!("{:08X}", u32::from_ne_bytes(four)));
        bytes.chunks(4).filter_map(|four| word(four).ok()).collect()
    };
    let (address, any) = match addr {
        SocketAddr::V4(v4) => (words(&v4.ip().octets()), words(&[0; 4])),
        SocketAddr::V6(v6) => (words(&v6.ip().octets()), words(&[0; 16])),
    };
    let port = format!("{:04X}", addr.port());
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let (at, of) = local.split_once(':')?;
        let listens = *state == "0A" && of == port && (at == address || at == any);
        listens.then(|| inode.parse().ok()).flatten()
    })
}

/// The process that holds the lock of the file with this inode.
fn holding(locks: &str, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (kind, pid, file) = (fields.get(1)?, fields.get(4)?, fields.get(5)?);
        let same = *kind == "FLOCK" && file.rsplit(':').next()?.parse() == Ok(inode);
        same.then(|| pid.parse().ok()).flatten()
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn who_listens_is_found_by_the_kernels_own_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:0FB4 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1\n   1: 0100007F:0FB5 00000000:0000 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1\n   2: 00000000:0FB6 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4713 1\n";
        let at = |port: u16| listening(table, SocketAddr::from(([127, 0, 0, 1], port)));
        assert_eq!((at(4020), at(4021), at(4022), at(4023)), (Some(4711), None, Some(4713), None));
        let locks = "1: FLOCK  ADVISORY  WRITE 1234 00:2f:99 0 EOF\n2: POSIX  ADVISORY  WRITE 5 00:2f:98 0 EOF\n";
        assert_eq!((holding(locks, 99), holding(locks, 98)), (Some(1234), None));
    }

    #[test]
    fn this_very_process_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = Holder::of_port(listener.local_addr().unwrap()).unwrap();
        assert_eq!((holder.pid, holder.stopped), (std::process::id(), false));
        assert!(holder.to_string().ends_with(&format!("(process {})", std::process::id())), "{holder}");
        let dir = tempfile::tempdir().unwrap();
        let lock = std::fs::File::create(dir.path().join("lock")).unwrap();
        lock.lock().unwrap();
        assert_eq!(Holder::of_lock(&dir.path().join("lock")).map(|h| h.pid), Some(std::process::id()));
    }
}
