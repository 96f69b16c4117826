//! The service as a program embeds it: started, used, closed and forgotten.
#![cfg(all(feature = "service", feature = "sqlite"))]
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

use std::fs;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use auth_domain::Auth;
use auth_domain::model::{
    AuditFilter, Caller, Client, ClientId, Identifiers, Password, PasswordAttempt, RefreshStyle, Username,
};
use auth_domain::policy::Policy;
use auth_domain::use_cases::{AuthenticateError, LogIn, Register, RegisterError, TokenGrant};
use auth_infra::service::{NotReady, Service, ServiceBuilder, StartError};
use auth_infra::token::Rotation;
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

const PASSWORD: &str = "correct horse battery staple";

fn client(id: &'static str) -> Client {
    Client::new(ClientId::from_static(id), RefreshStyle::Rotating)
}

fn caller() -> Caller {
    Caller::at(Ipv4Addr::LOCALHOST)
}

fn builder(dir: &Path) -> ServiceBuilder {
    Service::sqlite(dir.join("data")).issuer("https://auth.example").client(client("web"))
}

async fn start(dir: &Path) -> Service {
    builder(dir).start().await.expect("a service")
}

async fn register(auth: &Auth, name: &str) -> Result<(), RegisterError> {
    let identifiers = Identifiers::new(Some(Username::parse(name).expect("a name")), None).expect("one");
    let command = Register::new(identifiers, Password::parse(PASSWORD).expect("a password"));
    auth.called_by(caller()).register(command).await.map(drop)
}

async fn log_in(auth: &Auth, client: &Client) -> TokenGrant {
    let password = PasswordAttempt::new(PASSWORD);
    auth.called_by(caller()).log_in(LogIn::new(client, "jane", password)).await.expect("logged in")
}

/// The stored actions, read by another process.
async fn stored_actions(dir: &Path) -> Vec<String> {
    let reader = builder(dir).open().expect("a service");
    let events = reader
        .auth()
        .on_behalf_of_system()
        .latest_audit_events(&AuditFilter::default(), 100)
        .await
        .expect("events");
    reader.close().await;
    events.iter().map(|record| record.event.action.as_str().to_owned()).collect()
}

fn runtimes() -> [(&'static str, Runtime); 2] {
    [
        ("one thread", Builder::new_current_thread().enable_all().build().expect("a runtime")),
        ("threads", Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")),
    ]
}

/// What this thread logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn of<T>(run: impl FnOnce() -> T) -> (T, String) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let value = tracing::subscriber::with_default(subscriber, run);
        let text = String::from_utf8(log.0.lock().clone()).expect("text");
        (value, text)
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits up to five seconds.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !holds().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn short_lifetime_does_not_shorten_the_list_of_ended_sessions() {
    let dir = tempfile::tempdir().expect("a directory");
    let brief = client("web").with_access_lifetime(Duration::from_secs(60));
    let builder = Service::sqlite(dir.path().join("data")).issuer("https://auth.example").client(brief);
    let service = builder.start().await.expect("a service");
    let feed = service.ended_sessions();
    eventually("the feed", async || feed.poll(None, Duration::ZERO).await.is_ok()).await;
    let page = feed.poll(None, Duration::ZERO).await.expect("a page");
    assert_eq!(page.keep, Duration::from_secs(25 * 60 * 60), "a token of a day may be valid");
    service.close().await;
}

#[tokio::test]
async fn started_service_issues_tokens_and_publishes_its_keys() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = start(dir.path()).await;
    service.check_ready().await.expect("ready");
    assert!(service.has_current_schema());
    register(service.auth(), "jane").await.expect("registered");
    let grant = log_in(service.auth(), &client("web")).await;
    service.auth().called_by(caller()).authenticate(grant.access_token.expose()).await.expect("valid");

    let jwks = service.jwks();
    assert_eq!(jwks.document["keys"].as_array().map(Vec::len), Some(1));
    assert_eq!(jwks.document["keys"][0]["alg"], "ES256");
    assert_eq!(jwks.cache_control(), "public, max-age=300");
    let mode = |name: &str| fs::metadata(dir.path().join(name)).expect("it exists").permissions().mode();
    assert_eq!(mode("data") & 0o777, 0o700);
    assert_eq!(mode("data/keys") & 0o777, 0o700);
    assert!(dir.path().join("data/auth.db").exists());
    service.close().await;
}

#[tokio::test]
async fn close_stores_all_audit_events_and_ends_the_use_cases() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = start(dir.path()).await;
    register(service.auth(), "jane").await.expect("registered");
    service.close().await;
    service.close().await;
    assert!(matches!(register(service.auth(), "john").await, Err(RegisterError::Port(_))));
    assert!(matches!(service.check_ready().await, Err(NotReady::Store(_))));
    let ((), log) = Log::of(|| drop(service));
    assert_eq!(log, "");
    assert_eq!(stored_actions(dir.path()).await, ["user.registered"]);
}

