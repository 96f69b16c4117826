//! Users: the repository and its reads.

use async_trait::async_trait;
use auth_domain::model::{
    IdentifierKey, ImportOutcome, ImportState, ImportedUser, LoginRecord, NewUser, PasswordHash,
    PasswordVersion, Roles, Timestamp, User, UserChanges, UserId, UserNumber, UserRef, UserStatus,
};
use auth_domain::ports::{PortError, RegisterOutcome, UpdateOutcome, UserRepository};

use super::prelude::{Connection, DbError, Store};
use super::rows::{self, user_columns};
use super::{imports, user_writes};
use crate::sql::call;

const FIND_BY_ID: &str = include_str!("../statements/find_user.sql");

const FIND_BY_NUMBER: &str = concat!("SELECT", user_columns!(), "FROM accounts WHERE number = $1");

const FIND_BY_IDENTIFIER: &str = concat!(
    "SELECT",
    user_columns!(),
    "FROM account_identifiers JOIN accounts ON accounts.id = account_id WHERE key = $1"
);

const FIND_BY_EXTERNAL_ID: &str = concat!("SELECT", user_columns!(), "FROM accounts WHERE external_id = $1");

const FIND_FOR_LOGIN: &str = include_str!("../statements/find_for_login.sql");

const FIND_WITH_PASSWORD: &str =
    concat!("SELECT", user_columns!(), ", password_hash, password_version FROM accounts WHERE id = $1");

const LIST: &str =
    concat!("SELECT", user_columns!(), "FROM accounts WHERE number > $1 ORDER BY number LIMIT $2");

#[async_trait]
impl UserRepository for Store {
    async fn register(&self, user: &NewUser) -> Result<RegisterOutcome, PortError> {
        self.db
            .write_grouped(user.clone(), |connection, user| Box::pin(user_writes::register(connection, user)))
            .await
    }

    async fn import(&self, batch: &[ImportedUser]) -> Result<Vec<ImportOutcome>, PortError> {
        call!(self.db.write, imports::import(batch))
    }

    async fn find_import_state(&self, batch: &[ImportedUser]) -> Result<ImportState, PortError> {
        call!(self.db.read, imports::find_import_state(batch))
    }

    async fn find(&self, user: &UserRef) -> Result<Option<User>, PortError> {
        call!(self.db.read, find(user))
    }

    async fn find_recent(&self, user: UserId) -> Result<Option<User>, PortError> {
        self.find_cached(user).await
    }

    async fn find_for_login(&self, identifier: &IdentifierKey) -> Result<Option<LoginRecord>, PortError> {
        call!(self.db.read, find_for_login(identifier))
    }

    async fn find_with_password(&self, user: UserId) -> Result<Option<LoginRecord>, PortError> {
        call!(self.db.read, find_with_password(user))
    }

    async fn list(&self, after: Option<UserNumber>, limit: u32) -> Result<Vec<User>, PortError> {
        let after = after.map_or(0, |number| number.0);
        call!(self.db.read, list(after, limit))
    }

    async fn update(
        &self,
        user: UserId,
        changes: &UserChanges,
        now: Timestamp,
    ) -> Result<UpdateOutcome, PortError> {
        let _invalidate = self.invalidate_on_drop(user);
        call!(self.db.write, user_writes::update(user, changes, now))
    }

    async fn change_password(
        &self,
        user: UserId,
        version: PasswordVersion,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        call!(self.db.write, user_writes::change_password(user, version, hash, now))
    }

    async fn upgrade_password_hash(
        &self,
        user: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, PortError> {
        self.db
            .write_grouped((user, old.clone(), new.clone()), |connection, (user, old, new)| {
                Box::pin(user_writes::upgrade_password_hash(connection, *user, old, new))
            })
            .await
    }

    async fn set_status(
        &self,
        user: UserId,
        status: UserStatus,
        now: Timestamp,
    ) -> Result<Option<User>, PortError> {
        let _invalidate = self.invalidate_on_drop(user);
        call!(self.db.write, user_writes::set_status(user, status, now))
    }

    async fn set_roles(
        &self,
        user: UserId,
        roles: &Roles,
        now: Timestamp,
    ) -> Result<Option<User>, PortError> {
        let _invalidate = self.invalidate_on_drop(user);
        call!(self.db.write, user_writes::set_roles(user, roles, now))
    }

    async fn delete(&self, user: UserId) -> Result<bool, PortError> {
        let _invalidate = self.invalidate_on_drop(user);
        call!(self.db.write, user_writes::delete(user))
    }
}

async fn find(connection: &mut Connection, user: &UserRef) -> Result<Option<User>, DbError> {
    let query = match user {
        UserRef::Id(id) => sqlx::query(FIND_BY_ID).bind(id.0),
        UserRef::Number(number) => sqlx::query(FIND_BY_NUMBER).bind(number.0),
        UserRef::Identifier(key) => sqlx::query(FIND_BY_IDENTIFIER).bind(key.as_str()),
        UserRef::External(id) => sqlx::query(FIND_BY_EXTERNAL_ID).bind(id.as_str()),
    };
    query.fetch_optional(connection).await?.as_ref().map(rows::user).transpose()
}

async fn find_for_login(
    connection: &mut Connection,
    key: &IdentifierKey,
) -> Result<Option<LoginRecord>, DbError> {
    let row = sqlx::query(FIND_FOR_LOGIN).bind(key.as_str()).fetch_optional(connection).await?;
    row.as_ref().map(rows::login_record).transpose()
}

async fn find_with_password(
    connection: &mut Connection,
    user: UserId,
) -> Result<Option<LoginRecord>, DbError> {
    let row = sqlx::query(FIND_WITH_PASSWORD).bind(user.0).fetch_optional(connection).await?;
    row.as_ref().map(rows::login_record).transpose()
}

async fn list(connection: &mut Connection, after: i64, limit: u32) -> Result<Vec<User>, DbError> {
    let query = sqlx::query(LIST).bind(after).bind(i64::from(limit));
    query.fetch_all(connection).await?.iter().map(rows::user).collect()
}
