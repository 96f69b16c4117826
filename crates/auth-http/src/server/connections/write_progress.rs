//! The deadline for a client to take its answer.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The time for each [`STEP`]. Only time in which the client takes nothing counts.
const STEP_DEADLINE: Duration = Duration::from_secs(10);
/// Bytes that a client has to take before the deadline.
const STEP: usize = 64 * 1024;

/// How far a client has got in the current step.
///
/// The time of a step is the sum of all times during which the socket accepted no byte. A client that takes a byte now
/// and then gets no more time than one that takes none. Pauses between two answers do not count.
#[derive(Debug, Default)]
pub(super) struct WriteProgress {
    /// Bytes of the step that the socket has accepted.
    accepted: usize,
    /// Time of the step that has passed before `blocked_since`.
    waited: Duration,
    blocked_since: Option<Instant>,
    /// Allocated when the socket first accepts no byte, which is rare.
    timer: Option<Pin<Box<Sleep>>>,
}

impl WriteProgress {
    /// Whether the socket accepted no byte at the last attempt.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked_since.is_some()
    }

    /// Counts bytes that the socket has accepted.
    pub(super) fn record(&mut self, bytes: usize) {
        if let Some(since) = self.blocked_since.take() {
            self.waited += since.elapsed();
        }
        self.accepted += bytes;
        if self.accepted >= STEP {
            *self = Self::default();
        }
    }

    /// Notes that the socket accepts no byte, and returns whether the deadline has passed. Otherwise the timer wakes the
    /// task when it will have passed.
    pub(super) fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        let since = *self.blocked_since.get_or_insert_with(Instant::now);
        let deadline = since + STEP_DEADLINE.saturating_sub(self.waited);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context).is_ready()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::time::advance;

    use super::*;

    async fn is_overdue(progress: &mut WriteProgress) -> bool {
        poll_fn(|context| Poll::Ready(progress.is_overdue(context))).await
    }

    /// The time until the deadline passes for a client that takes `bytes` once in `pause`, and at most a minute.
    async fn time_of(bytes: usize, pause: Duration) -> Duration {
        let started = Instant::now();
        let mut progress = WriteProgress::default();
        while !is_overdue(&mut progress).await && started.elapsed() < Duration::from_mins(1) {
            advance(pause).await;
            if !is_overdue(&mut progress).await {
                progress.record(bytes);
            }
        }
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn slow_clients_are_closed_and_faster_ones_are_not() {
        let second = Duration::from_secs(1);
        for (bytes, pause, expected) in [
            (0, second, 10),
            (1, second, 10),
            (6 * 1024, second, 10),
            (8 * 1024, second, 60),
            (32 * 1024, second * 4, 60),
            (64 * 1024, second * 9, 63),
        ] {
            let time = time_of(bytes, pause).await;
            assert_eq!(time.as_secs(), expected, "{bytes} bytes in {pause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_between_answers_do_not_count() {
        let mut progress = WriteProgress::default();
        for _ in 0..5 {
            assert!(!is_overdue(&mut progress).await);
            advance(Duration::from_secs(1)).await;
            progress.record(1_000);
            advance(Duration::from_mins(5)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn deadline_wakes_the_task() {
        let started = Instant::now();
        let mut progress = WriteProgress::default();
        poll_fn(|context| if progress.is_overdue(context) { Poll::Ready(()) } else { Poll::Pending }).await;
        assert!(started.elapsed() < STEP_DEADLINE + Duration::from_secs(1), "{:?}", started.elapsed());
    }
}
