//! Prepares the Tauri build: the permission list comes from the commands that exist.
fn main() {
    tauri_build::build();
}
