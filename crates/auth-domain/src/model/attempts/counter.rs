//! The keys and rates of the counters.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{AttemptPolicy, Rate};
use crate::model::{ApiKeyId, AuditedCaller, Caller, ClientAddress, IdentifierKey, UserId};

/// The lookup key of a counter: a SHA-256 digest, so that a store of counters contains no readable names or addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterKey([u8; 32]);

impl CounterKey {
    /// The key of a user's account, independent of the identifier that the caller used.
    #[must_use]
    pub fn of_user(user: UserId) -> Self {
        Self::of("user", user.0.as_bytes())
    }

    /// The key of an identifier that no user has.
    ///
    /// All spellings of a valid identifier share one key; other text is used literally. A caller therefore cannot
    /// distinguish such an account from an existing one.
    #[must_use]
    pub fn of_unknown(typed: &str) -> Self {
        match IdentifierKey::of(typed) {
            Ok(key) => Self::of("name", key.as_str().as_bytes()),
            Err(_) => Self::of("text", typed.as_bytes()),
        }
    }

    /// The key of a caller: the address by which it is counted, else its API key. Callers with neither share one key.
    ///
    /// Of an address its [network](crate::model::ClientAddress::network) counts.
    #[must_use]
    pub fn of_caller(caller: &Caller) -> Self {
        let by_address = caller.counted_address().map(Self::of_address);
        by_address
            .or_else(|| caller.api_key().map(Self::of_api_key))
            .unwrap_or_else(|| Self::of("no address", &[]))
    }

    /// The key of the caller of an audit event: its API key, else its address. `None` when neither is known.
    #[must_use]
    pub fn of_audited(caller: &AuditedCaller) -> Option<Self> {
        caller.api_key.map(Self::of_api_key).or_else(|| caller.address.map(Self::of_address))
    }

    fn of_address(address: ClientAddress) -> Self {
        match address.network() {
            IpAddr::V4(address) => Self::of("IPv4", &address.octets()),
            IpAddr::V6(network) => Self::of("IPv6", &network.octets()),
        }
    }

    fn of_api_key(id: ApiKeyId) -> Self {
        Self::of("API key", id.0.as_bytes())
    }

    /// Returns the key for one kind of attempt of this caller.
    fn within(self, limit: Limit) -> Self {
        Self::of(limit.as_str(), &self.0)
    }

    fn of(kind: &str, value: &[u8]) -> Self {
        let digest =
            Sha256::new().chain_update("auth-domain counter\0").chain_update(kind).chain_update("\0");
        Self(digest.chain_update(value).finalize().into())
    }

    /// Wraps a stored key.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the key, for a store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Writes the first four bytes in hexadecimal.
impl fmt::Debug for CounterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CounterKey(")?;
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

/// The kinds of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Failed logins per caller.
    LogIns,
    /// Failed logins per account.
    Account,
    /// Registrations per caller.
    Registrations,
    /// Failed refreshes per caller.
    Refreshes,
    /// Rotations per session within one retry window.
    Rotations,
}

impl Limit {
    /// Returns the name that clients and the audit trail see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LogIns => "login",
            Self::Account => "account",
            Self::Registrations => "registration",
            Self::Refreshes => "refresh",
            Self::Rotations => "rotation",
        }
    }
}

/// A counter for one kind of attempt of one caller, with its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The lookup key.
    pub key: CounterKey,
    /// The kind of attempt.
    pub limit: Limit,
    /// The permitted rate.
    pub rate: Rate,
}

impl Counter {
    /// Returns the counter of the address of `caller` for `limit`. Callers without an address share one. `None` for a
    /// caller that is counted by its API key, and for rotations, which each session counts itself.
    #[must_use]
    pub fn of_address(caller: &Caller, limit: Limit, policy: &AttemptPolicy) -> Option<Self> {
        let is_counted_by_key = caller.api_key().is_some() && caller.counted_address().is_none();
        let key = (!is_counted_by_key).then(|| CounterKey::of_caller(caller).within(limit))?;
        Some(Self { key, limit, rate: rate(limit, policy)? })
    }

    /// Returns the counter of the API key of `caller` for `limit`. `None` without a key, and for rotations.
    #[must_use]
    pub fn of_api_key(caller: &Caller, limit: Limit, policy: &AttemptPolicy) -> Option<Self> {
        let key = CounterKey::of_api_key(caller.api_key()?).within(limit);
        Some(Self { key, limit, rate: rate(limit, policy)?.times(policy.api_key_factor) })
    }

    /// Returns the counter of the address of `caller`, else that of its API key. `None` for rotations.
    #[must_use]
    pub fn of(caller: &Caller, limit: Limit, policy: &AttemptPolicy) -> Option<Self> {
        Self::of_address(caller, limit, policy).or_else(|| Self::of_api_key(caller, limit, policy))
    }

    /// Builds the answer for an exhausted counter.
    pub(crate) fn throttled(&self, retry_after: Duration) -> Throttled {
        let Rate { quota, window, .. } = self.rate;
        Throttled { limit: self.limit, quota, window: Some(window), retry_after }
    }
}

/// The rate of an address.
fn rate(limit: Limit, policy: &AttemptPolicy) -> Option<Rate> {
    match limit {
        Limit::LogIns | Limit::Account => Some(policy.log_ins),
        Limit::Registrations => Some(policy.registrations),
        Limit::Refreshes => Some(policy.refreshes),
        Limit::Rotations => None,
    }
}

