//! The extensions of the embedding program, and the limits within which they run.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use thiserror::Error;

use crate::UseCases;
use crate::model::{
    Client, ExtraClaims, Identifiers, InvalidPassword, NewUser, Password, RefusalCode, Session, User,
};
use crate::ports::{ClaimsSource, HookDecision, Hooks, PasswordRule, PortError, RuleVerdict};

/// The limits on extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtensionPolicy {
    /// The maximum time of one call of an extension. Default: 1 second.
    pub time_limit: Duration,
}

impl Default for ExtensionPolicy {
    fn default() -> Self {
        Self { time_limit: Duration::from_secs(1) }
    }
}

/// The extensions of a service. None is required.
#[derive(Clone, Default)]
pub(crate) struct Extensions {
    pub(crate) claims_source: Option<Arc<dyn ClaimsSource>>,
    pub(crate) hooks: Vec<Arc<dyn Hooks>>,
    pub(crate) password_rules: Vec<Arc<dyn PasswordRule>>,
}

/// A call of an extension failed.
#[derive(Debug, Error)]
enum ExtensionError {
    #[error("{what} took longer than {} ms", limit.as_millis())]
    TimedOut { what: &'static str, limit: Duration },
    #[error("{0} panicked")]
    Panicked(&'static str),
}

/// A refused or failed call of a hook that may refuse.
pub(crate) enum HookError {
    Refused(RefusalCode),
    Port(PortError),
}

impl UseCases {
    /// Returns the extra claims of a token; without a source, there are none.
    pub(crate) async fn extra_claims(&self, user: &User, client: &Client) -> Result<ExtraClaims, PortError> {
        match &self.core.extensions.claims_source {
            Some(source) => self.bounded("the claims source", source.extra_claims(user, client)).await,
            None => Ok(ExtraClaims::default()),
        }
    }

    /// Asks all password rules in turn, and returns the first rejection.
    pub(crate) async fn judge_by_rules(
        &self,
        password: &Password,
        names: &Identifiers,
    ) -> Result<Result<(), InvalidPassword>, PortError> {
        for rule in &self.core.extensions.password_rules {
            if let RuleVerdict::Reject(reason) =
                self.bounded("a password rule", rule.judge(password, names)).await?
            {
                return Ok(Err(InvalidPassword::Rule { reason }));
            }
        }
        Ok(Ok(()))
    }

    /// Runs all hooks in turn until one refuses.
    pub(crate) async fn before_registration(&self, user: &NewUser) -> Result<(), HookError> {
        for hooks in &self.core.extensions.hooks {
            let caller = self.actor.audited();
            let call = hooks.before_registration(user, &caller);
            self.bounded("a hook before a registration", call).await?.permit()?;
        }
        Ok(())
    }

    /// Runs all hooks in turn until one refuses.
    pub(crate) async fn before_session(&self, user: &User, client: &Client) -> Result<(), HookError> {
        for hooks in &self.core.extensions.hooks {
            let caller = self.actor.audited();
            let call = hooks.before_session(user, client, &caller);
            self.bounded("a hook before a session", call).await?.permit()?;
        }
        Ok(())
    }

    /// Runs all hooks. The session has ended, so a failure of a hook changes nothing.
    pub(crate) async fn after_replay(&self, session: &Session) {
        for hooks in &self.core.extensions.hooks {
            let caller = self.actor.audited();
            let call = async {
                hooks.after_replay(session, &caller).await;
                Ok(())
            };
            let _ = self.bounded("a hook after a replay", call).await;
        }
    }

    /// Awaits a call of an extension, for the time limit at most. A panic becomes an error.
    async fn bounded<T>(
        &self,
        what: &'static str,
        call: impl Future<Output = Result<T, PortError>> + Send,
    ) -> Result<T, PortError> {
        let limit = self.core.policy.extensions.time_limit;
        let mut call = pin!(call);
        let mut timer = self.core.ports.timer.sleep(limit);
        poll_fn(|context| {
            // The call is not polled again after a panic, so no state that it left half-changed is used here.
            match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context))) {
                Ok(Poll::Ready(result)) => return Poll::Ready(result),
                Ok(Poll::Pending) => {}
                Err(_) => {
                    return Poll::Ready(Err(PortError::Corrupt(ExtensionError::Panicked(what).into())));
                }
            }
            let timed_out = |()| Err(PortError::Unavailable(ExtensionError::TimedOut { what, limit }.into()));
            timer.as_mut().poll(context).map(timed_out)
        })
        .await
    }
}

impl HookDecision {
    fn permit(self) -> Result<(), HookError> {
        match self {
            Self::Allow => Ok(()),
            Self::Refuse(code) => Err(HookError::Refused(code)),
        }
    }
}

impl From<PortError> for HookError {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}
