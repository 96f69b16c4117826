//! Users imported from another service, with their password hashes.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::hash::BuildHasher as _;

use sha2::{Digest as _, Sha256};

use super::{
    ExternalId, IdentifierKey, IdentifierKind, Identifiers, NewUser, PasswordHash, UserId, UserStatus,
};

/// A user to be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedUser {
    /// The user, with the hash of the other service.
    pub user: NewUser,
    /// Whether the e-mail address is verified. `false` without an address.
    pub email_verified: bool,
    /// Whether the user may log in.
    pub status: UserStatus,
    /// The id in the other service.
    pub external_id: Option<ExternalId>,
}

impl ImportedUser {
    /// Computes the digest by which a repeated import is detected.
    #[must_use]
    pub fn digest(&self) -> ImportDigest {
        let NewUser { identifiers, password_hash, .. } = &self.user;
        let username = identifiers.username().map_or("", |name| name.key().as_str());
        let email = identifiers.email().map_or("", |address| address.key().as_str());
        let hash = password_hash.as_ref().map_or("", PasswordHash::expose);
        let mut digest = Sha256::new();
        for text in [username, email, hash] {
            // Each text is preceded by its length, so that different imports never concatenate to the same bytes.
            digest.update(text.len().to_be_bytes());
            digest.update(text);
        }
        ImportDigest(digest.finalize().into())
    }
}

/// The identity of an import: a SHA-256 digest of the imported identifiers and hash. A repeated import is detected by
/// it, even if the user has changed both since. The external id is not covered: adding it to a file does not turn its users
/// into other ones.
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
    /// This user was imported before. Nothing has changed.
    AlreadyImported(UserId),
    /// Another user has this identifier, and the user is not stored. If both identifiers are taken, the username is
    /// reported.
    Taken(IdentifierKind),
    /// Another user has this external id, and the user is not stored. Taken identifiers are reported first.
    ExternalIdTaken,
}

/// What a store contains of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportState {
    /// The users of the batch that were imported before.
    pub known: BTreeMap<ImportDigest, UserId>,
    /// The identifiers of the batch that stored users have.
    pub taken: BTreeSet<IdentifierKey>,
    /// The external ids of the batch that stored users have.
    pub taken_external_ids: BTreeSet<ExternalId>,
}

impl ImportState {
    /// Decides on the next user of a batch, and adds the user if the outcome is `Imported`.
    fn judge(&mut self, imported: &ImportedUser) -> ImportOutcome {
        let digest = imported.digest();
        let identifiers = &imported.user.identifiers;
        // The digest is checked first: the identifiers of a repeated import are taken, by the imported user.
        if let Some(id) = self.known.get(&digest) {
            return ImportOutcome::AlreadyImported(*id);
        }
        if let Some(kind) = taken_kind(identifiers, &self.taken) {
            return ImportOutcome::Taken(kind);
        }
        if let Some(external_id) = &imported.external_id
            && !self.taken_external_ids.insert(external_id.clone())
        {
            return ImportOutcome::ExternalIdTaken;
        }
        self.known.insert(digest, imported.user.id);
        self.taken.extend(identifiers.keys().into_iter().map(|(_, key)| key.clone()));
        ImportOutcome::Imported
    }
}

/// Decides on the users of a batch in order, each as if those before it had been stored.
#[must_use]
pub fn judge_import(batch: &[ImportedUser], mut state: ImportState) -> Vec<ImportOutcome> {
    batch.iter().map(|imported| state.judge(imported)).collect()
}

/// Judges the batches of an import of which no user is stored.
///
/// It remembers the names of earlier batches as 64-bit hashes with a random key, about 50 bytes for each user. In an import
/// of a million users, the probability of one false conflict is below one in a million.
#[derive(Debug, Default)]
pub struct ImportRehearsal {
    hasher: RandomState,
    seen: HashSet<u64>,
}

impl ImportRehearsal {
    /// Decides on a batch as [`judge_import`] would if the earlier batches had been stored.
    pub fn judge(&mut self, batch: &[ImportedUser], mut state: ImportState) -> Vec<ImportOutcome> {
        for imported in batch {
            let digest = imported.digest();
            if self.has_seen(Seen::User(&digest)) {
                state.known.entry(digest).or_insert(imported.user.id);
            }
            for (_, key) in imported.user.identifiers.keys() {
                if self.has_seen(Seen::Identifier(key)) {
                    state.taken.insert(key.clone());
                }
            }
            let external_id = imported.external_id.iter().filter(|id| self.has_seen(Seen::ExternalId(id)));
            state.taken_external_ids.extend(external_id.cloned());
        }
        let outcomes = judge_import(batch, state);
        for (imported, outcome) in batch.iter().zip(&outcomes) {
            if *outcome == ImportOutcome::Imported {
                self.remember(imported);
            }
        }
        outcomes
    }

