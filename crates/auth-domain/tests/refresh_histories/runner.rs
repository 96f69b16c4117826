//! Runs a history with the use cases and with the reference, and compares the results after each operation.

use std::fmt::Debug;
use std::time::Duration;

use auth_domain::UseCases;
use auth_domain::model::{
    Identifiers, Limit, Password, PasswordAttempt, RefreshSecret, RefreshStyle, SessionId, Timestamp,
    Username,
};
use auth_domain::policy::Policy;
use auth_domain::ports::{Clock, PortError, SessionRepository};
use auth_domain::testing::{SeededRandom, TestPorts};
use auth_domain::use_cases::{LogIn, LogOut, RefreshSession, RefreshSessionError, Register, TokenGrant};

use super::clients::{client_of, mistyped, style_of};
use super::history::{CLIENTS, Deadline, Event, EventSet, Forgery, Moment, Operation, PresentedBy};
use super::reference::{self, ABSOLUTE, AccessTimes, DELAY, GRACE, IDLE, LEEWAY, MAX_LIVE, RefreshOutcome};

const PASSWORD: &str = "correct horse";

/// The tokens that the use cases issued for a session.
struct IssuedTokens {
    id: SessionId,
    /// The tokens that refresh the session, oldest first. With self-renewing tokens these are its access tokens.
    refresh: Vec<(String, AccessTimes)>,
    access: Vec<(String, AccessTimes)>,
}

pub(crate) struct HistoryRunner {
    ports: TestPorts,
    auth: UseCases,
    issued: Vec<IssuedTokens>,
    /// The same sessions in the reference, in the same order.
    reference: Vec<reference::Session>,
    events: EventSet,
}

impl HistoryRunner {
    /// Runs a history and returns its events.
    ///
    /// # Errors
    /// The first difference between the domain and the reference.
    pub(crate) async fn run(history: &[Operation]) -> Result<EventSet, String> {
        let mut runner = Self::new().await;
        for client in 0..CLIENTS / 2 {
            runner.log_in(client).await?;
        }
        for (index, operation) in history.iter().enumerate() {
            runner.apply(operation).await.map_err(|difference| format!("operation {index}: {difference}"))?;
        }
        runner.compare_sessions().await?;
        Ok(runner.events)
    }

    async fn new() -> Self {
        let micros = Duration::from_micros;
        let mut policy = Policy::default();
        policy.session.idle = micros(IDLE);
        policy.session.absolute = micros(ABSOLUTE);
        policy.session.retry_grace = micros(GRACE);
        policy.session.outage_grace = Duration::ZERO;
        policy.session.max_live = u32::try_from(MAX_LIVE).expect("a few");
        policy.token.leeway = micros(LEEWAY);
        let ports = TestPorts::new();
        let auth = ports.auth_under(policy).on_behalf_of_system();
        let identifiers = Identifiers::new(Some(Username::parse("jane").expect("a name")), None);
        let password = Password::parse(PASSWORD).expect("a password");
        let register = Register::new(identifiers.expect("a name"), password);
        auth.register(register).await.expect("registered");
        Self { ports, auth, issued: Vec::new(), reference: Vec::new(), events: EventSet::new() }
    }

    async fn apply(&mut self, operation: &Operation) -> Result<(), String> {
        match *operation {
            Operation::LogIn { client } => self.log_in(client).await?,
            Operation::Refresh { session, token, by } => self.refresh(session, token, by).await?,
            Operation::RefreshDelayed { session, token, by, micros } => {
                let received_at = self.now() - micros;
                self.refresh_received(received_at, session, token, by).await?;
            }
            Operation::RefreshAround { session, token, moment, offset } => {
                self.refresh_around(session, token, moment, offset).await?;
            }
            Operation::RefreshRepeatedly { session, count } => {
                for _ in 0..count {
                    self.refresh(session, 0, PresentedBy::OwnClient).await?;
                }
            }
            Operation::RefreshWith { session, ref forgery } => self.refresh_with(session, forgery).await?,
            Operation::LogOut { session, token, by } => self.log_out(session, token, by).await?,
            Operation::LogOutById { session } => self.log_out_by_id(session).await?,
            Operation::Use { session, token } => self.use_access_token(session, token).await?,
            Operation::Wait { micros } => self.wait(micros),
            Operation::WaitUntil { session, deadline, offset } => self.wait_until(session, deadline, offset),
        }
        Ok(())
    }

