//! RefreshPurpose a session: credentials that are used once, and the judgement over one that is presented.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Builder;
use zeroize::Zeroizing;

use super::{
    Client, RefreshSecret, RefreshStyle, SecretDigest, Session, SessionId, SessionPolicy, Timestamp, TokenId,
    User,
};
use crate::random::SecureRandom;

/// What proves the right to refresh a session.
#[derive(Debug)]
pub enum RefreshHandle {
    /// An opaque secret.
    Secret(RefreshSecret),
    /// The id of a session's access token, which the token's signature vouches for.
    Token(SessionId, TokenId),
}

impl RefreshHandle {
    /// A new handle for a session that is refreshed in this style.
    pub fn generate(style: RefreshStyle, session: SessionId, random: &dyn SecureRandom) -> Self {
        match style {
            RefreshStyle::Rotating | RefreshStyle::Reusable => Self::Secret(RefreshSecret::generate(random)),
            RefreshStyle::SelfRenewing => Self::Token(session, TokenId::generate(random)),
        }
    }

    /// What a store finds the credential by.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        match self {
            Self::Secret(secret) => secret.digest(),
            Self::Token(session, token) => SecretDigest::of(&token_bytes(*session, *token)),
        }
    }

    /// The handle that takes this one's place: HMAC-SHA-256 (RFC 2104) of a nonce under this handle. Whoever holds
    /// neither this handle nor the nonce learns nothing of it, so the store can keep the nonce and answer a retry
    /// with the same successor, yet never holds a readable secret.
    #[must_use]
    pub fn successor(&self, nonce: &SuccessorNonce) -> Self {
        match self {
            Self::Secret(secret) => Self::Secret(RefreshSecret::from_bytes(derive(secret.bytes(), nonce))),
            Self::Token(session, token) => {
                let mut uuid = [0; 16];
                uuid.copy_from_slice(&derive(&token_bytes(*session, *token), nonce)[..16]);
                Self::Token(*session, TokenId(Builder::from_random_bytes(uuid).into_uuid()))
            }
        }
    }
}

fn derive(key: &[u8; 32], nonce: &SuccessorNonce) -> [u8; 32] {
    let mut block = Zeroizing::new([0; 64]); // HMAC itself pads a key with zeros to the block size of its hash
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    mac.update(b"auth-domain refresh successor");
    mac.update(&nonce.0);
    mac.finalize().into_bytes().into()
}

fn token_bytes(SessionId(session): SessionId, TokenId(token): TokenId) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(session.as_bytes());
    bytes[16..].copy_from_slice(token.as_bytes());
    bytes
}

/// Half of what a consumed credential's successor is derived from; the credential itself is the other half.
#[derive(Clone, PartialEq, Eq)]
pub struct SuccessorNonce([u8; 32]);

impl SuccessorNonce {
    /// A new nonce.
    pub fn generate(random: &dyn SecureRandom) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Wraps a nonce as a store kept it.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The nonce's bytes, for a store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SuccessorNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SuccessorNonce([REDACTED])")
    }
}

/// Where a refresh credential stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialState {
    /// It has not been used: it is the session's newest.
    Current,
    /// It has been used, and another took its place.
    Consumed {
        /// When.
        at: Timestamp,
        /// What its successor is derived from; forgotten as soon as the successor is used.
        successor: Option<SuccessorNonce>,
    },
}

/// An attempt to refresh, with all that the decision and its writes need.
#[derive(Clone, Debug)]
pub struct RefreshAttempt {
    /// What the presented credential is found by.
    pub presented: SecretDigest,
    /// Who presents it.
    pub client: Client,
    /// What its successor will be found by, if it has to have one.
    pub successor: SecretDigest,
    /// What that successor was derived from.
    pub nonce: SuccessorNonce,
    /// When.
    pub now: Timestamp,
    /// The rules of sessions.
    pub policy: SessionPolicy,
}

/// A refresh credential with the session and the user it belongs to, as they are when the verdict is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshRecord {
    /// The user.
    pub user: User,
    /// The session.
    pub session: Session,
    /// Where the credential stands.
    pub credential: CredentialState,
}

