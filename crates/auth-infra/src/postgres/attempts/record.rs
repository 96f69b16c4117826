//! Records as JSON. Times are microseconds since the Unix epoch.

use auth_domain::model::{AccountRecord, Bucket, CounterKey, FailureStreak, KnownCaller, Timestamp};
use serde::{Deserialize, Serialize};

use crate::sql::{CorruptValue, hex};

#[derive(Serialize, Deserialize)]
struct StoredBucket {
    full_at: i64,
    under_way: Vec<i64>,
}

#[derive(Serialize, Deserialize)]
struct StoredAccount {
    tries: StoredStreak,
    known: Vec<StoredCaller>,
}

#[derive(Serialize, Deserialize)]
struct StoredStreak {
    failures: u32,
    last_failure_at: i64,
    under_way: Vec<i64>,
}

#[derive(Serialize, Deserialize)]
struct StoredCaller {
    /// In hexadecimal digits.
    caller: String,
    seen_at: i64,
    tries: StoredStreak,
}

pub(super) fn of_bucket(bucket: &Bucket) -> String {
    json(&StoredBucket { full_at: bucket.full_at.unix_micros(), under_way: micros(&bucket.pending) })
}

pub(super) fn of_account(account: &AccountRecord) -> String {
    let known = account.known_callers.iter().map(|known| StoredCaller {
        caller: hex(known.caller.as_bytes()),
        seen_at: known.last_login_at.unix_micros(),
        tries: of_streak(&known.streak),
    });
    json(&StoredAccount { tries: of_streak(&account.streak), known: known.collect() })
}

fn of_streak(streak: &FailureStreak) -> StoredStreak {
    StoredStreak {
        failures: streak.failures,
        last_failure_at: streak.last_failure_at.unix_micros(),
        under_way: micros(&streak.pending),
    }
}

/// A struct of numbers and texts always serialises.
fn json(record: &impl Serialize) -> String {
    serde_json::to_string(record).unwrap_or_else(|_| "null".to_owned())
}

pub(super) fn bucket(record: &str) -> Result<Bucket, CorruptValue> {
    let stored: StoredBucket =
        serde_json::from_str(record).map_err(|_| CorruptValue("bucket of attempts"))?;
    Ok(Bucket { full_at: Timestamp::from_unix_micros(stored.full_at), pending: times(stored.under_way) })
}

pub(super) fn account(record: &str) -> Result<AccountRecord, CorruptValue> {
    let stored: StoredAccount = serde_json::from_str(record).map_err(|_| unreadable())?;
    let known = stored.known.into_iter().map(|known| {
        let caller = from_hexadecimal(&known.caller).ok_or_else(unreadable)?;
        let last_login_at = Timestamp::from_unix_micros(known.seen_at);
        Ok(KnownCaller { caller: CounterKey::from_bytes(caller), last_login_at, streak: streak(known.tries) })
    });
    Ok(AccountRecord { streak: streak(stored.tries), known_callers: known.collect::<Result<_, _>>()? })
}

fn unreadable() -> CorruptValue {
    CorruptValue("record of attempts")
}

fn streak(stored: StoredStreak) -> FailureStreak {
    FailureStreak {
        failures: stored.failures,
        last_failure_at: Timestamp::from_unix_micros(stored.last_failure_at),
        pending: times(stored.under_way),
    }
}

fn micros(times: &[Timestamp]) -> Vec<i64> {
    times.iter().map(|at| at.unix_micros()).collect()
}

fn times(micros: Vec<i64>) -> Vec<Timestamp> {
    micros.into_iter().map(Timestamp::from_unix_micros).collect()
}

fn from_hexadecimal(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time() -> impl Strategy<Value = Timestamp> {
        (0..=Timestamp::MAX.unix_micros()).prop_map(Timestamp::from_unix_micros)
    }

    prop_compose! {
        fn any_streak()(
            failures in any::<u32>(), last_failure_at in time(), pending in prop::collection::vec(time(), 0..6),
        ) -> FailureStreak {
            FailureStreak { failures, last_failure_at, pending }
        }
    }

    prop_compose! {
        fn any_caller()(caller in any::<[u8; 32]>(), last_login_at in time(), streak in any_streak()) -> KnownCaller {
            KnownCaller { caller: CounterKey::from_bytes(caller), last_login_at, streak }
        }
    }

    proptest! {
        #[test]
        fn written_records_are_read_back(
            full_at in time(), streak in any_streak(), known_callers in prop::collection::vec(any_caller(), 0..4),
        ) {
            let written = Bucket { full_at, pending: streak.pending.clone() };
            prop_assert_eq!(bucket(&of_bucket(&written)).expect("read"), written);
            let written = AccountRecord { streak, known_callers };
            prop_assert_eq!(account(&of_account(&written)).expect("read"), written);
        }
    }

    #[test]
    fn invalid_record_is_reported_without_its_content() {
        let caller = r#"{"tries":{"failures":1,"last_failure_at":2,"under_way":[]},
            "known":[{"caller":"0x","seen_at":1,"tries":{"failures":1,"last_failure_at":2,"under_way":[]}}]}"#;
        for text in ["", "{}", "[]", r#"{"tries":"secret"}"#, caller] {
            let error = account(text).expect_err(text);
            assert_eq!(error.to_string(), "the stored record of attempts cannot be read");
            assert!(bucket(text).is_err());
        }
    }
}