    async fn log_in(&mut self, client: usize) -> Result<(), String> {
        self.wait(1); // No two sessions start at the same time, so that their order is known.
        let now = self.now();
        let password = PasswordAttempt::new(PASSWORD);
        let presenter = client_of(client);
        let command = LogIn::new(&presenter, "jane", password);
        let grant = self.auth.log_in(command).await.map_err(|error| format!("log-in: {error}"))?;
        reference::end_surplus(&mut self.reference, now);
        self.reference.push(reference::Session::begin(client, style_of(client), now));
        let id = grant.session_id;
        self.issued.push(IssuedTokens { id, refresh: Vec::new(), access: Vec::new() });
        self.take(self.issued.len() - 1, grant, RefreshOutcome::New)
    }

    async fn refresh(&mut self, session: usize, token: usize, by: PresentedBy) -> Result<(), String> {
        let (session, token) = self.find(session, token);
        let client = self.client(session, by);
        let now = self.now();
        let expected = if self.renews(session, token) {
            self.reference[session].refresh(token, client, now)
        } else {
            RefreshOutcome::Refused
        };
        if expected == RefreshOutcome::Current {
            self.record_retry(session, token, now);
        }
        self.record(
            session,
            match expected {
                RefreshOutcome::New => Event::Refreshed,
                RefreshOutcome::Current => Event::Retried,
                RefreshOutcome::Refused => Event::Refused,
                RefreshOutcome::Replayed => Event::Replayed,
                RefreshOutcome::Throttled(_) => Event::Throttled,
                RefreshOutcome::ClockBehind => Event::ClockBehind,
            },
        );
        let token = self.issued[session].refresh[token].0.clone();
        self.present(session, client, &token, expected).await
    }

    /// Sets the clock back to the time at which the refresh was received.
    async fn refresh_received(
        &mut self,
        received_at: u64,
        session: usize,
        token: usize,
        by: PresentedBy,
    ) -> Result<(), String> {
        let now = self.ports.clock.now();
        self.ports.clock.set(now.minus(Duration::from_micros(self.now() - received_at)));
        self.refresh(session, token, by).await?;
        self.ports.clock.set(now);
        Ok(())
    }

    async fn refresh_around(
        &mut self,
        session: usize,
        token: usize,
        moment: Moment,
        offset: i64,
    ) -> Result<(), String> {
        let (index, number) = self.find(session, token);
        let consumed = self.reference[index].consumed.get(number).copied().unwrap_or(self.now());
        let moment = match moment {
            Moment::Consumption => consumed,
            Moment::Leeway => consumed - LEEWAY,
            Moment::Grace => consumed + GRACE,
        };
        let received_at = moment.saturating_add_signed(offset).min(self.now());
        self.refresh_received(received_at, session, token, PresentedBy::OwnClient).await
    }

    async fn refresh_with(&mut self, session: usize, forgery: &Forgery) -> Result<(), String> {
        let (session, current) = self.find(session, 0);
        let client = self.reference[session].client;
        let issued = &self.issued[session];
        let token = match *forgery {
            Forgery::Text(text) => text.to_owned(),
            Forgery::Mistyped(position) => mistyped(&issued.refresh[current].0, position),
            Forgery::Unknown => RefreshSecret::generate(&SeededRandom::new(77)).expose().to_string(),
            Forgery::OtherKind if style_of(client) == RefreshStyle::SelfRenewing => {
                RefreshSecret::generate(&*self.ports.random).expose().to_string()
            }
            Forgery::OtherKind => issued.access.last().expect("an access token").0.clone(),
        };
        self.present(session, client, &token, RefreshOutcome::Refused).await
    }

