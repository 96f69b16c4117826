//! Users as records.

use async_trait::async_trait;

use super::RecordStore;
use super::key_value_store::{KeyValueStore, ReadTransaction, Table, WriteTransaction};
use super::rows::{
    PAGE, UserRow, after, corrupt, count_on, external_id_key, find, get, id_key, identifier_key, insert,
    number_key, remove, replace,
};
use super::sessions::{end_sessions_of, remove_sessions_of};
use crate::model::{
    EndReason, IdentifierKey, IdentifierKind, Identifiers, ImportOutcome, ImportState, ImportedUser,
    LoginRecord, NewUser, PasswordHash, PasswordVersion, Roles, StoredPassword, Timestamp, User, UserChanges,
    UserId, UserNumber, UserRef, UserStatus, judge_import,
};
use crate::ports::{PortError, RegisterOutcome, UpdateOutcome, UserRepository};

/// The name of the counter of the users.
const COUNTER: &str = "user_number";

#[async_trait]
impl<S: KeyValueStore + 'static> UserRepository for RecordStore<S> {
    async fn register(&self, user: &NewUser) -> Result<RegisterOutcome, PortError> {
        let user = user.clone();
        self.write(move |tx| register(tx, &user)).await
    }

    async fn import(&self, batch: &[ImportedUser]) -> Result<Vec<ImportOutcome>, PortError> {
        let batch = batch.to_vec();
        self.write(move |tx| import(tx, &batch)).await
    }

    async fn find_import_state(&self, batch: &[ImportedUser]) -> Result<ImportState, PortError> {
        let batch = batch.to_vec();
        self.read(move |tx| import_state(tx, &batch)).await
    }

    async fn find(&self, user: &UserRef) -> Result<Option<User>, PortError> {
        let user = user.clone();
        let found = self.read(move |tx| match &user {
            UserRef::Id(id) => get::<UserRow>(tx, &id_key(*id)),
            UserRef::Number(number) => find(tx, Table::UserNumbers, &number_key(*number)),
            UserRef::Identifier(key) => find(tx, Table::UserIdentifiers, &identifier_key(key)),
            UserRef::External(id) => find(tx, Table::UserExternalIds, &external_id_key(id)),
        });
        Ok(found.await?.map(|row| row.user))
    }

    async fn find_for_login(&self, identifier: &IdentifierKey) -> Result<Option<LoginRecord>, PortError> {
        let key = identifier_key(identifier);
        let found = self.read(move |tx| find::<UserRow>(tx, Table::UserIdentifiers, &key));
        Ok(found.await?.map(UserRow::into_login_record))
    }

    async fn find_with_password(&self, user: UserId) -> Result<Option<LoginRecord>, PortError> {
        let found = self.read(move |tx| get::<UserRow>(tx, &id_key(user)));
        Ok(found.await?.map(UserRow::into_login_record))
    }

    async fn list(&self, after: Option<UserNumber>, limit: u32) -> Result<Vec<User>, PortError> {
        self.read(move |tx| list(tx, after, limit)).await
    }

    async fn update(
        &self,
        user: UserId,
        changes: &UserChanges,
        now: Timestamp,
    ) -> Result<UpdateOutcome, PortError> {
        let changes = changes.clone();
        self.write(move |tx| update(tx, user, &changes, now)).await
    }

    async fn change_password(
        &self,
        user: UserId,
        version: PasswordVersion,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        let hash = hash.clone();
        let changed = self.write(move |tx| {
            let is_current = |row: &UserRow| row.password.version == version;
            let changed = change(tx, user, is_current, |row| row.set_password(&hash))?;
            if changed.is_some() {
                end_sessions_of(tx, user, EndReason::PasswordChanged, now)?;
            }
            Ok(changed.is_some())
        });
        changed.await
    }

    async fn upgrade_password_hash(
        &self,
        user: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, PortError> {
        let (old, new) = (old.clone(), new.clone());
        let changed = self.write(move |tx| {
            let is_current = |row: &UserRow| row.password.hash.as_ref() == Some(&old);
            change(tx, user, is_current, |row| row.password.hash = Some(new.clone()))
        });
        Ok(changed.await?.is_some())
    }

    async fn set_status(
        &self,
        user: UserId,
        status: UserStatus,
        now: Timestamp,
    ) -> Result<Option<User>, PortError> {
        let changed = self.write(move |tx| {
            let changed = change(tx, user, |_| true, |row| row.user.status = status)?;
            if let (Some(_), Some(reason)) = (&changed, status.ends_sessions()) {
                end_sessions_of(tx, user, reason, now)?;
            }
            Ok(changed)
        });
        changed.await
    }

    async fn set_roles(
        &self,
        user: UserId,
        roles: &Roles,
        now: Timestamp,
    ) -> Result<Option<User>, PortError> {
        let roles = roles.clone();
        let changed = self.write(move |tx| {
            let Some(before) = get::<UserRow>(tx, &id_key(user))? else { return Ok(None) };
            if let Some(reason) = before.user.ends_sessions_for(&roles) {
                end_sessions_of(tx, user, reason, now)?;
            }
            change(tx, user, |_| true, |row| row.user.roles = roles.clone())
        });
        changed.await
    }

    async fn delete(&self, user: UserId) -> Result<bool, PortError> {
        let deleted = self.write(move |tx| {
            let Some(row) = get::<UserRow>(tx, &id_key(user))? else { return Ok(false) };
            remove_sessions_of(tx, user)?;
            remove(tx, &row)?;
            Ok(true)
        });
        deleted.await
    }
}