#[test]
fn drop_without_close_stores_audit_events_and_warns() {
    for (kind, runtime) in runtimes() {
        let dir = tempfile::tempdir().expect("a directory");
        let (left, log) = Log::of(|| {
            runtime.block_on(async {
                let service = start(dir.path()).await;
                register(service.auth(), "jane").await.expect("registered");
                let auth = service.auth().clone();
                drop(service);
                auth
            })
        });
        assert!(log.contains("the service was dropped without close"), "{kind}: {log}");
        let after = runtime.block_on(async { register(&left, "john").await });
        assert!(matches!(after, Err(RegisterError::Port(_))), "{kind}: the store is closed");
        assert_eq!(runtime.block_on(stored_actions(dir.path())), ["user.registered"], "{kind}");
    }
}

#[test]
fn drop_after_the_runtime_stores_audit_events() {
    for (kind, runtime) in runtimes() {
        let dir = tempfile::tempdir().expect("a directory");
        let service = runtime.block_on(async {
            let service = start(dir.path()).await;
            register(service.auth(), "jane").await.expect("registered");
            service
        });
        let ((), log) = Log::of(|| drop(runtime));
        let other = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let ready = other.block_on(service.check_ready());
        assert!(matches!(ready, Err(NotReady::Task(_))), "{kind}: {ready:?}");
        if kind == "one thread" {
            assert!(log.contains("a background task has ended, because its runtime has ended"), "{log}");
        }
        drop(service);
        assert_eq!(other.block_on(stored_actions(dir.path())), ["user.registered"], "{kind}");
    }
}

#[tokio::test]
async fn start_deletes_what_has_expired() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = start(dir.path()).await;
    register(service.auth(), "jane").await.expect("registered");
    service.close().await;
    assert_eq!(stored_actions(dir.path()).await.len(), 1);
    let mut policy = Policy::default();
    policy.audit.retention = Some(Duration::from_millis(1));
    let service = builder(dir.path()).policy(policy).start().await.expect("a service");
    let auth = service.auth().on_behalf_of_system();
    eventually("the events are deleted", async || {
        auth.latest_audit_events(&AuditFilter::default(), 1).await.expect("events").is_empty()
    })
    .await;
    service.close().await;
}

#[tokio::test]
async fn key_of_another_process_is_published_within_seconds() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = start(dir.path()).await;
    let other = builder(dir.path()).open_keys().expect("keys");
    other.rotate(Rotation::After(Duration::from_secs(60))).expect("a key");
    let count = || service.jwks().document["keys"].as_array().map_or(0, Vec::len);
    eventually("the key is published", async || count() == 2).await;
    service.close().await;
}

#[tokio::test]
async fn only_the_clients_of_the_builder_are_accepted() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = start(dir.path()).await;
    register(service.auth(), "jane").await.expect("registered");
    let grant = log_in(service.auth(), &client("other")).await;
    let refused = service.auth().called_by(caller()).authenticate(grant.access_token.expose()).await;
    assert!(matches!(refused, Err(AuthenticateError::InvalidToken)), "{refused:?}");
    service.close().await;
}

