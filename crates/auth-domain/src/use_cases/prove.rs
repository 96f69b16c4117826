//! Proving a password: one verification, whoever it is and whatever was typed.

use crate::Auth;
use crate::model::{LoginRecord, PasswordAttempt};
use crate::ports::{PasswordVerdict, PortError};

/// A user who has shown to know their password.
pub(super) struct Proof {
    pub(super) record: LoginRecord,
    /// Whether a new hash of the password would be better than the stored one.
    pub(super) is_outdated: bool,
}

impl Auth {
    /// Compares `attempt` with the password of whoever is claimed to be here. `None` when there is no such user, the
    /// password is wrong or the user is suspended: each costs the same work.
    pub(super) async fn prove(
        &self,
        claimed: Option<LoginRecord>,
        attempt: &PasswordAttempt,
    ) -> Result<Option<Proof>, PortError> {
        let stored = claimed.as_ref().map(|record| &record.password.hash);
        let verdict = self.ports.hasher.verify(attempt, stored.filter(|_| !attempt.is_overlong())).await?;
        let record = claimed.filter(|record| record.user.is_active());
        Ok(record
            .filter(|_| verdict != PasswordVerdict::Differs)
            .map(|record| Proof { record, is_outdated: verdict == PasswordVerdict::MatchesOutdated }))
    }
}
