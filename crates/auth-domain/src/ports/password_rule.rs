//! The port to further rules for passwords.

use async_trait::async_trait;

use super::PortError;
use crate::model::{Identifiers, Password};

/// The verdict of a rule about a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleVerdict {
    /// The rule has no objection.
    Accept,
    /// The password must not be set. The text is the reason, as a predicate after the name of a field: `must not be in a known
    /// data breach`. It is fixed, so that it cannot contain the password.
    Reject(&'static str),
}

/// A further rule for new passwords: an extension that [`Auth::with_password_rule`](crate::Auth::with_password_rule) adds.
///
/// It is asked about each password that is registered, changed or set by an operator, after the rules of the policy have
/// accepted it. A rejection is [`InvalidPassword::Rule`](crate::model::InvalidPassword::Rule). At a registration, the attempt was
/// counted before; at a change, the current password was verified before.
///
/// The rule decides what happens without its service. An error, or a call that exceeds
/// [`ExtensionPolicy::time_limit`](crate::policy::ExtensionPolicy::time_limit), refuses the password as unavailable. A rule that
/// prefers to accept it returns [`RuleVerdict::Accept`] instead of the error, within a shorter time limit of its own.
///
/// ```
/// use async_trait::async_trait;
/// use auth_domain::model::{Identifiers, Password};
/// use auth_domain::ports::{PasswordRule, PortError, RuleVerdict};
///
/// /// Rejects passwords that name the product.
/// struct NoProductName;
///
/// #[async_trait]
/// impl PasswordRule for NoProductName {
///     async fn judge(&self, password: &Password, _names: &Identifiers) -> Result<RuleVerdict, PortError> {
///         let has_name = String::from_utf8_lossy(password.expose()).to_lowercase().contains("acme");
///         Ok(if has_name { RuleVerdict::Reject("must not contain the name of the product") } else { RuleVerdict::Accept })
///     }
/// }
/// ```
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait PasswordRule: Send + Sync {
    /// Judges a new password of the user with these names.
    ///
    /// # Errors
    /// [`PortError`] when the rule cannot decide. The password is not set then.
    async fn judge(&self, password: &Password, names: &Identifiers) -> Result<RuleVerdict, PortError>;
}
