//! The decision about a presented refresh token.

use std::time::Duration;

use super::session::JUDGEMENT_DELAY;
use super::{
    Client, Limit, RefreshStyle, SecretDigest, Session, SessionPolicy, SuccessorNonce, Throttled, Timestamp,
    User, UserId,
};

/// The maximum number of rotations of a session within one retry window.
const MAX_ROTATIONS: usize = 16;

/// The maximum number of consumed credentials that a session keeps, which bounds its row. The retry window and the delay of
/// a judgement are two windows at most, unless the window is shorter than ten seconds. Credentials that were consumed in
/// the future, before the clock was set back, do not leave.
const MAX_CONSUMED: usize = 2 * MAX_ROTATIONS;

/// A credential that a rotation has replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumedCredential {
    /// The digest of the credential.
    pub digest: SecretDigest,
    /// The time of consumption.
    pub at: Timestamp,
    /// The nonce of the successor.
    pub nonce: SuccessorNonce,
}

/// The refresh credentials of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialChain {
    /// The digest of the current credential.
    pub current: SecretDigest,
    /// The credentials that were consumed within the last retry window, oldest first, and some that were consumed before
    /// it. Each one's successor is the next one, and the successor of the last one is current.
    pub consumed: Vec<ConsumedCredential>,
}

impl CredentialChain {
    /// Returns the credentials of a session that was never refreshed.
    #[must_use]
    pub fn new(current: SecretDigest) -> Self {
        Self { current, consumed: Vec::new() }
    }

    /// Replaces the current credential, and drops those whose retry window has closed for good.
    fn rotate(&self, attempt: &RefreshAttempt) -> Self {
        // Only a prefix is dropped. A gap would break the derivation of the current credential.
        let mut consumed: Vec<_> =
            self.consumed.iter().skip_while(|consumed| attempt.is_over(consumed.at)).copied().collect();
        consumed.push(ConsumedCredential {
            digest: attempt.credential,
            at: attempt.received_at,
            nonce: attempt.nonce,
        });
        let surplus = consumed.len().saturating_sub(MAX_CONSUMED);
        consumed.drain(..surplus);
        Self { current: attempt.successor, consumed }
    }

    /// Returns how long the session has to wait for its next rotation, if it has used up those of the window.
    fn throttle(&self, attempt: &RefreshAttempt) -> Option<Throttled> {
        let RefreshAttempt { received_at, policy, leeway, .. } = attempt;
        let (begin, end) = (received_at.minus(policy.retry_grace), received_at.plus(*leeway));
        let mut recent =
            self.consumed.iter().rev().filter(|consumed| begin < consumed.at && consumed.at <= end);
        let oldest = recent.nth(MAX_ROTATIONS - 1)?;
        Some(Throttled {
            limit: Limit::Rotations,
            quota: u32::try_from(MAX_ROTATIONS).unwrap_or(u32::MAX),
            window: Some(policy.retry_grace),
            retry_after: oldest.at.plus(policy.retry_grace).since(*received_at),
        })
    }
}

/// A period during which the store could not be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The last time at which the store was reached before.
    pub from: Timestamp,
    /// The first time at which it was reached again. In the future while the outage lasts.
    pub to: Timestamp,
}

/// A refresh attempt, with everything that the decision needs.
#[derive(Clone, Debug)]
pub struct RefreshAttempt {
    /// The digest of the presented token family, by which a store finds the session.
    pub family: SecretDigest,
    /// The digest of the presented credential.
    pub credential: SecretDigest,
    /// The client that presents the token.
    pub client: Client,
    /// The user that a signed token names. `None` for an opaque token.
    pub user: Option<UserId>,
    /// The digest of the successor, which becomes current if the credential rotates.
    pub successor: SecretDigest,
    /// The nonce from which the successor was derived.
    pub nonce: SuccessorNonce,
    /// The time at which the request was received.
    pub received_at: Timestamp,
    /// The rules for sessions.
    pub policy: SessionPolicy,
    /// The clock difference that is tolerated between two nodes.
    pub leeway: Duration,
    /// The last outage of the store. A use case passes `None`. A store that has noticed an outage sets it before it calls
    /// [`RefreshRecord::judge`]; any other store leaves it.
    pub outage: Option<Outage>,
}

