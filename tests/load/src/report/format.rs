//! Numbers and goals in format.

use std::fmt::Write as _;

use crate::measure::{Better, Goal, Measured, Spread};

/// What was measured, a line each, for a terminal.
#[must_use]
pub fn table(measured: &[Measured]) -> String {
    let mut text = String::new();
    let widest = measured.iter().map(|one| one.name.chars().count()).max().unwrap_or_default();
    for one in measured {
        let (limit, ours) = (spread(one.limits()), spread(one.ours()));
        let _ = writeln!(
            text,
            "{:widest$}  limit {limit}, ours {ours} {}: {}, {}",
            one.name,
            one.unit,
            one.ratio()
                .map_or_else(|| "no ratio".to_owned(), |ratio| format!("ratio {}", spread(Some(ratio)))),
            verdict(one),
        );
    }
    text
}

/// `0.97 (0.95 .. 0.99)`.
pub(super) fn spread(spread: Option<Spread>) -> String {
    spread.map_or_else(
        || "-".to_owned(),
        |Spread { median, min, max }| format!("{} ({} .. {})", number(median), number(min), number(max)),
    )
}

/// Three figures, or all before the point.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A time in nanoseconds, in its largest unit: `41.5 µs`.
pub(super) fn time(nanos: f64) -> String {
    match nanos {
        short if short < 1e3 => format!("{} ns", number(short)),
        short if short < 1e6 => format!("{} µs", number(short / 1e3)),
        long => format!("{} ms", number(long / 1e6)),
    }
}

/// `goal at least 0.95`.
pub(super) fn goal(measured: &Measured) -> String {
    let word = match measured.better {
        Better::Higher => "at least",
        Better::Lower => "at most",
    };
    match measured.goal {
        Some(Goal::Ratio(goal)) => format!("goal {word} {goal}"),
        Some(Goal::Value(goal)) => format!("goal {word} {goal} {}", measured.unit),
        None => "no goal".to_owned(),
    }
}

/// Whether the goal was reached.
pub(super) fn verdict(measured: &Measured) -> String {
    let goal = goal(measured);
    match measured.is_met() {
        Some(true) => format!("{goal}: reached"),
        Some(false) => format!("{goal}: **missed**"),
        None => goal,
    }
}

/// A ratio, or a value where the goal is one, as a share of the goal: 1 is the goal, and more is better.
pub(super) fn share_of_goal(measured: &Measured, value: f64) -> Option<f64> {
    let (Goal::Ratio(goal) | Goal::Value(goal)) = measured.goal?;
    let share = match measured.better {
        Better::Higher => value / goal,
        Better::Lower => goal / value,
    };
    Some(share).filter(|share| share.is_finite())
}

#[cfg(test)]
mod tests {
    use super::super::tests::flood;
    use super::*;

    #[test]
    fn table_line_shows_both_sides_the_ratio_and_the_verdict() {
        assert_eq!(
            table(&[flood()]),
            "`/me` p99 <&> more  limit 1.00 (1.00 .. 1.00), ours 2.00 (2.00 .. 2.00) ms: \
             ratio 2.00 (2.00 .. 2.00), goal at most 3: reached\n"
        );
    }

    #[test]
    fn times_have_a_fitting_unit() {
        assert_eq!([12.34, 1_234.0, 9_876_543.0].map(time), ["12.3 ns", "1.23 µs", "9.88 ms"]);
    }

    #[test]
    fn numbers_have_three_figures() {
        assert_eq!(
            [0.0, 0.9765, 1.2345, 45.67, 12_345.6].map(number),
            ["0", "0.977", "1.23", "45.7", "12346"]
        );
    }
}
