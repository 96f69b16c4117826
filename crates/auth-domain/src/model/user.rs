//! The user: who somebody is to this service.

use std::fmt;

use thiserror::Error;
use uuid::Uuid;

use super::identifiers::is_forbidden;
use super::{
    EmailAddress, EndReason, IdentifierKey, Identifiers, PasswordHash, Roles, StoredPassword, Timestamp,
    Username,
};

/// A user's id that tells nothing and collides with nobody's: a UUID of version 7 (RFC 9562, section 5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub Uuid);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user's number, given by the store: 1 or more and below 2^53, so that every JSON parser reads it exactly
/// (RFC 8259, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserNumber(pub i64);

impl fmt::Display for UserNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a user may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    /// May log in.
    Active,
    /// May not, and is answered as if the password were wrong.
    Suspended,
}

impl UserStatus {
    /// The status as it is stored and shown: `active` or `suspended`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// Why the sessions of a user who is given this status end; `None` when they do not.
    #[must_use]
    pub fn ends_sessions(self) -> Option<EndReason> {
        match self {
            Self::Active => None,
            Self::Suspended => Some(EndReason::Suspended),
        }
    }

    /// Reads what [`as_str`](Self::as_str) writes.
    #[must_use]
    pub fn parse(status: &str) -> Option<Self> {
        [Self::Active, Self::Suspended].into_iter().find(|known| known.as_str() == status)
    }
}

/// The text is not a name to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 1 to 255 characters long, without control characters")]
pub struct InvalidDisplayName;

/// A name to be shown: 1 to 255 code points, none of them invisible; it identifies nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Reads a name to be shown.
    ///
    /// # Errors
    /// When it is empty, too long or holds a character that cannot be seen.
    pub fn parse(typed: &str) -> Result<Self, InvalidDisplayName> {
        let fits = !typed.is_empty() && typed.chars().nth(255).is_none() && !typed.chars().any(is_forbidden);
        if fits { Ok(Self(typed.to_owned())) } else { Err(InvalidDisplayName) }
    }

    /// The name as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a phone number in E.164 form, such as +84123456789")]
pub struct InvalidPhoneNumber;

/// A phone number in the form of ITU-T E.164: `+` and at most 15 digits. The form is all that is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads a phone number; spaces, hyphens, dots and parentheses between the digits are dropped.
    ///
    /// # Errors
    /// When what is left is not `+`, a digit from 1 to 9 and 1 to 14 digits more.
    pub fn parse(typed: &str) -> Result<Self, InvalidPhoneNumber> {
        let number: String = typed.chars().filter(|c| !" -.()".contains(*c)).collect();
        let digits = number.strip_prefix('+').ok_or(InvalidPhoneNumber)?;
        let fits = (2..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|digit| digit.is_ascii_digit());
        if fits { Ok(Self(number)) } else { Err(InvalidPhoneNumber) }
    }

    /// The number in E.164 form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user as a store keeps them, without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id that tells nothing.
    pub id: UserId,
    /// The number that the store gave.
    pub number: UserNumber,
    /// The names the user logs in by.
    pub identifiers: Identifiers,
    /// The name to be shown.
    pub display_name: Option<DisplayName>,
    /// The phone number.
    pub phone_number: Option<PhoneNumber>,
    /// Whether the e-mail address has been shown to be the user's.
    pub email_verified: bool,
    /// Whether the user may log in.
    pub status: UserStatus,
    /// What the user may do.
    pub roles: Roles,
    /// When the user registered.
    pub created_at: Timestamp,
}

impl User {
    /// The username, if there is one.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.identifiers.username().map(Username::as_str)
    }

    /// The e-mail address, if there is one.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.identifiers.email().map(EmailAddress::as_str)
    }

    /// The user as `changes` make them, but for the password. An e-mail address with another key has yet to be verified.
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
            ..self
        }
    }

    /// Why the sessions of this user end when the roles become `roles`: their access tokens say the old ones. `None` when
    /// they do not end.
    #[must_use]
    pub fn ends_sessions_for(&self, roles: &Roles) -> Option<EndReason> {
        (self.roles != *roles).then_some(EndReason::RolesChanged)
    }

    /// Whether the user may log in.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == UserStatus::Active
    }
}

/// A user that is to be stored: active, with an e-mail address yet to be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// The id that tells nothing.
    pub id: UserId,
    /// The names the user will log in by.
    pub identifiers: Identifiers,
    /// The name to be shown.
    pub display_name: Option<DisplayName>,
    /// The phone number.
    pub phone_number: Option<PhoneNumber>,
    /// What the user may do.
    pub roles: Roles,
    /// The hash of the first password.
    pub password_hash: PasswordHash,
    /// When the user registered.
    pub created_at: Timestamp,
}

/// What is to change about a user; `None` leaves a member as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChanges {
    /// The new username.
    pub username: Option<Username>,
    /// The new e-mail address, which has yet to be verified.
    pub email: Option<EmailAddress>,
    /// The new name to be shown.
    pub display_name: Option<DisplayName>,
    /// The new phone number.
    pub phone_number: Option<PhoneNumber>,
    /// The hash of a new password, which ends every session of the user.
    pub password_hash: Option<PasswordHash>,
}

/// A user and the password to be proven at login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRecord {
    /// The user.
    pub user: User,
    /// The password to be proven.
    pub password: StoredPassword,
}

/// What names one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRef {
    /// The id.
    Id(UserId),
    /// The number.
    Number(UserNumber),
    /// The username or the e-mail address.
    Identifier(IdentifierKey),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_kept_in_e_164_form() {
        let number = |typed| PhoneNumber::parse(typed).map(|number| number.as_str().to_owned());
        assert_eq!(number("+84123456789").as_deref(), Ok("+84123456789"));
        assert_eq!(number("+1 (555) 010-0199").as_deref(), Ok("+15550100199"));
        for typed in ["", "+", "84123456789", "+0123", "+1", "+1234567890123456", "+12a4", "+\u{661}\u{662}"]
        {
            assert_eq!(number(typed), Err(InvalidPhoneNumber), "{typed:?}");
        }
    }

    #[test]
    fn a_status_is_read_as_it_is_written() {
        for status in [UserStatus::Active, UserStatus::Suspended] {
            assert_eq!(UserStatus::parse(status.as_str()), Some(status));
        }
        assert_eq!(UserStatus::parse("deleted"), None);
    }

    #[test]
    fn a_display_name_is_visible_text_of_bounded_length() {
        assert!(DisplayName::parse("Jane Doe \u{1f600}").is_ok());
        for typed in ["", "a\0", "a\u{202e}", &"a".repeat(256)] {
            assert_eq!(DisplayName::parse(typed), Err(InvalidDisplayName), "{typed:?}");
        }
    }
}