impl RefreshAttempt {
    /// Returns whether the retry window of a credential that was consumed at this time is open.
    fn is_retry(&self, consumed_at: Timestamp) -> bool {
        // A request that was received before the consumption is a duplicate that was delayed, not a replay.
        self.received_at < consumed_at || self.received_at.since(consumed_at) < self.retry_window(consumed_at)
    }

    /// Returns whether every request that was received in the retry window has been judged.
    fn is_over(&self, consumed_at: Timestamp) -> bool {
        self.received_at.since(consumed_at) >= self.retry_window(consumed_at).saturating_add(JUDGEMENT_DELAY)
    }

    /// Returns the length of the retry window. Time during which the store could not be reached does not count: a client
    /// whose answer was lost could not retry.
    fn retry_window(&self, consumed_at: Timestamp) -> Duration {
        let SessionPolicy { retry_grace, outage_grace, .. } = self.policy;
        let outage = self.outage.map_or(Duration::ZERO, |Outage { from, to }| {
            to.min(self.received_at).since(from.max(consumed_at))
        });
        if retry_grace.is_zero() { retry_grace } else { retry_grace.saturating_add(outage.min(outage_grace)) }
    }
}

/// A session with its credentials and its user, consistent with each other when the verdict is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshRecord {
    /// The user.
    pub user: User,
    /// The session.
    pub session: Session,
    /// The refresh credentials of the session.
    pub chain: CredentialChain,
}

/// The reason why a token of a known session does not refresh it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDenial {
    /// The token was issued to another client.
    OtherClient,
    /// The session has ended or expired.
    SessionOver,
    /// The signed token names another user than its session.
    OtherUser,
    /// The user is suspended.
    UserSuspended,
    /// The session was rotated too often within one retry window.
    TooManyRotations(Throttled),
    /// The credential was consumed this long after the attempt, by more than the leeway. The clock was set back, so the
    /// attempt can be neither a retry nor a replay.
    ClockBehind(Duration),
}

/// The decision about a refresh attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshVerdict {
    /// The credential is consumed. These credentials replace those of the session.
    Rotate(CredentialChain),
    /// The credential stays current, and the session is extended.
    Extend,
    /// The credential was consumed within the retry window, so the answer may have been lost. The answer is the current
    /// token, derived from the presented one with these nonces in turn.
    Retry(Vec<SuccessorNonce>),
    /// The credential was consumed before, and the retry window has closed. The session ends.
    Replay,
    /// The attempt is denied. Nothing changes.
    Deny(RefreshDenial),
}

impl RefreshRecord {
    /// Decides on a refresh attempt, and returns the verdict with this record.
    #[must_use]
    pub fn judged(self, attempt: &RefreshAttempt) -> JudgedRefresh {
        let verdict = self.judge(attempt);
        JudgedRefresh { record: self, verdict }
    }

    /// Decides on a refresh attempt. This is the only place where refreshes are decided.
    #[must_use]
    pub fn judge(&self, attempt: &RefreshAttempt) -> RefreshVerdict {
        // The client is checked first: another client that presents a consumed credential must not end the session as a
        // replay.
        if self.session.client_id != attempt.client.id {
            return RefreshVerdict::Deny(RefreshDenial::OtherClient);
        }
        if attempt.user.is_some_and(|user| user != self.session.user_id) {
            return RefreshVerdict::Deny(RefreshDenial::OtherUser);
        }
        if !self.session.is_live(attempt.received_at, &attempt.policy) {
            return RefreshVerdict::Deny(RefreshDenial::SessionOver);
        }
        if !self.user.is_active() {
            return RefreshVerdict::Deny(RefreshDenial::UserSuspended);
        }
        if attempt.credential == self.chain.current {
            self.judge_current(attempt)
        } else {
            self.judge_consumed(attempt)
        }
    }

