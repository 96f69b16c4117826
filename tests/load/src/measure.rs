//! What was measured, pair by pair, and what that says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which way a number is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Better {
    /// More is better: requests a second.
    Higher,
    /// Less is better: milliseconds, MiB.
    Lower,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Goal {
    /// Of ours divided by the limit: at least, or at most, by which way is better.
    Ratio(f64),
    /// Of ours itself, in its unit, where nothing else is measured.
    Value(f64),
}

/// One measure: its rounds, and what it is held against.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// A word for files and links: `login-sqlite`.
    pub id: String,
    /// What is measured: `Log-ins, SQLite`.
    pub name: String,
    /// Of both numbers of a round: `requests/s`, `ms`, `MiB`.
    pub unit: String,
    /// Which way is good.
    pub better: Better,
    /// What is asked for; `None` for what only belongs to the picture.
    pub goal: Option<Goal>,
    /// What the limit is, in format; empty where there is none.
    pub limit: String,
    /// In the order in which they were measured.
    pub rounds: Vec<Round>,
    /// What else a reader has to know, a sentence each.
    pub notes: Vec<String>,
}

/// One pair: the limit, then ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// What the limit came to.
    pub limit: Option<f64>,
    /// What the service came to.
    pub ours: f64,
    /// The other results of this round, by name with its unit: `p99 ms`, `client cores`.
    pub detail: BTreeMap<String, f64>,
}

impl Round {
    /// Ours divided by the limit.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        self.limit.filter(|limit| *limit > 0.0).map(|limit| self.ours / limit)
    }
}

/// The median of some numbers, and the least and the greatest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Half are not above it.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of these numbers; `None` when there are none.
    #[must_use]
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let median = f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Self { median, min, max })
    }
}

impl Measured {
    /// Of the ratios of the pairs.
    #[must_use]
    pub fn ratio(&self) -> Option<Spread> {
        Spread::of(self.rounds.iter().filter_map(Round::ratio))
    }

    /// Of ours.
    #[must_use]
    pub fn ours(&self) -> Option<Spread> {
        Spread::of(self.rounds.iter().map(|round| round.ours))
    }

    /// Of the limits.
    #[must_use]
    pub fn limits(&self) -> Option<Spread> {
        Spread::of(self.rounds.iter().filter_map(|round| round.limit))
    }

    /// Of a detail of the rounds.
    #[must_use]
    pub fn detail(&self, name: &str) -> Option<Spread> {
        Spread::of(self.rounds.iter().filter_map(|round| round.detail.get(name).copied()))
    }

    /// What is held against the goal: the ratios, or ours where the goal is a value; `None` where there is no goal or no
    /// number.
    #[must_use]
    pub fn reached(&self) -> Option<Spread> {
        match self.goal? {
            Goal::Ratio(_) => self.ratio(),
            Goal::Value(_) => self.ours(),
        }
    }

    /// Whether the median reaches the goal; `None` where there is no goal or no number.
    #[must_use]
    pub fn is_met(&self) -> Option<bool> {
        let (Goal::Ratio(goal) | Goal::Value(goal)) = self.goal?;
        let reached = self.reached()?.median;
        Some(match self.better {
            Better::Higher => reached >= goal,
            Better::Lower => reached <= goal,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(better: Better, goal: Goal, pairs: &[(f64, f64)]) -> Measured {
        let rounds =
            pairs.iter().map(|&(limit, ours)| Round { limit: Some(limit), ours, ..Round::default() });
        Measured {
            id: "id".to_owned(),
            name: "name".to_owned(),
            unit: "unit".to_owned(),
            better,
            goal: Some(goal),
            limit: "limit".to_owned(),
            rounds: rounds.collect(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn median_of_an_even_count_is_the_mean_of_the_middle_two() {
        assert_eq!(Spread::of([4.0, 1.0, 3.0, 2.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of([9.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 9.0 }));
        assert_eq!(Spread::of([]), None);
    }

    /// Both sides of a pair saw the same machine; the medians of each side alone need not have.
    #[test]
    fn ratio_is_the_median_of_the_pairs() {
        let measured = measured(Better::Higher, Goal::Ratio(0.9), &[(100.0, 90.0), (10.0, 10.0), (1.0, 0.5)]);
        assert_eq!(measured.ratio(), Some(Spread { median: 0.9, min: 0.5, max: 1.0 }));
        assert_eq!(measured.is_met(), Some(true));
    }

    #[test]
    fn lower_is_better_goal_is_an_upper_bound() {
        let pairs = [(1.0, 3.5)];
        assert_eq!(measured(Better::Lower, Goal::Ratio(3.0), &pairs).is_met(), Some(false));
        assert_eq!(measured(Better::Lower, Goal::Value(3.5), &pairs).is_met(), Some(true));
        assert_eq!(measured(Better::Higher, Goal::Value(4.0), &pairs).is_met(), Some(false));
    }

    #[test]
    fn limit_of_zero_gives_no_ratio() {
        assert_eq!(Round { limit: Some(0.0), ours: 1.0, ..Round::default() }.ratio(), None);
    }
}
