//! Locks before the machine is suspended, where logind tells so: the machine waits the moment that it takes. Where
//! logind is not, the clocks tell afterwards that it slept (see `keys`). Asks logind for nothing but that moment.

use crate::Wallet;

impl Wallet {
    /// Watches for a suspend until the wallet is closed. Needs a tokio runtime.
    pub fn lock_before_sleep(&self) {
        #[cfg(target_os = "linux")]
        {
            let wallet = self.clone();
            self.spawn(async move {
                if let Err(e) = logind::watch(&wallet).await {
                    tracing::info!("no logind tells of a suspend ({e}); the clocks do, afterwards");
                }
            });
        }
    }
}

#[cfg(target_os = "linux")]
mod logind {
    use crate::Wallet;
    use futures::StreamExt;
    use zbus::proxy::CacheProperties;
    use zbus::zvariant::OwnedFd;

    #[zbus::proxy(
        interface = "org.freedesktop.login1.Manager",
        default_service = "org.freedesktop.login1",
        default_path = "/org/freedesktop/login1"
    )]
    trait Manager {
        /// The delay lasts until the descriptor is closed.
        fn inhibit(&self, what: &str, who: &str, why: &str, mode: &str) -> zbus::Result<OwnedFd>;

        #[zbus(signal)]
        fn prepare_for_sleep(&self, start: bool) -> zbus::Result<()>;
    }

    pub async fn watch(wallet: &Wallet) -> zbus::Result<()> {
        let bus = zbus::Connection::system().await?;
        let manager = ManagerProxy::builder(&bus).cache_properties(CacheProperties::No).build().await?;
        // First listen, then ask for the delay: a suspend in between is heard.
        let mut signals = manager.receive_prepare_for_sleep().await?;
        let mut delay = Some(hold(&manager).await?);
        while let Some(signal) = signals.next().await {
            if signal.args()?.start {
                wallet.lock();
                delay = None;
            } else if delay.is_none() {
                delay = Some(hold(&manager).await?);
            }
        }
        Ok(())
    }

    async fn hold(manager: &ManagerProxy<'_>) -> zbus::Result<OwnedFd> {
        manager.inhibit("sleep", "Countersign", "Locks the wallet first", "delay").await
    }
}