    fn judge_current(&self, attempt: &RefreshAttempt) -> RefreshVerdict {
        // A reusable credential is never consumed. Rotation would change the token that its clients keep.
        if attempt.client.refresh_style == RefreshStyle::Reusable {
            return RefreshVerdict::Extend;
        }
        match self.chain.throttle(attempt) {
            Some(throttled) => RefreshVerdict::Deny(RefreshDenial::TooManyRotations(throttled)),
            None => RefreshVerdict::Rotate(self.chain.rotate(attempt)),
        }
    }

    fn judge_consumed(&self, attempt: &RefreshAttempt) -> RefreshVerdict {
        let RefreshAttempt { received_at, leeway, .. } = attempt;
        let consumed = &self.chain.consumed;
        // A credential that is not kept was consumed long ago: only the holder of a token knows its family.
        let Some(position) = consumed.iter().position(|consumed| consumed.digest == attempt.credential)
        else {
            return RefreshVerdict::Replay;
        };
        let consumed_at = consumed[position].at;
        if consumed_at > received_at.plus(*leeway) {
            return RefreshVerdict::Deny(RefreshDenial::ClockBehind(consumed_at.since(*received_at)));
        }
        // The window bounds how long a stolen consumed credential yields the current one.
        if attempt.is_retry(consumed_at) {
            return RefreshVerdict::Retry(
                consumed[position..].iter().map(|consumed| consumed.nonce).collect(),
            );
        }
        // Two parties hold the credential, and the store cannot tell the owner from the thief.
        RefreshVerdict::Replay
    }
}

/// A refresh attempt with its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedRefresh {
    /// The record that the verdict is based on.
    pub record: RefreshRecord,
    /// The verdict.
    pub verdict: RefreshVerdict,
}

