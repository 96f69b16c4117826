//! The audit trail: who did what, when and from where, and what they were denied.

use std::borrow::Cow;
use std::fmt;

use super::{
    ApiKey, ApiKeyId, Caller, ClientId, IdentifierKind, Limit, Role, Roles, Scope, SessionId, Timestamp,
    UserId,
};

/// Makes an enum whose values are stored and shown under fixed names.
macro_rules! named {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $value:ident = $text:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$inner])* $value,)*
        }

        impl $name {
            /// Every one there is.
            pub const ALL: &[Self] = &[$(Self::$value),*];

            /// The name under which it is stored and shown.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)*
                }
            }

            /// Reads what [`as_str`](Self::as_str) writes.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

named! {
    /// What was done, or attempted.
    AuditAction {
        /// Somebody became a user, or asked for a name or a role that they could not have.
        UserRegistered = "user.registered",
        /// A session began, or a password was not proven.
        UserLoggedIn = "user.logged_in",
        /// An access token was presented. Only denials are recorded: success is what every request has.
        UserAuthenticated = "user.authenticated",
        /// A session was refreshed.
        SessionRefreshed = "session.refreshed",
        /// What had been used before was presented again, and its session was ended for that.
        SessionReplayed = "session.replayed",
        /// A session was ended by its user.
        UserLoggedOut = "user.logged_out",
        /// A password was changed, which ended every session of its user.
        UserPasswordChanged = "user.password_changed",
        /// Something else about a user was changed.
        UserUpdated = "user.updated",
        /// A user was suspended, which ended every session of theirs.
        UserSuspended = "user.suspended",
        /// A suspended user may log in again.
        UserActivated = "user.activated",
        /// A user was given roles in place of those before.
        UserRolesSet = "user.roles_set",
        /// A user was deleted, with every session of theirs.
        UserDeleted = "user.deleted",
        /// A user wanted to open something that asks for a role. Only denials are recorded.
        ResourceOpened = "resource.opened",
        /// An API key was made.
        ApiKeyCreated = "api_key.created",
        /// An API key was revoked.
        ApiKeyRevoked = "api_key.revoked",
        /// A program called with an API key.
        ApiKeyUsed = "api_key.used",
        /// There were too many attempts: this one was not looked at.
        AttemptLimited = "attempt.limited",
    }
}

named! {
    /// Why something was denied.
    DenialReason {
        /// There is no such user.
        UnknownUser = "unknown_user",
        /// The password was wrong.
        WrongPassword = "wrong_password",
        /// The user is suspended, whatever the password was.
        UserSuspended = "user_suspended",
        /// The password was right, but changed meanwhile, or the user was suspended or deleted meanwhile.
        ChangedMeanwhile = "changed_meanwhile",
        /// Another user has this name.
        NameTaken = "name_taken",
        /// It is not a role that somebody may choose who registers.
        RoleNotOffered = "role_not_offered",
        /// It is nothing that this service issued, or nothing that is still known. Anybody can make any number of them.
        NotOurs = "not_ours",
        /// The access token is past its lifetime, as every one is sooner or later.
        TokenExpired = "token_expired",
        /// The session has ended or expired, or is gone.
        SessionOver = "session_over",
        /// It was issued to another client.
        OtherClient = "other_client",
        /// It had been used before.
        UsedBefore = "used_before",
        /// The API key was revoked.
        KeyRevoked = "key_revoked",
        /// The API key is past its lifetime.
        KeyExpired = "key_expired",
        /// The API key does not have the scope.
        MissingScope = "missing_scope",
        /// The user does not have the role.
        MissingRole = "missing_role",
        /// There were too many attempts.
        TooManyAttempts = "too_many_attempts",
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditOutcome {
    /// It was done.
    Succeeded,
    /// It was not done.
    Denied(DenialReason),
}

impl AuditOutcome {
    /// `succeeded` or `denied`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Denied(_) => "denied",
        }
    }

    /// Why it was denied, if it was.
    #[must_use]
    pub fn denial(self) -> Option<DenialReason> {
        match self {
            Self::Succeeded => None,
            Self::Denied(reason) => Some(reason),
        }
    }
}

