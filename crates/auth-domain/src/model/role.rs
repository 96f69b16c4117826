//! Roles: named permissions of users.

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;

/// The maximum length of a role name.
pub const ROLE_MAX_LENGTH: usize = 64;

/// The name of a role: 1 to 64 of `a`–`z`, `0`–`9`, `_`, `-` and `.`, starting with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(String);

/// The text is not a valid role name. The error text follows the name of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 1 to 64 of a-z, 0-9, '_', '-' and '.', beginning with a letter")]
pub struct InvalidRole;

impl Role {
    /// Parses a role name.
    ///
    /// # Errors
    /// [`InvalidRole`] when the text does not have the required form.
    pub fn parse(name: &str) -> Result<Self, InvalidRole> {
        let fits = name.len() <= ROLE_MAX_LENGTH
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c));
        if fits { Ok(Self(name.to_owned())) } else { Err(InvalidRole) }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The maximum number of roles per user. Every access token contains the roles and must fit into a header.
pub const ROLES_MAX: usize = 20;

/// The roles are not valid for a user. The error texts follow the name of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidRoles {
    /// One of the names is not a valid role name.
    #[error(transparent)]
    Name(#[from] InvalidRole),
    /// There are more than [`ROLES_MAX`] roles.
    #[error("must be at most {ROLES_MAX} roles")]
    TooMany,
}

/// The roles of one user: at most [`ROLES_MAX`], without duplicates, in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// Collects roles.
    ///
    /// # Errors
    /// [`InvalidRoles::TooMany`] when there are more than [`ROLES_MAX`].
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Result<Self, InvalidRoles> {
        let roles: BTreeSet<_> = roles.into_iter().collect();
        if roles.len() <= ROLES_MAX { Ok(Self(roles)) } else { Err(InvalidRoles::TooMany) }
    }

    /// Parses comma-separated names, as [`Display`](fmt::Display) writes them. Empty text is an empty set.
    ///
    /// # Errors
    /// [`InvalidRoles`] when a name is invalid or there are too many.
    pub fn parse(joined: &str) -> Result<Self, InvalidRoles> {
        if joined.is_empty() {
            return Ok(Self::default());
        }
        Self::new(joined.split(',').map(Role::parse).collect::<Result<Vec<_>, _>>()?)
    }

    /// Returns whether the set contains `role`.
    #[must_use]
    pub fn contains(&self, role: &Role) -> bool {
        self.0.contains(role)
    }

    /// Iterates over the roles in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Role> {
        self.0.iter()
    }
}

/// The roles that users get without an operator or a program that may set roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistrationPolicy {
    /// The roles of a new user who requests none.
    pub default_roles: Roles,
    /// The roles that a new user may request.
    pub self_assignable_roles: Roles,
}

impl RegistrationPolicy {
    /// Returns whether a user has a role that no new user gets.
    #[must_use]
    pub fn is_privileged(&self, roles: &Roles) -> bool {
        let anyone_gets =
            |role| self.default_roles.contains(role) || self.self_assignable_roles.contains(role);
        !roles.iter().all(anyone_gets)
    }
}

/// The roles of a user who is about to be registered.
///
/// A request of an end user is [`Default`](Self::Default) or [`requested`](Self::requested): the policy decides then, so that no
/// handler can offer a privileged role by mistake. [`Assigned`](Self::Assigned) is for operators and trusted programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RoleChoice {
    /// The user requests no role and gets [`RegistrationPolicy::default_roles`].
    #[default]
    Default,
    /// The user requests this role, which must be one of [`RegistrationPolicy::self_assignable_roles`]. `None` for text that is
    /// not the name of a role.
    Requested(Option<Role>),
    /// The caller assigns these roles, whatever the policy offers.
    Assigned(Roles),
}

/// The requested role is not on offer. The error text follows the name of a field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("must be a role that new accounts may choose")]
pub struct RoleNotOffered {
    /// The requested role. `None` for text that is not the name of a role.
    pub requested: Option<Role>,
}

impl RoleChoice {
    /// Reads the role that a user typed. Text that is not the name of a role is dropped: it may be a secret in the
    /// wrong field, and the choice is audited.
    ///
    /// ```
    /// use auth_domain::model::{RegistrationPolicy, RoleChoice, Roles};
    ///
    /// let mut policy = RegistrationPolicy::default();
    /// policy.default_roles = Roles::parse("customer")?;
    /// policy.self_assignable_roles = Roles::parse("seller")?;
    /// assert_eq!(RoleChoice::Default.resolve(&policy)?.to_string(), "customer");
    /// assert_eq!(RoleChoice::requested("seller").resolve(&policy)?.to_string(), "seller");
    /// assert!(RoleChoice::requested("admin").resolve(&policy).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn requested(typed: &str) -> Self {
        Self::Requested(Role::parse(typed).ok())
    }

    /// Returns the roles that the choice results in under `policy`.
    ///
    /// # Errors
    /// [`RoleNotOffered`] when the user requested another role than those on offer.
    pub fn resolve(&self, policy: &RegistrationPolicy) -> Result<Roles, RoleNotOffered> {
        match self {
            Self::Default => Ok(policy.default_roles.clone()),
            Self::Assigned(roles) => Ok(roles.clone()),
            Self::Requested(Some(role)) if policy.self_assignable_roles.contains(role) => {
                Ok(Roles::from(role.clone()))
            }
            Self::Requested(role) => Err(RoleNotOffered { requested: role.clone() }),
        }
    }
}

/// A set of one role.
impl From<Role> for Roles {
    fn from(role: Role) -> Self {
        Self(BTreeSet::from([role]))
    }
}

/// Writes the names separated by commas: `admin,customer`.
impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, role) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(role.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_round_trip_sorted_without_duplicates() {
        let roles = Roles::parse("customer,admin,customer").expect("roles");
        assert_eq!(roles.to_string(), "admin,customer");
        assert_eq!(Roles::parse(&roles.to_string()), Ok(roles));
        assert_eq!(Roles::parse(""), Ok(Roles::default()));
    }

    #[test]
    fn roles_that_no_new_user_gets_are_privileged() {
        let [default_roles, self_assignable_roles] =
            ["customer", "seller,buyer"].map(|roles| Roles::parse(roles).expect("roles"));
        let policy = RegistrationPolicy { default_roles, self_assignable_roles };
        for (roles, is_privileged) in [
            ("", false),
            ("customer", false),
            ("buyer,customer", false),
            ("admin", true),
            ("admin,customer", true),
        ] {
            assert_eq!(policy.is_privileged(&Roles::parse(roles).expect("roles")), is_privileged, "{roles}");
        }
    }

    #[test]
    fn the_number_of_roles_is_limited() {
        fn joined(count: usize) -> String {
            (0..count).map(|n| format!("role{n}")).collect::<Vec<_>>().join(",")
        }
        assert!(Roles::parse(&joined(ROLES_MAX)).is_ok());
        assert_eq!(Roles::parse(&joined(ROLES_MAX + 1)), Err(InvalidRoles::TooMany));
    }

    #[test]
    fn invalid_role_names_are_rejected() {
        for name in ["", "Admin", "a,b", "1a", "a b", "\u{e4}", &"a".repeat(65)] {
            assert_eq!(Role::parse(name), Err(InvalidRole), "{name:?}");
        }
    }
}
