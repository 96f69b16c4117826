//! The extensions of an embedding program, over the in-memory adapters: extra claims, hooks, and rules for passwords.
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use auth_domain::Auth;
use auth_domain::model::{
    AccessClaims, AuditedCaller, Caller, ClaimName, Client, ClientId, EndReason, ExtraClaims, Identifiers,
    InvalidPassword, NewUser, Password, PasswordAttempt, RefreshStyle, RefusalCode, Session, User, UserId,
    Username,
};
use auth_domain::policy::Policy;
use auth_domain::ports::{
    ClaimsSource, HookDecision, Hooks, MockClaimsSource, MockHooks, MockPasswordRule, MockSessionRepository,
    MockUserRepository, PasswordRule, PortError, RuleVerdict,
};
use auth_domain::testing::TestPorts;
use auth_domain::use_cases::{
    ChangePassword, ChangePasswordError, LogIn, LogInError, LogOut, RefreshSession, RefreshSessionError,
    Register, RegisterError, TokenGrant, UpdateUser, UpdateUserError,
};

const PASSWORD: &str = "correct horse";
const CODE: RefusalCode = RefusalCode::from_static("region_blocked");

fn client() -> Client {
    Client::new(ClientId::from_static("web"), RefreshStyle::Rotating)
}

fn password(typed: &str) -> Password {
    Password::parse(typed).expect("a password")
}

async fn register(auth: &Auth) -> Result<User, RegisterError> {
    let username = Username::parse("jane").expect("a username");
    let identifiers = Identifiers::new(Some(username), None).expect("a name");
    let command = Register::new(identifiers, password(PASSWORD));
    auth.called_by(Caller::at([192, 0, 2, 1])).register(command).await
}

async fn log_in_as(auth: &Auth, identifier: &str, typed: &str) -> Result<TokenGrant, LogInError> {
    let client = client();
    let command = LogIn::new(&client, identifier, PasswordAttempt::new(typed));
    auth.called_by(Caller::at([192, 0, 2, 1])).log_in(command).await
}

async fn log_in(auth: &Auth) -> Result<TokenGrant, LogInError> {
    log_in_as(auth, "jane", PASSWORD).await
}

async fn refresh(auth: &Auth, token: &str) -> Result<TokenGrant, RefreshSessionError> {
    auth.on_behalf_of_system().refresh_session(RefreshSession::new(&client(), token)).await
}

fn refresh_token(grant: &TokenGrant) -> String {
    grant.refresh_token.as_ref().expect("a refresh token").expose().to_owned()
}

/// The last audit event: action, denial and detail.
fn last_event(ports: &TestPorts) -> String {
    let event = ports.store.audit_events().pop().expect("an event");
    let detail = event.detail.map(|detail| detail.to_string()).unwrap_or_default();
    format!("{} {:?} {detail}", event.action, event.outcome)
}

/// A service where `jane` is registered, with its adapters.
async fn service() -> (TestPorts, Auth) {
    let ports = TestPorts::new();
    let auth = ports.auth();
    register(&auth).await.expect("registered");
    (ports, auth)
}

/// Returns the number of its answer as the claim `answer`, or fails.
#[derive(Default)]
struct CountingSource {
    answers: AtomicI64,
    is_down: AtomicBool,
}

#[async_trait]
impl ClaimsSource for CountingSource {
    async fn extra_claims(&self, _user: &User, _client: &Client) -> Result<ExtraClaims, PortError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(PortError::Unavailable("the source is down".into()));
        }
        let answer = self.answers.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(ExtraClaims::default().with(ClaimName::parse("answer")?, answer)?)
    }
}

/// The claims of a granted access token.
fn claims(ports: &TestPorts, grant: &TokenGrant) -> AccessClaims {
    ports.ports().tokens.verify(grant.access_token.expose()).expect("a valid token")
}

#[tokio::test]
async fn extra_claims_reach_the_token_and_the_identity() {
    let (_, auth) = service().await;
    let auth = auth.with_claims_source(Arc::new(CountingSource::default()));
    let login = log_in(&auth).await.expect("logged in");
    let refreshed = refresh(&auth, &refresh_token(&login)).await.expect("refreshed");
    for (grant, answer) in [(login, 1), (refreshed, 2)] {
        let identity = auth.on_behalf_of_system().authenticate(grant.access_token.expose()).await;
        assert_eq!(identity.expect("authenticated").extra_claims.integer("answer"), Some(answer));
    }
}

