//! Refresh tokens and their successors.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Builder;
use zeroize::Zeroizing;

use super::{RefreshSecret, RefreshStyle, SecretDigest, SessionId, TokenId};
use crate::random::SecureRandom;

/// A presented or issued refresh token. It has two parts: the token family identifies the session, and each rotation
/// replaces the credential.
///
/// `Debug` redacts it.
pub enum RefreshToken {
    /// An opaque token.
    Opaque(RefreshSecret),
    /// The ids of the session and of the token in a signed refresh token. The signature authenticates both.
    Signed(SessionId, TokenId),
    /// The same ids in an access token that renews itself.
    Access(SessionId, TokenId),
}

impl RefreshToken {
    /// Generates the first token of a session.
    pub fn generate(style: RefreshStyle, session: SessionId, random: &dyn SecureRandom) -> Self {
        match style {
            RefreshStyle::Rotating | RefreshStyle::Reusable => Self::Opaque(RefreshSecret::generate(random)),
            RefreshStyle::RotatingSigned => Self::Signed(session, TokenId::generate(random)),
            RefreshStyle::SelfRenewing => Self::Access(session, TokenId::generate(random)),
        }
    }

    /// Returns the digest of the token family, by which a store finds the session.
    ///
    /// The id of a session is in its access tokens, so it must not find the session of an opaque token. The prefix
    /// ensures that: the family of an opaque token is shorter.
    #[must_use]
    pub fn family(&self) -> SecretDigest {
        match self {
            Self::Opaque(secret) => SecretDigest::of(&secret.parts().0),
            Self::Signed(session, _) | Self::Access(session, _) => {
                SecretDigest::of(&[b"session ", session.0.as_bytes().as_slice()].concat())
            }
        }
    }

    /// Returns the digest of the credential.
    #[must_use]
    pub fn credential(&self) -> SecretDigest {
        SecretDigest::of(self.credential_bytes().as_ref())
    }

    /// Derives the token that replaces this one: HMAC-SHA-256 (RFC 2104) of a nonce, keyed with the credential.
    ///
    /// The store keeps the nonce, never the successor. With the nonce alone it cannot compute the successor; a client
    /// that retries presents the other half. The answer to a retry is therefore the same, although the store contains
    /// no readable secret.
    #[must_use]
    pub fn successor(&self, nonce: &SuccessorNonce) -> Self {
        let derived = self.derive(&[b"auth-domain refresh successor", nonce.0.as_slice()]);
        match self {
            Self::Opaque(secret) => Self::Opaque(RefreshSecret::from_parts(&secret.parts().0, &derived)),
            Self::Signed(session, _) => Self::Signed(*session, token_id(&derived)),
            Self::Access(session, _) => Self::Access(*session, token_id(&derived)),
        }
    }

    /// Returns the id of the access token that is issued together with this token. It is derived from this token, so
    /// that a retry issues the same id.
    #[must_use]
    pub fn access_token_id(&self) -> TokenId {
        match self {
            Self::Access(_, token) => *token,
            Self::Opaque(_) | Self::Signed(..) => token_id(&self.derive(&[b"auth-domain access token id"])),
        }
    }

    fn derive(&self, message: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        // HMAC pads a key with zeros to the block size of its hash, so the padded block gives the same result. A key of
        // exactly one block makes the constructor infallible.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(self.credential_bytes().as_ref());
        let mut mac = Hmac::<Sha256>::new((&*block).into());
        for part in message {
            mac.update(part);
        }
        Zeroizing::new(mac.finalize().into_bytes().into())
    }

    /// Returns the credential. That of a signed token includes the session, so that it is valid there only.
    fn credential_bytes(&self) -> Zeroizing<[u8; 32]> {
        match self {
            Self::Opaque(secret) => secret.parts().1,
            Self::Signed(session, token) | Self::Access(session, token) => {
                let mut bytes = Zeroizing::new([0; 32]);
                bytes[..16].copy_from_slice(session.0.as_bytes());
                bytes[16..].copy_from_slice(token.0.as_bytes());
                bytes
            }
        }
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken([REDACTED])")
    }
}

fn token_id(derived: &[u8; 32]) -> TokenId {
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&derived[..16]);
    TokenId(Builder::from_random_bytes(uuid).into_uuid())
}