/// The most bytes of a detail: room for as many roles as a user may have, each as long as a role may be.
pub const AUDIT_DETAIL_MAX_BYTES: usize = 1_400;

/// What else is worth knowing of an event. It is made of what the domain has read and found valid, never of what
/// somebody sent as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditDetail(Cow<'static, str>);

impl AuditDetail {
    /// A refresh that repeated an answer, which may have been lost.
    pub const RETRY: Self = Self(Cow::Borrowed("retry"));

    /// Names that stand in a program, joined by commas.
    #[must_use]
    pub fn names(names: &[&'static str]) -> Self {
        Self::bounded(names.join(","))
    }

    /// Wraps a detail as a store kept it.
    #[must_use]
    pub fn from_stored(detail: String) -> Self {
        Self::bounded(detail)
    }

    /// The detail's text.
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

/// The names joined by commas.
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

/// Which of the names it is, and not the name.
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

/// The key's id and its scopes.
impl From<&ApiKey> for AuditDetail {
    fn from(key: &ApiKey) -> Self {
        Self::bounded(format!("{} {}", key.id, key.scopes))
    }
}

/// Something that happened, or was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: AuditAction,
    /// What came of it.
    pub outcome: AuditOutcome,
    /// The user whom it is about, as far as that is known. They may be gone by now.
    pub user: Option<UserId>,
    /// The session that it is about.
    pub session: Option<SessionId>,
    /// The client that it came through.
    pub client: Option<ClientId>,
    /// On whose behalf it was asked for.
    pub caller: Caller,
    /// What else is worth knowing.
    pub detail: Option<AuditDetail>,
}

impl AuditEvent {
    /// Whether the event is worth room in a store. What anybody can cause in any number, without a user, a session or
    /// a key of ours, is not: whoever sends rubbish must not be able to fill the disk with it. Nor is what came after too
    /// many attempts, which are kept themselves, nor an access token that opens nothing any more: why is known of its
    /// session, and its bearer may show it as often as they like.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        let is_cheap = matches!(
            self.outcome.denial(),
            Some(DenialReason::NotOurs | DenialReason::TokenExpired | DenialReason::TooManyAttempts)
        );
        !is_cheap && self.action != AuditAction::UserAuthenticated
    }
}

/// The number of an event in its store. A greater number is a later event; there may be gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(pub i64);

impl fmt::Display for AuditId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number.
    pub id: AuditId,
    /// The event.
    pub event: AuditEvent,
}

/// Which events are wanted; `None` lets every one pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those about this user.
    pub user: Option<UserId>,
    /// Those of this action.
    pub action: Option<AuditAction>,
    /// Those at this time and after it.
    pub since: Option<Timestamp>,
}

impl AuditFilter {
    /// Whether `event` is wanted.
    #[must_use]
    pub fn matches(&self, event: &AuditEvent) -> bool {
        self.user.is_none_or(|user| event.user == Some(user))
            && self.action.is_none_or(|action| event.action == action)
            && self.since.is_none_or(|since| event.at >= since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ROLE_MAX_LENGTH, ROLES_MAX};

    #[test]
    fn every_name_is_read_as_it_is_written_and_stands_for_one_thing() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::parse(action.as_str()), Some(*action));
        }
        for reason in DenialReason::ALL {
            assert_eq!(DenialReason::parse(reason.as_str()), Some(*reason));
        }
    }

    #[test]
    fn the_roles_of_every_user_fit_into_a_detail() {
        let role = |number: usize| Role::parse(&format!("{:a<1$}{number:02}", "", ROLE_MAX_LENGTH - 2));
        let roles = Roles::new((0..ROLES_MAX).map(|number| role(number).expect("a role"))).expect("roles");
        assert_eq!(AuditDetail::from(&roles).as_str(), roles.to_string());
    }

    #[test]
    fn a_detail_is_cut_where_a_character_ends() {
        let detail = AuditDetail::from_stored("\u{1f600}".repeat(1_000));
        assert!((AUDIT_DETAIL_MAX_BYTES - 3..=AUDIT_DETAIL_MAX_BYTES).contains(&detail.as_str().len()));
    }
}
