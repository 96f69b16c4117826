//! API keys, with which trusted programs authenticate.

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;
use uuid::Uuid;

use super::{SecretDigest, Timestamp};

/// The id of an API key. It is not secret; operators refer to the key by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyId(pub Uuid);

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A permission of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// `users:read`: read users.
    UsersRead,
    /// `users:write`: create, change and delete users.
    UsersWrite,
    /// `users:roles`: set the roles of users, and manage privileged users. It is separate from `users:write`, so that a
    /// program that manages users can neither make one an administrator nor take over an administrator.
    UsersRoles,
    /// `auth`: log users in and refresh their tokens.
    Auth,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 4] = [Self::UsersRead, Self::UsersWrite, Self::UsersRoles, Self::Auth];

    /// Returns the stored and displayed name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::UsersRoles => "users:roles",
            Self::Auth => "auth",
        }
    }

    /// Parses a name that [`as_str`](Self::as_str) returns.
    ///
    /// # Errors
    /// [`InvalidScope`] for any other text.
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
    /// Returns all scopes.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Parses comma-separated names, as [`Display`](fmt::Display) writes them. Empty text is an empty set.
    ///
    /// # Errors
    /// [`InvalidScope`] when one of the names is not a scope.
    pub fn parse(joined: &str) -> Result<Self, InvalidScope> {
        if joined.is_empty() {
            return Ok(Self::default());
        }
        joined.split(',').map(Scope::parse).collect()
    }

    /// Returns whether the set contains `scope`.
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

/// Writes the names separated by commas: `users:read,auth`.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|scope| scope.as_str()).collect();
        f.write_str(&names.join(","))
    }
}

/// Whose credentials a caller may change, and which users it may delete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authority {
    /// All users.
    #[default]
    AllUsers,
    /// Users who have only roles that [`RegistrationPolicy`](super::RegistrationPolicy) gives to anyone.
    UnprivilegedUsers,
}

impl Authority {
    /// Returns the authority of a key with these scopes. Only a key that may grant every role may take over a user with
    /// any role.
    #[must_use]
    pub fn of(scopes: &Scopes) -> Self {
        if scopes.contains(Scope::UsersRoles) { Self::AllUsers } else { Self::UnprivilegedUsers }
    }
}

/// The text is not a valid name for an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 1 to 255 characters long, without control characters")]
pub struct InvalidApiKeyName;

/// The name of an API key, chosen by an operator. The rules are those of a [`DisplayName`](super::DisplayName).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyName(String);

impl ApiKeyName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`InvalidApiKeyName`] when the text is not a valid display name.
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

/// A stored API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The id.
    pub id: ApiKeyId,
    /// The name, chosen by an operator.
    pub name: ApiKeyName,
    /// The permissions.
    pub scopes: Scopes,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The expiry. `None` means that the key does not expire.
    pub expires_at: Option<Timestamp>,
    /// The time of revocation. `None` while the key is not revoked.
    pub revoked_at: Option<Timestamp>,
    /// The last use, accurate to a minute. `None` if the key has never been used.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Returns whether the key is neither revoked nor expired at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expiry| now < expiry)
    }
}

/// An API key that is about to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiKey {
    /// The key, unused.
    pub key: ApiKey,
    /// The digest of its secret, by which the key is looked up.
    pub digest: SecretDigest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_round_trip() {
        assert_eq!(Scopes::all().to_string(), "users:read,users:write,users:roles,auth");
        assert_eq!(Scopes::parse("users:read,users:write,users:roles,auth"), Ok(Scopes::all()));
        assert_eq!(Scopes::parse(""), Ok(Scopes::default()));
        assert_eq!(Scopes::parse("root"), Err(InvalidScope));
    }

    #[test]
    fn old_keys_do_not_gain_new_scopes() {
        let all_there_were = Scopes::parse("users:read,users:write,auth").expect("scopes");
        assert!(!all_there_were.contains(Scope::UsersRoles));
        assert_eq!(all_there_were.to_string(), "users:read,users:write,auth");
    }

    #[test]
    fn a_key_is_live_until_it_expires_or_is_revoked() {
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
