//! Verification of passwords within the attempt limits.

use std::num::NonZeroU32;

use crate::UseCases;
use crate::model::{CounterKey, GuessOutcome, LoginRecord, PasswordAttempt, PasswordHash};
use crate::ports::{PasswordVerdict, PortError};

use super::attempts::{AttemptError, AttemptPermit};
use super::audit_entry::AuditEntry;

/// A user whose password was verified.
pub(super) struct VerifiedLogin {
    pub(super) record: LoginRecord,
    /// The stored hash, if a new hash of the password would be stronger.
    pub(super) outdated_hash: Option<PasswordHash>,
}

impl UseCases {
    /// Compares `attempt` with the password of `record`, if the limits admit it. `None` is a user who does not exist.
    ///
    /// Returns `None` when the user does not exist, has no password or is suspended, or when the password is wrong. Each
    /// case costs the same work and counts as a failure. An attempt that could not be compared is not counted.
    ///
    /// An attempt that is admitted on trust and fails gets the error of an attempt of an unknown caller. Otherwise a wrong
    /// password would tell which callers the account knows.
    ///
    /// `denied` is audited for each attempt that was compared and failed, whatever its answer is.
    pub(super) async fn verify_password(
        &self,
        account: CounterKey,
        record: Option<LoginRecord>,
        attempt: &PasswordAttempt,
        denied: AuditEntry,
    ) -> Result<Option<VerifiedLogin>, AttemptError> {
        let weight =
            comparable(record.as_ref(), attempt).map_or(1, |hash| self.core.ports.hasher.weight(hash));
        let permit = self.admit(account, NonZeroU32::new(weight).unwrap_or(NonZeroU32::MIN)).await?;
        let verified = if permit.is_on_trust() {
            self.verify_on_trust(permit, record, attempt, &denied).await?
        } else {
            self.verify_with(&permit, record, attempt).await?
        };
        if verified.is_none() {
            self.audit(denied);
        }
        Ok(verified)
    }

    async fn verify_on_trust(
        &self,
        permit: AttemptPermit,
        record: Option<LoginRecord>,
        attempt: &PasswordAttempt,
        denied: &AuditEntry,
    ) -> Result<Option<VerifiedLogin>, AttemptError> {
        let is_compared = match self.verify_with(&permit, record.clone(), attempt).await {
            Ok(None) => true,
            // A full queue is as telling as a wrong password: an attempt that is refused does not reach it.
            Err(AttemptError::Port(PortError::Overloaded)) => false,
            verified => return verified,
        };
        match self.admit_as_unknown(permit).await {
            Ok(permit) => self.verify_with(&permit, record, attempt).await,
            Err(refused) => {
                if is_compared {
                    self.audit(denied.clone());
                }
                Err(refused)
            }
        }
    }

    async fn verify_with(
        &self,
        permit: &AttemptPermit,
        record: Option<LoginRecord>,
        attempt: &PasswordAttempt,
    ) -> Result<Option<VerifiedLogin>, AttemptError> {
        let verified = self.verify(record, attempt).await;
        let outcome = match &verified {
            Ok(Some(_)) => GuessOutcome::Succeeded,
            Ok(None) => GuessOutcome::Failed,
            Err(_) => GuessOutcome::Abandoned,
        };
        // The attempt is settled before any error is returned. If the request is dropped in between, the reservation
        // expires and counts as a failure. Abandoning a request is therefore no way around the limit.
        let settled = self.settle(permit, outcome).await;
        let verified = verified?;
        settled?;
        Ok(verified)
    }

    async fn verify(
        &self,
        record: Option<LoginRecord>,
        attempt: &PasswordAttempt,
    ) -> Result<Option<VerifiedLogin>, PortError> {
        // Every case costs one verification. Without a user or a password, and for an overlong attempt that cannot match,
        // the hasher verifies a decoy hash. The response time then does not reveal whether the user exists.
        let stored = comparable(record.as_ref(), attempt);
        let verdict = self.core.ports.hasher.verify(attempt, stored, self.caller_key()).await?;
        // The status is checked after the verification, so that a suspended user costs the same time.
        let record = record.filter(|record| record.user.is_active());
        Ok(record.filter(|_| verdict != PasswordVerdict::Differs).map(|record| {
            let is_outdated = verdict == PasswordVerdict::MatchesOutdated;
            let outdated_hash = record.password.hash.clone().filter(|_| is_outdated);
            VerifiedLogin { record, outdated_hash }
        }))
    }
}