/// One of the two inputs from which a successor is derived. The other is the consumed credential itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SuccessorNonce([u8; 16]);

impl SuccessorNonce {
    /// Generates a random nonce.
    pub fn generate(random: &dyn SecureRandom) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Wraps a stored nonce.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the nonce, for a store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for SuccessorNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SuccessorNonce([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn nonce() -> SuccessorNonce {
        SuccessorNonce::from_bytes([2; 16])
    }

    fn opaque(family: u8, credential: u8) -> RefreshToken {
        RefreshToken::Opaque(RefreshSecret::from_parts(&[family; 16], &[credential; 32]))
    }

    fn signed(session: u128, token: u128) -> RefreshToken {
        RefreshToken::Signed(SessionId(Uuid::from_u128(session)), TokenId(Uuid::from_u128(token)))
    }

    #[test]
    fn a_successor_depends_on_the_credential_and_on_the_nonce() {
        let other_nonce = SuccessorNonce::from_bytes([3; 16]);
        for (token, other) in [(opaque(1, 2), opaque(1, 3)), (signed(1, 2), signed(1, 3))] {
            let successor = token.successor(&nonce());
            assert_eq!(successor.credential(), token.successor(&nonce()).credential());
            assert_ne!(successor.credential(), token.credential());
            assert_ne!(successor.credential(), token.successor(&other_nonce).credential());
            assert_ne!(successor.credential(), other.successor(&nonce()).credential());
        }
    }

    #[test]
    fn a_successor_stays_in_the_family() {
        for token in [opaque(1, 2), signed(1, 2)] {
            assert_eq!(token.successor(&nonce()).family(), token.family());
        }
        assert_ne!(opaque(1, 2).family(), opaque(2, 2).family());
        assert_ne!(signed(1, 2).family(), signed(2, 2).family());
    }

    #[test]
    fn the_id_of_a_session_does_not_find_an_opaque_token() {
        let bytes = *b"0123456789abcdef";
        let id = u128::from_be_bytes(bytes);
        let token = RefreshToken::Opaque(RefreshSecret::from_parts(&bytes, &[1; 32]));
        assert_ne!(token.family(), signed(id, 1).family());
    }

    #[test]
    fn a_signed_credential_belongs_to_its_own_session() {
        assert_ne!(signed(1, 2).credential(), signed(3, 2).credential());
    }

    #[test]
    fn an_access_token_id_is_derived_from_its_refresh_token() {
        for (token, other) in [(opaque(1, 2), opaque(1, 3)), (signed(1, 2), signed(1, 3))] {
            assert_eq!(token.access_token_id(), token.access_token_id());
            assert_ne!(token.access_token_id(), other.access_token_id());
            assert_eq!(token.access_token_id().0.get_version_num(), 4);
        }
    }

    #[test]
    fn debug_redacts_a_refresh_token() {
        for token in [opaque(1, 2), signed(1, 2)] {
            assert_eq!(format!("{token:?}"), "RefreshToken([REDACTED])");
        }
    }

    #[test]
    fn a_nonce_round_trips_and_is_redacted() {
        assert_eq!(SuccessorNonce::from_bytes([5; 16]).as_bytes(), &[5; 16]);
        assert_eq!(format!("{:?}", nonce()), "SuccessorNonce([REDACTED])");
    }

    #[test]
    fn the_derivation_of_a_successor_is_fixed() {
        // HMAC-SHA-256 as Python's `hmac` module computes it for these inputs.
        let RefreshToken::Opaque(successor) = opaque(9, 1).successor(&nonce()) else { panic!("not opaque") };
        let (family, credential) = successor.parts();
        assert_eq!(family, [9; 16]);
        assert_eq!(*credential, EXPECTED);
    }

    const EXPECTED: [u8; 32] = [
        0x6a, 0x4d, 0x3b, 0x45, 0x24, 0x52, 0xa8, 0x6d, 0x12, 0x53, 0xff, 0x36, 0x65, 0x13, 0xf8, 0x04, 0x32,
        0x9f, 0x0c, 0xe1, 0x1d, 0x97, 0x5d, 0x20, 0x48, 0xc1, 0x11, 0xf6, 0x42, 0x32, 0xb1, 0x6c,
    ];
}