#[tokio::test]
async fn common_passwords_are_refused_unless_the_policy_allows_them() {
    let mut without_blocklist = Policy::default();
    without_blocklist.passwords.blocklist = None;
    for (policy, is_refused) in [(None, true), (Some(without_blocklist), false)] {
        let dir = tempfile::tempdir().expect("a directory");
        let builder = builder(dir.path());
        let builder = policy.into_iter().fold(builder, ServiceBuilder::policy);
        let service = builder.start().await.expect("a service");
        let identifiers =
            Identifiers::new(Some(Username::parse("jane").expect("a name")), None).expect("one");
        let command = Register::new(identifiers, Password::parse("password1").expect("long enough"));
        let registered = service.auth().called_by(caller()).register(command).await;
        assert_eq!(matches!(registered, Err(RegisterError::Password(_))), is_refused, "{registered:?}");
        service.close().await;
    }
}

#[tokio::test]
async fn extensions_change_the_use_cases() {
    let (dir, called) = (tempfile::tempdir().expect("a directory"), Arc::new(AtomicBool::new(false)));
    let flag = Arc::clone(&called);
    let extended = builder(dir.path()).extend_auth(move |auth| {
        flag.store(true, Ordering::Relaxed);
        auth
    });
    extended.start().await.expect("a service").close().await;
    assert!(called.load(Ordering::Relaxed));
}

#[tokio::test]
async fn missing_and_invalid_settings_are_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    let error = async |builder: ServiceBuilder| builder.start().await.err().expect("an error").to_string();
    let nothing = error(Service::sqlite(&data)).await;
    assert!(nothing.contains("ServiceBuilder::issuer"), "{nothing}");
    let no_client = error(Service::sqlite(&data).issuer("https://auth.example")).await;
    assert!(no_client.contains("ServiceBuilder::client"), "{no_client}");
    for issuer in
        ["", "auth.example", "https://", "https:///path", "https://a.example?x", "https://a b", "ftp://a"]
    {
        let invalid = error(Service::sqlite(&data).client(client("web")).issuer(issuer)).await;
        assert!(invalid.contains(&format!("the issuer {issuer:?} is no URL")), "{invalid}");
    }
    assert!(!data.exists(), "nothing is created");
}

#[test]
fn outside_a_runtime_the_error_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let opened = builder(dir.path()).open();
    assert!(matches!(opened, Err(StartError::NoRuntime)));
}

#[tokio::test]
async fn directory_that_others_can_write_to_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    fs::create_dir(&data).expect("a directory");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o777)).expect("set");
    let error = builder(dir.path()).start().await.err().expect("an error").to_string();
    assert!(error.contains("can be written by every user"), "{error}");
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn unavailable_store_is_no_reason_not_to_start() {
    const URL: &str = "postgres://auth:hunter2@127.0.0.1:1/auth";
    let dir = tempfile::tempdir().expect("a directory");
    let builder = Service::postgres(URL).issuer("https://auth.example").client(client("web"));
    let printed = format!("{builder:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    let service = builder.keys_dir(dir.path().join("keys")).start().await.expect("a service");
    assert!(!service.has_current_schema());
    let reason = service.check_ready().await.expect_err("not ready").to_string();
    assert_eq!(reason, "the schema is not up to date");
    service.close().await;

    let without_keys = Service::postgres(URL).issuer("https://auth.example").client(client("web"));
    assert!(matches!(without_keys.start().await, Err(StartError::NoKeysDir)));
}

#[test]
fn service_that_starts_again_can_be_forgotten_too() {
    // A write of a background task may be under way when the service is dropped.
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    for number in 1..=5 {
        runtime.block_on(async {
            let service = start(dir.path()).await;
            register(service.auth(), &format!("user{number}")).await.expect("registered");
        });
        assert_eq!(runtime.block_on(stored_actions(dir.path())).len(), number);
    }
}