/// The hash with which `attempt` is compared. `None` for the decoy.
fn comparable<'a>(record: Option<&'a LoginRecord>, attempt: &PasswordAttempt) -> Option<&'a PasswordHash> {
    record.and_then(|record| record.password.hash.as_ref()).filter(|_| !attempt.is_overlong())
}

#[cfg(test)]
mod tests {
    use mockall::Sequence;
    use uuid::Uuid;

    use super::*;
    use crate::model::{
        ApiKeyId, AuditAction, Caller, Client, DenialReason, Limit, Password, RefreshStyle, Reservation,
        Throttled,
    };
    use crate::ports::{AdmitOutcome, MockAttemptLimiter, MockPasswordHasher};
    use crate::use_cases::fixture::{
        Mocks, NOW, caller, client, login_record, suspended_user, throttled, unavailable, user,
    };
    use crate::use_cases::{ChangePassword, ChangePasswordError, LogIn, LogInError};

    const RESERVATION: Reservation = Reservation::new(NOW);

    fn denied() -> AuditEntry {
        AuditEntry::denied(AuditAction::UserLoggedIn, DenialReason::WrongPassword)
    }

    /// Expects one admitted guess that is settled with `outcome`.
    fn counters(outcome: GuessOutcome) -> MockAttemptLimiter {
        let mut attempts = MockAttemptLimiter::new();
        attempts
            .expect_admit()
            .once()
            .withf(|guess| guess.now == NOW && guess.account == CounterKey::of_user(user().id))
            .returning(|_| Ok(AdmitOutcome::Admitted(RESERVATION)));
        attempts
            .expect_settle()
            .once()
            .withf(move |guess, reservation, actual, now| {
                (*reservation, *actual, *now) == (RESERVATION, outcome, NOW)
                    && guess.account == CounterKey::of_user(user().id)
            })
            .returning(|_, _, _, _| Ok(()));
        attempts
    }

    fn throttling() -> MockAttemptLimiter {
        let mut attempts = MockAttemptLimiter::new();
        attempts.expect_admit().once().returning(|_| Ok(AdmitOutcome::Throttled(throttled())));
        attempts.expect_settle().never();
        attempts
    }

    async fn verify_password(
        mut mocks: Mocks,
        verdict: Result<PasswordVerdict, PortError>,
        record: LoginRecord,
    ) -> Result<bool, AttemptError> {
        mocks.hasher.expect_verify().once().return_once(|_, _, _| verdict);
        let attempt = PasswordAttempt::new("P@ssw0rd!");
        let verified = mocks
            .auth()
            .verify_password(CounterKey::of_user(user().id), Some(record), &attempt, denied())
            .await;
        verified.map(|verified| verified.is_some())
    }

    #[tokio::test]
    async fn the_outcome_of_a_guess_is_settled() {
        for (verdict, user, outcome) in [
            (PasswordVerdict::Matches, user(), GuessOutcome::Succeeded),
            (PasswordVerdict::MatchesOutdated, user(), GuessOutcome::Succeeded),
            (PasswordVerdict::Differs, user(), GuessOutcome::Failed),
            (PasswordVerdict::Matches, suspended_user(), GuessOutcome::Failed),
        ] {
            let mocks = Mocks { attempts: counters(outcome), ..Mocks::new() };
            let verified = verify_password(mocks, Ok(verdict), login_record(user)).await.expect("verified");
            assert_eq!(verified, outcome == GuessOutcome::Succeeded);
        }
    }

