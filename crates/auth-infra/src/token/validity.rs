//! When a key signs, and the validity of its tokens after its successor has taken over.

use std::time::Duration;

use auth_domain::model::{AccessClaims, RefreshClaims, Timestamp};

use super::key_file::KeyTimes;

/// How long a key may still sign after the takeover of a successor that signs as soon as its file is read. Other processes
/// read it within a second, or within a minute if a network file system caches the directory for that long.
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
    /// It is published and does not sign yet.
    Published {
        /// When it takes over.
        signs_from: Timestamp,
    },
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
    /// It is ignored, because a later key revokes it.
    Revoked,
}

/// The term of a key: when it takes over, when it is superseded, and what follows from that.
#[derive(Clone, Copy, Debug)]
pub(super) enum Validity {
    Valid {
        /// When the key takes over. The first key of a directory has always done so.
        from: Timestamp,
        /// When its successor takes over, if there is one.
        takeover: Option<Takeover>,
        lifetimes: TokenLifetimes,
    },
    Revoked,
}

/// The end of a key's term.
#[derive(Clone, Copy, Debug)]
pub(super) struct Takeover {
    at: Timestamp,
    /// The last time at which the superseded key may have signed.
    last: Timestamp,
}

impl Takeover {
    /// The takeover of a key with these times. Every process knows a scheduled one beforehand: the old key signs no token
    /// that is dated after it. A key without a schedule signs as soon as its file is read.
    pub(super) fn of(successor: &KeyTimes) -> Self {
        let at = successor.start().unwrap_or(Timestamp::UNIX_EPOCH);
        let overlap = if successor.signs_from.is_some() { Duration::ZERO } else { OVERLAP };
        Self { at, last: at.plus(overlap) }
    }
}

impl Validity {
    pub(super) fn is_started(&self, now: Timestamp) -> bool {
        matches!(self, Self::Valid { from, .. } if *from <= now)
    }

    /// Whether the key may verify at all.
    pub(super) fn is_in_use(&self, now: Timestamp) -> bool {
        !matches!(self.used_at(now), KeyUse::Retired | KeyUse::Revoked)
    }

    /// Whether the JWKS contains the key.
    pub(super) fn is_published(&self, now: Timestamp) -> bool {
        matches!(self.used_at(now), KeyUse::Published { .. } | KeyUse::Signs | KeyUse::Verifies { .. })
    }

    /// Whether the key may have signed these claims while it was in force. A later thief of the key can backdate a token,
    /// but the token cannot expire after the last legitimate one.
    pub(super) fn covers(&self, claims: &AccessClaims) -> bool {
        match self {
            Self::Revoked => false,
            Self::Valid { takeover, lifetimes, .. } => takeover.is_none_or(|Takeover { last, .. }| {
                claims.issued_at <= last && claims.expires_at <= last.plus(lifetimes.access)
            }),
        }
    }

    /// The same for the claims of a refresh token. Its expiry decides nothing: the session does, and the key is ignored
    /// after the idle time of a session.
    pub(super) fn covers_refresh(&self, claims: &RefreshClaims) -> bool {
        match self {
            Self::Revoked => false,
            Self::Valid { takeover, .. } => takeover.is_none_or(|takeover| claims.issued_at <= takeover.last),
        }
    }

    pub(super) fn used_at(&self, now: Timestamp) -> KeyUse {
        let Self::Valid { from, takeover, lifetimes } = *self else { return KeyUse::Revoked };
        let TokenLifetimes { access, renewal, leeway } = lifetimes;
        if now < from {
            return KeyUse::Published { signs_from: from };
        }
        let Some(Takeover { last, .. }) = takeover.filter(|takeover| takeover.at <= now) else {
            return KeyUse::Signs;
        };
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
    use auth_domain::model::{ClientId, ExtraClaims, Roles, SessionId, TokenId, UserId};
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

    /// A key whose successor takes over at second 0: as scheduled, or as soon as its file is read.
    fn superseded(is_scheduled: bool, lifetimes: TokenLifetimes) -> Validity {
        let times = if is_scheduled {
            KeyTimes { created: Some(at(-600)), signs_from: Some(at(0)), ..KeyTimes::default() }
        } else {
            KeyTimes { created: Some(at(0)), ..KeyTimes::default() }
        };
        Validity::Valid { from: at(-1_000_000_000), takeover: Some(Takeover::of(&times)), lifetimes }
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
            extra: ExtraClaims::default(),
        }
    }