impl UserRow {
    fn new(user: &NewUser, number: UserNumber) -> Self {
        let NewUser {
            id,
            identifiers,
            display_name,
            phone_number,
            roles,
            password_hash,
            created_at,
            metadata,
        } = user.clone();
        Self {
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
            import: None,
        }
    }

    fn imported(imported: &ImportedUser, number: UserNumber) -> Self {
        let mut row = Self::new(&imported.user, number);
        row.user.email_verified = imported.email_verified;
        row.user.status = imported.status;
        row.user.external_id.clone_from(&imported.external_id);
        row.import = Some(imported.digest());
        row
    }

    fn into_login_record(self) -> LoginRecord {
        LoginRecord { user: self.user, password: self.password }
    }

    fn set_password(&mut self, hash: &PasswordHash) {
        self.password.hash = Some(hash.clone());
        self.password.version = PasswordVersion(self.password.version.0 + 1);
    }
}

/// Marks the e-mail address of a user as verified. Returns `false` when there is no such user.
pub(crate) fn verify_email(tx: &mut dyn WriteTransaction, user: UserId) -> Result<bool, PortError> {
    Ok(change(tx, user, |_| true, |row| row.user.email_verified = true)?.is_some())
}

/// Changes a user if `condition` holds, and returns the user after the change.
fn change(
    tx: &mut dyn WriteTransaction,
    user: UserId,
    condition: impl Fn(&UserRow) -> bool,
    change: impl Fn(&mut UserRow),
) -> Result<Option<User>, PortError> {
    let Some(old) = get::<UserRow>(tx, &id_key(user))?.filter(condition) else { return Ok(None) };
    let mut new = old.clone();
    change(&mut new);
    replace(tx, &old, &new)?;
    Ok(Some(new.user))
}

fn register(tx: &mut dyn WriteTransaction, user: &NewUser) -> Result<RegisterOutcome, PortError> {
    if let Some(kind) = taken(tx, &user.identifiers, user.id)? {
        return Ok(RegisterOutcome::Taken(kind));
    }
    let number = count_on(tx, COUNTER, 1)?.saturating_add(1);
    let row = UserRow::new(user, UserNumber(number));
    add(tx, &row)?;
    Ok(RegisterOutcome::Registered(row.user))
}