#[tokio::test]
async fn source_gets_the_user_and_the_client() {
    let (_, auth) = service().await;
    let mut source = MockClaimsSource::new();
    let asked = source.expect_extra_claims().times(2);
    asked
        .withf(|user, asking| user.username() == Some("jane") && *asking == client())
        .returning(|_, _| Ok(ExtraClaims::default()));
    let auth = auth.with_claims_source(Arc::new(source));
    let login = log_in(&auth).await.expect("logged in");
    refresh(&auth, &refresh_token(&login)).await.expect("refreshed");
}

#[tokio::test]
async fn unavailable_source_opens_no_session() {
    let (ports, _) = service().await;
    let mut sessions = MockSessionRepository::new();
    sessions.expect_open().never();
    let mut adapters = ports.ports();
    adapters.sessions = Arc::new(sessions);
    let source = CountingSource { is_down: true.into(), ..CountingSource::default() };
    let auth = Auth::new(adapters, Policy::default()).with_claims_source(Arc::new(source));
    let error = log_in(&auth).await.expect_err("no claims");
    assert!(matches!(error, LogInError::Port(PortError::Unavailable(_))), "{error:?}");
}

#[tokio::test]
async fn unavailable_source_consumes_no_refresh_token() {
    let (ports, auth) = service().await;
    let source = Arc::new(CountingSource::default());
    let auth = auth.with_claims_source(source.clone());
    let token = refresh_token(&log_in(&auth).await.expect("logged in"));
    source.is_down.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let error = refresh(&auth, &token).await.expect_err("no claims");
        assert!(matches!(error, RefreshSessionError::Port(PortError::Unavailable(_))), "{error:?}");
        // Longer than the retry window: a consumed token would be a replay now.
        ports.clock.advance(Duration::from_secs(60));
    }
    source.is_down.store(false, Ordering::SeqCst);
    let refreshed = refresh(&auth, &token).await.expect("refreshed");
    assert_ne!(refresh_token(&refreshed), token);
}

#[tokio::test]
async fn retry_asks_the_source_again() {
    let (ports, auth) = service().await;
    let auth = auth.with_claims_source(Arc::new(CountingSource::default()));
    let token = refresh_token(&log_in(&auth).await.expect("logged in"));
    let lost = claims(&ports, &refresh(&auth, &token).await.expect("refreshed"));
    ports.clock.advance(Duration::from_secs(3));
    let repeated = claims(&ports, &refresh(&auth, &token).await.expect("repeated"));
    assert_eq!((lost.extra.integer("answer"), repeated.extra.integer("answer")), (Some(2), Some(3)));
    assert_eq!(AccessClaims { extra: lost.extra.clone(), ..repeated }, lost, "id and times are equal");
}

#[tokio::test]
async fn source_is_not_asked_for_a_session_that_is_over() {
    let (_, auth) = service().await;
    let source = Arc::new(CountingSource::default());
    let auth = auth.with_claims_source(source.clone());
    let login = log_in(&auth).await.expect("logged in");
    auth.on_behalf_of_system().log_out(LogOut::Session(login.session_id)).await.expect("logged out");
    let error = refresh(&auth, &refresh_token(&login)).await.expect_err("over");
    assert!(matches!(error, RefreshSessionError::InvalidToken), "{error:?}");
    assert_eq!(source.answers.load(Ordering::SeqCst), 1, "only at the login");
}

#[tokio::test]
async fn token_of_a_node_with_another_source_is_accepted() {
    let (_, plain) = service().await;
    let extended = plain.clone().with_claims_source(Arc::new(CountingSource::default()));
    for (issuer, other, answer) in [(&extended, &plain, Some(1)), (&plain, &extended, None)] {
        let login = log_in(issuer).await.expect("logged in");
        let identity = other.on_behalf_of_system().authenticate(login.access_token.expose()).await;
        assert_eq!(identity.expect("authenticated").extra_claims.integer("answer"), answer);
        refresh(other, &refresh_token(&login)).await.expect("refreshed");
    }
}