/// Why a credential that exists does not refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDenial {
    /// It was issued to another client.
    OtherClient,
    /// Its session has ended or expired.
    SessionOver,
    /// Its user is suspended.
    UserSuspended,
}

/// What is to become of an attempt to refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshVerdict {
    /// The credential is used up, and the attempt's successor takes its place.
    Rotate,
    /// The credential stays as it is, and the session counts as refreshed.
    Extend,
    /// The credential was used a moment ago and the answer may have been lost: the same answer again.
    Retry {
        /// What the successor is derived from.
        nonce: SuccessorNonce,
        /// When the credential was used.
        consumed_at: Timestamp,
    },
    /// The credential was used before, and this is no retry: the session is to end.
    Replay,
    /// Nothing changes.
    Deny(RefreshDenial),
}

impl RefreshRecord {
    /// Decides over an attempt to refresh: the one place where this is decided.
    #[must_use]
    pub fn judge(&self, attempt: &RefreshAttempt) -> RefreshVerdict {
        if self.session.client_id != attempt.client.id {
            return RefreshVerdict::Deny(RefreshDenial::OtherClient);
        }
        if !self.session.is_live(attempt.now, &attempt.policy) {
            return RefreshVerdict::Deny(RefreshDenial::SessionOver);
        }
        if !self.user.is_active() {
            return RefreshVerdict::Deny(RefreshDenial::UserSuspended);
        }
        match (&self.credential, attempt.client.refresh_style) {
            (_, RefreshStyle::Reusable) => RefreshVerdict::Extend,
            (CredentialState::Current, _) => RefreshVerdict::Rotate,
            (CredentialState::Consumed { at, successor: Some(nonce) }, _)
                if attempt.now.since(*at) < attempt.policy.retry_grace =>
            {
                RefreshVerdict::Retry { nonce: nonce.clone(), consumed_at: *at }
            }
            (CredentialState::Consumed { .. }, _) => RefreshVerdict::Replay,
        }
    }
}