    fn has_seen(&self, seen: Seen<'_>) -> bool {
        self.seen.contains(&self.hasher.hash_one(seen))
    }

    fn remember(&mut self, imported: &ImportedUser) {
        let digest = imported.digest();
        let keys = imported.user.identifiers.keys();
        let seen = std::iter::once(Seen::User(&digest))
            .chain(keys.iter().map(|(_, key)| Seen::Identifier(key)))
            .chain(imported.external_id.as_ref().map(Seen::ExternalId));
        self.seen.extend(seen.map(|seen| self.hasher.hash_one(seen)));
    }
}

/// What a rehearsal remembers of a user.
#[derive(Hash)]
enum Seen<'a> {
    User(&'a ImportDigest),
    Identifier(&'a IdentifierKey),
    ExternalId(&'a ExternalId),
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
    use crate::model::{EmailAddress, Roles, Timestamp, Username};

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
                password_hash: (!hash.is_empty()).then(|| PasswordHash::new(hash.to_owned())),
                created_at: Timestamp::UNIX_EPOCH,
                metadata: None,
            },
            email_verified: false,
            status: UserStatus::Active,
            external_id: None,
        }
    }

    fn external_id(text: &str) -> ExternalId {
        ExternalId::parse(text).expect("an external id")
    }

    fn with_external_id(username: &str, id: &str) -> ImportedUser {
        ImportedUser { external_id: Some(external_id(id)), ..imported(Some(username), None, "hash") }
    }

    #[test]
    fn the_import_digest_covers_identifiers_and_hash_only() {
        let jane = imported(Some("jane"), None, "hash");
        let mut same = imported(Some("JANE"), None, "hash");
        same.user.id = UserId(Uuid::max());
        same.user.created_at = Timestamp::MAX;
        same.status = UserStatus::Suspended;
        same.external_id = ExternalId::parse("17").ok();
        assert_eq!(jane.digest(), same.digest());
        for other in [
            imported(Some("jane"), None, "another hash"),
            imported(Some("jan"), None, "ehash"),
            imported(Some("jane"), None, ""),
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
            with_external_id("ann", "taken"),
            with_external_id("ann", "TAKEN"),
            with_external_id("mary", "TAKEN"),
        ];
        let taken = ["known", "taken", "taken@example.com"]
            .map(|typed| IdentifierKey::of(typed).expect("an identifier"))
            .into();
        let known = UserId(Uuid::max());
        let state = ImportState {
            known: [(batch[0].digest(), known)].into(),
            taken,
            taken_external_ids: [external_id("taken")].into(),
        };
        let outcomes = judge_import(&batch, state);
        assert_eq!(
            outcomes,
            [
                ImportOutcome::AlreadyImported(known),
                ImportOutcome::Taken(IdentifierKind::Email),
                ImportOutcome::Imported,
                ImportOutcome::AlreadyImported(UserId(Uuid::nil())),
                ImportOutcome::Taken(IdentifierKind::Username),
                ImportOutcome::Taken(IdentifierKind::Username),
                ImportOutcome::Imported,
                ImportOutcome::ExternalIdTaken,
                ImportOutcome::Imported,
                ImportOutcome::ExternalIdTaken,
            ]
        );
    }

    #[test]
    fn a_rehearsal_judges_all_batches_as_one() {
        let batch = [
            imported(Some("known"), None, "1"),
            with_external_id("jane", "7"),
            imported(Some("JANE"), None, "another"),
            with_external_id("jane", "7"),
            with_external_id("john", "7"),
            imported(Some("7"), None, "2"),
            imported(None, Some("john@example.com"), "3"),
            imported(Some("john@example.com"), None, "3"),
        ];
        let state = ImportState {
            known: [(batch[0].digest(), UserId(Uuid::max()))].into(),
            ..ImportState::default()
        };
        let at_once = judge_import(&batch, state.clone());
        let mut rehearsal = ImportRehearsal::default();
        let one_by_one: Vec<_> = batch
            .iter()
            .flat_map(|imported| rehearsal.judge(std::slice::from_ref(imported), state.clone()))
            .collect();
        assert_eq!(one_by_one, at_once);
        assert!(at_once.contains(&ImportOutcome::ExternalIdTaken));
    }
}
