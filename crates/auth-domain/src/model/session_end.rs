//! The end of a session and its reason.

use super::Timestamp;

/// The reason why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The user logged out.
    LoggedOut,
    /// The password of the user was changed.
    PasswordChanged,
    /// The user was suspended.
    Suspended,
    /// The roles of the user were changed, so the tokens contain outdated roles.
    RolesChanged,
    /// A consumed credential was presented, so another party may hold it.
    Replayed,
    /// The user had more live sessions than the policy allows, and this was the oldest.
    Superseded,
}

impl EndReason {
    const ALL: [Self; 6] = [
        Self::LoggedOut,
        Self::PasswordChanged,
        Self::Suspended,
        Self::RolesChanged,
        Self::Replayed,
        Self::Superseded,
    ];

    /// Returns the stored and logged name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::PasswordChanged => "password_changed",
            Self::Suspended => "suspended",
            Self::RolesChanged => "roles_changed",
            Self::Replayed => "replayed",
            Self::Superseded => "superseded",
        }
    }

    /// Parses a name that [`as_str`](Self::as_str) returns.
    #[must_use]
    pub fn parse(reason: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == reason)
    }
}

/// The end of a session before its expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    /// The time of the end.
    pub at: Timestamp,
    /// The reason.
    pub reason: EndReason,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_reason_round_trips() {
        for reason in EndReason::ALL {
            assert_eq!(EndReason::parse(reason.as_str()), Some(reason));
        }
    }
}
