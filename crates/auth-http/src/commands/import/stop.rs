//! Ends an import at a signal.

use std::process;

use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The import was stopped by a signal after a whole batch.
#[derive(Clone, Copy, Debug, Error)]
#[error("stopped by a signal: run the same command again to import the rest")]
pub(in crate::commands) struct Stopped {
    number: u8,
}

impl Stopped {
    /// The exit code, as shells report the signal.
    pub(in crate::commands) fn exit_code(self) -> u8 {
        128 + self.number
    }
}

/// The exit code if a second signal ends the process in the middle of a batch: that of SIGINT.
const SECOND_SIGNAL: i32 = 130;

/// Waits for SIGINT and SIGTERM.
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    first: Option<Stopped>,
}

impl Stop {
    pub(super) fn listen() -> anyhow::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, first: None })
    }

    async fn next(&mut self) -> Stopped {
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
        };
        Stopped { number: u8::try_from(kind.as_raw_value()).unwrap_or_default() }
    }

    /// Waits for the first signal, which may have arrived before.
    pub(super) async fn first(&mut self) -> Stopped {
        match self.first {
            Some(stopped) => stopped,
            None => self.next().await,
        }
    }

    /// Waits for the second signal.
    pub(super) async fn second(&mut self) {
        if self.first.is_none() {
            self.first = Some(self.next().await);
        }
        self.next().await;
    }
}

/// Ends the process at once. The store rolls the running batch back, or has committed it.
pub(super) fn exit() -> ! {
    process::exit(SECOND_SIGNAL)
}
