//! Faults in reading users, their status, their roles and their deletion.

use async_trait::async_trait;
use auth_domain::model::{
    EndReason, IdentifierKey, ImportOutcome, ImportState, ImportedUser, LoginRecord, NewUser, PasswordHash,
    PasswordVersion, Roles, Timestamp, User, UserChanges, UserId, UserNumber, UserRef, UserStatus,
};
use auth_domain::ports::{PortError, RegisterOutcome, SessionRepository, UpdateOutcome, UserRepository};

use super::{Fault, FaultyStore, unavailable};

#[async_trait]
impl UserRepository for FaultyStore {
    async fn register(&self, user: &NewUser) -> Result<RegisterOutcome, PortError> {
        let _call = self.begin().await?;
        self.register_with_fault(user).await
    }

    async fn import(&self, batch: &[ImportedUser]) -> Result<Vec<ImportOutcome>, PortError> {
        let _call = self.begin().await?;
        self.import_with_fault(batch).await
    }

    async fn find_import_state(&self, batch: &[ImportedUser]) -> Result<ImportState, PortError> {
        let _call = self.begin().await?;
        self.find_import_state_with_fault(batch).await
    }

    async fn find(&self, user: &UserRef) -> Result<Option<User>, PortError> {
        let _call = self.begin().await?;
        let found = match user {
            UserRef::Number(number) if self.is(Fault::FailsOnHugeNumbers) && number.0.abs() >= 1 << 53 => {
                return Err(unavailable("out of range"));
            }
            UserRef::Identifier(key) if self.is(Fault::FindsByPatterns) => self.find_like(key).await?,
            _ => UserRepository::find(&*self.inner, user).await?,
        };
        Ok(found.map(|user| self.read_user(user)))
    }

    async fn find_recent(&self, user: UserId) -> Result<Option<User>, PortError> {
        let found = UserRepository::find(self, &UserRef::Id(user)).await?;
        let found = if found.is_none() && self.is(Fault::ReturnsAnotherRecentUser) {
            self.inner.list(None, 1).await?.pop()
        } else {
            found
        };
        let is_kept = match self.fault {
            Fault::CachesFoundUsersForever => found.is_some() || self.was_shown(user),
            Fault::CachesAbsentUsersForever => true,
            _ => false,
        };
        Ok(if is_kept { self.log().shown.entry(user).or_insert(found).clone() } else { found })
    }

    async fn find_for_login(&self, identifier: &IdentifierKey) -> Result<Option<LoginRecord>, PortError> {
        let _call = self.begin().await?;
        let record = self.inner.find_for_login(identifier).await?;
        let record = record.filter(|record| {
            !self.is(Fault::FindsForLoginByUsernameOnly)
                || record.user.identifiers.username().is_some_and(|name| name.key() == identifier)
        });
        Ok(record.map(|record| LoginRecord { user: self.read_user(record.user), ..record }))
    }

    async fn find_with_password(&self, user: UserId) -> Result<Option<LoginRecord>, PortError> {
        let _call = self.begin().await?;
        let record = self.inner.find_with_password(user).await?;
        Ok(record.map(|record| LoginRecord { user: self.read_user(record.user), ..record }))
    }

    async fn list(&self, after: Option<UserNumber>, limit: u32) -> Result<Vec<User>, PortError> {
        let _call = self.begin().await?;
        let (mut from, mut count) = (after, limit);
        match (self.fault, after) {
            (Fault::ListsTheStartNumberAgain, Some(after)) => {
                from = Some(UserNumber(after.0.saturating_sub(1)));
            }
            (Fault::ListsOneTooMany, _) => count = limit.saturating_add(1),
            (Fault::FailsOnHugeNumbers, Some(after)) if after.0.abs() >= 1 << 53 => {
                return Err(unavailable("out of range"));
            }
            (Fault::ListsNothingAfterAGap, Some(after))
                if UserRepository::find(&*self.inner, &UserRef::Number(after)).await?.is_none() =>
            {
                return Ok(vec![]);
            }
            _ => {}
        }
        let mut users = self.inner.list(from, count).await?;
        if self.is(Fault::ListsNewestFirst) {
            users.reverse();
        }
        Ok(users.into_iter().map(|user| self.read_user(user)).collect())
    }

    async fn update(
        &self,
        user: UserId,
        changes: &UserChanges,
        now: Timestamp,
    ) -> Result<UpdateOutcome, PortError> {
        let _call = self.begin().await?;
        self.update_with_fault(user, changes, now).await
    }

    async fn change_password(
        &self,
        user: UserId,
        version: PasswordVersion,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        let _call = self.begin().await?;
        self.change_password_with_fault(user, version, hash, now).await
    }

