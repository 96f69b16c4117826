//! The detail of an audit event.

use std::borrow::Cow;
use std::fmt;

use crate::model::{ApiKey, ApiKeyId, IdentifierKind, Limit, RefusalCode, Role, Roles, Scope};

/// The maximum length of a detail in bytes. It fits the maximum number of roles, each of maximum length.
pub const AUDIT_DETAIL_MAX_BYTES: usize = 1_400;

/// Additional information about an event. It is built from validated values only, never from raw input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditDetail(Cow<'static, str>);

impl AuditDetail {
    /// The refresh repeated an earlier answer, which may have been lost.
    pub const RETRY: Self = Self(Cow::Borrowed("retry"));

    /// Joins fixed names with commas.
    #[must_use]
    pub fn names(names: &[&'static str]) -> Self {
        Self::bounded(names.join(","))
    }

    /// Wraps a stored detail.
    #[must_use]
    pub fn from_stored(detail: String) -> Self {
        Self::bounded(detail)
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn bounded(mut text: String) -> Self {
        text.truncate(text.floor_char_boundary(AUDIT_DETAIL_MAX_BYTES));
        Self(Cow::Owned(text))
    }
}

impl fmt::Display for AuditDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The names, separated by commas.
impl From<&Roles> for AuditDetail {
    fn from(roles: &Roles) -> Self {
        Self::bounded(roles.to_string())
    }
}

impl From<&Role> for AuditDetail {
    fn from(role: &Role) -> Self {
        Self::bounded(role.as_str().to_owned())
    }
}

impl From<Limit> for AuditDetail {
    fn from(limit: Limit) -> Self {
        Self(Cow::Borrowed(limit.as_str()))
    }
}

impl From<Scope> for AuditDetail {
    fn from(scope: Scope) -> Self {
        Self(Cow::Borrowed(scope.as_str()))
    }
}

impl From<&RefusalCode> for AuditDetail {
    fn from(code: &RefusalCode) -> Self {
        Self::bounded(code.as_str().to_owned())
    }
}

/// The kind of the identifier, not its value.
impl From<IdentifierKind> for AuditDetail {
    fn from(kind: IdentifierKind) -> Self {
        Self(Cow::Borrowed(match kind {
            IdentifierKind::Username => "username",
            IdentifierKind::Email => "email",
        }))
    }
}

impl From<ApiKeyId> for AuditDetail {
    fn from(key: ApiKeyId) -> Self {
        Self::bounded(key.to_string())
    }
}

/// The id and the scopes of the key.
impl From<&ApiKey> for AuditDetail {
    fn from(key: &ApiKey) -> Self {
        Self::bounded(format!("{} {}", key.id, key.scopes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ROLE_MAX_LENGTH, ROLES_MAX};

    #[test]
    fn the_maximum_of_roles_fits_into_a_detail() {
        let longest = (0..ROLES_MAX).map(|number| {
            Role::parse(&format!("{:a<1$}{number:02}", "", ROLE_MAX_LENGTH - 2)).expect("a role")
        });
        let roles = Roles::new(longest).expect("roles");
        assert_eq!(AuditDetail::from(&roles).as_str(), roles.to_string());
    }

    #[test]
    fn a_detail_is_truncated_at_a_character_boundary() {
        let detail = AuditDetail::from_stored("\u{1f600}".repeat(1_000));
        assert!((AUDIT_DETAIL_MAX_BYTES - 3..=AUDIT_DETAIL_MAX_BYTES).contains(&detail.as_str().len()));
    }
}
