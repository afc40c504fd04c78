//! `keyring`: whether the keyring of this computer remembers the unlock. Turning it on takes the passphrase, turning
//! it off nothing.

use crate::args::{Global, Keyring, KeyringAction};
use crate::console::Console;
use crate::exit::Fail;
use crate::reach::Reach;
use crate::show::say;
use crate::show::{self, safe};
use helper::verb::{ForgetUnlock, RememberUnlock, Status};
use view::{RememberedView, RememberedWay};

pub async fn keyring(global: &Global, console: &Console, keyring: Keyring) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    let status = match keyring.action {
        None => reach.call(Status {}).await?,
        Some(KeyringAction::On { at_start }) => {
            let passphrase = console.passphrase("Passphrase: ").await?.to_string();
            console.show("The keyring of this computer may ask you for its own password …");
            reach.call(RememberUnlock { passphrase, at_start }).await?
        }
        Some(KeyringAction::Off) => reach.call(ForgetUnlock {}).await?,
    };
    told(global, &status.remembered);
    Ok(())
}

fn told(global: &Global, remembered: &RememberedView) {
    if global.json {
        return show::json(remembered);
    }
    say!("{}", capital(way(remembered)));
    if let Some(problem) = &remembered.problem {
        say!("{} The passphrase opens the wallet as before.", safe(problem));
    }
}

/// How the wallet is unlocked, for the status.
pub fn way(remembered: &RememberedView) -> &'static str {
    match remembered.way {
        RememberedWay::Never => "takes the passphrase",
        RememberedWay::WhenAsked => "remembered by the keyring of this computer, when asked to",
        RememberedWay::AtStart => "remembered by the keyring of this computer, also at a start",
    }
}

fn capital(text: &str) -> String {
    let (first, rest) = text.split_at(text.len().min(1));
    format!("{}{rest}.", first.to_uppercase())
}