/// Hooks that refuse every registration and every session.
fn refusing() -> MockHooks {
    let mut hooks = MockHooks::new();
    hooks.expect_before_registration().returning(|_, _| Ok(HookDecision::Refuse(CODE)));
    hooks.expect_before_session().returning(|_, _, _| Ok(HookDecision::Refuse(CODE)));
    hooks
}

#[tokio::test]
async fn refused_login_leaves_no_session() {
    let (ports, _) = service().await;
    let mut sessions = MockSessionRepository::new();
    sessions.expect_open().never();
    let mut adapters = ports.ports();
    adapters.sessions = Arc::new(sessions);
    let auth = Auth::new(adapters, Policy::default()).with_hooks(Arc::new(refusing()));
    let error = log_in(&auth).await.expect_err("refused");
    assert!(matches!(error, LogInError::Refused(code) if code == CODE));
    assert_eq!(last_event(&ports), "user.logged_in Denied(RefusedByHook) region_blocked");
}

#[tokio::test]
async fn refused_registration_stores_and_hashes_nothing() {
    let ports = TestPorts::new();
    let auth = ports.auth().with_hooks(Arc::new(refusing()));
    let error = register(&auth).await.expect_err("refused");
    assert!(matches!(error, RegisterError::Refused(code) if code == CODE));
    assert_eq!(last_event(&ports), "user.registered Denied(RefusedByHook) region_blocked");
    assert_eq!(ports.hasher.hashed(), 0);
    register(&ports.auth()).await.expect("the name is free");
}

#[tokio::test]
async fn hooks_get_what_they_decide_on() {
    let ports = TestPorts::new();
    let mut hooks = MockHooks::new();
    let is_caller = |caller: &AuditedCaller| caller.address == Some([192, 0, 2, 1].into());
    hooks
        .expect_before_registration()
        .once()
        .withf(move |user, caller| {
            user.identifiers.username().map(Username::as_str) == Some("jane")
                && user.password_hash.is_none()
                && is_caller(caller)
        })
        .returning(|_, _| Ok(HookDecision::Allow));
    hooks
        .expect_before_session()
        .once()
        .withf(move |user, asking, caller| {
            user.username() == Some("jane") && *asking == client() && is_caller(caller)
        })
        .returning(|_, _, _| Ok(HookDecision::Allow));
    let auth = ports.auth().with_hooks(Arc::new(hooks));
    register(&auth).await.expect("registered");
    log_in(&auth).await.expect("logged in");
}

#[tokio::test]
async fn no_hook_runs_before_the_password_was_verified() {
    let (_, plain) = service().await;
    let jane = log_in(&plain).await.expect("logged in").user.id;
    let mut hooks = MockHooks::new();
    hooks.expect_before_session().never();
    let auth = plain.clone().with_hooks(Arc::new(hooks));
    for (identifier, typed) in [("jane", "wrong horse"), ("john", PASSWORD)] {
        let error = log_in_as(&auth, identifier, typed).await.expect_err("denied");
        assert!(matches!(error, LogInError::InvalidCredentials), "{error:?}");
    }
    plain.on_behalf_of_system().suspend_user(jane).await.expect("no error").expect("a user");
    let error = log_in(&auth).await.expect_err("suspended");
    assert!(matches!(error, LogInError::InvalidCredentials), "{error:?}");
}

#[tokio::test]
async fn first_refusal_decides() {
    let (_, auth) = service().await;
    let mut later = MockHooks::new();
    later.expect_before_session().never();
    let allowing = {
        let mut hooks = MockHooks::new();
        hooks.expect_before_session().once().returning(|_, _, _| Ok(HookDecision::Allow));
        hooks
    };
    let auth =
        auth.with_hooks(Arc::new(allowing)).with_hooks(Arc::new(refusing())).with_hooks(Arc::new(later));
    assert!(matches!(log_in(&auth).await, Err(LogInError::Refused(_))));
}

#[tokio::test]
async fn throttled_registration_runs_no_extension() {
    let ports = TestPorts::new();
    let auth = ports.auth();
    for _ in 0..101 {
        let _ = register(&auth).await;
    }
    let mut hooks = MockHooks::new();
    hooks.expect_before_registration().never();
    let mut rule = MockPasswordRule::new();
    rule.expect_judge().never();
    let auth = auth.with_hooks(Arc::new(hooks)).with_password_rule(Arc::new(rule));
    assert!(matches!(register(&auth).await, Err(RegisterError::TooManyAttempts(_))));
}

