//! Starts the window.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

/// What was typed passes through many hands on its way in (request bodies, JSON, strings): whatever is freed
/// is wiped, so that no copy of a passphrase outlives its use.
#[global_allocator]
static WIPE: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> std::process::ExitCode {
    countersign_app::run()
}
