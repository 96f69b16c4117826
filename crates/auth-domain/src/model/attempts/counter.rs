//! Whom attempts are counted for.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{AttemptPolicy, Rate};
use crate::model::{Caller, IdentifierKey, UserId};

/// What a counter is found by: a SHA-256 digest, so that a store of counters holds neither names nor addresses that
/// can be read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterKey([u8; 32]);

impl CounterKey {
    /// The key of a user's account, whichever name somebody calls them by.
    #[must_use]
    pub fn of_user(user: UserId) -> Self {
        Self::of("user", user.0.as_bytes())
    }

    /// The key of a name that is no user's: in all its spellings if it could be somebody's, else to the letter. Whoever
    /// guesses cannot tell such an account from one that is there.
    #[must_use]
    pub fn of_unknown(typed: &str) -> Self {
        match IdentifierKey::of(typed) {
            Ok(key) => Self::of("name", key.as_str().as_bytes()),
            Err(_) => Self::of("text", typed.as_bytes()),
        }
    }

    /// The key of the place that a caller calls from: the API key, or else the address, of IPv6 the first 64 bits, which
    /// is what one customer of a provider has at the least. `None` when neither is known.
    #[must_use]
    pub fn of_caller(caller: &Caller) -> Option<Self> {
        if let Some(api_key) = caller.api_key {
            return Some(Self::of("API key", api_key.0.as_bytes()));
        }
        caller.address.map(|address| match address.to_canonical() {
            IpAddr::V4(address) => Self::of("IPv4", &address.octets()),
            IpAddr::V6(address) => Self::of("IPv6", &network(address)),
        })
    }

    /// The key of what `place` does of one kind.
    fn within(self, limit: Limit) -> Self {
        Self::of(limit.as_str(), &self.0)
    }

    fn of(kind: &str, value: &[u8]) -> Self {
        let digest =
            Sha256::new().chain_update("auth-domain counter\0").chain_update(kind).chain_update("\0");
        Self(digest.chain_update(value).finalize().into())
    }

    /// Wraps a key as a store kept it.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key's bytes, for a store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn network(address: Ipv6Addr) -> [u8; 8] {
    let mut network = [0; 8];
    network.copy_from_slice(&address.octets()[..8]);
    network
}

/// The first bytes, in hexadecimal digits.
impl fmt::Debug for CounterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CounterKey(")?;
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Failed log-ins from one place.
    LogIns,
    /// Failed log-ins of one account.
    Account,
    /// Registrations from one place.
    Registrations,
    /// Failed refreshes from one place.
    Refreshes,
}

impl Limit {
    /// Its name, for whoever is told that it is exhausted.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LogIns => "login",
            Self::Account => "account",
            Self::Registrations => "registration",
            Self::Refreshes => "refresh",
        }
    }
}

/// A counter of what one place does, and how much of it there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// What it is found by.
    pub key: CounterKey,
    /// What it counts.
    pub limit: Limit,
    /// How much of it there may be.
    pub rate: Rate,
}

impl Counter {
    /// The counter of what `caller`'s place does; `None` for somebody who calls from nowhere, and is not limited.
    #[must_use]
    pub fn of(caller: &Caller, limit: Limit, policy: &AttemptPolicy) -> Option<Self> {
        let rate = match limit {
            Limit::LogIns | Limit::Account => policy.log_ins,
            Limit::Registrations => policy.registrations,
            Limit::Refreshes => policy.refreshes,
        };
        let factor = if caller.api_key.is_some() { policy.api_key_factor } else { 1 };
        let caller = CounterKey::of_caller(caller)?;
        Some(Self { key: caller.within(limit), limit, rate: rate.times(factor) })
    }

    /// What to say when it is exhausted for this long.
    pub(crate) fn throttled(&self, retry_after: Duration) -> Throttled {
        let Rate { quota, window, .. } = self.rate;
        Throttled { limit: self.limit, quota, window: Some(window), retry_after }
    }
}

/// There were too many attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// Of what.
    pub limit: Limit,
    /// How many there may be.
    pub quota: u32,
    /// In which time; `None` where it is until one succeeds.
    pub window: Option<Duration>,
    /// After how long there may be another one.
    pub retry_after: Duration,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::ApiKeyId;

    fn caller(address: &str) -> CounterKey {
        let address = Some(address.parse().expect("an address"));
        CounterKey::of_caller(&Caller { address, ..Caller::default() }).expect("a place")
    }

    #[test]
    fn a_key_is_kept_as_its_bytes_and_shown_by_the_first_four() {
        let key = CounterKey::from_bytes([0xab; 32]);
        assert_eq!((key.as_bytes(), CounterKey::from_bytes(*key.as_bytes())), (&[0xab; 32], key));
        assert_eq!(format!("{key:?}"), "CounterKey(abababab..)");
    }

    #[test]
    fn an_ipv6_address_counts_by_its_network_and_an_ipv4_address_for_itself() {
        assert_eq!(caller("2001:db8:1:2::1"), caller("2001:db8:1:2:ffff::9"));
        assert_ne!(caller("2001:db8:1:2::1"), caller("2001:db8:1:3::1"));
        assert_ne!(caller("192.0.2.1"), caller("192.0.2.2"));
        assert_eq!(caller("192.0.2.1"), caller("::ffff:192.0.2.1"), "however it is written");
    }

    #[test]
    fn an_api_key_counts_in_place_of_the_address() {
        let policy = AttemptPolicy::default();
        let address = "192.0.2.1".parse().ok();
        let backend = |key| Caller { address, api_key: Some(ApiKeyId(Uuid::from_u128(key))), request: None };
        let counter = |caller: &Caller| Counter::of(caller, Limit::LogIns, &policy).expect("a counter");
        assert_ne!(counter(&backend(1)).key, counter(&backend(2)).key);
        assert_ne!(counter(&backend(1)).key, counter(&Caller { address, ..Caller::default() }).key);
        assert_eq!(counter(&backend(1)).rate.burst, 30_000);
    }

    #[test]
    fn who_calls_from_nowhere_is_not_counted() {
        assert_eq!(Counter::of(&Caller::default(), Limit::LogIns, &AttemptPolicy::default()), None);
    }

    #[test]
    fn what_is_of_different_kinds_is_counted_apart() {
        let caller = Caller { address: "192.0.2.1".parse().ok(), ..Caller::default() };
        let policy = AttemptPolicy::default();
        let key = |limit| Counter::of(&caller, limit, &policy).expect("a counter").key;
        assert_ne!(key(Limit::LogIns), key(Limit::Registrations));
        assert_ne!(key(Limit::Registrations), key(Limit::Refreshes));
    }

    #[test]
    fn the_spellings_of_a_name_count_together_and_what_is_no_name_to_the_letter() {
        assert_eq!(
            CounterKey::of_unknown("Jane.Doe@Example.com"),
            CounterKey::of_unknown("jane.doe@example.com")
        );
        assert_eq!(CounterKey::of_unknown("JANE"), CounterKey::of_unknown("jane"));
        assert_ne!(CounterKey::of_unknown("jane"), CounterKey::of_unknown("john"));
        assert_ne!(CounterKey::of_unknown("a\0b"), CounterKey::of_unknown("A\0b"));
    }

    #[test]
    fn nothing_of_a_name_can_be_read() {
        let key = CounterKey::of_unknown("jane");
        assert!(!format!("{key:?}").contains("jane"));
        assert!(!key.as_bytes().windows(4).any(|window| window == b"jane"));
    }
}
