//! Users imported from another service, with their password hashes.

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest as _, Sha256};

use super::{IdentifierKey, IdentifierKind, Identifiers, NewUser, UserStatus};

/// A user to be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedUser {
    /// The user, with the hash of the other service.
    pub user: NewUser,
    /// Whether the e-mail address is verified. `false` without an address.
    pub email_verified: bool,
    /// Whether the user may log in.
    pub status: UserStatus,
}

impl ImportedUser {
    /// Computes the digest by which a repeated import is detected.
    #[must_use]
    pub fn digest(&self) -> ImportDigest {
        let NewUser { identifiers, password_hash, .. } = &self.user;
        let username = identifiers.username().map_or("", |name| name.key().as_str());
        let email = identifiers.email().map_or("", |address| address.key().as_str());
        let mut digest = Sha256::new();
        for text in [username, email, password_hash.expose()] {
            // Each text is preceded by its length, so that different imports never concatenate to the same bytes.
            digest.update(text.len().to_be_bytes());
            digest.update(text);
        }
        ImportDigest(digest.finalize().into())
    }
}

/// The identity of an import: a SHA-256 digest of the imported identifiers and hash. A repeated import is detected by
/// it, even if the user has changed both since.
///
/// The digest outlives the imported hash. It does not help an attacker to guess the password, because the salt of the
/// hash would have to be guessed as well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImportDigest([u8; 32]);

impl ImportDigest {
    /// Wraps a stored digest.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the digest, for a store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ImportDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImportDigest([REDACTED])")
    }
}

/// The outcome of importing one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The user is stored.
    Imported,
    /// The same user was imported before. Nothing has changed.
    AlreadyImported,
    /// Another user has this identifier, and the user is not stored. If both identifiers are taken, the username is
    /// reported.
    Taken(IdentifierKind),
}

/// Decides on the users of a batch in order, each as if those before it had been stored. `known` contains the digests
/// that were imported before; `taken` contains the identifiers that other users have.
#[must_use]
pub fn judge_import(
    batch: &[ImportedUser],
    known: &BTreeSet<ImportDigest>,
    taken: &BTreeSet<IdentifierKey>,
) -> Vec<ImportOutcome> {
    let (mut known, mut taken) = (known.clone(), taken.clone());
    let mut outcomes = Vec::with_capacity(batch.len());
    for imported in batch {
        let digest = imported.digest();
        let identifiers = &imported.user.identifiers;
        // The digest is checked first: the identifiers of a repeated import are taken, by the imported user.
        outcomes.push(if known.contains(&digest) {
            ImportOutcome::AlreadyImported
        } else if let Some(kind) = taken_kind(identifiers, &taken) {
            ImportOutcome::Taken(kind)
        } else {
            known.insert(digest);
            taken.extend(identifiers.keys().into_iter().map(|(_, key)| key.clone()));
            ImportOutcome::Imported
        });
    }
    outcomes
}

/// Returns which of the identifiers is taken, the username if both are.
fn taken_kind(identifiers: &Identifiers, taken: &BTreeSet<IdentifierKey>) -> Option<IdentifierKind> {
    if identifiers.username().is_some_and(|username| taken.contains(username.key())) {
        Some(IdentifierKind::Username)
    } else if identifiers.email().is_some_and(|email| taken.contains(email.key())) {
        Some(IdentifierKind::Email)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{EmailAddress, Identifiers, PasswordHash, Roles, Timestamp, UserId, Username};

    fn imported(username: Option<&str>, email: Option<&str>, hash: &str) -> ImportedUser {
        let username = username.map(|typed| Username::parse(typed).expect("a username"));
        let email = email.map(|typed| EmailAddress::parse(typed).expect("an address"));
        ImportedUser {
            user: NewUser {
                id: UserId(Uuid::nil()),
                identifiers: Identifiers::new(username, email).expect("a name"),
                display_name: None,
                phone_number: None,
                roles: Roles::default(),
                password_hash: PasswordHash::new(hash.to_owned()),
                created_at: Timestamp::UNIX_EPOCH,
            },
            email_verified: false,
            status: UserStatus::Active,
        }
    }

    #[test]
    fn the_import_digest_covers_identifiers_and_hash_only() {
        let jane = imported(Some("jane"), None, "hash");
        let mut same = imported(Some("JANE"), None, "hash");
        same.user.id = UserId(Uuid::max());
        same.user.created_at = Timestamp::MAX;
        same.status = UserStatus::Suspended;
        assert_eq!(jane.digest(), same.digest());
        for other in [
            imported(Some("jane"), None, "another hash"),
            imported(Some("jan"), None, "ehash"),
            imported(Some("jane"), Some("jane@example.com"), "hash"),
            imported(None, Some("jane@example.com"), "hash"),
        ] {
            assert_ne!(jane.digest(), other.digest(), "{other:?}");
        }
    }

    #[test]
    fn debug_redacts_an_import_digest() {
        assert_eq!(format!("{:?}", ImportDigest::from_bytes([7; 32])), "ImportDigest([REDACTED])");
    }

    #[test]
    fn a_batch_is_decided_in_order() {
        let batch = [
            imported(Some("known"), None, "1"),
            imported(Some("jane"), Some("taken@example.com"), "2"),
            imported(Some("jane"), None, "3"),
            imported(Some("JANE"), None, "3"),
            imported(Some("jane"), Some("john@example.com"), "4"),
            imported(Some("taken"), Some("taken@example.com"), "5"),
            imported(Some("john"), Some("john@example.com"), "6"),
        ];
        let taken = ["known", "taken", "taken@example.com"]
            .map(|typed| IdentifierKey::of(typed).expect("an identifier"))
            .into();
        let outcomes = judge_import(&batch, &[batch[0].digest()].into(), &taken);
        assert_eq!(
            outcomes,
            [
                ImportOutcome::AlreadyImported,
                ImportOutcome::Taken(IdentifierKind::Email),
                ImportOutcome::Imported,
                ImportOutcome::AlreadyImported,
                ImportOutcome::Taken(IdentifierKind::Username),
                ImportOutcome::Taken(IdentifierKind::Username),
                ImportOutcome::Imported,
            ]
        );
    }
}