    /// Presents a token and compares the outcome and the session with the reference.
    async fn present(
        &mut self,
        session: usize,
        client: usize,
        token: &str,
        expected: RefreshOutcome,
    ) -> Result<(), String> {
        let client = client_of(client);
        let command = RefreshSession::new(&client, token);
        match (expected, self.auth.refresh_session(command).await) {
            (RefreshOutcome::New | RefreshOutcome::Current, Ok(grant)) => {
                self.take(session, grant, expected)?;
            }
            (RefreshOutcome::Refused, Err(RefreshSessionError::InvalidToken))
            | (RefreshOutcome::ClockBehind, Err(RefreshSessionError::Port(PortError::Unavailable(_)))) => {}
            (RefreshOutcome::Throttled(micros), Err(RefreshSessionError::TooManyAttempts(throttled)))
                if throttled.limit == Limit::Rotations
                    && throttled.retry_after == Duration::from_micros(micros) => {}
            (RefreshOutcome::Replayed, Err(RefreshSessionError::Replayed(id)))
                if id == self.issued[session].id => {}
            (_, outcome) => return Err(format!("refresh: {outcome:?}, not {expected:?}")),
        }
        self.compare_session(session).await
    }

    async fn log_out(&mut self, session: usize, token: usize, by: PresentedBy) -> Result<(), String> {
        let (session, token) = self.find(session, token);
        let client = self.client(session, by);
        let fits = client == self.reference[session].client && self.renews(session, token);
        let ends = fits && self.reference[session].log_out();
        self.record(session, Event::LoggedOut(ends));
        let token = &self.issued[session].refresh[token].0;
        let command = LogOut::RefreshToken { client: &client_of(client), token };
        let ended = self.auth.log_out(command).await.map_err(|error| error.to_string())?;
        compare("logged out", ended, ends.then_some(self.issued[session].id))?;
        self.compare_session(session).await
    }

    async fn log_out_by_id(&mut self, session: usize) -> Result<(), String> {
        let (session, _) = self.find(session, 0);
        let ends = self.reference[session].log_out();
        let id = self.issued[session].id;
        let ended = self.auth.log_out(LogOut::Session(id)).await.map_err(|error| error.to_string())?;
        compare("logged out", ended, ends.then_some(id))?;
        self.compare_session(session).await
    }

    async fn use_access_token(&mut self, session: usize, token: usize) -> Result<(), String> {
        let (session, _) = self.find(session, 0);
        let access = &self.issued[session].access;
        let (text, access) = &access[access.len().saturating_sub(1 + token)];
        let expected = self.reference[session].admits(*access, self.now());
        let identity = self.auth.authenticate(text).await;
        compare("admitted", identity.is_ok(), expected)?;
        if let Ok(identity) = identity {
            compare("the session id", identity.session_id, self.issued[session].id)?;
        }
        self.record(session, Event::Admitted(expected));
        Ok(())
    }

    fn wait(&mut self, micros: u64) {
        self.ports.clock.advance(Duration::from_micros(micros));
    }

    /// Waits until a deadline of the session plus `offset` microseconds; does not wait if that time has passed.
    fn wait_until(&mut self, session: usize, deadline: Deadline, offset: i64) {
        let (session, _) = self.find(session, 0);
        let session = &self.reference[session];
        let deadline = match deadline {
            Deadline::Grace => session.refreshed + GRACE,
            Deadline::Kept => session.refreshed + GRACE + DELAY,
            Deadline::Idle => session.refreshed + IDLE,
            Deadline::Absolute => session.began + ABSOLUTE,
            Deadline::Access => session.access().expires * 1_000_000 + LEEWAY,
        };
        self.wait(deadline.saturating_add_signed(offset).saturating_sub(self.now()));
    }

