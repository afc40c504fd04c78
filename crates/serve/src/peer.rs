//! Who is at the other end of a connection: a user of this machine, as its kernel tells, or an address. Decides
//! nothing about what a peer may do.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

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
        match socket::owner(peer, local) {
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

#[cfg(target_os = "linux")]
mod socket;

/// Other systems tell it in ways of their own; none is used here.
#[cfg(not(target_os = "linux"))]
mod socket {
    pub fn owner(_: std::net::SocketAddr, _: std::net::SocketAddr) -> Option<Option<u32>> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_of_this_process_is_its_own_users() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let there = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (here, peer) = listener.accept().unwrap();
            let here = here.local_addr().unwrap();
            assert_eq!(socket::owner(peer, here), Some(own_uid()), "{address}");
            assert_eq!(Peer::of_loopback(peer, here), Peer::Own);
            // Nobody holds it any more.
            drop(there);
            assert_eq!(socket::owner(peer, here), Some(None));
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
