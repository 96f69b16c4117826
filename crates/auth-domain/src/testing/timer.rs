//! A timer that only a test advances.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;

use crate::ports::Timer;

/// A timer whose waits end when a test advances it.
#[derive(Debug, Default)]
pub struct ManualTimer(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    now: Duration,
    waiting: Vec<Waker>,
}

impl ManualTimer {
    /// Lets `duration` pass: every wait that is over then ends.
    pub fn advance(&self, duration: Duration) {
        let waiting = {
            let mut state = self.state();
            state.now += duration;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Timer for ManualTimer {
    async fn sleep(&self, duration: Duration) {
        let end = self.state().now + duration;
        poll_fn(|context| {
            let mut state = self.state();
            if state.now >= end {
                return Poll::Ready(());
            }
            state.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_wait_ends_when_its_time_has_passed() {
        let timer = Arc::new(ManualTimer::default());
        let waiting = tokio::spawn({
            let timer = Arc::clone(&timer);
            async move { timer.sleep(Duration::from_secs(2)).await }
        });
        tokio::task::yield_now().await;
        timer.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        timer.advance(Duration::from_secs(1));
        waiting.await.expect("ended");
    }
}
