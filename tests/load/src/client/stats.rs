//! The answers that a load received: their times and their statuses.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;

/// The upper bound of the histogram: longer times count as this one.
const MAX_TIME: Duration = Duration::from_secs(60);
/// A time is kept to one part in a thousand.
const SIGNIFICANT_DIGITS: u8 = 3;

/// The answers that a load received after its warm-up.
#[derive(Clone, Debug)]
pub struct LoadStats {
    /// How long answers took, in nanoseconds: those that were expected.
    times: Histogram<u64>,
    /// How many answers had each status.
    pub statuses: BTreeMap<u16, u64>,
    /// How many answers, warm-up included, were not expected.
    pub unexpected: u64,
    /// The first answer that was not expected.
    pub first_unexpected: Option<String>,
    /// Over how long.
    pub elapsed: Duration,
    /// The time of processors that this program itself took meanwhile.
    pub client_cpu: Duration,
}

impl LoadStats {
    /// Nothing yet.
    ///
    /// # Errors
    /// None that happens: the bounds are constants.
    pub fn nothing() -> Result<Self> {
        let longest = u64::try_from(MAX_TIME.as_nanos())?;
        Ok(Self {
            times: Histogram::new_with_bounds(1_000, longest, SIGNIFICANT_DIGITS)?,
            statuses: BTreeMap::new(),
            unexpected: 0,
            first_unexpected: None,
            elapsed: Duration::ZERO,
            client_cpu: Duration::ZERO,
        })
    }

    /// Adds up the answers that several connections received in this time.
    ///
    /// # Errors
    /// None that happens: all histograms have the same bounds.
    pub fn sum(
        parts: impl IntoIterator<Item = Self>,
        elapsed: Duration,
        client_cpu: Duration,
    ) -> Result<Self> {
        let mut all = Self { elapsed, client_cpu, ..Self::nothing()? };
        for part in parts {
            all.add(&part)?;
        }
        Ok(all)
    }

    /// Counts an answer that was expected.
    pub fn count(&mut self, status: u16, time: Duration) {
        self.times.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        *self.statuses.entry(status).or_default() += 1;
    }

    /// Counts one that was not.
    pub fn count_unexpected(&mut self, response: impl FnOnce() -> String) {
        self.unexpected += 1;
        self.first_unexpected.get_or_insert_with(response);
    }

    fn add(&mut self, other: &Self) -> Result<()> {
        self.times.add(&other.times)?;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.unexpected += other.unexpected;
        if self.first_unexpected.is_none() {
            self.first_unexpected.clone_from(&other.first_unexpected);
        }
        Ok(())
    }

    /// Fails if any answer was not as expected: a number made of refusals says nothing.
    ///
    /// # Errors
    /// The first of them.
    pub fn all_as_expected(self) -> Result<Self> {
        let first = self.first_unexpected.as_deref().unwrap_or_default();
        ensure!(self.unexpected == 0, "{} answers were not as expected; the first: {first}", self.unexpected);
        ensure!(self.answered() > 0, "nothing was answered in the time that was measured");
        Ok(self)
    }

    /// How many answers.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// Answers a second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^53 responses")]
    pub fn per_second(&self) -> f64 {
        self.answered() as f64 / self.elapsed.as_secs_f64()
    }

    /// How many cores the client itself kept busy.
    #[must_use]
    pub fn client_cores(&self) -> f64 {
        self.client_cpu.as_secs_f64() / self.elapsed.as_secs_f64()
    }

    /// The time, in milliseconds, that this percentage of the responses did not exceed.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a minute in nanoseconds is exact")]
    pub fn percentile_ms(&self, percent: f64) -> f64 {
        self.times.value_at_percentile(percent) as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_of_connections_add_up() {
        let mut one = LoadStats::nothing().expect("a histogram");
        for milliseconds in 1..=100 {
            one.count(200, Duration::from_millis(milliseconds));
        }
        let all = LoadStats::sum([one.clone(), one], Duration::from_secs(2), Duration::ZERO)
            .expect("the same bounds");
        assert_eq!((all.answered(), all.statuses[&200]), (200, 200));
        assert!((all.per_second() - 100.0).abs() < 1e-9);
        assert!((all.percentile_ms(99.0) - 99.0).abs() < 0.1, "{}", all.percentile_ms(99.0));
        assert!(all.all_as_expected().is_ok());
    }

    #[test]
    fn one_unexpected_response_fails_the_run() {
        let mut stats = LoadStats::nothing().expect("a histogram");
        stats.count(200, Duration::from_millis(1));
        stats.count_unexpected(|| "503".to_owned());
        assert!(stats.all_as_expected().expect_err("a failure").to_string().contains("503"));
    }

    #[test]
    fn run_without_responses_is_an_error() {
        assert!(LoadStats::nothing().expect("a histogram").all_as_expected().is_err());
    }
}
