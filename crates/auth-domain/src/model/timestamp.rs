//! Points in time with the precision of every store.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time in UTC, with microsecond precision.
///
/// PostgreSQL stores microseconds. With nanoseconds, a store would return another time than was written. The range ends
/// with the year 9999, the last that RFC 3339 can express; arithmetic saturates there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    #[cfg(test)]
    pub(crate) const fn from_const(micros: i64) -> Self {
        Self(micros)
    }

    /// Converts microseconds since the Unix epoch. Times before the epoch become the epoch.
    #[must_use]
    pub fn from_unix_micros(micros: i64) -> Self {
        Self(micros.clamp(0, Self::MAX.0))
    }

    /// Converts seconds since the Unix epoch. Times before the epoch become the epoch.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self::from_unix_micros(seconds.saturating_mul(1_000_000))
    }

    /// Parses an RFC 3339 time in any time zone, such as `2025-08-13T10:15:30.5+07:00`. Digits below a microsecond are
    /// truncated. `None` for any other text, and for times before the Unix epoch.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        (time >= OffsetDateTime::UNIX_EPOCH).then(|| Self::from(time))
    }

    /// Returns the microseconds since the Unix epoch.
    #[must_use]
    pub fn unix_micros(self) -> i64 {
        self.0
    }

    /// Returns the whole seconds since the Unix epoch, as in the `NumericDate` of a JWT (RFC 7519, section 2).
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0 / 1_000_000
    }

    /// Truncates the time to whole seconds, as tokens contain it.
    #[must_use]
    pub fn whole_seconds(self) -> Self {
        Self::from_unix_seconds(self.unix_seconds())
    }

    /// Adds `duration`, saturating at [`MAX`](Self::MAX).
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_unix_micros(self.0.saturating_add(micros))
    }

    /// Subtracts `duration`, saturating at the Unix epoch.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_unix_micros(self.0.saturating_sub(micros))
    }

    /// Returns the time since `earlier`. Zero if `earlier` is in the future, as a time from another node's clock may
    /// be.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(time: OffsetDateTime) -> Self {
        let micros = time.unix_timestamp_nanos().div_euclid(1_000);
        Self::from_unix_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

impl From<Timestamp> for OffsetDateTime {
    fn from(timestamp: Timestamp) -> Self {
        Self::UNIX_EPOCH + time::Duration::microseconds(timestamp.0)
    }
}

/// Writes RFC 3339 in UTC with whole seconds: `2025-08-13T10:15:30Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = OffsetDateTime::from(Self::from_unix_seconds(self.unix_seconds()));
        f.write_str(&whole.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_as_rfc_3339() {
        assert_eq!(Timestamp::from_unix_micros(1_755_080_130_999_999).to_string(), "2025-08-13T10:15:30Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn rfc_3339_is_parsed_in_any_time_zone() {
        fn time(text: &str) -> Option<i64> {
            Timestamp::parse(text).map(Timestamp::unix_micros)
        }
        assert_eq!(time("2025-08-13T17:15:30.1234567+07:00"), Some(1_755_080_130_123_456));
        assert_eq!(time("1970-01-01T00:00:00Z"), Some(0));
        for text in ["", "2025-08-13", "2025-08-13T10:15:30", "1969-12-31T23:59:59Z", "2025-13-01T00:00:00Z"]
        {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn precision_below_a_microsecond_is_truncated() {
        let precise = OffsetDateTime::UNIX_EPOCH + time::Duration::nanoseconds(1_999);
        assert_eq!(Timestamp::from(precise).unix_micros(), 1);
    }

    #[test]
    fn a_timestamp_round_trips_through_a_calendar_date() {
        for micros in [0, 1, 1_755_080_130_123_456, Timestamp::MAX.unix_micros()] {
            let timestamp = Timestamp::from_unix_micros(micros);
            assert_eq!(Timestamp::from(OffsetDateTime::from(timestamp)), timestamp);
        }
    }

    #[test]
    fn timestamp_arithmetic_saturates() {
        assert_eq!(Timestamp::MAX.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::UNIX_EPOCH.minus(Duration::from_secs(1)), Timestamp::UNIX_EPOCH);
        assert_eq!(Timestamp::UNIX_EPOCH.since(Timestamp::MAX), Duration::ZERO);
    }
}
