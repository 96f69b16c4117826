//! Refresh credentials, and the decision about a presented one.

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

/// A presented refresh credential.
#[derive(Debug)]
pub enum RefreshHandle {
    /// An opaque secret.
    Secret(RefreshSecret),
    /// The id of a session's access token. The signature of the token authenticates it.
    Token(SessionId, TokenId),
}

impl RefreshHandle {
    /// Generates a credential for a session with this refresh style.
    pub fn generate(style: RefreshStyle, session: SessionId, random: &dyn SecureRandom) -> Self {
        match style {
            RefreshStyle::Rotating | RefreshStyle::Reusable => Self::Secret(RefreshSecret::generate(random)),
            RefreshStyle::SelfRenewing => Self::Token(session, TokenId::generate(random)),
        }
    }

    /// Returns the digest by which a store finds the credential.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        match self {
            Self::Secret(secret) => secret.digest(),
            Self::Token(session, token) => SecretDigest::of(&token_bytes(*session, *token)),
        }
    }

    /// Derives the credential that replaces this one: HMAC-SHA-256 (RFC 2104) of a nonce, keyed with this credential.
    ///
    /// The store keeps the nonce, never the successor. With the nonce alone it cannot compute the successor; a client
    /// that retries presents the other half. The answer to a retry is therefore the same, although the store contains
    /// no readable secret.
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
    // HMAC pads a key with zeros to the block size of its hash, so the padded block gives the same result. A key of
    // exactly one block makes the constructor infallible.
    let mut block = Zeroizing::new([0; 64]);
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

/// One of the two inputs from which a successor is derived. The other is the consumed credential itself.
#[derive(Clone, PartialEq, Eq)]
pub struct SuccessorNonce([u8; 32]);

impl SuccessorNonce {
    /// Generates a random nonce.
    pub fn generate(random: &dyn SecureRandom) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Wraps a stored nonce.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the nonce, for a store.
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

/// The state of a refresh credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialState {
    /// The credential has not been consumed. It is the newest of its session.
    Current,
    /// The credential has been consumed and replaced by a successor.
    Consumed {
        /// The time of consumption.
        at: Timestamp,
        /// The nonce of the successor. It is deleted as soon as the successor is consumed.
        successor: Option<SuccessorNonce>,
    },
}

/// A refresh attempt, with everything that the decision and its writes need.
#[derive(Clone, Debug)]
pub struct RefreshAttempt {
    /// The digest of the presented credential.
    pub presented: SecretDigest,
    /// The client that presents it.
    pub client: Client,
    /// The digest of the successor, which is stored if the credential rotates.
    pub successor: SecretDigest,
    /// The nonce from which the successor was derived.
    pub nonce: SuccessorNonce,
    /// The time of the attempt.
    pub now: Timestamp,
    /// The rules for sessions.
    pub policy: SessionPolicy,
}

/// A refresh credential with its session and its user, consistent with each other when the verdict is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshRecord {
    /// The user.
    pub user: User,
    /// The session.
    pub session: Session,
    /// The state of the credential.
    pub credential: CredentialState,
}

/// The reason why an existing credential does not refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDenial {
    /// The credential was issued to another client.
    OtherClient,
    /// The session has ended or expired.
    SessionOver,
    /// The user is suspended.
    UserSuspended,
}

/// The decision about a refresh attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshVerdict {
    /// The credential is consumed, and the successor of the attempt becomes current.
    Rotate,
    /// The credential stays current, and the session is extended.
    Extend,
    /// The credential was consumed within the retry window, so the answer may have been lost. The same answer is given
    /// again.
    Retry {
        /// The nonce of the successor.
        nonce: SuccessorNonce,
        /// The time of consumption.
        consumed_at: Timestamp,
    },
    /// The credential was consumed before, and the retry window has closed. The session ends.
    Replay,
    /// The attempt is denied. Nothing changes.
    Deny(RefreshDenial),
}

impl RefreshRecord {
    /// Decides on a refresh attempt. This is the only place where refreshes are decided.
    #[must_use]
    pub fn judge(&self, attempt: &RefreshAttempt) -> RefreshVerdict {
        // The client is checked first: another client that presents a consumed credential must not end the session as a
        // replay.
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
            // A reusable credential is never consumed. Rotation would change the token that its clients keep.
            (_, RefreshStyle::Reusable) => RefreshVerdict::Extend,
            (CredentialState::Current, _) => RefreshVerdict::Rotate,
            // The nonce is deleted when the successor is consumed, so a retry is possible only while the successor is
            // unused. A client that has used the successor has received the answer. The window bounds how long a stolen
            // consumed credential yields the successor.
            (CredentialState::Consumed { at, successor: Some(nonce) }, _)
                if attempt.now.since(*at) < attempt.policy.retry_grace =>
            {
                RefreshVerdict::Retry { nonce: nonce.clone(), consumed_at: *at }
            }
            // Two parties hold the credential, and the store cannot tell the owner from the thief.
            (CredentialState::Consumed { .. }, _) => RefreshVerdict::Replay,
        }
    }
}

/// A refresh attempt whose verdict has been carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedRefresh {
    /// The record that the verdict is based on.
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
    fn a_credential_within_the_retry_window_is_a_retry() {
        let expected =
            RefreshVerdict::Retry { nonce: nonce(), consumed_at: NOW.minus(Duration::from_secs(9)) };
        assert_eq!(judge(&record(consumed(9, Some(nonce())))), expected);
    }

    #[test]
    fn a_credential_after_the_retry_window_is_a_replay() {
        assert_eq!(judge(&record(consumed(10, Some(nonce())))), RefreshVerdict::Replay);
    }

    #[test]
    fn a_credential_with_a_consumed_successor_is_a_replay() {
        assert_eq!(judge(&record(consumed(0, None))), RefreshVerdict::Replay);
    }

    #[test]
    fn without_a_retry_window_every_second_use_is_a_replay() {
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
    fn denied_attempts_change_nothing() {
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
        fn token(id: u128) -> RefreshHandle {
            RefreshHandle::Token(session().id, TokenId(uuid::Uuid::from_u128(id)))
        }

        let other_nonce = SuccessorNonce::from_bytes([3; 32]);
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
    fn a_token_id_refreshes_its_own_session_only() {
        let token = TokenId(uuid::Uuid::from_u128(1));
        let elsewhere = SessionId(uuid::Uuid::from_u128(77));
        assert_ne!(
            RefreshHandle::Token(session().id, token).digest(),
            RefreshHandle::Token(elsewhere, token).digest()
        );
    }

    #[test]
    fn a_nonce_round_trips() {
        assert_eq!(SuccessorNonce::from_bytes([5; 32]).as_bytes(), &[5; 32]);
    }

    #[test]
    fn debug_redacts_a_nonce() {
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