fn import(tx: &mut dyn WriteTransaction, batch: &[ImportedUser]) -> Result<Vec<ImportOutcome>, PortError> {
    let outcomes = judge_import(batch, import_state(tx, batch)?);
    let imported: Vec<_> = batch
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| **outcome == ImportOutcome::Imported)
        .map(|(imported, _)| imported)
        .collect();
    let last = count_on(tx, COUNTER, imported.len())?;
    for (number, imported) in (last.saturating_add(1)..).zip(imported) {
        add(tx, &UserRow::imported(imported, UserNumber(number)))?;
    }
    Ok(outcomes)
}

fn add(tx: &mut dyn WriteTransaction, row: &UserRow) -> Result<(), PortError> {
    if tx.get(Table::Users, &id_key(row.user.id))?.is_some() {
        return Err(corrupt("a user with this id exists"));
    }
    insert(tx, row)
}

fn import_state(tx: &dyn ReadTransaction, batch: &[ImportedUser]) -> Result<ImportState, PortError> {
    let mut state = ImportState::default();
    for imported in batch {
        let digest = imported.digest();
        if let Some(known) = find::<UserRow>(tx, Table::UserImports, digest.as_bytes())? {
            state.known.insert(digest, known.user.id);
        }
        for (_, key) in imported.user.identifiers.keys() {
            if tx.get(Table::UserIdentifiers, &identifier_key(key))?.is_some() {
                state.taken.insert(key.clone());
            }
        }
        if let Some(id) = &imported.external_id
            && tx.get(Table::UserExternalIds, &external_id_key(id))?.is_some()
        {
            state.taken_external_ids.insert(id.clone());
        }
    }
    Ok(state)
}

/// Returns which identifier another user than `user` has, the username if both are taken.
fn taken(
    tx: &dyn ReadTransaction,
    identifiers: &Identifiers,
    user: UserId,
) -> Result<Option<IdentifierKind>, PortError> {
    let username = identifiers.username().map(|name| (IdentifierKind::Username, name.key()));
    let email = identifiers.email().map(|address| (IdentifierKind::Email, address.key()));
    for (kind, key) in username.into_iter().chain(email) {
        let holder = tx.get(Table::UserIdentifiers, &identifier_key(key))?;
        if holder.is_some_and(|holder| holder != id_key(user)) {
            return Ok(Some(kind));
        }
    }
    Ok(None)
}

fn list(tx: &dyn ReadTransaction, above: Option<UserNumber>, limit: u32) -> Result<Vec<User>, PortError> {
    let mut from = above.filter(|number| number.0 >= 0).map(|number| after(&number_key(number)));
    let mut users = Vec::new();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    while users.len() < limit {
        let page = PAGE.min(limit - users.len());
        let entries = tx.scan(Table::UserNumbers, from.as_deref().unwrap_or(&[0])..&[0xff], page)?;
        for (_, id) in &entries {
            let row = get::<UserRow>(tx, id)?.ok_or_else(|| corrupt("a number leads to a missing user"))?;
            users.push(row.user);
        }
        match entries.last() {
            Some((last, _)) if entries.len() == page => from = Some(after(last)),
            _ => break,
        }
    }
    Ok(users)
}

fn update(
    tx: &mut dyn WriteTransaction,
    user: UserId,
    changes: &UserChanges,
    now: Timestamp,
) -> Result<UpdateOutcome, PortError> {
    let Some(old) = get::<UserRow>(tx, &id_key(user))? else { return Ok(UpdateOutcome::NotFound) };
    let mut new = UserRow { user: old.user.clone().changed(changes), ..old.clone() };
    if let Some(kind) = taken(tx, &new.user.identifiers, user)? {
        return Ok(UpdateOutcome::Taken(kind));
    }
    if let Some(hash) = &changes.password_hash {
        new.set_password(hash);
        end_sessions_of(tx, user, EndReason::PasswordChanged, now)?;
    }
    replace(tx, &old, &new)?;
    Ok(UpdateOutcome::Updated(new.user))
}
