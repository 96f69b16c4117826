//! What a read of the store has seen, so that the next one continues from there.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The number of unseen ranges that the text of a snapshot can contain. With more, the text joins those that are closest
/// together: a follower gets the changes between them again, and misses none.
const MAX_RANGES: usize = 16;

/// The numbered changes that a read has seen: all below `from`, and those from `from` to `to` that are not `unseen`.
///
/// PostgreSQL numbers transactions when they begin, and they commit in any order. SQLite numbers rows in the order of commits.
///
/// The snapshots of one history are totally ordered: a later one has seen all that an earlier one has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// PostgreSQL: the timeline, which a promoted standby or a restored server increments. It reuses numbers. SQLite: 0.
    pub(crate) history: u32,
    from: u64,
    to: u64,
    /// Ascending, with at least one number between two ranges. They contain all changes in progress, and perhaps others.
    unseen: Vec<RangeInclusive<u64>>,
    /// The number of changes in progress. It orders snapshots whose ranges were joined.
    in_progress: u64,
}

impl Snapshot {
    /// All changes up to this number, in the only history of SQLite.
    #[cfg(feature = "sqlite")]
    pub(crate) fn up_to(number: i64) -> Self {
        let next = u64::try_from(number).unwrap_or(0).saturating_add(1);
        Self { history: 0, from: next, to: next, unseen: Vec::new(), in_progress: 0 }
    }

    /// Reads the text of a `pg_snapshot`: `xmin:xmax:xip,xip`.
    #[cfg(feature = "postgres")]
    pub(crate) fn parse_postgres(history: u32, text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (from, to) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let mut snapshot = Self { history, from, to, unseen: Vec::new(), in_progress: 0 };
        for number in parts.next()?.split(',').filter(|number| !number.is_empty()) {
            let number = number.parse().ok()?;
            if snapshot.unseen.last().map_or(number < from, |last| number <= *last.end()) || number >= to {
                return None;
            }
            snapshot.unseen.push(number..=number);
            snapshot.in_progress += 1;
        }
        snapshot.join_unseen(|between| between.is_empty());
        Some(snapshot)
    }

    /// Joins neighbouring unseen ranges if the numbers between them may count as unseen too.
    pub(crate) fn join_unseen(&mut self, is_joined: impl Fn(RangeInclusive<u64>) -> bool) {
        self.unseen.dedup_by(|next, range| {
            let is_joined = is_joined(range.end() + 1..=next.start().saturating_sub(1));
            if is_joined {
                *range = *range.start()..=*next.end();
            }
            is_joined
        });
    }

    /// The lowest number that may not have been seen.
    pub(crate) fn from(&self) -> u64 {
        self.from
    }

    /// The lowest number that cannot have been seen.
    pub(crate) fn to(&self) -> u64 {
        self.to
    }

    pub(crate) fn has_seen(&self, number: u64) -> bool {
        let next = self.unseen.partition_point(|range| *range.end() < number);
        let is_unseen = || self.unseen.get(next).is_some_and(|range| range.contains(&number));
        number < self.from || (number < self.to && !is_unseen())
    }

    /// Returns whether this snapshot of the same history is later than the other.
    pub(crate) fn is_after(&self, other: &Self) -> bool {
        (self.from, self.to, other.in_progress) > (other.from, other.to, self.in_progress)
    }

    /// The same snapshot with as many ranges as its text can contain.
    fn shortened(&self) -> Self {
        let mut short = self.clone();
        let excess = self.unseen.len().saturating_sub(MAX_RANGES);
        let gap = |between: RangeInclusive<u64>| (between.end() - between.start(), *between.start());
        let mut gaps: Vec<_> =
            self.unseen.windows(2).map(|pair| gap(pair[0].end() + 1..=pair[1].start() - 1)).collect();
        gaps.sort_unstable();
        if let Some(widest) = excess.checked_sub(1).and_then(|index| gaps.get(index)) {
            short.join_unseen(|between| gap(between) <= *widest);
        }
        short
    }

    /// The number of changes that the unseen ranges contain.
    fn unseen_len(&self) -> u64 {
        self.unseen.iter().map(|range| range.end() - range.start() + 1).sum()
    }
}

/// `history.from.to`, and `.range-range` for the unseen ranges: their first numbers, as differences from `from`, and `_length` if
/// it is not 1. If the ranges contain other changes than those in progress, `.count` is the number of the latter.
impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.shortened();
        let Self { history, from, to, unseen, in_progress } = &short;
        write!(f, "{history}.{from}.{to}")?;
        for (index, range) in unseen.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { '.' } else { '-' }, range.start() - from)?;
            if range.end() > range.start() {
                write!(f, "_{}", range.end() - range.start() + 1)?;
            }
        }
        if short.unseen_len() == *in_progress { Ok(()) } else { write!(f, ".{in_progress}") }
    }
}

/// The text is not a snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidSnapshot;

/// Accepts exactly what [`Display`](fmt::Display) writes.
impl FromStr for Snapshot {
    type Err = InvalidSnapshot;

    fn from_str(text: &str) -> Result<Self, InvalidSnapshot> {
        let parsed = parse(text).ok_or(InvalidSnapshot)?;
        (parsed.to_string() == text).then_some(parsed).ok_or(InvalidSnapshot)
    }
}

