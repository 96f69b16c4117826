//! The kind of every error, and that no text of an error reveals its source.

use uuid::Uuid;

use super::*;
use crate::model::{IdentifierKind, RefusalCode, Scope, SessionId};
use crate::ports::BoxError;
use crate::use_cases::fixture::throttled;

const UNAVAILABLE: ErrorKind = ErrorKind::Unavailable { retry_after: RETRY_AFTER };
/// The time of [`throttled`].
const THROTTLED: ErrorKind = ErrorKind::Throttled { retry_after: Duration::from_secs(8) };

/// Asserts the kind of each variant of an error. A variant that is missing here does not compile.
macro_rules! assert_kinds {
    ($($error:ident { $($variant:ident $(($($part:tt)*) = $value:expr)? => $kind:expr),+ $(,)? })+) => {
        $({
            fn is_listed(error: &$error) {
                match error { $($error::$variant $(($($part)*))? => {}),+ }
            }
            $(
                let error = $error::$variant $(($value))?;
                is_listed(&error);
                assert_eq!(error.kind(), $kind, "{error:?}");
            )+
        })+
    };
}

fn unavailable() -> PortError {
    PortError::Unavailable(BoxError::from("connection refused"))
}

fn session() -> SessionId {
    SessionId(Uuid::from_u128(2))
}

#[test]
fn every_error_has_the_kind_of_its_cause() {
    assert_kinds! {
        PortError {
            Unavailable(_) = BoxError::from("connection refused") => UNAVAILABLE,
            Overloaded => UNAVAILABLE,
            Corrupt(_) = BoxError::from("not a role") => ErrorKind::Internal,
        }
        AuthenticateError {
            InvalidToken => ErrorKind::Unauthenticated,
            Port(_) = unavailable() => UNAVAILABLE,
        }
        AuthenticateApiKeyError {
            InvalidKey => ErrorKind::Unauthenticated,
            MissingScope(_) = Scope::UsersRead => ErrorKind::Forbidden,
            Port(_) = PortError::Overloaded => UNAVAILABLE,
        }
        ChangePasswordError {
            InvalidCredentials => ErrorKind::Unauthenticated,
            Password(_) = InvalidPassword::Common => ErrorKind::Invalid,
            TooManyAttempts(_) = throttled() => THROTTLED,
            Port(_) = PortError::Corrupt(BoxError::from("not a hash")) => ErrorKind::Internal,
        }
        DeleteUserError {
            NotFound => ErrorKind::NotFound,
            PrivilegedUser(_) = PrivilegedUser => ErrorKind::Forbidden,
            Port(_) = unavailable() => UNAVAILABLE,
        }
        ImportUserError {
            Taken(_) = IdentifierKind::Email => ErrorKind::Conflict,
            ExternalIdTaken => ErrorKind::Conflict,
            Hash(_) = InvalidHash::Unsupported => ErrorKind::Invalid,
            NoEmail => ErrorKind::Invalid,
        }
        LogInError {
            InvalidCredentials => ErrorKind::Unauthenticated,
            TooManyAttempts(_) = throttled() => THROTTLED,
            Refused(_) = RefusalCode::from_static("region_blocked") => ErrorKind::Forbidden,
            Port(_) = PortError::Overloaded => UNAVAILABLE,
        }
        LogOutBearerError {
            InvalidToken => ErrorKind::Unauthenticated,
            Replayed(_) = session() => ErrorKind::Unauthenticated,
            TooManyAttempts(_) = throttled() => THROTTLED,
            Port(_) = unavailable() => UNAVAILABLE,
        }
        RefreshSessionError {
            InvalidToken => ErrorKind::Unauthenticated,
            Replayed(_) = session() => ErrorKind::Unauthenticated,
            TooManyAttempts(_) = throttled() => THROTTLED,
            Port(_) = unavailable() => UNAVAILABLE,
        }
        RegisterError {
            Taken(_) = IdentifierKind::Username => ErrorKind::Conflict,
            Password(_) = InvalidPassword::TooShort { min: 8 } => ErrorKind::Invalid,
            Role(_) = RoleNotOffered { requested: None } => ErrorKind::Invalid,
            TooManyAttempts(_) = throttled() => THROTTLED,
            Refused(_) = RefusalCode::from_static("region_blocked") => ErrorKind::Forbidden,
            Port(_) = PortError::Overloaded => UNAVAILABLE,
        }
        UpdateUserError {
            NotFound => ErrorKind::NotFound,
            Taken(_) = IdentifierKind::Email => ErrorKind::Conflict,
            PrivilegedUser(_) = PrivilegedUser => ErrorKind::Forbidden,
            Password(_) = InvalidPassword::OwnName => ErrorKind::Invalid,
            Port(_) = PortError::Corrupt(BoxError::from("not a role")) => ErrorKind::Internal,
        }
    }
    assert_eq!(MissingRole.kind(), ErrorKind::Forbidden);
}

#[test]
fn the_text_of_an_error_does_not_contain_its_source() {
    for error in [LogInError::Port(unavailable()), PortError::Corrupt(BoxError::from("secret")).into()] {
        let text = error.to_string();
        assert!(["unavailable", "corrupt"].contains(&text.as_str()), "{text}");
    }
}
