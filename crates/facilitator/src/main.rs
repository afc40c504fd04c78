//! The countersign-facilitator binary.
fn main() {}
