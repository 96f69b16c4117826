//! Faults in changes of users and passwords.

use auth_domain::model::{
    EmailAddress, IdentifierKey, IdentifierKind, MetadataChange, PasswordHash, PasswordVersion, Timestamp,
    User, UserChanges, UserId, UserRef, Username,
};
use auth_domain::ports::{PortError, UpdateOutcome, UserRepository};
use tokio::task::yield_now;

use super::registration::keys_of;
use super::{Fault, FaultyStore};

impl FaultyStore {
    pub(super) async fn update_with_fault(
        &self,
        user: UserId,
        changes: &UserChanges,
        now: Timestamp,
    ) -> Result<UpdateOutcome, PortError> {
        let changes = self.altered_changes(changes);
        let Some(before) = UserRepository::find(&*self.inner, &UserRef::Id(user)).await? else {
            return self.update_unknown_user(user, &changes, now).await;
        };
        let after = before.identifiers.changed(changes.username.clone(), changes.email.clone());
        let (old_keys, new_keys) = (keys_of(&before.identifiers), keys_of(&after));
        let _names = match self.fault {
            Fault::DeadlocksOnNames => {
                Some(self.lock_names(old_keys.iter().chain(&new_keys).cloned().collect()).await?)
            }
            _ => None,
        };
        if self.is(Fault::ChecksNamesBeforeItWrites) && self.are_free(&new_keys, user).await? {
            yield_now().await;
            if let UpdateOutcome::Updated(user) = self.inner.update(user, &changes, now).await? {
                return Ok(UpdateOutcome::Updated(user));
            }
            return Ok(UpdateOutcome::Updated(User { identifiers: after, ..before }));
        }
        if self.is(Fault::RejectsOwnNames) && requests_any(&changes, &old_keys) {
            return Ok(UpdateOutcome::Taken(IdentifierKind::Username));
        }
        self.unverify(&before, &changes, now).await?;
        match self.write(&before, &changes, now).await? {
            UpdateOutcome::Updated(after) => self.updated(before, after, &changes, now).await,
            UpdateOutcome::Taken(kind) => {
                if self.is(Fault::AppliesHalfOfRejectedChanges) {
                    let half = UserChanges { username: None, email: None, ..changes };
                    self.inner.update(user, &half, now).await?;
                }
                let reports_email = self.is(Fault::ReportsTheEmailFirst);
                Ok(UpdateOutcome::Taken(if reports_email {
                    self.conflicting_kind(&after, kind).await?
                } else {
                    kind
                }))
            }
            UpdateOutcome::NotFound => Ok(UpdateOutcome::NotFound),
        }
    }

    fn altered_changes(&self, changes: &UserChanges) -> UserChanges {
        let mut changes = changes.clone();
        match self.fault {
            Fault::IgnoresTheNewDisplayName => changes.display_name = None,
            Fault::IgnoresTheNewPhoneNumber => changes.phone_number = None,
            Fault::IgnoresTheNewMetadata => changes.metadata = MetadataChange::Keep,
            Fault::NeverRemovesMetadata if changes.metadata == MetadataChange::Remove => {
                changes.metadata = MetadataChange::Keep;
            }
            Fault::RemovesMetadataAtEveryChange if changes.metadata == MetadataChange::Keep => {
                changes.metadata = MetadataChange::Remove;
            }
            Fault::IgnoresTheNewUsername => changes.username = None,
            Fault::IgnoresTheNewEmail => changes.email = None,
            _ => {}
        }
        changes
    }

    async fn update_unknown_user(
        &self,
        user: UserId,
        changes: &UserChanges,
        now: Timestamp,
    ) -> Result<UpdateOutcome, PortError> {
        if let (Fault::ChecksNamesBeforeUsers, Some(name)) = (self.fault, &changes.username)
            && !self.are_free(&[name.key().clone()], user).await?
        {
            return Ok(UpdateOutcome::Taken(IdentifierKind::Username));
        }
        self.inner.update(user, changes, now).await
    }

    /// Changes the e-mail address away and back, so that it becomes unverified.
    async fn unverify(&self, before: &User, changes: &UserChanges, now: Timestamp) -> Result<(), PortError> {
        let changes_email = changes.email.is_some();
        let unverifies = match self.fault {
            Fault::UnverifiesEmailsInAnotherSpelling => changes_email,
            Fault::UnverifiesEmailsAtEveryChange => !changes_email && *changes != UserChanges::default(),
            _ => false,
        };
        let (true, Some(email)) = (unverifies, before.identifiers.email()) else { return Ok(()) };
        let unused = EmailAddress::parse(&format!("unused{}@nowhere.example", self.count()));
        for email in [unused.expect("an address"), email.clone()] {
            let change = UserChanges { email: Some(email), ..UserChanges::default() };
            self.inner.update(before.id, &change, now).await?;
        }
        Ok(())
    }