    #[tokio::test]
    async fn a_guess_weighs_as_much_as_its_hash() {
        for (password, weight) in [("P@ssw0rd!".to_owned(), 12), ("a".repeat(256), 1)] {
            let mut attempts = MockAttemptLimiter::new();
            let admit = attempts.expect_admit().once().withf(move |guess| guess.weight.get() == weight);
            admit.returning(|_| Ok(AdmitOutcome::Throttled(throttled())));
            let mut hasher = MockPasswordHasher::new();
            hasher.expect_weight().returning(|_| 12);
            let auth = Mocks { attempts, hasher, ..Mocks::new() }.auth();
            let (account, record) = (CounterKey::of_user(user().id), Some(login_record(user())));
            let denied = auth
                .verify_password(account, record, &PasswordAttempt::new(password.as_str()), denied())
                .await;
            assert!(matches!(denied, Err(AttemptError::Throttled(_))));
        }
    }

    /// A limiter that admits the caller on trust, expects `outcome`, and throttles an unknown caller.
    fn trusting(outcome: GuessOutcome, asked_again: usize) -> MockAttemptLimiter {
        let mut attempts = MockAttemptLimiter::new();
        let on_trust = Reservation { at: NOW, on_trust: true };
        attempts
            .expect_admit()
            .once()
            .withf(|guess| guess.caller.is_some())
            .returning(move |_| Ok(AdmitOutcome::Admitted(on_trust)));
        attempts
            .expect_settle()
            .once()
            .withf(move |_, reservation, actual, _| (*reservation, *actual) == (on_trust, outcome))
            .returning(|_, _, _, _| Ok(()));
        attempts
            .expect_admit()
            .times(asked_again)
            .withf(|guess| guess.caller.is_none() && guess.counter.is_some() && guess.now == NOW)
            .returning(|_| Ok(AdmitOutcome::Throttled(throttled())));
        attempts
    }

