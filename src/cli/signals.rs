//! Ctrl-C and SIGTERM: a command that hears them itself keeps what it has, at the first; any other ends at the first, and all
//! at the second. Lean processes and folders of the run go with it.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Exit;

/// How long a command that is told to end may still block (in a read of a pipe, say).
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the command itself hears the first signal.
static HEARD: AtomicBool = AtomicBool::new(false);

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Signals> {
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A token that the first signal cancels.
///
/// # Errors
/// When the system does not let signals be heard.
pub fn on_interrupt() -> Result<CancellationToken> {
    let mut signals = Signals::listen()?;
    HEARD.store(true, Ordering::SeqCst);
    let cancel = CancellationToken::new();
    let pulled = cancel.clone();
    tokio::spawn(async move {
        signals.next().await;
        eprintln!("qstar: stopping; what was found is kept (once more: at once)");
        pulled.cancel();
    });
    Ok(cancel)
}

/// Does the work of a command until it is told to end.
///
/// # Errors
/// Those of the work, or when the system does not let signals be heard.
pub async fn obeyed(work: impl Future<Output = Result<Exit>>) -> Result<Exit> {
    let mut signals = Signals::listen()?;
    let end = CancellationToken::new();
    let told = end.clone();
    tokio::spawn(async move {
        signals.next().await;
        if HEARD.load(Ordering::SeqCst) {
            signals.next().await;
        }
        eprintln!("qstar: stopped");
        told.cancel();
        // Work that blocks is not dropped by the select below.
        tokio::time::sleep(PATIENCE).await;
        std::process::exit(Exit::Stopped as i32);
    });
    tokio::select! {
        done = work => done,
        () = end.cancelled() => Ok(Exit::Stopped),
    }
}