    async fn write(
        &self,
        before: &User,
        changes: &UserChanges,
        now: Timestamp,
    ) -> Result<UpdateOutcome, PortError> {
        match (&changes.password_hash, self.fault) {
            (Some(hash), Fault::UpdatesPasswordsWithoutVersion) => {
                if let Some(stored) = self.stored_hash(before.id).await? {
                    self.inner.upgrade_password_hash(before.id, &stored, hash).await?;
                }
                let others = UserChanges { password_hash: None, ..changes.clone() };
                self.inner.update(before.id, &others, now).await
            }
            _ => self.inner.update(before.id, changes, now).await,
        }
    }

    async fn updated(
        &self,
        before: User,
        mut after: User,
        changes: &UserChanges,
        now: Timestamp,
    ) -> Result<UpdateOutcome, PortError> {
        match self.fault {
            Fault::KeepsChangedEmailsVerified if before.email_verified => {
                self.inner.verify_email(before.id);
                after.email_verified = true;
            }
            Fault::ChangesAllUsers => {
                let shared = UserChanges { username: None, email: None, ..changes.clone() };
                for user in self.inner.list(None, u32::MAX).await? {
                    self.inner.update(user.id, &shared, now).await?;
                }
            }
            Fault::KeepsOldNames => self.reserve_names(&before.identifiers).await?,
            Fault::FreesNamesStillHeld => {
                let (names, new_names) = (before.identifiers.keys(), after.identifiers.keys());
                let kept = names.into_iter().filter(|old| new_names.iter().any(|new| new.1 == old.1));
                let kept: Vec<_> = kept.map(|(_, key)| key.clone()).collect();
                self.log().freed_names.extend(kept);
            }
            Fault::EndsSessionsAtUpdates => self.end_sessions(|owner| owner == before.id, now).await?,
            Fault::EndsSessionsOfAllUsers if changes.password_hash.is_some() => {
                self.end_sessions(|_| true, now).await?;
            }
            Fault::ReturnsTheUserBeforeTheUpdate => return Ok(UpdateOutcome::Updated(before)),
            _ => {}
        }
        Ok(UpdateOutcome::Updated(after))
    }

    pub(super) async fn change_password_with_fault(
        &self,
        user: UserId,
        version: PasswordVersion,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        let stored = self.inner.find_with_password(user).await?.map(|record| record.password);
        let changed = match (self.fault, stored) {
            (Fault::ChangesAnyVersion, Some(stored)) => {
                self.inner.change_password(user, stored.version, hash, now).await?
            }
            (Fault::ComparesVersionsBeforeItWrites, Some(stored)) if stored.version == version => {
                yield_now().await;
                let stored = self.inner.find_with_password(user).await?.map(|record| record.password);
                let version = stored.map_or(version, |stored| stored.version);
                self.inner.change_password(user, version, hash, now).await?
            }
            (Fault::CountsNoVersions, Some(stored)) if stored.version == version => {
                self.replace_hash(user, hash).await?
            }
            (Fault::ChangesUnknownUsers, None) => true,
            _ => self.inner.change_password(user, version, hash, now).await?,
        };
        match self.fault {
            Fault::EndsSessionsOfAllUsers if changed => self.end_sessions(|_| true, now).await?,
            Fault::EndsSessionsWithoutReason if !changed => {
                self.end_sessions(|owner| owner == user, now).await?;
            }
            _ => {}
        }
        Ok(changed)
    }

    async fn stored_hash(&self, user: UserId) -> Result<Option<PasswordHash>, PortError> {
        let record = self.inner.find_with_password(user).await?;
        Ok(record.and_then(|record| record.password.hash))
    }

    /// Replaces the hash, whatever it is.
    async fn replace_hash(&self, user: UserId, new: &PasswordHash) -> Result<bool, PortError> {
        match self.stored_hash(user).await? {
            Some(stored) => self.inner.upgrade_password_hash(user, &stored, new).await,
            None => Ok(false),
        }
    }

    pub(super) async fn upgrade_with_fault(
        &self,
        user: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, PortError> {
        let stored = self.inner.find_with_password(user).await?.map(|record| record.password);
        let Some(stored) = stored else { return self.inner.upgrade_password_hash(user, old, new).await };
        match self.fault {
            Fault::CountsVersionsOfUpgrades if stored.hash.as_ref() == Some(old) => {
                self.inner.change_password(user, stored.version, new, Timestamp::UNIX_EPOCH).await
            }
            Fault::UpgradesAnyHash => self.replace_hash(user, new).await,
            Fault::ComparesHashesBeforeItWrites if stored.hash.as_ref() == Some(old) => {
                yield_now().await;
                self.replace_hash(user, new).await
            }
            Fault::MatchesHashesWithoutCase
                if stored
                    .hash
                    .as_ref()
                    .is_some_and(|stored| stored.expose().eq_ignore_ascii_case(old.expose().trim())) =>
            {
                self.replace_hash(user, new).await
            }
            Fault::RefusesAfterHashUpgrades => {
                self.log().hash_upgraded.push(user);
                self.inner.upgrade_password_hash(user, old, new).await
            }
            _ => self.inner.upgrade_password_hash(user, old, new).await,
        }
    }
}

fn requests_any(changes: &UserChanges, keys: &[IdentifierKey]) -> bool {
    let username = changes.username.iter().map(Username::key);
    let email = changes.email.iter().map(EmailAddress::key);
    username.chain(email).any(|key| keys.contains(key))
}
