//! Users on PostgreSQL.

use async_trait::async_trait;
use auth_domain::model::{
    IdentifierKey, ImportOutcome, ImportedUser, LoginRecord, NewUser, PasswordHash, PasswordVersion, Roles,
    Timestamp, User, UserChanges, UserId, UserNumber, UserRef, UserStatus,
};
use auth_domain::ports::{PortError, RegisterOutcome, UpdateOutcome, UserRepository};

use super::rows::{self, password_columns, user_columns};
use super::{PostgresStore, imports, user_writes};

const FIND_BY_ID: &str = concat!("SELECT", user_columns!(), "FROM accounts WHERE id = $1");

const FIND_BY_NUMBER: &str = concat!("SELECT", user_columns!(), "FROM accounts WHERE number = $1");

const FIND_BY_IDENTIFIER: &str = concat!(
    "SELECT",
    user_columns!(),
    "FROM account_identifiers JOIN accounts ON accounts.id = account_id WHERE key = $1"
);

const FIND_FOR_LOGIN: &str = concat!(
    "SELECT",
    user_columns!(),
    ",",
    password_columns!(),
    "FROM account_identifiers JOIN accounts ON accounts.id = account_id WHERE key = $1"
);

const FIND_WITH_PASSWORD: &str =
    concat!("SELECT", user_columns!(), ",", password_columns!(), "FROM accounts WHERE id = $1");

const LIST: &str =
    concat!("SELECT", user_columns!(), "FROM accounts WHERE number > $1 ORDER BY number LIMIT $2");

#[async_trait]
impl UserRepository for PostgresStore {
    async fn register(&self, user: &NewUser) -> Result<RegisterOutcome, PortError> {
        self.transaction(|mut lease| async move {
            let work = user_writes::register(&mut lease, user).await;
            lease.end(work).await
        })
        .await
    }

    async fn import(&self, batch: &[ImportedUser]) -> Result<Vec<ImportOutcome>, PortError> {
        self.transaction(|mut lease| async move {
            let work = imports::import(&mut lease, batch).await;
            lease.end(work).await
        })
        .await
    }

    async fn find(&self, user: &UserRef) -> Result<Option<User>, PortError> {
        self.at_once(|mut lease| async move {
            let query = match user {
                UserRef::Id(id) => sqlx::query(FIND_BY_ID).bind(id.0),
                UserRef::Number(number) => sqlx::query(FIND_BY_NUMBER).bind(number.0),
                UserRef::Identifier(key) => sqlx::query(FIND_BY_IDENTIFIER).bind(key.as_str()),
            };
            let row = query.fetch_optional(&mut *lease).await;
            lease.answered(row)?.as_ref().map(rows::user).transpose()
        })
        .await
    }

    async fn find_recent(&self, user: UserId) -> Result<Option<User>, PortError> {
        if let Some(known) = self.user_cache.get(user)
            && self.pool.revoked().is_fresh()
        {
            return Ok(Some(User::clone(&known)));
        }
        let before = self.user_cache.change_count(user);
        let found = self.find(&UserRef::Id(user)).await?;
        if let Some(user) = &found {
            self.user_cache.insert_unless_changed(user, before);
        }
        Ok(found)
    }

    async fn find_for_login(&self, identifier: &IdentifierKey) -> Result<Option<LoginRecord>, PortError> {
        self.at_once(|mut lease| async move {
            let row = sqlx::query(FIND_FOR_LOGIN).bind(identifier.as_str()).fetch_optional(&mut *lease).await;
            lease.answered(row)?.as_ref().map(rows::login_record).transpose()
        })
        .await
    }

    async fn find_with_password(&self, user: UserId) -> Result<Option<LoginRecord>, PortError> {
        self.at_once(|mut lease| async move {
            let row = sqlx::query(FIND_WITH_PASSWORD).bind(user.0).fetch_optional(&mut *lease).await;
            lease.answered(row)?.as_ref().map(rows::login_record).transpose()
        })
        .await
    }

    async fn list(&self, after: Option<UserNumber>, limit: u32) -> Result<Vec<User>, PortError> {
        self.at_once(|mut lease| async move {
            let after = after.map_or(0, |number| number.0);
            let query = sqlx::query(LIST).bind(after).bind(i64::from(limit));
            let found = query.fetch_all(&mut *lease).await;
            lease.answered(found)?.iter().map(rows::user).collect()
        })
        .await
    }

    async fn update(
        &self,
        user: UserId,
        changes: &UserChanges,
        now: Timestamp,
    ) -> Result<UpdateOutcome, PortError> {
        let _invalidate = self.user_cache.invalidate_on_drop(user);
        self.transaction(|mut lease| async move {
            let work = user_writes::update(&mut lease, user, changes, now).await;
            lease.end(work).await
        })
        .await
    }

    async fn change_password(
        &self,
        user: UserId,
        version: PasswordVersion,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        self.transaction(|mut lease| async move {
            let work = user_writes::change_password(&mut lease, user, version, hash, now).await;
            lease.end(work).await
        })
        .await
    }

    async fn upgrade_password_hash(
        &self,
        user: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, PortError> {
        self.transaction(|mut lease| async move {
            let work = user_writes::upgrade_password_hash(&mut lease, user, old, new).await;
            lease.end(work).await
        })
        .await
    }

    async fn set_status(
        &self,
        user: UserId,
        status: UserStatus,
        now: Timestamp,
    ) -> Result<Option<User>, PortError> {
        let _invalidate = self.user_cache.invalidate_on_drop(user);
        self.transaction(|mut lease| async move {
            let work = user_writes::set_status(&mut lease, user, status, now).await;
            lease.end(work).await
        })
        .await
    }

    async fn set_roles(
        &self,
        user: UserId,
        roles: &Roles,
        now: Timestamp,
    ) -> Result<Option<User>, PortError> {
        let _invalidate = self.user_cache.invalidate_on_drop(user);
        self.transaction(|mut lease| async move {
            let work = user_writes::set_roles(&mut lease, user, roles, now).await;
            lease.end(work).await
        })
        .await
    }

    async fn delete(&self, user: UserId) -> Result<bool, PortError> {
        let _invalidate = self.user_cache.invalidate_on_drop(user);
        self.transaction(|mut lease| async move {
            let work = user_writes::delete(&mut lease, user).await;
            lease.end(work).await
        })
        .await
    }
}
