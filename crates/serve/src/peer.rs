//! Who is at the other end of a connection: a user of this machine, as its kernel tells, or an address. Decides
//! nothing about what a peer may do.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Whose connection it is; what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A program of the user that this process runs as. On systems that tell no users, any program of this machine.
    Own,
    /// A program of another user of this machine.
    User(u32),
    /// A program of this machine whose user could not be told.
    Unknown,
    /// Another machine: an IPv4 address, or the /64 of an IPv6 address, which is what one machine gets.
    Address(IpAddr),
}

impl Peer {
    /// Another machine.
    pub fn of_address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            address => address,
        })
    }

    /// A user of this machine by the number that the system has for it.
    pub fn of_user(uid: u32) -> Self {
        if Some(uid) == own_uid() { Self::Own } else { Self::User(uid) }
    }

    /// The other end of a connection from this machine to itself.
    pub(crate) fn of_loopback(peer: SocketAddr, local: SocketAddr) -> Self {
        // A table that changes while it is read may leave a line out: once more.
        match user_of(peer, local).and_then(|found| if found.is_none() { user_of(peer, local) } else { Some(found) }) {
            None => Self::Own,
            Some(None) => Self::Unknown,
            Some(Some(uid)) => Self::of_user(uid),
        }
    }
}

#[cfg(unix)]
fn own_uid() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn own_uid() -> Option<u32> {
    None
}

/// The user that has the socket from `peer` to `local`; the outer `None`: this system tells no users.
fn user_of(peer: SocketAddr, local: SocketAddr) -> Option<Option<u32>> {
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
/// uid, timeout, inode. A socket that nobody holds any more has the inode 0 and belongs to nobody.
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
    let mapped = |ip: Ipv4Addr| words(&ip.to_ipv6_mapped().octets());
    let ip = match address.ip().to_canonical() {
        IpAddr::V4(ip) if wide => mapped(ip),
        IpAddr::V4(ip) => words(&ip.octets()),
        IpAddr::V6(ip) => words(&ip.octets()),
    };
    format!("{ip}:{:04X}", address.port())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn the_other_end_is_told_from_ours_and_from_what_nobody_holds() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:0FB4 0100007F:C000 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1\n   1: 0100007F:C000 0100007F:0FB4 01 00000000:00000000 00:00000000 00000000 65534        0 4712 1\n   2: 0100007F:C001 0100007F:0FB4 06 00000000:00000000 00:00000000 00000000     0        0 0 1\n   3: 0000000000000000FFFF00000100007F:C002 0000000000000000FFFF00000100007F:0FB4 05 00000000:00000000 00:00000000 00000000    33        0 4713 1\n";
        let local = SocketAddr::from(([127, 0, 0, 1], 4020));
        let found = |port: u16| in_table(table, SocketAddr::from(([127, 0, 0, 1], port)), local);
        assert_eq!([0xc000, 0xc001, 0xc002, 0xc003].map(found), [Some(65534), None, Some(33), None]);
    }

    #[test]
    fn a_connection_of_this_process_is_its_own_users() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let there = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (here, peer) = listener.accept().unwrap();
            assert_eq!(user_of(peer, here.local_addr().unwrap()), Some(own_uid()), "{address}");
            assert_eq!(Peer::of_loopback(peer, here.local_addr().unwrap()), Peer::Own);
            drop(there);
        }
    }

    #[test]
    fn another_machine_is_its_address_or_its_network() {
        let of = |text: &str| Peer::of_address(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::9"));
        assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
        assert_ne!(of("203.0.113.7"), of("203.0.113.8"));
    }
}