/// An attempt was denied because of too many before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// The exceeded limit.
    pub limit: Limit,
    /// The number of permitted attempts.
    pub quota: u32,
    /// The window of the quota. `None` for consecutive failures of an account.
    pub window: Option<Duration>,
    /// The time after which the next attempt is permitted.
    pub retry_after: Duration,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::RequestId;

    fn at(address: &str) -> Caller {
        Caller::at(address.parse::<ClientAddress>().expect("an address"))
    }

    fn caller(address: &str) -> CounterKey {
        CounterKey::of_caller(&at(address))
    }

    #[test]
    fn a_counter_key_round_trips_and_prints_four_bytes() {
        let key = CounterKey::from_bytes([0xab; 32]);
        assert_eq!((key.as_bytes(), CounterKey::from_bytes(*key.as_bytes())), (&[0xab; 32], key));
        assert_eq!(format!("{key:?}"), "CounterKey(abababab..)");
    }

    #[test]
    fn ipv6_addresses_of_one_network_share_a_key() {
        assert_eq!(caller("2001:db8:1:2::1"), caller("2001:db8:1:2:ffff::9"));
        assert_ne!(caller("2001:db8:1:2::1"), caller("2001:db8:1:3::1"));
        assert_ne!(caller("192.0.2.1"), caller("192.0.2.2"));
        assert_eq!(caller("192.0.2.1"), caller("::ffff:192.0.2.1"), "however it is written");
    }

    #[test]
    fn an_end_user_is_counted_by_address_and_by_the_key() {
        let policy = AttemptPolicy::default();
        let user = at("192.0.2.1");
        let program = at("198.51.100.1").with_api_key(ApiKeyId(Uuid::from_u128(7)));
        let reported = program.clone().with_end_user(user.address().expect("an address"));
        assert_eq!(CounterKey::of_caller(&reported), CounterKey::of_caller(&user));
        for limit in [Limit::LogIns, Limit::Registrations, Limit::Refreshes] {
            let [by_address, of_user] =
                [&reported, &user].map(|caller| Counter::of_address(caller, limit, &policy));
            assert!(by_address.is_some());
            assert_eq!(by_address, of_user);
            let [by_key, of_program] =
                [&reported, &program].map(|caller| Counter::of_api_key(caller, limit, &policy));
            assert!(by_key.is_some());
            assert_eq!(by_key, of_program);
            assert_eq!(Counter::of_address(&program, limit, &policy), None);
        }
    }

    #[test]
    fn an_api_key_takes_precedence_over_the_address() {
        let policy = AttemptPolicy::default();
        let without_key = at("192.0.2.1");
        let [first, second] =
            [1, 2].map(|key| without_key.clone().with_api_key(ApiKeyId(Uuid::from_u128(key))));
        let [first, second, without_key] = [first, second, without_key]
            .map(|caller| Counter::of(&caller, Limit::LogIns, &policy).expect("a counter"));
        assert_ne!(first.key, second.key);
        assert_ne!(first.key, without_key.key);
        assert_eq!(first.rate.burst, 30_000);
    }

    #[test]
    fn callers_without_an_address_share_one_counter_per_limit() {
        let policy = AttemptPolicy::default();
        let counter_of = |caller: Caller| Counter::of(&caller, Limit::LogIns, &policy).expect("a counter");
        let shared = counter_of(Caller::without_address());
        assert_eq!(shared, counter_of(Caller::without_address().with_request(RequestId(7))));
        assert_eq!(shared.rate, counter_of(at("192.0.2.1")).rate);
        assert_ne!(shared.key, counter_of(at("192.0.2.1")).key);
        let with_key = Caller::without_address().with_api_key(ApiKeyId(Uuid::from_u128(7)));
        assert_eq!(Counter::of_address(&with_key, Limit::LogIns, &policy), None, "its key is counted");
    }

    #[test]
    fn an_audited_caller_is_its_key_or_else_its_address() {
        let program = at("192.0.2.1").with_api_key(ApiKeyId(Uuid::from_u128(7)));
        for caller in [program.clone(), program.clone().with_end_user([192, 0, 2, 9])] {
            assert_eq!(CounterKey::of_audited(&caller.audited()), Some(CounterKey::of_caller(&program)));
        }
        assert_eq!(CounterKey::of_audited(&at("192.0.2.1").audited()), Some(caller("192.0.2.1")));
        assert_eq!(CounterKey::of_audited(&AuditedCaller::default()), None);
    }

    #[test]
    fn kinds_of_keys_do_not_collide() {
        let caller = at("192.0.2.1");
        let policy = AttemptPolicy::default();
        let [log_ins, registrations, refreshes] = [Limit::LogIns, Limit::Registrations, Limit::Refreshes]
            .map(|limit| Counter::of(&caller, limit, &policy).expect("a counter").key);
        assert_ne!(log_ins, registrations);
        assert_ne!(registrations, refreshes);
    }

    #[test]
    fn spellings_of_one_identifier_share_a_key() {
        assert_eq!(
            CounterKey::of_unknown("Jane.Doe@Example.com"),
            CounterKey::of_unknown("jane.doe@example.com")
        );
        assert_eq!(CounterKey::of_unknown("JANE"), CounterKey::of_unknown("jane"));
        assert_ne!(CounterKey::of_unknown("jane"), CounterKey::of_unknown("john"));
        assert_ne!(CounterKey::of_unknown("a\0b"), CounterKey::of_unknown("A\0b"));
    }

    #[test]
    fn a_counter_key_does_not_reveal_the_identifier() {
        let key = CounterKey::of_unknown("jane");
        assert!(!format!("{key:?}").contains("jane"));
        assert!(!key.as_bytes().windows(4).any(|window| window == b"jane"));
    }
}