    #[tokio::test]
    async fn a_failure_on_trust_gets_the_answer_of_an_unknown_caller() {
        let wrong = (Ok(PasswordVerdict::Differs), user(), GuessOutcome::Failed);
        let suspended = (Ok(PasswordVerdict::Matches), suspended_user(), GuessOutcome::Failed);
        let overloaded = (Err(PortError::Overloaded), user(), GuessOutcome::Abandoned);
        for (verdict, user, outcome) in [wrong, suspended, overloaded] {
            let mut mocks = Mocks { attempts: trusting(outcome, 1), ..Mocks::new() };
            mocks.hasher.expect_verify().once().return_once(|_, _, _| verdict);
            let recorder = mocks.recorder();
            let auth = mocks.called_by(caller());
            let (account, record) = (CounterKey::of_user(user.id), Some(login_record(user)));
            let refused =
                auth.verify_password(account, record, &PasswordAttempt::new("P@ssw0rd!"), denied()).await;
            assert!(matches!(refused, Err(AttemptError::Throttled(actual)) if actual == throttled()));
            let is_audited = recorder.lines().contains(&"user.logged_in wrong_password".to_owned());
            assert_eq!(is_audited, outcome == GuessOutcome::Failed, "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn a_right_password_on_trust_is_verified() {
        let mut mocks = Mocks { attempts: trusting(GuessOutcome::Succeeded, 0), ..Mocks::new() };
        mocks.hasher.expect_verify().once().return_once(|_, _, _| Ok(PasswordVerdict::Matches));
        let auth = mocks.called_by(caller());
        let (account, record) = (CounterKey::of_user(user().id), Some(login_record(user())));
        let verified =
            auth.verify_password(account, record, &PasswordAttempt::new("P@ssw0rd!"), denied()).await;
        assert!(verified.expect("no error").is_some());
    }

    #[tokio::test]
    async fn without_a_password_a_guess_costs_a_decoy_and_fails() {
        let mut mocks = Mocks { attempts: counters(GuessOutcome::Failed), ..Mocks::new() };
        let verify = mocks.hasher.expect_verify().once().withf(|_, stored, _| stored.is_none());
        verify.returning(|_, _, _| Ok(PasswordVerdict::Differs));
        let mut record = login_record(user());
        record.password.hash = None;
        let (attempt, auth) = (PasswordAttempt::new(""), mocks.auth());
        let verified = auth.verify_password(CounterKey::of_user(user().id), Some(record), &attempt, denied());
        assert!(verified.await.expect("verified").is_none());
    }

    #[tokio::test]
    async fn a_password_that_was_not_compared_is_not_counted() {
        for error in [PortError::Overloaded, unavailable()] {
            let mocks = Mocks { attempts: counters(GuessOutcome::Abandoned), ..Mocks::new() };
            let error = verify_password(mocks, Err(error), login_record(user())).await.expect_err("an error");
            assert!(matches!(error, AttemptError::Port(_)));
        }
    }

    #[tokio::test]
    async fn a_guess_that_cannot_be_settled_fails() {
        let mut attempts = MockAttemptLimiter::new();
        attempts.expect_admit().once().returning(|_| Ok(AdmitOutcome::Admitted(RESERVATION)));
        attempts.expect_settle().once().returning(|_, _, _, _| Err(unavailable()));
        let mocks = Mocks { attempts, ..Mocks::new() };
        let error = verify_password(mocks, Ok(PasswordVerdict::Differs), login_record(user()))
            .await
            .expect_err("an error");
        assert!(matches!(error, AttemptError::Port(PortError::Unavailable(_))));
    }

    #[tokio::test]
    async fn admission_precedes_verification_and_settling_the_session() {
        let mut order = Sequence::new();
        let mut mocks = Mocks::new();
        let mut attempts = MockAttemptLimiter::new();
        let find = mocks.users.expect_find_for_login().once().in_sequence(&mut order);
        find.returning(|_| Ok(Some(login_record(user()))));
        let admit = attempts.expect_admit().once().in_sequence(&mut order);
        admit.returning(|_| Ok(AdmitOutcome::Admitted(RESERVATION)));
        let verify = mocks.hasher.expect_verify().once().in_sequence(&mut order);
        verify.returning(|_, _, _| Ok(PasswordVerdict::Matches));
        let settle = attempts.expect_settle().once().in_sequence(&mut order);
        settle.returning(|_, _, _, _| Ok(()));
        let sign = mocks.tokens.expect_sign().once().in_sequence(&mut order);
        sign.returning(|_| Err(unavailable()));
        let mocks = Mocks { attempts, ..mocks };
        let client = client(RefreshStyle::Rotating);
        mocks.auth().log_in(log_in(&client, "john_doe")).await.expect_err("no token");
    }

    fn log_in<'a>(client: &'a Client, identifier: &'a str) -> LogIn<'a> {
        LogIn { client, identifier, password: PasswordAttempt::new("P@ssw0rd!") }
    }

    #[tokio::test]
    async fn a_throttled_attempt_verifies_no_password() {
        let client = client(RefreshStyle::Rotating);
        for found in [Some(login_record(user())), None] {
            let mut mocks = Mocks { attempts: throttling(), ..Mocks::new() };
            mocks.users.expect_find_for_login().once().return_once(|_| Ok(found));
            mocks.hasher.expect_verify().never();
            let error = mocks.auth().log_in(log_in(&client, "john_doe")).await.expect_err("too many");
            assert!(matches!(error, LogInError::TooManyAttempts(actual) if actual == throttled()));
        }
        let mut mocks = Mocks { attempts: throttling(), ..Mocks::new() };
        mocks.users.expect_find_with_password().once().returning(|_| Ok(Some(login_record(user()))));
        mocks.hasher.expect_verify().never();
        let current = PasswordAttempt::new("P@ssw0rd!");
        let new = Password::parse("another one").expect("accepted");
        let error = mocks.auth().change_password(ChangePassword { user: user().id, current, new }).await;
        assert!(matches!(error, Err(ChangePasswordError::TooManyAttempts(actual)) if actual == throttled()));
    }

    #[tokio::test]
    async fn all_identifiers_of_a_user_share_one_counter() {
        let client = client(RefreshStyle::Rotating);
        for (identifier, found, account) in [
            ("John_Doe", Some(login_record(user())), CounterKey::of_user(user().id)),
            ("john@example.com", Some(login_record(user())), CounterKey::of_user(user().id)),
            ("Unknown", None, CounterKey::of_unknown("unknown")),
            ("a\0b", None, CounterKey::of_unknown("a\0b")),
        ] {
            let mut attempts = MockAttemptLimiter::new();
            let admit = attempts.expect_admit().once().withf(move |guess| guess.account == account);
            admit.returning(|_| Ok(AdmitOutcome::Throttled(throttled())));
            let mut mocks = Mocks { attempts, ..Mocks::new() };
            mocks.users.expect_find_for_login().return_once(|_| Ok(found));
            mocks.auth().log_in(log_in(&client, identifier)).await.expect_err("too many");
        }
    }

    /// Returns the known caller and the limit that a guess of `caller` reserves attempts in.
    async fn counted_by(caller: Caller) -> (Option<CounterKey>, Option<Limit>) {
        let (sender, receiver) = std::sync::mpsc::channel();
        let mut attempts = MockAttemptLimiter::new();
        attempts.expect_exhausted().returning(|_, _| None);
        attempts.expect_admit().once().returning(move |guess| {
            sender
                .send((guess.caller, guess.counter.map(|counter| counter.limit)))
                .expect("the receiver is open");
            Ok(AdmitOutcome::Throttled(throttled()))
        });
        let auth = Mocks { attempts, ..Mocks::new() }.called_by(caller);
        let attempt = PasswordAttempt::new("P@ssw0rd!");
        assert!(
            auth.verify_password(CounterKey::of_unknown("jane"), None, &attempt, denied()).await.is_err()
        );
        receiver.recv().expect("admitted")
    }

    fn program() -> Caller {
        caller().with_api_key(ApiKeyId(Uuid::from_u128(7)))
    }

    #[tokio::test]
    async fn an_address_reserves_attempts_and_an_api_key_does_not() {
        let by_address = (Some(CounterKey::of_caller(&caller())), Some(Limit::LogIns));
        assert_eq!(counted_by(caller()).await, by_address);
        assert_eq!(counted_by(program()).await, (Some(CounterKey::of_caller(&program())), None));
        let for_user = program().with_end_user([192, 0, 2, 1]);
        assert_eq!(counted_by(for_user).await, by_address);
    }

    #[tokio::test]
    async fn a_caller_without_address_is_counted_but_never_known() {
        assert_eq!(counted_by(Caller::without_address()).await, (None, Some(Limit::LogIns)));
    }

    #[tokio::test]
    async fn failures_of_an_api_key_are_counted_afterwards() {
        for (verdict, counted) in [(PasswordVerdict::Matches, 0), (PasswordVerdict::Differs, 1)] {
            let mut attempts = MockAttemptLimiter::new();
            attempts.expect_exhausted().once().returning(|_, _| None);
            attempts.expect_admit().once().returning(|_| Ok(AdmitOutcome::Admitted(RESERVATION)));
            attempts.expect_settle().once().returning(|_, _, _, _| Ok(()));
            attempts.expect_count().times(counted).returning(|_, _| Ok(Some(throttled())));
            let mut mocks = Mocks { attempts, ..Mocks::new() };
            mocks.hasher.expect_verify().once().returning(move |_, _, _| Ok(verdict));
            let auth = mocks.called_by(program());
            let attempt = PasswordAttempt::new("P@ssw0rd!");
            let record = Some(login_record(user()));
            let verified = auth
                .verify_password(CounterKey::of_user(user().id), record, &attempt, denied())
                .await
                .expect("verified");
            assert_eq!(verified.is_some(), counted == 0);
        }
        let mut attempts = MockAttemptLimiter::new();
        let exhausted = Throttled { limit: Limit::LogIns, ..throttled() };
        attempts.expect_exhausted().once().return_const(Some(exhausted));
        let auth = Mocks { attempts, ..Mocks::new() }.called_by(program());
        let denied = auth
            .verify_password(CounterKey::of_unknown("jane"), None, &PasswordAttempt::new("x"), denied())
            .await;
        assert!(matches!(denied, Err(AttemptError::Throttled(actual)) if actual == exhausted));
    }
}