    /// Compares a grant with the reference and keeps its tokens.
    fn take(&mut self, session: usize, grant: TokenGrant, expected: RefreshOutcome) -> Result<(), String> {
        let now = self.now();
        let (reference, issued) = (&self.reference[session], &self.issued[session]);
        let access = reference.access();
        compare("the session id", grant.session_id, issued.id)?;
        let micros = Duration::from_micros;
        compare(
            "the remaining time of the session",
            grant.session_ends_in,
            micros(reference.ends_at().saturating_sub(now)),
        )?;
        let rest = Duration::from_secs(access.expires.saturating_sub(now / 1_000_000));
        compare("the remaining time of the access token", grant.expires_in, rest)?;
        let access_token = grant.access_token.expose().to_owned();
        let renews_itself = reference.style == RefreshStyle::SelfRenewing;
        compare("has no refresh token", grant.refresh_token.is_none(), renews_itself)?;
        let refresh = grant.refresh_token.map_or(access_token.clone(), |token| token.expose().to_owned());
        if expected == RefreshOutcome::New {
            let mut known = self.issued.iter().flat_map(|issued| &issued.refresh);
            compare("was issued before", known.any(|(known, _)| *known == refresh), false)?;
            self.issued[session].refresh.push((refresh, access));
        } else {
            let current = issued.refresh.last().map(|(current, _)| current);
            compare("the token that refreshes", Some(&refresh), current)?;
        }
        self.issued[session].access.push((access_token, access));
        Ok(())
    }

    /// Whether the token can refresh at all now. A signed one cannot before it was issued, and a self-renewing access token
    /// cannot if it expires before it is issued.
    fn renews(&self, session: usize, token: usize) -> bool {
        let times = self.issued[session].refresh[token].1;
        let is_issued = times.issued * 1_000_000 <= self.now() + LEEWAY;
        match self.reference[session].style {
            RefreshStyle::SelfRenewing => is_issued && times.issued < times.expires,
            RefreshStyle::RotatingSigned => is_issued,
            RefreshStyle::Rotating | RefreshStyle::Reusable => true,
        }
    }

    /// Records what is special about a retry with this token.
    fn record_retry(&mut self, session: usize, token: usize, now: u64) {
        let consumed = &self.reference[session].consumed;
        let (is_early, is_older) =
            (consumed.get(token).is_some_and(|at| now < *at), token + 1 < consumed.len());
        if is_early {
            self.record(session, Event::RetriedEarly);
        }
        if is_older {
            self.record(session, Event::RetriedAlongTheChain);
        }
    }

    async fn compare_sessions(&self) -> Result<(), String> {
        for session in 0..self.issued.len() {
            self.compare_session(session).await?;
        }
        Ok(())
    }

    async fn compare_session(&self, session: usize) -> Result<(), String> {
        let (id, expected) = (self.issued[session].id, &self.reference[session]);
        let found = self.ports.store.find(id).await.map_err(|error| error.to_string())?;
        let (found, _) = found.ok_or("the session is gone")?;
        compare("the end reason", found.end.map(|end| end.reason), expected.ended)?;
        compare("the creation time", micros(found.created_at), expected.began)?;
        compare("the refresh time", micros(found.last_refreshed_at), expected.refreshed)
    }

    fn now(&self) -> u64 {
        micros(self.ports.clock.now())
    }

    /// The indexes of a session and one of its refresh tokens, counted back from the newest.
    fn find(&self, session: usize, token: usize) -> (usize, usize) {
        let session = self.issued.len().saturating_sub(1 + session);
        (session, self.issued[session].refresh.len().saturating_sub(1 + token))
    }

    fn client(&self, session: usize, by: PresentedBy) -> usize {
        match by {
            PresentedBy::OwnClient => self.reference[session].client,
            PresentedBy::OtherClient(client) => client,
        }
    }

    fn record(&mut self, session: usize, event: Event) {
        self.events.insert((format!("{:?}", self.reference[session].style), event));
    }
}

fn micros(time: Timestamp) -> u64 {
    u64::try_from(time.unix_micros()).expect("after the epoch")
}

#[expect(clippy::needless_pass_by_value, reason = "callers pass temporary values")]
fn compare<T: PartialEq + Debug>(what: &str, is: T, should_be: T) -> Result<(), String> {
    if is == should_be { Ok(()) } else { Err(format!("{what}: {is:?}, not {should_be:?}")) }
}
