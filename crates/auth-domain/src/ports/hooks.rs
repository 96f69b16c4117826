//! The port to the hooks of the embedding program.

use async_trait::async_trait;

use super::PortError;
use crate::model::{AuditedCaller, Client, NewUser, RefusalCode, Session, User};

/// The decision of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookDecision {
    /// The use case goes on.
    Allow,
    /// The use case ends with an error that contains this code.
    Refuse(RefusalCode),
}

/// Code of the embedding program that runs within use cases: an extension that [`Auth::with_hooks`](crate::Auth::with_hooks) adds.
///
/// A hook whose name begins with `before` may refuse. The caller gets an error with the code of the refusal, and an audit event
/// records it. An error of the hook, a panic, or a call that exceeds
/// [`ExtensionPolicy::time_limit`](crate::policy::ExtensionPolicy::time_limit) ends the use case: no user is registered and no
/// session begins. The attempt is counted, and a login may have replaced an outdated hash. Every method has a default that does
/// nothing.
///
/// Each method gets the caller as audit events name it: nothing is known of the system.
///
/// No hook runs before a password was verified or a registration was counted. The time that it takes therefore does not tell
/// whether an account exists.
///
/// ```
/// use async_trait::async_trait;
/// use auth_domain::model::{AuditedCaller, NewUser, RefusalCode};
/// use auth_domain::ports::{HookDecision, Hooks, PortError};
///
/// /// Registers employees only.
/// struct EmployeesOnly;
///
/// #[async_trait]
/// impl Hooks for EmployeesOnly {
///     async fn before_registration(
///         &self,
///         user: &NewUser,
///         _caller: &AuditedCaller,
///     ) -> Result<HookDecision, PortError> {
///         const NOT_AN_EMPLOYEE: RefusalCode = RefusalCode::from_static("not_an_employee");
///         let is_employee = user.identifiers.email().is_some_and(|email| email.as_str().ends_with("@example.com"));
///         Ok(if is_employee { HookDecision::Allow } else { HookDecision::Refuse(NOT_AN_EMPLOYEE) })
///     }
/// }
/// ```
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Runs before a user is registered. `user` has no password hash yet, and its names may be taken.
    ///
    /// # Errors
    /// [`PortError`] when the hook cannot decide. Nothing is stored then.
    async fn before_registration(
        &self,
        user: &NewUser,
        caller: &AuditedCaller,
    ) -> Result<HookDecision, PortError> {
        let _ = (user, caller);
        Ok(HookDecision::Allow)
    }

    /// Runs at a login, after the password was verified and before the session is opened. A refusal leaves no session.
    ///
    /// # Errors
    /// [`PortError`] when the hook cannot decide. No session is opened then.
    async fn before_session(
        &self,
        user: &User,
        client: &Client,
        caller: &AuditedCaller,
    ) -> Result<HookDecision, PortError> {
        let _ = (user, client, caller);
        Ok(HookDecision::Allow)
    }

    /// Runs after a replay of a refresh token was detected and `session` was ended. It cannot refuse anything. The answer waits
    /// for it, so it should only pass the news on.
    async fn after_replay(&self, session: &Session, caller: &AuditedCaller) {
        let _ = (session, caller);
    }
}
