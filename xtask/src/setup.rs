//! What each command needs before it can start. Everything here does nothing when it is there already.

use crate::{node, packages, python, tools};
use anyhow::Result;

/// To build and show the window.
pub fn for_window() -> Result<()> {
    packages::install(packages::For::Window)?;
    node::check()?;
    node::install_interface()
}

/// To run every test: `cargo xtask setup`, and the first step of `cargo xtask test`.
pub fn everything() -> Result<()> {
    packages::install(packages::For::Tests)?;
    node::check()?;
    node::install_all()?;
    python::install()?;
    tools::seller_kits()?;
    tools::tauri_driver()
}