/// A session that was refreshed, and its consumed token after the retry window.
async fn replayable(ports: &TestPorts, auth: &Auth) -> (TokenGrant, String) {
    let login = log_in(auth).await.expect("logged in");
    let consumed = refresh_token(&login);
    refresh(auth, &consumed).await.expect("refreshed");
    ports.clock.advance(Duration::from_secs(60));
    (login, consumed)
}

#[tokio::test]
async fn replay_is_reported_to_the_hooks_with_the_ended_session() {
    let (ports, auth) = service().await;
    let (login, consumed) = replayable(&ports, &auth).await;
    let id = login.session_id;
    let mut hooks = MockHooks::new();
    hooks
        .expect_after_replay()
        .once()
        .withf(move |session, _| {
            session.id == id && session.end.is_some_and(|end| end.reason == EndReason::Replayed)
        })
        .returning(|_, _| ());
    let auth = auth.with_hooks(Arc::new(hooks));
    for _ in 0..2 {
        // The second presentation finds an ended session and is no replay.
        assert!(refresh(&auth, &consumed).await.is_err());
    }
}

/// Hooks that never answer, or panic.
struct BadHooks {
    panics: bool,
}

impl BadHooks {
    async fn misbehave<T>(&self) -> T {
        assert!(!self.panics, "a hook panics");
        pending().await
    }
}

#[async_trait]
impl Hooks for BadHooks {
    async fn before_registration(&self, _: &NewUser, _: &AuditedCaller) -> Result<HookDecision, PortError> {
        self.misbehave().await
    }

    async fn before_session(
        &self,
        _: &User,
        _: &Client,
        _: &AuditedCaller,
    ) -> Result<HookDecision, PortError> {
        self.misbehave().await
    }

    async fn after_replay(&self, _: &Session, _: &AuditedCaller) {
        self.misbehave::<()>().await;
    }
}

/// Runs a use case, and lets the time limit of its extensions pass.
async fn with_timeout<T: Send + 'static>(
    ports: &TestPorts,
    call: impl Future<Output = T> + Send + 'static,
) -> T {
    let running = tokio::spawn(call);
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    ports.timer.advance(Duration::from_millis(999));
    tokio::task::yield_now().await;
    assert!(!running.is_finished(), "the time limit has not passed");
    ports.timer.advance(Duration::from_millis(1));
    running.await.expect("no panic")
}

#[tokio::test]
async fn slow_hook_refuses_as_unavailable() {
    let (ports, auth) = service().await;
    let (login, consumed) = replayable(&ports, &auth).await;
    let slow = auth.clone().with_hooks(Arc::new(BadHooks { panics: false }));
    let answer = with_timeout(&ports, async move { (log_in(&slow).await, slow) }).await;
    let (Err(LogInError::Port(PortError::Unavailable(cause))), slow) = answer else { panic!("{answer:?}") };
    assert_eq!(cause.to_string(), "a hook before a session took longer than 1000 ms");
    let registering = slow.clone();
    let registered = with_timeout(&ports, async move { register(&registering).await }).await;
    assert!(matches!(registered, Err(RegisterError::Port(PortError::Unavailable(_)))), "{registered:?}");
    let replayed = with_timeout(&ports, async move { refresh(&slow, &consumed).await }).await;
    assert!(matches!(replayed, Err(RefreshSessionError::Replayed(id)) if id == login.session_id));
}

#[tokio::test]
async fn panic_in_a_hook_poisons_nothing() {
    let (ports, auth) = service().await;
    let (login, consumed) = replayable(&ports, &auth).await;
    let panicking = auth.clone().with_hooks(Arc::new(BadHooks { panics: true }));
    let error = log_in(&panicking).await.expect_err("the hook panicked");
    let LogInError::Port(PortError::Corrupt(cause)) = error else { panic!("{error:?}") };
    assert_eq!(cause.to_string(), "a hook before a session panicked");
    let replayed = refresh(&panicking, &consumed).await;
    assert!(matches!(replayed, Err(RefreshSessionError::Replayed(id)) if id == login.session_id));
    log_in(&auth).await.expect("the service goes on");
}

/// Rejects passwords that contain `acme`, and is unavailable for `down`.
struct NoProductName;

