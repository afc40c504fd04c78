//! Which user of this machine has a socket: one question to Linux (`sock_diag(7)`), which finds it by its two ends
//! however many there are. Where the kernel takes no such question, its table in `/proc` is read.

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};
use std::net::{IpAddr, SocketAddr};

/// The user that has the socket from `peer` to `local`; the outer `None`: this system tells no users. A socket that
/// nobody holds any more belongs to nobody, whatever user is told for it.
pub fn owner(peer: SocketAddr, local: SocketAddr) -> Option<Option<u32>> {
    asked(peer, local).or_else(|| in_tables(peer, local))
}

/// `struct nlmsghdr`, then `struct inet_diag_req_v2` or `struct inet_diag_msg`.
const HEAD: usize = 16;
const QUESTION: usize = HEAD + 56;
/// Of `inet_diag_msg`: what is before the uid.
const UID: usize = HEAD + 64;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const ENOENT: i32 = -2;

/// `None`: no answer.
fn asked(peer: SocketAddr, local: SocketAddr) -> Option<Option<u32>> {
    let kernel =
        socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::SOCK_DIAG)).ok()?;
    send(&kernel, &question(peer, local), SendFlags::empty()).ok()?;
    let mut answer = [0; 1024];
    // It is there when the question was taken.
    let (_, length) = recv(&kernel, &mut answer, RecvFlags::DONTWAIT).ok()?;
    read(answer.get(..length)?)
}

fn question(peer: SocketAddr, local: SocketAddr) -> [u8; QUESTION] {
    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;
    const TCP: u8 = 6;
    let wide = |ip: IpAddr| -> [u8; 16] {
        let mut bytes = [0; 16];
        match ip {
            IpAddr::V4(ip) => bytes[..4].copy_from_slice(&ip.octets()),
            IpAddr::V6(ip) => bytes = ip.octets(),
        }
        bytes
    };
    let (from, to) = (peer.ip().to_canonical(), local.ip().to_canonical());
    let mut question = [0; QUESTION];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        if let Some(place) = question.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        at += bytes.len();
    };
    put(&(QUESTION as u32).to_ne_bytes());
    put(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(&NLM_F_REQUEST.to_ne_bytes());
    // Number of the question, and the kernel's own port.
    put(&[0; 8]);
    put(&[if from.is_ipv4() { AF_INET } else { AF_INET6 }, TCP, 0, 0]);
    // In any state.
    put(&u32::MAX.to_ne_bytes());
    put(&peer.port().to_be_bytes());
    put(&local.port().to_be_bytes());
    put(&wide(from));
    put(&wide(to));
    // On any interface, and no cookie.
    put(&[0; 4]);
    put(&[0xff; 8]);
    question
}

fn read(answer: &[u8]) -> Option<Option<u32>> {
    let word = |at: usize| Some(u32::from_ne_bytes(answer.get(at..at + 4)?.try_into().ok()?));
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    match kind {
        SOCK_DIAG_BY_FAMILY => {
            let (uid, inode) = (word(UID)?, word(UID + 4)?);
            Some((inode != 0).then_some(uid))
        }
        NLMSG_ERROR if word(HEAD)? as i32 == ENOENT => Some(None),
        _ => None,
    }
}

fn in_tables(peer: SocketAddr, local: SocketAddr) -> Option<Option<u32>> {
    let mut told = false;
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let Ok(table) = std::fs::read_to_string(file) else { continue };
        told = true;
        if let Some(uid) = in_table(&table, peer, local) {
            return Some(Some(uid));
        }
    }
    told.then_some(None)
}

/// The kernel's table has one line a socket: number, own and other address, state, two pairs of numbers, retransmits,
/// uid, timeout, inode.
fn in_table(table: &str, peer: SocketAddr, local: SocketAddr) -> Option<u32> {
    let ends = [false, true].map(|wide| format!("{} {} ", written(peer, wide), written(local, wide)));
    let line = table.lines().find(|line| ends.iter().any(|ends| line.contains(ends.as_str())))?;
    let fields: Vec<&str> = line.split_whitespace().collect();
    let inode: u64 = fields.get(9)?.parse().ok()?;
    (inode != 0).then(|| fields.get(7)?.parse().ok()).flatten()
}

/// An address as the kernel writes it; `wide`: an IPv4 address in a socket for IPv6.
fn written(address: SocketAddr, wide: bool) -> String {
    // Each four bytes as a number of this machine's order.
    let words = |bytes: &[u8]| -> String {
        let word = |four: &[u8]| four.try_into().map(|four| format!("{:08X}", u32::from_ne_bytes(four)));
        bytes.chunks(4).filter_map(|four| word(four).ok()).collect()
    };
    let ip = match address.ip().to_canonical() {
        IpAddr::V4(ip) if wide => words(&ip.to_ipv6_mapped().octets()),
        IpAddr::V4(ip) => words(&ip.octets()),
        IpAddr::V6(ip) => words(&ip.octets()),
    };
    format!("{ip}:{:04X}", address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn in_the_kernels_table_the_other_end_is_told_from_ours_and_from_what_nobody_holds() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:0FB4 0100007F:C000 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1\n   1: 0100007F:C000 0100007F:0FB4 01 00000000:00000000 00:00000000 00000000 65534        0 4712 1\n   2: 0100007F:C001 0100007F:0FB4 06 00000000:00000000 00:00000000 00000000     0        0 0 1\n   3: 0000000000000000FFFF00000100007F:C002 0000000000000000FFFF00000100007F:0FB4 05 00000000:00000000 00:00000000 00000000    33        0 4713 1\n";
        let local = SocketAddr::from(([127, 0, 0, 1], 4020));
        let found = |port: u16| in_table(table, SocketAddr::from(([127, 0, 0, 1], port)), local);
        assert_eq!([0xc000, 0xc001, 0xc002, 0xc003].map(found), [Some(65534), None, Some(33), None]);
    }

    #[test]
    fn question_and_table_tell_the_same() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (here, peer) = listener.accept().unwrap();
        let here = here.local_addr().unwrap();
        let table = in_tables(peer, here);
        assert!(matches!(table, Some(Some(_))), "{table:?}");
        // A kernel that takes no such question gives no answer, and the table tells.
        assert!(asked(peer, here).is_none_or(|told| Some(told) == table));
        drop(there);
    }
}