    async fn upgrade_password_hash(
        &self,
        user: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, PortError> {
        let _call = self.begin().await?;
        self.upgrade_with_fault(user, old, new).await
    }

    async fn set_status(
        &self,
        user: UserId,
        status: UserStatus,
        now: Timestamp,
    ) -> Result<Option<User>, PortError> {
        let _call = self.begin().await?;
        if self.is(Fault::NeverSuspends) {
            return UserRepository::find(&*self.inner, &UserRef::Id(user)).await;
        }
        let changed = self.inner.set_status(user, status, now).await?;
        match (self.fault, status) {
            (Fault::RevivesSessions, UserStatus::Active) => self.revive_sessions_of(user).await?,
            (Fault::EndsSessionsWithoutReason, UserStatus::Active) => {
                self.end_sessions(|owner| owner == user, now).await?;
            }
            (Fault::EndsSessionsOfAllUsers, UserStatus::Suspended) => {
                self.end_sessions(|_| true, now).await?;
            }
            (_, UserStatus::Suspended) => self.log().suspended_before.push(user),
            _ => {}
        }
        Ok(changed)
    }

    async fn set_roles(
        &self,
        user: UserId,
        roles: &Roles,
        now: Timestamp,
    ) -> Result<Option<User>, PortError> {
        let _call = self.begin().await?;
        let mut roles = roles.clone();
        if let Some(before) = UserRepository::find(&*self.inner, &UserRef::Id(user)).await? {
            if self.is(Fault::AddsRoles) {
                roles = Roles::new(roles.iter().chain(before.roles.iter()).cloned()).expect("few roles");
            }
            if self.is(Fault::EndsSessionsWithoutRoleChange) && roles == before.roles {
                self.end_sessions(|owner| owner == user, before.created_at).await?;
            }
        }
        self.inner.set_roles(user, &roles, now).await
    }

    async fn delete(&self, user: UserId) -> Result<bool, PortError> {
        let _call = self.begin().await?;
        let before = UserRepository::find(&*self.inner, &UserRef::Id(user)).await?;
        if self.is(Fault::KeepsSessionsOfDeletedUsers) {
            self.revive_sessions_of(user).await?;
        }
        let deleted = self.inner.delete(user).await?;
        self.log().deleted.push(user);
        let Some(before) = before else { return Ok(self.is(Fault::DeletesTwice) && self.was_there(user)) };
        match self.fault {
            Fault::KeepsNamesOfDeletedUsers => self.reserve_names(&before.identifiers).await?,
            Fault::EndsSessionsOfAllUsers => self.end_sessions(|_| true, before.created_at).await?,
            _ => {}
        }
        Ok(deleted)
    }
}

impl FaultyStore {
    fn was_there(&self, user: UserId) -> bool {
        self.log().users.contains_key(&user)
    }

    fn was_shown(&self, user: UserId) -> bool {
        self.log().shown.contains_key(&user)
    }

    /// A user as this store returns it.
    pub(super) fn read_user(&self, user: User) -> User {
        if self.is(Fault::FindsUsersAsRegistered) { self.as_registered(user) } else { user }
    }

    pub(super) fn as_registered(&self, user: User) -> User {
        self.log().users.get(&user.id).cloned().unwrap_or(user)
    }

    /// The first user with a name that matches the pattern; `%` matches any text and `_` any character.
    pub(super) async fn find_like(&self, pattern: &IdentifierKey) -> Result<Option<User>, PortError> {
        let users = self.inner.list(None, u32::MAX).await?;
        let is_like =
            |user: &User| user.identifiers.keys().iter().any(|(_, key)| like(pattern.as_str(), key.as_str()));
        Ok(users.into_iter().find(is_like))
    }

    /// Ends the sessions of the users that `whose` selects.
    pub(super) async fn end_sessions(
        &self,
        whose: impl Fn(UserId) -> bool + Send,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let opened = self.log().opened.clone();
        for new in opened.iter().filter(|new| whose(new.session.user_id)) {
            self.inner.end(new.session.id, EndReason::PasswordChanged, now).await?;
        }
        Ok(())
    }

    /// Returns the sessions of this user as live from now on.
    async fn revive_sessions_of(&self, user: UserId) -> Result<(), PortError> {
        let opened = self.log().opened.clone();
        for new in opened.iter().filter(|new| new.session.user_id == user) {
            self.revive(new.session.id).await?;
        }
        Ok(())
    }
}

fn like(pattern: &str, text: &str) -> bool {
    let mut pattern = pattern.chars();
    match pattern.next() {
        None => text.is_empty(),
        Some('%') => {
            (0..=text.len()).any(|at| text.is_char_boundary(at) && like(pattern.as_str(), &text[at..]))
        }
        Some(wanted) => {
            let mut text = text.chars();
            text.next().is_some_and(|found| wanted == '_' || wanted == found)
                && like(pattern.as_str(), text.as_str())
        }
    }
}
