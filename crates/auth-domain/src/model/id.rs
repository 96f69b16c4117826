//! Generation of ids.

use uuid::{Builder, Uuid};

use super::Timestamp;
use crate::random::SecureRandom;

/// Builds a UUID of version 7 (RFC 9562, section 5.7) from the given time and randomness.
pub(crate) fn uuid_v7(now: Timestamp, random: &dyn SecureRandom) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    let millis = u64::try_from(now.unix_micros() / 1_000).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}
