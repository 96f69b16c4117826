//! The signals that stop the server.

use std::fs;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The bit of `SIGHUP`, signal 1, in the masks of `/proc/self/status`.
const HANGUP_BIT: u64 = 1;

/// Registers the signals that stop the server, and returns a future that waits for one of them. These are `SIGINT`,
/// `SIGTERM`, and `SIGHUP`, which a closed terminal sends. A process that was started with `nohup` survives `SIGHUP`.
///
/// # Errors
/// When a signal cannot be registered.
pub(super) fn stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = if is_hangup_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = received(hangup.as_mut()) => {}
        }
    })
}

/// Waits for a signal, without end if it is not registered.
async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Whether the process was started with `SIGHUP` ignored. Where the system does not report it, it counts as not ignored.
fn is_hangup_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & HANGUP_BIT != 0)
}