    /// Whether the token is accepted at a time: its key is in use and covers it, and the domain finds it current.
    fn opens(validity: &Validity, claims: &AccessClaims, now: Timestamp) -> bool {
        validity.is_in_use(now) && validity.covers(claims) && claims.are_current(now, &TokenPolicy::default())
    }

    #[test]
    fn a_key_signs_verifies_renews_and_retires() {
        for (is_scheduled, overlap) in [(true, 0), (false, 60)] {
            let validity = superseded(is_scheduled, lifetimes(900, 86_400));
            let verifies = KeyUse::Verifies { until: at(905 + overlap) };
            let renews = KeyUse::Renews { until: at(86_405 + overlap) };
            for (second, used) in [
                (-1, KeyUse::Signs),
                (0, verifies),
                (904 + overlap, verifies),
                (905 + overlap, renews),
                (86_404 + overlap, renews),
                (86_405 + overlap, KeyUse::Retired),
            ] {
                assert_eq!(validity.used_at(at(second)), used, "{second}");
            }
        }
    }

    #[test]
    fn a_scheduled_key_is_published_until_it_signs() {
        let validity = Validity::Valid { from: at(0), takeover: None, lifetimes: lifetimes(900, 86_400) };
        let published = KeyUse::Published { signs_from: at(0) };
        for (second, used, is_started) in
            [(-600, published, false), (-1, published, false), (0, KeyUse::Signs, true)]
        {
            assert_eq!((validity.used_at(at(second)), validity.is_started(at(second))), (used, is_started));
            assert!(validity.is_published(at(second)) && validity.is_in_use(at(second)));
        }
        assert_eq!(validity.used_at(Timestamp::MAX), KeyUse::Signs);
    }

    #[test]
    fn a_revoked_key_verifies_nothing() {
        let now = at(0);
        assert_eq!(Validity::Revoked.used_at(now), KeyUse::Revoked);
        assert!(!Validity::Revoked.is_in_use(now) && !Validity::Revoked.is_published(now));
        assert!(!Validity::Revoked.is_started(now) && !Validity::Revoked.covers(&claims(now, now)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// A node signs with the old key until the takeover on its own clock, which deviates. With an unscheduled successor
        /// it signs until it has read the file. The token may be presented to any node until it expires.
        #[test]
        fn no_token_is_wrongly_refused(
            access in 1_u64..86_400, renewal in 1_u64..3_000_000, is_scheduled: bool,
            signed in -100_000_i64..=50, skew in -5_i64..=5, lives in 1_u64..86_400,
            shown in 0_u64..86_400, renewed in 0_u64..3_000_000,
        ) {
            let validity = superseded(is_scheduled, lifetimes(access, renewal));
            // The node dates the token by the clock by which it chooses the key.
            let issued_at = if is_scheduled { at(signed.min(-1)) } else { at(signed + skew) };
            let claims = claims(issued_at, issued_at.plus(Duration::from_secs(lives.min(access))));
            // The clock of the node that verifies deviates too.
            let shown = Timestamp::from_unix_seconds(issued_at.unix_seconds() + skew).plus(Duration::from_secs(shown));
            prop_assert_eq!(opens(&validity, &claims, shown), claims.are_current(shown, &TokenPolicy::default()));
            let renewed = issued_at.plus(Duration::from_secs(renewed % renewal));
            prop_assert!(validity.covers(&claims) && validity.is_in_use(renewed));
        }

        /// A thief of the old key signs arbitrary claims.
        #[test]
        fn no_token_is_accepted_too_late(
            access in 1_u64..86_400, renewal in 1_u64..3_000_000, is_scheduled: bool,
            issued in -100_000_i64..200_000, expires in -100_000_i64..5_000_000, late in 0_u64..5_000_000,
        ) {
            let lifetimes = lifetimes(access, renewal);
            let validity = superseded(is_scheduled, lifetimes);
            let overlap = if is_scheduled { Duration::ZERO } else { OVERLAP };
            let claims = claims(at(issued), at(expires));
            let end = at(0).plus(overlap).plus(access_and_leeway(lifetimes));
            prop_assert!(!opens(&validity, &claims, end.plus(Duration::from_secs(late))));
            let last = i64::try_from(overlap.as_secs()).expect("a number");
            prop_assert!(issued <= last || !validity.covers(&claims), "it is dated after the takeover");
        }
    }

    fn access_and_leeway(lifetimes: TokenLifetimes) -> Duration {
        lifetimes.access + lifetimes.leeway
    }
}
