//! Starts the window.
fn main() { countersign_app::run() }
