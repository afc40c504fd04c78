//! The desktop app.
pub fn run() {}
