//! Users whom an import brings: another service knew them before, and hashed their passwords.

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest as _, Sha256};

use super::{IdentifierKey, IdentifierKind, NewUser, UserStatus};

/// A user that an import brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedUser {
    /// The user, with the hash that the other service made.
    pub user: NewUser,
    /// Whether the e-mail address has been shown to be the user's; never without an address.
    pub email_verified: bool,
    /// Whether the user may log in.
    pub status: UserStatus,
}

impl ImportedUser {
    /// What the import is known by.
    #[must_use]
    pub fn digest(&self) -> ImportDigest {
        let NewUser { identifiers, password_hash, .. } = &self.user;
        let username = identifiers.username().map_or("", |name| name.key().as_str());
        let email = identifiers.email().map_or("", |address| address.key().as_str());
        let mut digest = Sha256::new();
        for text in [username, email, password_hash.expose()] {
            // With their lengths, so that no two imports run into one text.
            digest.update(text.len().to_be_bytes());
            digest.update(text);
        }
        ImportDigest(digest.finalize().into())
    }
}

/// What an import of one user is known by, whatever becomes of the user: a SHA-256 digest of the identifiers and the
/// hash that were brought, so that importing the same again is noticed when both have changed since.
///
/// It outlives the imported hash, and is no help to whoever wants to guess that hash's password: they would have to
/// guess its salt as well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImportDigest([u8; 32]);

impl ImportDigest {
    /// Wraps a digest as a store kept it.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest's bytes, for a store.
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

/// What comes of a user that an import brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The user is stored.
    Imported,
    /// The same import brought the user before. Nothing has changed about them.
    AlreadyImported,
    /// Somebody else has this identifier; if both are taken, it is the username that is named. The user is not stored.
    Taken(IdentifierKind),
}

/// Judges the users of a batch in their order, each as if those before had been stored one by one. `known` holds their
/// digests, as far as they were imported before; `taken` holds their identifiers, as far as somebody has them.
#[must_use]
pub fn judge_import(
    batch: &[ImportedUser],
    known: &BTreeSet<ImportDigest>,
    taken: &BTreeSet<IdentifierKey>,
) -> Vec<ImportOutcome> {
    let (mut known, mut taken) = (known.clone(), taken.clone());
    let judge = |imported: &ImportedUser| {
        let keys = imported.user.identifiers.keys();
        if known.contains(&imported.digest()) {
            return ImportOutcome::AlreadyImported;
        }
        let is_taken = |kind| keys.iter().any(|(of, key)| *of == kind && taken.contains(*key));
        if let Some(kind) =
            [IdentifierKind::Username, IdentifierKind::Email].into_iter().find(|kind| is_taken(*kind))
        {
            return ImportOutcome::Taken(kind);
        }
        known.insert(imported.digest());
        taken.extend(keys.into_iter().map(|(_, key)| key.clone()));
        ImportOutcome::Imported
    };
    batch.iter().map(judge).collect()
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
    fn an_import_is_known_by_its_names_and_its_hash_and_by_nothing_else() {
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
    fn nothing_of_a_digest_can_be_printed() {
        assert_eq!(format!("{:?}", ImportDigest::from_bytes([7; 32])), "ImportDigest([REDACTED])");
    }

    #[test]
    fn a_batch_is_judged_in_its_order() {
        let batch = [
            imported(Some("known"), None, "1"),
            imported(Some("jane"), Some("taken@example.com"), "2"),
            imported(Some("jane"), None, "3"),
            imported(Some("JANE"), None, "3"),
            imported(Some("jane"), Some("john@example.com"), "4"),
            imported(Some("taken"), Some("taken@example.com"), "5"),
            imported(Some("john"), Some("john@example.com"), "6"),
        ];
        let key = |typed| IdentifierKey::of(typed).expect("an identifier");
        let taken = ["known", "taken", "taken@example.com"].map(key).into();
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
