//! Writes every stored hostile case to a folder per fuzz target, where cargo-fuzz starts from. Replaces nothing else.
//!
//! ```sh
//! cargo run -p stories --example seeds
//! ```
#![allow(clippy::print_stdout)] // it says what it wrote

use anyhow::Result;
use std::{fs, path::PathBuf};
use stories::cases;

fn main() -> Result<()> {
    let corpus: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../fuzz/corpus"].iter().collect();
    let cases = cases::all();
    for (number, case) in cases.iter().enumerate() {
        let folder = corpus.join(&case.target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("case-{number:04}")), &case.bytes)?;
    }
    println!("{} cases in fuzz/corpus", cases.len());
    Ok(())
}