#[async_trait]
impl PasswordRule for NoProductName {
    async fn judge(&self, password: &Password, _names: &Identifiers) -> Result<RuleVerdict, PortError> {
        let text = String::from_utf8_lossy(password.expose()).into_owned();
        if text.contains("down") {
            return Err(PortError::Unavailable("the list is down".into()));
        }
        Ok(if text.contains("acme") {
            RuleVerdict::Reject("must not name the product")
        } else {
            RuleVerdict::Accept
        })
    }
}

async fn change(auth: &Auth, user: UserId, new: &str) -> Result<(), ChangePasswordError> {
    let current = PasswordAttempt::new(PASSWORD);
    auth.on_behalf_of_system().change_password(ChangePassword::new(user, current, password(new))).await
}

#[tokio::test]
async fn rule_rejects_a_password_wherever_one_is_set() {
    let (ports, auth) = service().await;
    let jane = log_in(&auth).await.expect("logged in").user.id;
    let auth = auth.with_password_rule(Arc::new(NoProductName));
    let hashed = ports.hasher.hashed();
    let expected = InvalidPassword::Rule { reason: "must not name the product" };
    assert_eq!(expected.to_string(), "must not name the product");

    let error = change(&auth, jane, "acme acme acme").await.expect_err("rejected");
    assert!(matches!(error, ChangePasswordError::Password(rejected) if rejected == expected), "{error:?}");
    let update = UpdateUser::new().with_password(password("acme acme acme"));
    let error = auth.on_behalf_of_system().update_user(jane, update).await.expect_err("rejected");
    assert!(matches!(error, UpdateUserError::Password(rejected) if rejected == expected), "{error:?}");
    let identifiers = Identifiers::new(Username::parse("john").ok(), None).expect("a name");
    let other = Register::new(identifiers, password("acme acme acme"));
    let error = auth.on_behalf_of_system().register(other).await.expect_err("rejected");
    assert!(matches!(error, RegisterError::Password(rejected) if rejected == expected), "{error:?}");

    assert_eq!(ports.hasher.hashed(), hashed, "nothing was hashed");
    log_in(&auth).await.expect("the password is unchanged");
}

#[tokio::test]
async fn unavailable_rule_changes_no_password() {
    let (_, auth) = service().await;
    let jane = log_in(&auth).await.expect("logged in").user.id;
    let auth = auth.with_password_rule(Arc::new(NoProductName));
    let error = change(&auth, jane, "down down down").await.expect_err("unavailable");
    assert!(matches!(error, ChangePasswordError::Port(PortError::Unavailable(_))), "{error:?}");
    log_in(&auth).await.expect("the password is unchanged");
    change(&auth, jane, "battery staple").await.expect("other passwords are accepted");
}

#[tokio::test]
async fn rule_is_not_asked_before_the_password_was_verified() {
    let (_, auth) = service().await;
    let jane = log_in(&auth).await.expect("logged in").user.id;
    let mut rule = MockPasswordRule::new();
    rule.expect_judge().never();
    let auth = auth.with_password_rule(Arc::new(rule));
    let current = PasswordAttempt::new("wrong horse");
    let command = ChangePassword::new(jane, current, password("battery staple"));
    let error = auth.on_behalf_of_system().change_password(command).await.expect_err("denied");
    assert!(matches!(error, ChangePasswordError::InvalidCredentials), "{error:?}");
}

#[tokio::test]
async fn every_rule_is_asked_until_one_rejects() {
    let ports = TestPorts::new();
    let verdict = |verdict, times| {
        let mut rule = MockPasswordRule::new();
        rule.expect_judge().times(times).returning(move |_, _| Ok(verdict));
        Arc::new(rule)
    };
    let mut adapters = ports.ports();
    let mut users = MockUserRepository::new();
    users.expect_register().never();
    adapters.users = Arc::new(users);
    let auth = Auth::new(adapters, Policy::default())
        .with_password_rule(verdict(RuleVerdict::Accept, 1))
        .with_password_rule(verdict(RuleVerdict::Reject("must differ"), 1))
        .with_password_rule(verdict(RuleVerdict::Accept, 0));
    let error = register(&auth).await.expect_err("rejected");
    let expected = InvalidPassword::Rule { reason: "must differ" };
    assert!(matches!(error, RegisterError::Password(rejected) if rejected == expected), "{error:?}");
}
