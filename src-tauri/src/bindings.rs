//! The commands of the app, and the TypeScript that the interface calls them by. The file is generated and
//! committed; a test says when it no longer fits.

use crate::commands::{accounts, ask, look, record, secret};
use tauri_specta::{Builder, ErrorHandlingMode, collect_commands};

pub fn builder() -> Builder<tauri::Wry> {
    Builder::new()
        .error_handling(ErrorHandlingMode::Throw)
        .disable_serde_phases()
        .commands(collect_commands![
            record::status,
            record::begin_new_record,
            record::touch,
            record::open_window,
            record::close_window,
            ask::questions,
            ask::dangers,
            ask::shown,
            ask::answer,
            ask::reject_app,
            ask::choices,
            ask::choose,
            ask::choose_permit2,
            ask::dismiss_danger,
            record::payments,
            record::payment,
            record::set_note,
            record::start_export,
            record::export,
            record::cancel_export,
            record::suggest_export_path,
            record::choose_export_path,
            record::rename_tag,
            record::start_prune,
            record::start_vacuum,
            record::upkeep,
            record::cancel_upkeep,
            record::removed,
            record::tags,
            record::summary,
            record::sites,
            record::site,
            record::block_site,
            record::set_rule,
            record::apps,
            record::revoke_app,
            record::pairings,
            record::answer_pairing,
            record::set_auto_lock,
            record::set_permit2,
            record::tokens,
            record::add_token,
            record::remove_token,
            look::inspect,
            look::look_up,
            look::check_nodes,
            look::fetch_url,
            accounts::add_account,
            accounts::watch_account,
            accounts::rename_account,
            accounts::hide_account,
            accounts::place_account,
            accounts::use_account,
            accounts::payers,
            accounts::choose_payer,
            accounts::open_errand,
            accounts::errand,
            accounts::import_key,
            accounts::import_keystore,
            accounts::remove_account,
            accounts::reveal_words,
            accounts::reveal_key,
            accounts::save_keystore,
            accounts::change_passphrase,
            accounts::restore_words,
            secret::lock,
            secret::new_words,
            secret::discard_words,
            secret::confirm_words,
            secret::import_words,
            secret::check_import,
            secret::unlock,
            secret::confirm,
            secret::unlock_remembered,
            secret::remember_unlock,
            secret::forget_unlock,
        ])
        .typ::<view::EventView>()
        .typ::<view::Failure>()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// `UPDATE_BINDINGS=1 cargo test -p countersign-app bindings` writes the file instead.
    #[test]
    fn the_committed_bindings_are_the_generated_ones() {
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/lib/bindings.ts");
        let fresh = match std::env::var_os("UPDATE_BINDINGS") {
            Some(_) => committed.clone(),
            None => std::env::temp_dir().join(format!("countersign-bindings-{}.ts", std::process::id())),
        };
        super::builder().export(specta_typescript::Typescript::default(), &fresh).unwrap();
        let generated = std::fs::read_to_string(&fresh).unwrap();
        if fresh != committed {
            std::fs::remove_file(&fresh).unwrap();
        }
        assert!(
            generated == std::fs::read_to_string(&committed).unwrap(),
            "ui/src/lib/bindings.ts is old: UPDATE_BINDINGS=1 cargo test -p countersign-app bindings"
        );
    }

    #[test]
    fn every_command_is_declared_and_granted_to_a_window() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
        let declared = read("src-tauri/build.rs");
        let granted: String = ["main", "approval", "vault"]
            .iter()
            .map(|window| read(&format!("src-tauri/capabilities/{window}.json")))
            .collect();
        let source = read("src-tauri/src/bindings.rs");
        let list = source.split("collect_commands![\n").nth(1).unwrap().split("])").next().unwrap();
        let commands: Vec<&str> =
            list.lines().filter_map(|line| line.trim().trim_end_matches(',').split("::").nth(1)).collect();
        assert_eq!(commands.len(), 76);
        for command in commands {
            assert!(declared.contains(&format!("\"{command}\"")), "{command} is not declared in build.rs");
            let permission = format!("\"allow-{}\"", command.replace('_', "-"));
            assert!(granted.contains(&permission), "{permission} is granted to no window");
        }
    }

    /// Threat 23: what widens or acts outside asks for its proof in its own body, and each command is in one class.
    #[test]
    fn every_command_is_in_one_class_and_what_widens_asks_for_the_passphrase() {
        use view::verbs::{Needs, VERBS, of_window};
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
        let source = read("src-tauri/src/bindings.rs");
        let list = source.split("collect_commands![\n").nth(1).unwrap().split("])").next().unwrap();
        let commands: Vec<&str> =
            list.lines().filter_map(|line| line.trim().trim_end_matches(',').split("::").nth(1)).collect();
        let bodies: String = ["accounts", "ask", "look", "record", "secret"]
            .iter()
            .map(|file| read(&format!("src-tauri/src/commands/{file}.rs")))
            .collect();
        for command in &commands {
            let verb = of_window(command);
            let verb = verb.unwrap_or_else(|| panic!("{command} is in no class: crates/view/src/verbs.rs"));
            let body = bodies.split(&format!("pub async fn {command}(")).nth(1).unwrap();
            let body = body.split("#[tauri::command]").next().unwrap();
            let asks = body.contains("windows::passphrase(&app") || body.contains("passphrase: String");
            let own = *command == "change_passphrase" && body.contains("current: String");
            match verb.needs {
                Needs::Passphrase | Needs::PassphraseUnless(_) => assert!(asks || own, "{command} takes no passphrase"),
                Needs::Nothing => assert!(!asks || *command == "confirm", "{command} takes one and is said not to"),
                Needs::Other(_) => {}
            }
        }
        let told: Vec<&str> = VERBS.iter().filter_map(|verb| verb.window).collect();
        assert!(told.iter().all(|name| commands.contains(name)), "a verb of the table is no command any more");
    }

    /// Threat 20: what the web view may do is written down, and secrets, answers and the record stay apart.
    #[test]
    fn the_windows_can_do_little_and_load_nothing_from_outside() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let json = |path: &str| -> serde_json::Value {
            serde_json::from_str(&std::fs::read_to_string(root.join(path)).unwrap()).unwrap()
        };
        let config = json("tauri.conf.json");
        let security = &config["app"]["security"];
        let csp = security["csp"].as_object().unwrap();
        assert_eq!(csp["default-src"], "'none'");
        assert_eq!(csp["frame-src"], "'none'");
        assert_eq!(csp["object-src"], "'none'");
        assert_eq!(csp["connect-src"], "ipc: http://ipc.localhost");
        for (directive, value) in csp {
            let value = value.as_str().unwrap();
            for loose in ["unsafe", "*", "https:", "data:", "blob:"] {
                assert!(!value.contains(loose), "{directive}: {value}");
            }
        }
        assert_eq!(config["app"]["withGlobalTauri"], false);
        assert!(security.get("dangerousDisableAssetCspModification").is_none());
        assert!(security.get("assetProtocol").is_none());

        let permissions = |window: &str| -> Vec<String> {
            let file = json(&format!("src-tauri/capabilities/{window}.json"));
            assert_eq!(file["windows"], serde_json::json!([window]));
            assert!(file.get("remote").is_none());
            file["permissions"].as_array().unwrap().iter().map(|p| p.as_str().unwrap().to_owned()).collect()
        };
        let secrets = [
            "allow-new-words",
            "allow-confirm-words",
            "allow-import-words",
            "allow-unlock",
            "allow-confirm",
            "allow-unlock-remembered",
            "allow-remember-unlock",
            "allow-import-key",
            "allow-import-keystore",
            "allow-remove-account",
            "allow-reveal-words",
            "allow-reveal-key",
            "allow-save-keystore",
            "allow-change-passphrase",
            "allow-restore-words",
        ];
        let answers = ["allow-answer", "allow-shown"];
        for window in ["main", "approval", "vault"] {
            for permission in permissions(window) {
                let is_core = permission.starts_with("core:");
                assert!(!is_core || ["core:event:allow-listen", "core:event:allow-unlisten"].contains(&&*permission));
                assert!(window == "vault" || !secrets.contains(&&*permission), "{window}: {permission}");
                assert!(window == "approval" || !answers.contains(&&*permission), "{window}: {permission}");
            }
        }
    }
}