impl JudgedRefresh {
    /// Returns the credentials of the session after the verdict was carried out.
    #[must_use]
    pub fn chain_after(&self) -> &CredentialChain {
        match &self.verdict {
            RefreshVerdict::Rotate(chain) => chain,
            RefreshVerdict::Extend
            | RefreshVerdict::Retry(_)
            | RefreshVerdict::Replay
            | RefreshVerdict::Deny(_) => &self.record.chain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClientId, EndReason, SessionEnd};
    use crate::use_cases::fixture::{NOW, client, session, suspended_user, user};

    fn digest(number: u8) -> SecretDigest {
        SecretDigest::from_bytes([number; 32])
    }

    fn nonce(number: u8) -> SuccessorNonce {
        SuccessorNonce::from_bytes([number; 16])
    }

    /// Credential `number`, consumed this many milliseconds before [`NOW`].
    fn consumed(number: u8, millis_ago: i64) -> ConsumedCredential {
        let at = Timestamp::from_unix_micros(NOW.unix_micros() - millis_ago * 1_000);
        ConsumedCredential { digest: digest(number), at, nonce: nonce(number) }
    }

    /// A session with these consumed credentials, whose current one is credential 200.
    fn record(consumed: &[ConsumedCredential]) -> RefreshRecord {
        let chain = CredentialChain { current: digest(200), consumed: consumed.to_vec() };
        RefreshRecord { user: user(), session: session(), chain }
    }

    /// An attempt with credential `number` at [`NOW`], whose successor would be credential 201.
    fn attempt(number: u8) -> RefreshAttempt {
        RefreshAttempt {
            family: digest(255),
            credential: digest(number),
            client: client(RefreshStyle::Rotating),
            user: None,
            successor: digest(201),
            nonce: nonce(200),
            received_at: NOW,
            policy: SessionPolicy::default(),
            leeway: Duration::from_secs(5),
            outage: None,
        }
    }

    fn judge(consumed: &[ConsumedCredential], number: u8) -> RefreshVerdict {
        record(consumed).judge(&attempt(number))
    }

    #[test]
    fn the_current_credential_rotates() {
        let chain = CredentialChain { current: digest(201), consumed: vec![consumed(200, 0)] };
        assert_eq!(judge(&[], 200), RefreshVerdict::Rotate(chain));
    }

    #[test]
    fn a_rotation_keeps_credentials_until_no_retry_can_be_judged() {
        let chain = [consumed(1, 20_000), consumed(2, 19_999), consumed(3, 1)];
        let RefreshVerdict::Rotate(rotated) = judge(&chain, 200) else { panic!("no rotation") };
        assert_eq!(rotated.consumed, [chain[1], chain[2], consumed(200, 0)]);
    }

    #[test]
    fn a_rotation_leaves_no_gap() {
        let chain = [consumed(1, -60_000), consumed(2, 20_000)];
        let RefreshVerdict::Rotate(rotated) = judge(&chain, 200) else { panic!("no rotation") };
        assert_eq!(rotated.consumed, [chain[0], chain[1], consumed(200, 0)]);
    }

    #[test]
    fn a_chain_from_the_future_stays_bounded() {
        let chain: Vec<_> = (0..32).map(|number| consumed(number, -60_000)).collect();
        let RefreshVerdict::Rotate(rotated) = judge(&chain, 200) else { panic!("no rotation") };
        assert_eq!((rotated.consumed.len(), rotated.consumed[0]), (32, chain[1]));
    }

    #[test]
    fn a_consumed_credential_is_a_retry_within_the_window() {
        let chain = [consumed(1, 9_999), consumed(2, 5_000), consumed(3, 0)];
        assert_eq!(judge(&chain, 1), RefreshVerdict::Retry(vec![nonce(1), nonce(2), nonce(3)]));
        assert_eq!(judge(&chain, 2), RefreshVerdict::Retry(vec![nonce(2), nonce(3)]));
        assert_eq!(judge(&chain, 3), RefreshVerdict::Retry(vec![nonce(3)]));
    }

    #[test]
    fn a_consumed_credential_is_a_replay_after_the_window() {
        let chain = [consumed(1, 10_000), consumed(2, 9_999)];
        assert_eq!(judge(&chain, 1), RefreshVerdict::Replay);
        assert_eq!(judge(&chain, 9), RefreshVerdict::Replay, "it is no longer kept");
    }

    /// An attempt with credential 1 after an outage between these numbers of seconds before [`NOW`].
    fn judge_after_outage(consumed_millis_ago: i64, from: u64, to: u64) -> RefreshVerdict {
        let [from, to] = [from, to].map(|seconds| NOW.minus(Duration::from_secs(seconds)));
        let attempt = RefreshAttempt { outage: Some(Outage { from, to }), ..attempt(1) };
        record(&[consumed(1, consumed_millis_ago)]).judge(&attempt)
    }

    #[test]
    fn an_outage_does_not_count_towards_the_window() {
        let retry = RefreshVerdict::Retry(vec![nonce(1)]);
        assert_eq!(judge_after_outage(39_999, 35, 5), retry);
        assert_eq!(judge_after_outage(40_000, 35, 5), RefreshVerdict::Replay);
        assert_eq!(judge_after_outage(11_000, 35, 5), retry, "only the outage after the consumption counts");
        assert_eq!(
            judge_after_outage(10_000, 35, 20),
            RefreshVerdict::Replay,
            "it ended before the consumption"
        );
        assert_eq!(judge_after_outage(15_000, 16, 9), retry, "the window begins when the outage ends");
        assert_eq!(judge_after_outage(15_000, 16, 10), RefreshVerdict::Replay);
    }

    #[test]
    fn an_outage_extends_the_window_by_a_minute_at_most() {
        assert_eq!(judge_after_outage(69_999, 600, 0), RefreshVerdict::Retry(vec![nonce(1)]));
        assert_eq!(judge_after_outage(70_000, 600, 0), RefreshVerdict::Replay);
    }

    #[test]
    fn an_outage_keeps_consumed_credentials_longer() {
        let [from, to] = [30, 0].map(|seconds| NOW.minus(Duration::from_secs(seconds)));
        let attempt = RefreshAttempt { outage: Some(Outage { from, to }), ..attempt(200) };
        let chain = [consumed(1, 50_000), consumed(2, 49_999)];
        let RefreshVerdict::Rotate(rotated) = record(&chain).judge(&attempt) else { panic!("no rotation") };
        assert_eq!(rotated.consumed, [chain[1], consumed(200, 0)]);
    }

    #[test]
    fn a_request_received_before_the_consumption_is_a_retry() {
        let mut attempt = attempt(1);
        attempt.policy.retry_grace = Duration::ZERO;
        assert_eq!(record(&[consumed(1, 0)]).judge(&attempt), RefreshVerdict::Replay);
        assert_eq!(record(&[consumed(1, -5_000)]).judge(&attempt), RefreshVerdict::Retry(vec![nonce(1)]));
    }

    #[test]
    fn a_clock_that_was_set_back_decides_neither_retry_nor_replay() {
        let behind = RefreshDenial::ClockBehind(Duration::from_millis(5_001));
        assert_eq!(judge(&[consumed(1, -5_001)], 1), RefreshVerdict::Deny(behind));
    }

    #[test]
    fn the_seventeenth_rotation_of_a_window_is_throttled() {
        let mut chain: Vec<_> = (0..15).map(|number| consumed(number, 9_000 - i64::from(number))).collect();
        assert!(matches!(judge(&chain, 200), RefreshVerdict::Rotate(_)));
        chain.push(consumed(15, 0));
        let throttled = Throttled {
            limit: Limit::Rotations,
            quota: 16,
            window: Some(Duration::from_secs(10)),
            retry_after: Duration::from_secs(1),
        };
        let denied = RefreshVerdict::Deny(RefreshDenial::TooManyRotations(throttled));
        assert_eq!(judge(&chain, 200), denied);
        assert!(matches!(judge(&chain, 3), RefreshVerdict::Retry(_)), "retries do not count");
        // The oldest leaves the window, and one more rotation is permitted.
        chain[0] = consumed(0, 10_000);
        assert!(matches!(judge(&chain, 200), RefreshVerdict::Rotate(_)));
        // A credential from the future is in no window.
        chain[0] = consumed(0, -5_001);
        assert!(matches!(judge(&chain, 200), RefreshVerdict::Rotate(_)));
    }

    #[test]
    fn a_reusable_credential_extends_its_session() {
        let attempt = RefreshAttempt { client: client(RefreshStyle::Reusable), ..attempt(200) };
        assert_eq!(record(&[]).judge(&attempt), RefreshVerdict::Extend);
    }

    #[test]
    fn a_wrong_credential_of_a_reusable_family_is_a_replay() {
        let attempt = RefreshAttempt { client: client(RefreshStyle::Reusable), ..attempt(1) };
        assert_eq!(record(&[]).judge(&attempt), RefreshVerdict::Replay);
    }

    #[test]
    fn a_token_that_names_another_user_is_denied() {
        let of_another_user = Some(UserId(uuid::Uuid::from_u128(8)));
        for (user, number, denied) in [
            (None, 200, false),
            (Some(user().id), 200, false),
            (of_another_user, 200, true),
            (of_another_user, 1, true),
        ] {
            let verdict = record(&[]).judge(&RefreshAttempt { user, ..attempt(number) });
            assert_eq!(verdict == RefreshVerdict::Deny(RefreshDenial::OtherUser), denied, "{verdict:?}");
        }
    }

    #[test]
    fn denied_attempts_change_nothing() {
        let elsewhere = Session { client_id: ClientId::from_static("elsewhere"), ..session() };
        let ended = Session { end: Some(SessionEnd { at: NOW, reason: EndReason::LoggedOut }), ..session() };
        let expired = Session { expires_at: NOW, ..session() };
        for number in [200, 1, 2] {
            for (session, user, denial) in [
                (elsewhere.clone(), user(), RefreshDenial::OtherClient),
                (ended.clone(), user(), RefreshDenial::SessionOver),
                (expired.clone(), user(), RefreshDenial::SessionOver),
                (session(), suspended_user(), RefreshDenial::UserSuspended),
            ] {
                let record =
                    RefreshRecord { user, session, ..record(&[consumed(1, 0), consumed(2, 100_000)]) };
                assert_eq!(record.judge(&attempt(number)), RefreshVerdict::Deny(denial));
            }
        }
    }
}
