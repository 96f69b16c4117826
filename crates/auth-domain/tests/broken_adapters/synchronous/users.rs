//! The users of the synchronous store.

use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use auth_domain::model::{
    IdentifierKey, IdentifierKind, ImportOutcome, ImportState, ImportedUser, LoginRecord, NewUser,
    PasswordHash, PasswordVersion, Roles, Timestamp, User, UserChanges, UserId, UserNumber, UserRef,
    UserStatus,
};
use auth_domain::ports::{PortError, RegisterOutcome, UpdateOutcome, UserRepository};

use super::{Call, Fault, SynchronousStore};

#[async_trait]
impl UserRepository for SynchronousStore {
    async fn register(&self, user: &NewUser) -> Result<RegisterOutcome, PortError> {
        if self.is(Fault::FoldsAccents) {
            let folded =
                |user: &[(_, &IdentifierKey)]| user.iter().map(|(_, key)| fold(key)).collect::<Vec<_>>();
            let wanted = folded(&user.identifiers.keys());
            let mut known = self.all()?.into_iter().flat_map(|known| folded(&known.identifiers.keys()));
            if known.any(|known| wanted.contains(&known)) {
                return Ok(RegisterOutcome::Taken(IdentifierKind::Username));
            }
        }
        self.run(Call::Register, self.records.register(user))
    }

    async fn import(&self, batch: &[ImportedUser]) -> Result<Vec<ImportOutcome>, PortError> {
        let count = if self.is(Fault::ImportsTheFirst200) { batch.len().min(200) } else { batch.len() };
        self.run(Call::Import, self.records.import(&batch[..count]))
    }

    async fn find_import_state(&self, batch: &[ImportedUser]) -> Result<ImportState, PortError> {
        self.run(Call::Other, self.records.find_import_state(batch))
    }

    async fn find(&self, user: &UserRef) -> Result<Option<User>, PortError> {
        match user {
            UserRef::Number(number) if self.is(Fault::FindsByTheFirstDigit) => {
                let first = |number: UserNumber| number.to_string().chars().next();
                Ok(self.all()?.into_iter().find(|user| first(user.number) == first(*number)))
            }
            UserRef::External(wanted) if self.is(Fault::FindsExternalIdsByPrefix) => {
                let begins = |user: &User| {
                    user.external_id.as_ref().is_some_and(|id| id.as_str().starts_with(wanted.as_str()))
                };
                Ok(self.all()?.into_iter().rev().find(begins))
            }
            _ => self.run(Call::Other, UserRepository::find(&self.records, user)),
        }
    }

    async fn find_recent(&self, user: UserId) -> Result<Option<User>, PortError> {
        if !self.is(Fault::CachesWhatItReadBefore) {
            return self.run(Call::Other, self.records.find_recent(user));
        }
        if let Some(cached) = self.memory().recent.get(&user) {
            return Ok(Some(cached.clone()));
        }
        let found = self.run(Call::Other, self.records.find_recent(user))?;
        thread::sleep(Duration::from_micros(200)); // the answer of a database takes as long
        self.memory().recent.extend(found.clone().map(|found| (user, found)));
        Ok(found)
    }

    async fn find_for_login(&self, identifier: &IdentifierKey) -> Result<Option<LoginRecord>, PortError> {
        let found = self.run(Call::Other, self.records.find_for_login(identifier))?;
        if self.is(Fault::RemembersLogins) {
            return Ok(self.memory().logins.entry(identifier.clone()).or_insert(found).clone());
        }
        Ok(found)
    }

    async fn find_with_password(&self, user: UserId) -> Result<Option<LoginRecord>, PortError> {
        self.run(Call::Other, self.records.find_with_password(user))
    }

    async fn list(&self, after: Option<UserNumber>, limit: u32) -> Result<Vec<User>, PortError> {
        let mut users = self.run(Call::Other, UserRepository::list(&self.records, after, limit))?;
        if self.is(Fault::ListsUsersByText) {
            users.sort_by_key(|user| user.number.to_string());
        }
        Ok(users)
    }

    async fn update(
        &self,
        user: UserId,
        changes: &UserChanges,
        now: Timestamp,
    ) -> Result<UpdateOutcome, PortError> {
        self.run(Call::Update, self.records.update(user, changes, now))
    }

    async fn change_password(
        &self,
        user: UserId,
        version: PasswordVersion,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        self.run(Call::ChangePassword, self.records.change_password(user, version, hash, now))
    }

    async fn upgrade_password_hash(
        &self,
        user: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, PortError> {
        self.run(Call::UpgradePasswordHash, self.records.upgrade_password_hash(user, old, new))
    }

    async fn set_status(
        &self,
        user: UserId,
        status: UserStatus,
        now: Timestamp,
    ) -> Result<Option<User>, PortError> {
        self.run(Call::SetStatus, self.records.set_status(user, status, now))
    }

    async fn set_roles(
        &self,
        user: UserId,
        roles: &Roles,
        now: Timestamp,
    ) -> Result<Option<User>, PortError> {
        let changed = self.run(Call::SetRoles, self.records.set_roles(user, roles, now));
        self.memory().recent.remove(&user);
        changed
    }

    async fn delete(&self, user: UserId) -> Result<bool, PortError> {
        self.run(Call::Delete, UserRepository::delete(&self.records, user))
    }
}

impl SynchronousStore {
    fn all(&self) -> Result<Vec<User>, PortError> {
        self.run(Call::Other, UserRepository::list(&self.records, None, u32::MAX))
    }
}

/// The key without accents.
fn fold(key: &IdentifierKey) -> String {
    let plain = |letter| match letter {
        '\u{e9}' | '\u{ea}' => 'e',
        '\u{e5}' => 'a',
        '\u{131}' => 'i',
        letter => letter,
    };
    key.as_str().chars().map(plain).collect()
}
