//! What differs between systems, behind the same names: private files and folders, sockets that only the
//! same user may use, core dumps. Everything else in this crate is portable.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::*;

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::*;
