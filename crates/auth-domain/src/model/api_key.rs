//! API keys: how trusted programs, such as a backend, show who they are.

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;
use uuid::Uuid;

use super::{SecretDigest, Timestamp};

/// An API key's id, by which operators name it; it is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyId(pub Uuid);

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something that an API key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Read users: `users:read`.
    UsersRead,
    /// Create, change and delete users: `users:write`.
    UsersWrite,
    /// Say which roles users have: `users:roles`. Apart from `users:write`, so that whoever keeps users makes nobody an
    /// administrator.
    UsersRoles,
    /// Log users in and refresh their tokens: `auth`.
    Auth,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::UsersRead, Self::UsersWrite, Self::UsersRoles, Self::Auth];

    /// The scope as it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::UsersRoles => "users:roles",
            Self::Auth => "auth",
        }
    }

    /// Reads what [`as_str`](Self::as_str) writes.
    ///
    /// # Errors
    /// When there is no such scope.
    pub fn parse(scope: &str) -> Result<Self, InvalidScope> {
        Self::ALL.into_iter().find(|known| known.as_str() == scope).ok_or(InvalidScope)
    }
}

/// The text is not the name of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be one of users:read, users:write, users:roles and auth")]
pub struct InvalidScope;

/// The scopes of one API key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Every scope there is.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Reads what [`Display`](fmt::Display) writes: names joined by commas; an empty text is no scope.
    ///
    /// # Errors
    /// When one of the names is not a scope's.
    pub fn parse(joined: &str) -> Result<Self, InvalidScope> {
        if joined.is_empty() {
            return Ok(Self::default());
        }
        joined.split(',').map(Scope::parse).collect()
    }

    /// Whether `scope` is among them.
    #[must_use]
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

/// The names joined by commas: `users:read,auth`.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|scope| scope.as_str()).collect();
        f.write_str(&names.join(","))
    }
}

/// The text is not a name for an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 1 to 255 characters long, without control characters")]
pub struct InvalidApiKeyName;

/// What an operator calls an API key: 1 to 255 code points, none of them invisible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyName(String);

impl ApiKeyName {
    /// Reads a name.
    ///
    /// # Errors
    /// When it is empty, too long or holds a character that cannot be seen.
    pub fn parse(typed: &str) -> Result<Self, InvalidApiKeyName> {
        let name = super::DisplayName::parse(typed).map_err(|_| InvalidApiKeyName)?;
        Ok(Self(name.as_str().to_owned()))
    }

    /// The name as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An API key as a store keeps it, without the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What its operator calls it.
    pub name: ApiKeyName,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops serving; `None`: never by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether the key serves at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expiry| now < expiry)
    }
}

/// An API key that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiKey {
    /// The key, unused.
    pub key: ApiKey,
    /// What it is found by.
    pub digest: SecretDigest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        assert_eq!(Scopes::all().to_string(), "users:read,users:write,users:roles,auth");
        assert_eq!(Scopes::parse("users:read,users:write,users:roles,auth"), Ok(Scopes::all()));
        assert_eq!(Scopes::parse(""), Ok(Scopes::default()));
        assert_eq!(Scopes::parse("root"), Err(InvalidScope));
    }

    #[test]
    fn a_key_that_was_made_before_a_scope_existed_does_not_get_it() {
        let all_there_were = Scopes::parse("users:read,users:write,auth").expect("scopes");
        assert!(!all_there_were.contains(Scope::UsersRoles));
        assert_eq!(all_there_were.to_string(), "users:read,users:write,auth");
    }

    #[test]
    fn a_key_serves_until_it_expires_or_is_revoked() {
        let now = Timestamp::from_unix_seconds(1_000);
        let key = ApiKey {
            id: ApiKeyId(Uuid::from_u128(1)),
            name: ApiKeyName::parse("backend").expect("a name"),
            scopes: Scopes::all(),
            created_at: now,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        assert!(key.is_live(Timestamp::MAX));
        assert!(!ApiKey { expires_at: Some(now), ..key.clone() }.is_live(now));
        assert!(!ApiKey { revoked_at: Some(now), ..key }.is_live(now));
    }
}
