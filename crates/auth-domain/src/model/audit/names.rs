//! What can happen, and why it can be denied, under the names that stay.

use std::fmt;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_it_is_written_and_stands_for_one_thing() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::parse(action.as_str()), Some(*action));
        }
        for reason in DenialReason::ALL {
            assert_eq!(DenialReason::parse(reason.as_str()), Some(*reason));
        }
    }
}
