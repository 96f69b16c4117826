//! What a read of the store has seen, so that the next one continues from there.

use std::fmt;
use std::str::FromStr;

/// The number of changes in progress that the text of a snapshot can contain. With more, the text is that of an earlier
/// snapshot, which repeats changes and misses none.
const MAX_IN_PROGRESS: usize = 16;

/// The numbered changes that a read has seen: all below `from`, and those from `from` to `to` that were not `in_progress`.
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
    /// Ascending.
    in_progress: Vec<u64>,
}

impl Snapshot {
    /// All changes up to this number, in the only history of SQLite.
    #[cfg(feature = "sqlite")]
    pub(crate) fn up_to(number: i64) -> Self {
        let next = u64::try_from(number).unwrap_or(0).saturating_add(1);
        Self { history: 0, from: next, to: next, in_progress: Vec::new() }
    }

    /// Reads the text of a `pg_snapshot`: `xmin:xmax:xip,xip`.
    #[cfg(feature = "postgres")]
    pub(crate) fn parse_postgres(history: u32, text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (from, to) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let in_progress = match parts.next()? {
            "" => Vec::new(),
            list => list.split(',').map(str::parse).collect::<Result<_, _>>().ok()?,
        };
        Some(Self { history, from, to, in_progress })
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
        number < self.from || (number < self.to && self.in_progress.binary_search(&number).is_err())
    }

    /// Returns whether this snapshot of the same history is later than the other.
    pub(crate) fn is_after(&self, other: &Self) -> bool {
        (self.from, self.to, other.in_progress.len()) > (other.from, other.to, self.in_progress.len())
    }
}

/// `history.from.to`, and `.offset-offset` for the changes in progress, as differences from `from`.
impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { history, from, to, in_progress } = self;
        if in_progress.len() > MAX_IN_PROGRESS {
            return write!(f, "{history}.{from}.{from}");
        }
        write!(f, "{history}.{from}.{to}")?;
        for (index, number) in in_progress.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { '.' } else { '-' }, number - from)?;
        }
        Ok(())
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
    let mut parts = text.splitn(4, '.');
    let history = parts.next()?.parse().ok()?;
    let (from, to): (u64, u64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let number = |offset: &str| from.checked_add(offset.parse().ok()?).filter(|number| *number < to);
    let in_progress: Vec<_> = match parts.next() {
        None => Vec::new(),
        Some(offsets) => offsets.split('-').map(number).collect::<Option<_>>()?,
    };
    (from <= to && in_progress.is_sorted_by(|one, next| one < next)).then_some(Snapshot {
        history,
        from,
        to,
        in_progress,
    })
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
    fn text_of_many_changes_in_progress_is_an_earlier_snapshot() {
        let list: Vec<_> = (0..=16).map(|offset| (100 + 2 * offset).to_string()).collect();
        let crowded = snapshot(&format!("100:200:{}", list.join(",")));
        assert_eq!(crowded.to_string(), "7.100.100");
        let parsed: Snapshot = crowded.to_string().parse().expect("a snapshot");
        assert!(
            !parsed.is_after(&crowded)
                && (0..300).all(|number| !parsed.has_seen(number) || crowded.has_seen(number))
        );
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
            let in_progress = offsets.into_iter().filter(|offset| *offset < span).map(|offset| from + offset);
            let snapshot = Snapshot { history: 1, from, to: from + span, in_progress: in_progress.collect() };
            prop_assert_eq!(snapshot.to_string().parse(), Ok(snapshot));
        }

        #[test]
        fn any_text_is_parsed_without_panic(text in ".{0,60}|[0-9.-]{0,60}") {
            let _ = text.parse::<Snapshot>();
        }
    }
}
