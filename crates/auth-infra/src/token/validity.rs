//! The validity of a key after its successor has taken over.

use std::time::Duration;

use auth_domain::model::{AccessClaims, RefreshClaims, Timestamp};

/// How long a key may still sign after its successor's takeover. Other processes see the new key within a second, or within
/// a minute if a network file system caches the directory for that long. The clocks of two machines differ by less.
pub(super) const OVERLAP: Duration = Duration::from_secs(60);

/// The lifetimes of tokens. They determine how long a superseded key is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLifetimes {
    /// The maximum lifetime of an access token, of any client.
    pub access: Duration,
    /// The maximum time until a self-renewing or a refresh token is used: the idle time of a session.
    pub renewal: Duration,
    /// The maximum difference between the clocks of two nodes.
    pub leeway: Duration,
}

/// The use of a key at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// It signs and verifies.
    Signs,
    /// It verifies the access tokens that it signed before it was superseded, and is published.
    Verifies {
        /// When the last of them expires.
        until: Timestamp,
    },
    /// All its access tokens have expired, but sessions can still be refreshed with tokens that it signed.
    Renews {
        /// When the session of the last of them ends.
        until: Timestamp,
    },
    /// It is ignored.
    Retired,
}

/// When a key was superseded, if it was, and what follows from that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    /// The last time at which the key may have signed.
    last: Option<Timestamp>,
    lifetimes: TokenLifetimes,
}

impl Validity {
    /// The validity of a key whose successor took over at `takeover`. Without a successor it has no end yet.
    pub(super) fn new(takeover: Option<Timestamp>, lifetimes: TokenLifetimes) -> Self {
        Self { last: takeover.map(|takeover| takeover.plus(OVERLAP)), lifetimes }
    }

    /// Whether the key may have signed these claims while it was in force. A later thief of the key can backdate a token,
    /// but the token cannot expire after the last legitimate one.
    pub(super) fn covers(&self, claims: &AccessClaims) -> bool {
        self.last.is_none_or(|last| {
            claims.issued_at <= last && claims.expires_at <= last.plus(self.lifetimes.access)
        })
    }

    /// The same for the claims of a refresh token. Its expiry decides nothing: the session does, and the key is ignored
    /// after the idle time of a session.
    pub(super) fn covers_refresh(&self, claims: &RefreshClaims) -> bool {
        self.last.is_none_or(|last| claims.issued_at <= last)
    }

    pub(super) fn used_at(&self, now: Timestamp) -> KeyUse {
        let TokenLifetimes { access, renewal, leeway } = self.lifetimes;
        let Some(last) = self.last else { return KeyUse::Signs };
        let (verifies_until, renews_until) =
            (last.plus(access).plus(leeway), last.plus(renewal).plus(leeway));
        if now < verifies_until {
            KeyUse::Verifies { until: verifies_until }
        } else if now < renews_until {
            KeyUse::Renews { until: renews_until }
        } else {
            KeyUse::Retired
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::model::{ClientId, Roles, SessionId, TokenId, UserId};
    use auth_domain::policy::TokenPolicy;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const TAKEOVER: i64 = 1_800_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_seconds(TAKEOVER + second)
    }

    fn lifetimes(access: u64, renewal: u64) -> TokenLifetimes {
        let seconds = Duration::from_secs;
        TokenLifetimes {
            access: seconds(access),
            renewal: seconds(renewal),
            leeway: TokenPolicy::default().leeway,
        }
    }

    fn claims(issued_at: Timestamp, expires_at: Timestamp) -> AccessClaims {
        AccessClaims {
            token_id: TokenId(Uuid::from_u128(1)),
            user_id: UserId(Uuid::from_u128(2)),
            session_id: SessionId(Uuid::from_u128(3)),
            client_id: ClientId::from_static("example"),
            roles: Roles::default(),
            issued_at,
            expires_at,
        }
    }

    /// Whether the token is accepted at a time: its key is in use and covers it, and the domain finds it current.
    fn opens(validity: &Validity, claims: &AccessClaims, now: Timestamp) -> bool {
        validity.used_at(now) != KeyUse::Retired
            && validity.covers(claims)
            && claims.are_current(now, &TokenPolicy::default())
    }

    #[test]
    fn a_key_signs_verifies_renews_and_retires() {
        let validity = Validity::new(Some(at(0)), lifetimes(900, 86_400));
        let (verifies, renews) = (KeyUse::Verifies { until: at(965) }, KeyUse::Renews { until: at(86_465) });
        for (second, used) in
            [(-1, verifies), (964, verifies), (965, renews), (86_464, renews), (86_465, KeyUse::Retired)]
        {
            assert_eq!(validity.used_at(at(second)), used, "{second}");
        }
        assert_eq!(Validity::new(None, lifetimes(900, 86_400)).used_at(Timestamp::MAX), KeyUse::Signs);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// A node signs with the old key until it has read the new one, and its clock deviates. The token may be
        /// presented to any node until it expires.
        #[test]
        fn no_token_is_wrongly_refused(
            access in 1_u64..86_400, renewal in 1_u64..3_000_000,
            signed in -100_000_i64..=50, skew in -5_i64..=5, lives in 1_u64..86_400,
            shown in 0_u64..86_400, renewed in 0_u64..3_000_000,
        ) {
            let validity = Validity::new(Some(at(0)), lifetimes(access, renewal));
            let issued_at = at(signed + skew);
            let claims = claims(issued_at, issued_at.plus(Duration::from_secs(lives.min(access))));
            let shown = issued_at.plus(Duration::from_secs(shown));
            prop_assert_eq!(opens(&validity, &claims, shown), claims.are_current(shown, &TokenPolicy::default()));
            let renewed = issued_at.plus(Duration::from_secs(renewed % renewal));
            prop_assert!(validity.covers(&claims) && validity.used_at(renewed) != KeyUse::Retired);
        }

        /// A thief of the old key signs arbitrary claims.
        #[test]
        fn no_token_is_accepted_too_late(
            access in 1_u64..86_400, renewal in 1_u64..3_000_000,
            issued in -100_000_i64..200_000, expires in -100_000_i64..5_000_000, late in 0_u64..5_000_000,
        ) {
            let lifetimes = lifetimes(access, renewal);
            let validity = Validity::new(Some(at(0)), lifetimes);
            let claims = claims(at(issued), at(expires));
            let end = at(0).plus(OVERLAP).plus(access_and_leeway(lifetimes));
            prop_assert!(!opens(&validity, &claims, end.plus(Duration::from_secs(late))));
            prop_assert!(issued <= 60 || !validity.covers(&claims), "it is dated after the takeover");
        }
    }

    fn access_and_leeway(lifetimes: TokenLifetimes) -> Duration {
        lifetimes.access + lifetimes.leeway
    }
}
