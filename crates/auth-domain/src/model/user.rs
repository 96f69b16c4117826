//! Users and their properties.

use std::fmt;

use thiserror::Error;
use uuid::Uuid;

use super::{
    DisplayName, EmailAddress, EndReason, ExternalId, IdentifierKey, Identifiers, Metadata, MetadataChange,
    PasswordHash, Roles, StoredPassword, Timestamp, Username,
};

/// An opaque, globally unique user id: a UUID of version 7 (RFC 9562, section 5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub Uuid);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user's number, assigned by the store: at least 1 and below 2^53, so that every JSON parser reads it exactly (RFC
/// 8259, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserNumber(pub i64);

impl fmt::Display for UserNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The status of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    /// The user may log in.
    Active,
    /// The user may not log in. The answer is the same as for a wrong password.
    Suspended,
}

impl UserStatus {
    /// Returns the stored and displayed name: `active` or `suspended`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// Returns the reason why the sessions of a user with this new status end. `None` when they do not end.
    #[must_use]
    pub fn ends_sessions(self) -> Option<EndReason> {
        match self {
            Self::Active => None,
            Self::Suspended => Some(EndReason::Suspended),
        }
    }

    /// Parses a name that [`as_str`](Self::as_str) returns.
    #[must_use]
    pub fn parse(status: &str) -> Option<Self> {
        [Self::Active, Self::Suspended].into_iter().find(|known| known.as_str() == status)
    }
}

/// The text is not a valid phone number. The error text follows the name of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a phone number in E.164 form, such as +84123456789")]
pub struct InvalidPhoneNumber;

/// A phone number in ITU-T E.164 form: `+` and at most 15 digits. Only the form is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Parses a phone number. Spaces, hyphens, dots and parentheses are removed.
    ///
    /// # Errors
    /// [`InvalidPhoneNumber`] when the rest is not `+`, a digit from 1 to 9 and 1 to 14 more digits.
    pub fn parse(typed: &str) -> Result<Self, InvalidPhoneNumber> {
        let number: String = typed.chars().filter(|c| !" -.()".contains(*c)).collect();
        let digits = number.strip_prefix('+').ok_or(InvalidPhoneNumber)?;
        let fits = (2..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|digit| digit.is_ascii_digit());
        if fits { Ok(Self(number)) } else { Err(InvalidPhoneNumber) }
    }

    /// Returns the number in E.164 form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A stored user, without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The opaque id.
    pub id: UserId,
    /// The number that the store assigned.
    pub number: UserNumber,
    /// The identifiers with which the user logs in.
    pub identifiers: Identifiers,
    /// The display name.
    pub display_name: Option<DisplayName>,
    /// The phone number.
    pub phone_number: Option<PhoneNumber>,
    /// Whether the e-mail address is verified.
    pub email_verified: bool,
    /// Whether the user may log in.
    pub status: UserStatus,
    /// The permissions.
    pub roles: Roles,
    /// The time of registration.
    pub created_at: Timestamp,
    /// The id in the service that the user was imported from. It never changes.
    pub external_id: Option<ExternalId>,
    /// The data of the embedding program.
    pub metadata: Option<Metadata>,
}

impl User {
    /// Returns the username, if the user has one.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.identifiers.username().map(Username::as_str)
    }

    /// Returns the e-mail address, if the user has one.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.identifiers.email().map(EmailAddress::as_str)
    }

    /// Applies `changes` except for the password. An e-mail address with another key becomes unverified.
    #[must_use]
    pub fn changed(self, changes: &UserChanges) -> Self {
        let identifiers = self.identifiers.changed(changes.username.clone(), changes.email.clone());
        let is_same_email =
            identifiers.email().map(EmailAddress::key) == self.identifiers.email().map(EmailAddress::key);
        Self {
            email_verified: self.email_verified && is_same_email,
            identifiers,
            display_name: changes.display_name.clone().or(self.display_name),
            phone_number: changes.phone_number.clone().or(self.phone_number),
            metadata: changes.metadata.apply(self.metadata),
            ..self
        }
    }

    /// Returns the reason why the sessions of this user end when the roles become `roles`: their access tokens contain
    /// the old ones. `None` when the roles are the same.
    #[must_use]
    pub fn ends_sessions_for(&self, roles: &Roles) -> Option<EndReason> {
        (self.roles != *roles).then_some(EndReason::RolesChanged)
    }

    /// Returns whether the user may log in.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == UserStatus::Active
    }
}

/// A user that is about to be stored: active, with an unverified e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// The opaque id.
    pub id: UserId,
    /// The identifiers with which the user logs in.
    pub identifiers: Identifiers,
    /// The display name.
    pub display_name: Option<DisplayName>,
    /// The phone number.
    pub phone_number: Option<PhoneNumber>,
    /// The permissions.
    pub roles: Roles,
    /// The hash of the password. Without one, the user cannot log in with a password until one is set.
    pub password_hash: Option<PasswordHash>,
    /// The time of registration.
    pub created_at: Timestamp,
    /// The data of the embedding program.
    pub metadata: Option<Metadata>,
}

/// The changes to a user. `None` leaves a property unchanged. Of concurrent changes of one property, the last one stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChanges {
    /// The new username.
    pub username: Option<Username>,
    /// The new e-mail address, unverified.
    pub email: Option<EmailAddress>,
    /// The new display name.
    pub display_name: Option<DisplayName>,
    /// The new phone number.
    pub phone_number: Option<PhoneNumber>,
    /// The hash of the new password. It ends all sessions of the user.
    pub password_hash: Option<PasswordHash>,
    /// The change of the embedding program's data.
    pub metadata: MetadataChange,
}

/// A user and the stored password, for verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRecord {
    /// The user.
    pub user: User,
    /// The stored password.
    pub password: StoredPassword,
}

/// A reference to one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRef {
    /// The id.
    Id(UserId),
    /// The number.
    Number(UserNumber),
    /// The username or the e-mail address.
    Identifier(IdentifierKey),
    /// The id in the service that the user was imported from.
    External(ExternalId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_normalised_to_e_164() {
        fn number(typed: &str) -> Result<String, InvalidPhoneNumber> {
            PhoneNumber::parse(typed).map(|number| number.as_str().to_owned())
        }
        assert_eq!(number("+84123456789").as_deref(), Ok("+84123456789"));
        assert_eq!(number("+1 (555) 010-0199").as_deref(), Ok("+15550100199"));
        for typed in ["", "+", "84123456789", "+0123", "+1", "+1234567890123456", "+12a4", "+\u{661}\u{662}"]
        {
            assert_eq!(number(typed), Err(InvalidPhoneNumber), "{typed:?}");
        }
    }

    #[test]
    fn a_status_round_trips() {
        for status in [UserStatus::Active, UserStatus::Suspended] {
            assert_eq!(UserStatus::parse(status.as_str()), Some(status));
        }
        assert_eq!(UserStatus::parse("deleted"), None);
    }
}