/// An attempt to refresh that was judged, and whose verdict was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedRefresh {
    /// What the verdict was made from.
    pub record: RefreshRecord,
    /// The verdict.
    pub verdict: RefreshVerdict,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{ClientId, EndReason, SessionEnd};
    use crate::use_cases::fixture::{NOW, client, session, suspended_user, user};

    fn nonce() -> SuccessorNonce {
        SuccessorNonce::from_bytes([2; 32])
    }

    fn secret() -> RefreshHandle {
        RefreshHandle::Secret(RefreshSecret::from_bytes([1; 32]))
    }

    fn attempt(refresh_style: RefreshStyle) -> RefreshAttempt {
        RefreshAttempt {
            presented: secret().digest(),
            client: client(refresh_style),
            successor: secret().successor(&nonce()).digest(),
            nonce: nonce(),
            now: NOW,
            policy: SessionPolicy::default(),
        }
    }

    fn record(credential: CredentialState) -> RefreshRecord {
        RefreshRecord { user: user(), session: session(), credential }
    }

    fn consumed(seconds_ago: u64, successor: Option<SuccessorNonce>) -> CredentialState {
        CredentialState::Consumed { at: NOW.minus(Duration::from_secs(seconds_ago)), successor }
    }

    fn judge(record: &RefreshRecord) -> RefreshVerdict {
        record.judge(&attempt(RefreshStyle::Rotating))
    }

    #[test]
    fn the_current_credential_rotates() {
        assert_eq!(judge(&record(CredentialState::Current)), RefreshVerdict::Rotate);
    }

    #[test]
    fn a_credential_used_a_moment_ago_is_answered_again() {
        let expected =
            RefreshVerdict::Retry { nonce: nonce(), consumed_at: NOW.minus(Duration::from_secs(9)) };
        assert_eq!(judge(&record(consumed(9, Some(nonce())))), expected);
    }

    #[test]
    fn a_credential_used_longer_ago_than_the_grace_is_a_replay() {
        assert_eq!(judge(&record(consumed(10, Some(nonce())))), RefreshVerdict::Replay);
    }

    #[test]
    fn a_credential_whose_successor_was_used_is_a_replay_even_within_the_grace() {
        assert_eq!(judge(&record(consumed(0, None))), RefreshVerdict::Replay);
    }

    #[test]
    fn without_a_grace_every_second_use_is_a_replay() {
        let mut attempt = attempt(RefreshStyle::Rotating);
        attempt.policy.retry_grace = Duration::ZERO;
        assert_eq!(record(consumed(0, Some(nonce()))).judge(&attempt), RefreshVerdict::Replay);
    }

    #[test]
    fn a_reusable_credential_extends_its_session() {
        let verdict = record(CredentialState::Current).judge(&attempt(RefreshStyle::Reusable));
        assert_eq!(verdict, RefreshVerdict::Extend);
    }

    #[test]
    fn nothing_is_refreshed_nor_ended_for_another_client_a_session_that_is_over_or_a_suspended_user() {
        let elsewhere = Session { client_id: ClientId::from_static("elsewhere"), ..session() };
        let ended = Session { end: Some(SessionEnd { at: NOW, reason: EndReason::LoggedOut }), ..session() };
        let expired = Session { expires_at: NOW, ..session() };
        for credential in [CredentialState::Current, consumed(0, None), consumed(100, Some(nonce()))] {
            let record = record(credential);
            for (session, user, refusal) in [
                (elsewhere.clone(), user(), RefreshDenial::OtherClient),
                (ended.clone(), user(), RefreshDenial::SessionOver),
                (expired.clone(), user(), RefreshDenial::SessionOver),
                (session(), suspended_user(), RefreshDenial::UserSuspended),
            ] {
                let record = RefreshRecord { user, session, credential: record.credential.clone() };
                assert_eq!(judge(&record), RefreshVerdict::Deny(refusal));
            }
        }
    }

    #[test]
    fn a_successor_depends_on_the_credential_and_on_the_nonce() {
        let other_nonce = SuccessorNonce::from_bytes([3; 32]);
        let token = |id| RefreshHandle::Token(session().id, TokenId(uuid::Uuid::from_u128(id)));
        for (handle, other) in
            [(secret(), RefreshHandle::Secret(RefreshSecret::from_bytes([4; 32]))), (token(1), token(2))]
        {
            assert_eq!(handle.successor(&nonce()).digest(), handle.successor(&nonce()).digest());
            assert_ne!(handle.successor(&nonce()).digest(), handle.digest());
            assert_ne!(handle.successor(&nonce()).digest(), handle.successor(&other_nonce).digest());
            assert_ne!(handle.successor(&nonce()).digest(), other.successor(&nonce()).digest());
        }
    }

    #[test]
    fn a_tokens_id_refreshes_its_own_session_only() {
        let token = TokenId(uuid::Uuid::from_u128(1));
        let elsewhere = SessionId(uuid::Uuid::from_u128(77));
        assert_ne!(
            RefreshHandle::Token(session().id, token).digest(),
            RefreshHandle::Token(elsewhere, token).digest()
        );
    }

    #[test]
    fn a_nonce_is_read_back_as_it_was_stored() {
        assert_eq!(SuccessorNonce::from_bytes([5; 32]).as_bytes(), &[5; 32]);
    }

    #[test]
    fn nothing_of_a_nonce_can_be_printed() {
        assert_eq!(format!("{:?}", nonce()), "SuccessorNonce([REDACTED])");
    }

    #[test]
    fn the_derivation_of_a_successor_is_fixed() {
        // HMAC-SHA-256 as Python's `hmac` module computes it for these inputs.
        let RefreshHandle::Secret(successor) = secret().successor(&nonce()) else { panic!("not a secret") };
        let expected = [
            0x52, 0x00, 0x4e, 0x5f, 0xe3, 0x5d, 0xba, 0xb9, 0xf5, 0x0a, 0xb2, 0xd5, 0xb3, 0xab, 0xca, 0xd4,
            0x7f, 0x98, 0x82, 0xc8, 0xf8, 0xd3, 0x42, 0x23, 0x27, 0x87, 0xea, 0x37, 0xf6, 0x3d, 0x30, 0x75,
        ];
        assert_eq!(successor.bytes(), &expected);
    }
}
