//! Prepares the Tauri build: every command is declared, so that a window may call only what its capability
//! file names. Refuses to build without the interface, which is embedded in every build.

const COMMANDS: &[&str] = &[
    "status",
    "touch",
    "open_window",
    "close_window",
    "questions",
    "dangers",
    "shown",
    "answer",
    "choices",
    "choose",
    "dismiss_danger",
    "payments",
    "payment",
    "set_note",
    "start_export",
    "export",
    "cancel_export",
    "suggest_export_path",
    "choose_export_path",
    "rename_tag",
    "start_prune",
    "start_vacuum",
    "upkeep",
    "cancel_upkeep",
    "removed",
    "tags",
    "summary",
    "sites",
    "site",
    "block_site",
    "set_rule",
    "apps",
    "revoke_app",
    "pairings",
    "answer_pairing",
    "lock",
    "set_auto_lock",
    "set_permit2",
    "tokens",
    "add_token",
    "remove_token",
    "inspect",
    "look_up",
    "fetch_url",
    "add_account",
    "watch_account",
    "rename_account",
    "hide_account",
    "place_account",
    "use_account",
    "payers",
    "choose_payer",
    "open_errand",
    "errand",
    "import_key",
    "import_keystore",
    "remove_account",
    "reveal_words",
    "reveal_key",
    "save_keystore",
    "change_passphrase",
    "restore_words",
    "new_words",
    "discard_words",
    "confirm_words",
    "import_words",
    "unlock",
    "unlock_remembered",
    "remember_unlock",
    "forget_unlock",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=ui/dist");
    if !std::path::Path::new("ui/dist/index.html").exists() {
        return Err("the interface is not built: run `npm ci && npm run build` in ui, or `cargo xtask setup`".into());
    }
    tauri_build::try_build(
        tauri_build::Attributes::new()
            .capabilities_path_pattern("src-tauri/capabilities/*.json")
            .app_manifest(tauri_build::AppManifest::new().commands(COMMANDS)),
    )?;
    Ok(())
}
