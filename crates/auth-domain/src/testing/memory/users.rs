//! Users in memory.

use std::ops::Bound;

use async_trait::async_trait;

use super::{MemoryStore, State, UserEntry, corrupt};
use crate::model::{
    EmailAddress, EndReason, ExternalId, IdentifierKey, IdentifierKind, Identifiers, ImportOutcome,
    ImportState, ImportedUser, LoginRecord, NewUser, PasswordHash, PasswordVersion, Roles, StoredPassword,
    Timestamp, User, UserChanges, UserId, UserNumber, UserRef, UserStatus, judge_import,
};
use crate::ports::{PortError, RegisterOutcome, UpdateOutcome, UserRepository};

#[async_trait]
impl UserRepository for MemoryStore {
    async fn register(&self, user: &NewUser) -> Result<RegisterOutcome, PortError> {
        let mut state = self.state()?;
        if state.users.contains_key(&user.id) {
            return Err(corrupt("a user with this id exists"));
        }
        if let Some(kind) = state.taken(&user.identifiers, user.id) {
            return Ok(RegisterOutcome::Taken(kind));
        }
        Ok(RegisterOutcome::Registered(state.add(user).user.clone()))
    }

    async fn import(&self, batch: &[ImportedUser]) -> Result<Vec<ImportOutcome>, PortError> {
        let mut state = self.state()?;
        let outcomes = judge_import(batch, state.import_state(batch));
        let admitted: Vec<_> = batch
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| **outcome == ImportOutcome::Imported)
            .map(|(imported, _)| imported)
            .collect();
        if admitted.iter().any(|imported| state.users.contains_key(&imported.user.id)) {
            return Err(corrupt("a user with this id exists"));
        }
        for imported in admitted {
            let user = &mut state.add(&imported.user).user;
            user.email_verified = imported.email_verified;
            user.status = imported.status;
            user.external_id.clone_from(&imported.external_id);
            state.imports.insert(imported.digest(), imported.user.id);
        }
        Ok(outcomes)
    }

    async fn find_import_state(&self, batch: &[ImportedUser]) -> Result<ImportState, PortError> {
        Ok(self.state()?.import_state(batch))
    }

    async fn find(&self, user: &UserRef) -> Result<Option<User>, PortError> {
        let state = self.state()?;
        let id = match user {
            UserRef::Id(id) => Some(*id),
            UserRef::Number(number) => state.numbers.get(number).copied(),
            UserRef::Identifier(key) => state.names.get(key).copied(),
            UserRef::External(external_id) => state.holder_of(external_id),
        };
        Ok(id.and_then(|id| state.users.get(&id)).map(|entry| entry.user.clone()))
    }

    async fn find_for_login(&self, identifier: &IdentifierKey) -> Result<Option<LoginRecord>, PortError> {
        let state = self.state()?;
        Ok(state.names.get(identifier).and_then(|id| state.users.get(id)).map(UserEntry::login_record))
    }

    async fn find_with_password(&self, user: UserId) -> Result<Option<LoginRecord>, PortError> {
        Ok(self.state()?.users.get(&user).map(UserEntry::login_record))
    }

    async fn list(&self, after: Option<UserNumber>, limit: u32) -> Result<Vec<User>, PortError> {
        let state = self.state()?;
        let above = after.map_or(Bound::Unbounded, Bound::Excluded);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let ids = state.numbers.range((above, Bound::Unbounded)).map(|(_, id)| id);
        Ok(ids.filter_map(|id| state.users.get(id)).take(limit).map(|entry| entry.user.clone()).collect())
    }

    async fn update(
        &self,
        user: UserId,
        changes: &UserChanges,
        now: Timestamp,
    ) -> Result<UpdateOutcome, PortError> {
        let mut state = self.state()?;
        let Some(entry) = state.users.get(&user) else { return Ok(UpdateOutcome::NotFound) };
        let identifiers = entry.user.identifiers.changed(changes.username.clone(), changes.email.clone());
        if let Some(kind) = state.taken(&identifiers, user) {
            return Ok(UpdateOutcome::Taken(kind));
        }
        state.names.retain(|_, holder| *holder != user);
        state.lock_names(&identifiers, user);
        if changes.password_hash.is_some() {
            state.end_sessions_of(user, EndReason::PasswordChanged, now);
        }
        let Some(entry) = state.users.get_mut(&user) else { return Ok(UpdateOutcome::NotFound) };
        entry.change(identifiers, changes);
        Ok(UpdateOutcome::Updated(entry.user.clone()))
    }

    async fn change_password(
        &self,
        user: UserId,
        version: PasswordVersion,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        let mut state = self.state()?;
        match state.users.get_mut(&user) {
            Some(entry) if entry.password.version == version => entry.change_password(hash),
            _ => return Ok(false),
        }
        state.end_sessions_of(user, EndReason::PasswordChanged, now);
        Ok(true)
    }

    async fn upgrade_password_hash(
        &self,
        user: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, PortError> {
        match self.state()?.users.get_mut(&user) {
            Some(entry) if entry.password.hash.as_ref() == Some(old) => {
                entry.password.hash = Some(new.clone());
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn set_status(
        &self,
        user: UserId,
        status: UserStatus,
        now: Timestamp,
    ) -> Result<Option<User>, PortError> {
        let mut state = self.state()?;
        let Some(entry) = state.users.get_mut(&user) else { return Ok(None) };
        entry.user.status = status;
        let changed = entry.user.clone();
        if let Some(reason) = status.ends_sessions() {
            state.end_sessions_of(user, reason, now);
        }
        Ok(Some(changed))
    }

    async fn set_roles(
        &self,
        user: UserId,
        roles: &Roles,
        now: Timestamp,
    ) -> Result<Option<User>, PortError> {
        let mut state = self.state()?;
        let Some(entry) = state.users.get_mut(&user) else { return Ok(None) };
        let ends = entry.user.ends_sessions_for(roles);
        entry.user.roles = roles.clone();
        let changed = entry.user.clone();
        if let Some(reason) = ends {
            state.end_sessions_of(user, reason, now);
        }
        Ok(Some(changed))
    }

    async fn delete(&self, user: UserId) -> Result<bool, PortError> {
        let mut state = self.state()?;
        let Some(entry) = state.users.remove(&user) else { return Ok(false) };
        state.numbers.remove(&entry.user.number);
        state.names.retain(|_, holder| *holder != user);
        state.imports.retain(|_, imported| *imported != user);
        state.retain_sessions(|session| session.user_id != user);
        Ok(true)
    }
}

impl State {
    /// What is stored of a batch.
    fn import_state(&self, batch: &[ImportedUser]) -> ImportState {
        let digests = batch.iter().map(ImportedUser::digest);
        let keys = batch.iter().flat_map(|imported| imported.user.identifiers.keys());
        let external_ids = batch.iter().filter_map(|imported| imported.external_id.as_ref());
        ImportState {
            known: digests.filter_map(|digest| Some((digest, *self.imports.get(&digest)?))).collect(),
            taken: keys.map(|(_, key)| key).filter(|key| self.names.contains_key(key)).cloned().collect(),
            taken_external_ids: external_ids.filter(|id| self.holder_of(id).is_some()).cloned().collect(),
        }
    }

    fn holder_of(&self, external_id: &ExternalId) -> Option<UserId> {
        let holds = |entry: &&UserEntry| entry.user.external_id.as_ref() == Some(external_id);
        self.users.values().find(holds).map(|entry| entry.user.id)
    }

    /// Which of `identifiers` another user than `user` has; the username if both are taken.
    fn taken(&self, identifiers: &Identifiers, user: UserId) -> Option<IdentifierKind> {
        let taken: Vec<_> = identifiers
            .keys()
            .into_iter()
            .filter(|(_, key)| self.names.get(key).is_some_and(|holder| *holder != user))
            .map(|(kind, _)| kind)
            .collect();
        if taken.contains(&IdentifierKind::Username) {
            return Some(IdentifierKind::Username);
        }
        taken.first().copied()
    }

    /// Stores a user with the next number.
    fn add(&mut self, user: &NewUser) -> &mut UserEntry {
        self.last_number += 1;
        let number = UserNumber(self.last_number);
        self.lock_names(&user.identifiers, user.id);
        self.numbers.insert(number, user.id);
        self.users.entry(user.id).insert_entry(registered(user, number)).into_mut()
    }

    fn lock_names(&mut self, identifiers: &Identifiers, user: UserId) {
        self.names.extend(identifiers.keys().into_iter().map(|(_, key)| (key.clone(), user)));
    }
}

fn registered(user: &NewUser, number: UserNumber) -> UserEntry {
    let NewUser { id, identifiers, display_name, phone_number, roles, password_hash, created_at, metadata } =
        user.clone();
    UserEntry {
        user: User {
            id,
            number,
            identifiers,
            display_name,
            phone_number,
            email_verified: false,
            status: UserStatus::Active,
            roles,
            created_at,
            external_id: None,
            metadata,
        },
        password: StoredPassword { hash: password_hash, version: PasswordVersion(0) },
    }
}

impl UserEntry {
    fn login_record(&self) -> LoginRecord {
        LoginRecord { user: self.user.clone(), password: self.password.clone() }
    }

    fn change(&mut self, identifiers: Identifiers, changes: &UserChanges) {
        let old_key = self.user.identifiers.email().map(EmailAddress::key);
        self.user.email_verified &= identifiers.email().map(EmailAddress::key) == old_key;
        self.user.identifiers = identifiers;
        if let Some(name) = &changes.display_name {
            self.user.display_name = Some(name.clone());
        }
        if let Some(number) = &changes.phone_number {
            self.user.phone_number = Some(number.clone());
        }
        self.user.metadata = changes.metadata.apply(self.user.metadata.take());
        if let Some(hash) = &changes.password_hash {
            self.change_password(hash);
        }
    }

    fn change_password(&mut self, hash: &PasswordHash) {
        self.password.hash = Some(hash.clone());
        self.password.version = PasswordVersion(self.password.version.0 + 1);
    }
}
