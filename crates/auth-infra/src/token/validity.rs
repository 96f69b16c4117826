//! What becomes of a key when another has taken over.

use std::time::Duration;

use auth_domain::model::{AccessClaims, Timestamp};

/// For how long after a takeover a key may still have signed: the other processes see the new key within a second, and
/// within a minute where a network file system remembers the directory for that long. The clocks of two machines differ
/// by less.
pub(super) const OVERLAP: Duration = Duration::from_secs(60);

/// How long what a key signed is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLifetimes {
    /// The longest that an access token lives, of any client.
    pub access: Duration,
    /// The longest that a token which renews itself may wait until it does: as long as a session may be idle.
    pub renewal: Duration,
    /// How far the clocks of two nodes may differ.
    pub leeway: Duration,
}

/// What a key is good for at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// It signs and verifies.
    Signs,
    /// It verifies the access tokens that it signed before another took over, and is published.
    Verifies {
        /// When the last of them has expired.
        until: Timestamp,
    },
    /// No access token that it signed opens anything any more, but those that renew themselves may still do so.
    Renews {
        /// When the session of the last of them is over.
        until: Timestamp,
    },
    /// It is not looked at any more.
    Retired,
}

/// When a key's successor took over, if one did, and what follows from that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    /// The last time at which the key may have signed.
    last: Option<Timestamp>,
    lifetimes: TokenLifetimes,
}

impl Validity {
    /// The validity of a key whose successor took over at a time; of one without a successor there is no end yet.
    pub(super) fn new(takeover: Option<Timestamp>, lifetimes: TokenLifetimes) -> Self {
        Self { last: takeover.map(|takeover| takeover.plus(OVERLAP)), lifetimes }
    }

    /// Whether the key may have signed this when it was in force. Whoever stole it afterwards can say that a token is as
    /// old as they like, but not have it live longer than the last one that was due.
    pub(super) fn covers(&self, claims: &AccessClaims) -> bool {
        self.last.is_none_or(|last| {
            claims.issued_at <= last && claims.expires_at <= last.plus(self.lifetimes.access)
        })
    }

    /// What the key is good for.
    pub(super) fn used_at(&self, now: Timestamp) -> KeyUse {
        let TokenLifetimes { access, renewal, leeway } = self.lifetimes;
        let Some(last) = self.last else { return KeyUse::Signs };
        let (opens, renews) = (last.plus(access).plus(leeway), last.plus(renewal).plus(leeway));
        if now < opens {
            KeyUse::Verifies { until: opens }
        } else if now < renews {
            KeyUse::Renews { until: renews }
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

    /// Whether the token opens something at a time: its key is looked at and covers it, and the domain finds it current.
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

        /// A node signs with the old key until it has last_read the new one, by a clock that is not quite right; the token is
        /// shown anywhere for as long as it lives.
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

        /// Whoever has the old key may say what they like.
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
