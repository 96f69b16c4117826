//! The stable names of actions and of reasons for a denial.

use std::fmt;

/// Defines an enum whose values have fixed names for storage and display.
macro_rules! named {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $value:ident = $text:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$inner])* $value,)*
        }

        impl $name {
            /// All values.
            pub const ALL: &[Self] = &[$(Self::$value),*];

            /// Returns the stored and displayed name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)*
                }
            }

            /// Parses a name that [`as_str`](Self::as_str) returns.
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
    /// An action, successful or attempted.
    AuditAction {
        /// A user registered, or a registration was denied for its name or role.
        UserRegistered = "user.registered",
        /// A session began, or the password was not verified.
        UserLoggedIn = "user.logged_in",
        /// An access token was denied. Success is not recorded, because every request has it.
        UserAuthenticated = "user.authenticated",
        /// A session was refreshed.
        SessionRefreshed = "session.refreshed",
        /// A consumed credential was presented again, and its session was ended.
        SessionReplayed = "session.replayed",
        /// A user ended a session.
        UserLoggedOut = "user.logged_out",
        /// A password was changed, which ended all sessions of the user.
        UserPasswordChanged = "user.password_changed",
        /// Another property of a user was changed.
        UserUpdated = "user.updated",
        /// A user was suspended, which ended all sessions of the user.
        UserSuspended = "user.suspended",
        /// A suspended user was activated.
        UserActivated = "user.activated",
        /// The roles of a user were set.
        UserRolesSet = "user.roles_set",
        /// A user was deleted, with all sessions.
        UserDeleted = "user.deleted",
        /// A user without the required role was denied access. Success is not recorded.
        ResourceOpened = "resource.opened",
        /// An API key was created.
        ApiKeyCreated = "api_key.created",
        /// An API key was revoked.
        ApiKeyRevoked = "api_key.revoked",
        /// A program authenticated with an API key.
        ApiKeyUsed = "api_key.used",
        /// An attempt was denied without being evaluated, because of too many before it.
        AttemptLimited = "attempt.limited",
    }
}

named! {
    /// The reason of a denial.
    DenialReason {
        /// No user has the identifier or id.
        UnknownUser = "unknown_user",
        /// The password did not match.
        WrongPassword = "wrong_password",
        /// The user is suspended, whether or not the password matched.
        UserSuspended = "user_suspended",
        /// The password matched, but it was changed, or the user was suspended or deleted, before the session began.
        ChangedMeanwhile = "changed_meanwhile",
        /// Another user has the identifier.
        NameTaken = "name_taken",
        /// The requested role is not on offer to new users.
        RoleNotOffered = "role_not_offered",
        /// The token or key was not issued by this service, or is no longer known. Any caller can produce these in
        /// unlimited number.
        NotOurs = "not_ours",
        /// The access token has expired.
        TokenExpired = "token_expired",
        /// The session has ended, expired or been deleted.
        SessionOver = "session_over",
        /// The token was issued to another client.
        OtherClient = "other_client",
        /// The signed token names another user than its session. It was not signed by this service's rules.
        OtherUser = "other_user",
        /// The credential was consumed before.
        UsedBefore = "used_before",
        /// The API key was revoked.
        KeyRevoked = "key_revoked",
        /// The API key has expired.
        KeyExpired = "key_expired",
        /// The API key lacks the scope.
        MissingScope = "missing_scope",
        /// The user lacks the role.
        MissingRole = "missing_role",
        /// The clock of the node is behind the time of a stored refresh, so the attempt could not be judged.
        ClockBehind = "clock_behind",
        /// A hook of the embedding program refused.
        RefusedByHook = "refused_by_hook",
        /// Too many attempts came before.
        TooManyAttempts = "too_many_attempts",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_are_unique() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::parse(action.as_str()), Some(*action));
        }
        for reason in DenialReason::ALL {
            assert_eq!(DenialReason::parse(reason.as_str()), Some(*reason));
        }
    }
}