fn parse(text: &str) -> Option<Snapshot> {
    let mut parts = text.splitn(5, '.');
    let history = parts.next()?.parse().ok()?;
    let (from, to): (u64, u64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let range = |text: &str| {
        let (offset, length) = text.split_once('_').unwrap_or((text, "1"));
        let first = from.checked_add(offset.parse().ok()?)?;
        let last = first.checked_add(length.parse::<u64>().ok()?.checked_sub(1)?)?;
        (last < to).then_some(first..=last)
    };
    let unseen: Vec<_> = match parts.next() {
        None => Vec::new(),
        Some(ranges) => ranges.split('-').map(range).collect::<Option<_>>()?,
    };
    let is_ascending = unseen.is_sorted_by(|one, next| next.start().saturating_sub(*one.end()) > 1);
    if from > to || !is_ascending || unseen.len() > MAX_RANGES {
        return None;
    }
    let mut snapshot = Snapshot { history, from, to, unseen, in_progress: 0 };
    let unseen_len = snapshot.unseen_len();
    snapshot.in_progress = parts.next().map_or(Some(unseen_len), |count| count.parse().ok())?;
    let least = snapshot.unseen.len() as u64;
    (least..=unseen_len).contains(&snapshot.in_progress).then_some(snapshot)
}

#[cfg(test)]
#[cfg(feature = "postgres")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn snapshot(text: &str) -> Snapshot {
        Snapshot::parse_postgres(7, text).expect("a snapshot")
    }

    #[test]
    fn a_change_in_progress_is_not_seen() {
        let snapshot = snapshot("10:20:10,15");
        let seen: Vec<_> = (8..22).filter(|number| snapshot.has_seen(*number)).collect();
        assert_eq!(seen, [8, 9, 11, 12, 13, 14, 16, 17, 18, 19]);
    }

    #[test]
    fn later_snapshots_are_after_earlier_ones() {
        let ascending = ["10:20:10,15", "10:20:10", "10:21:10,20", "21:21:", "21:22:21"].map(snapshot);
        for (index, one) in ascending.iter().enumerate() {
            for (other_index, other) in ascending.iter().enumerate() {
                assert_eq!(one.is_after(other), index > other_index, "{one} {other}");
            }
        }
    }

    #[test]
    fn neighbours_in_progress_are_one_range() {
        let list: Vec<_> = (100..=120).map(|number| number.to_string()).collect();
        assert_eq!(snapshot(&format!("90:200:90,{}", list.join(","))).to_string(), "7.90.200.0-10_21");
    }

    #[test]
    fn text_of_many_ranges_joins_the_closest() {
        let list: Vec<_> = (0..=16).map(|index: u64| (100 + 3 * index + index / 16).to_string()).collect();
        let crowded = snapshot(&format!("100:200:{}", list.join(",")));
        let parsed: Snapshot = crowded.to_string().parse().expect("a snapshot");
        assert!(parsed.unseen.len() <= MAX_RANGES && parsed.to() == 200, "{parsed}");
        assert!((0..300).all(|number| !parsed.has_seen(number) || crowded.has_seen(number)));
        let repeated = (0..300).filter(|number| crowded.has_seen(*number) && !parsed.has_seen(*number));
        assert_eq!(repeated.collect::<Vec<_>>(), [101, 102]);
        assert!(!parsed.is_after(&crowded) && !crowded.is_after(&parsed), "they are of one read");
        let earlier = snapshot(&format!("100:200:{},199", list.join(",")));
        assert!(parsed.is_after(&earlier) && !earlier.is_after(&parsed));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "1",
            "1.2",
            "1.3.2",
            "1.2.3.",
            "1.2.3.x",
            "1.2.3.1",
            "1.2.9.2-1",
            "1.2.9.1-1",
            "1.2.9.0-1",
            "1.2.9.0_1",
            "1.2.9.0_0",
            "1.2.9.0_8",
            "1.2.9.0_3.0",
            "1.2.9.0_3.3",
            "1.2.9.0_3.4",
            "1.2.9.0_3.2.2",
            "1.+2.3",
            "01.2.3",
            "1.2.3.0.0",
            "-1.2.3",
            "1.2.3 ",
            "4294967296.1.1",
            "1.18446744073709551616.1",
            "1.2.9.18446744073709551615",
        ] {
            assert_eq!(text.parse::<Snapshot>(), Err(InvalidSnapshot), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_is_parsed_as_it_is_written(
            from in 0_u64..1_000_000, span in 0_u64..100_000, offsets in prop::collection::btree_set(0_u64..100_000, 0..16),
        ) {
            let numbers = offsets.into_iter().filter(|offset| *offset < span).map(|offset| (from + offset).to_string());
            let text = format!("{from}:{}:{}", from + span, numbers.collect::<Vec<_>>().join(","));
            let snapshot = snapshot(&text);
            prop_assert_eq!(snapshot.to_string().parse(), Ok(snapshot));
        }

        #[test]
        fn any_text_is_parsed_without_panic(text in ".{0,60}|[0-9.-]{0,60}") {
            let _ = text.parse::<Snapshot>();
        }
    }
}
