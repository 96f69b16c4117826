//! Shared helpers of the store tests: register users, log in, refresh.
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_domain::model::{
    Client, ClientId, IdentifierKey, Identifiers, NewUser, Password, PasswordAttempt, PasswordHash,
    RefreshStyle, Roles, User, UserRef, Username,
};
use auth_domain::ports::PortError;
use auth_domain::testing::{FixedClock, TestPorts};
use auth_domain::use_cases::{LogIn, RefreshSession, RefreshSessionError, Register};
use auth_domain::{Auth, Ports, UseCases};
use auth_infra::store::Store;

const PASSWORD: &str = "correct horse battery staple";

/// All use cases over a store, on behalf of the system, with a fixed clock and seeded random numbers.
pub(crate) struct TestApp {
    pub(crate) store: Store,
    pub(crate) auth: UseCases,
    pub(crate) clock: Arc<FixedClock>,
    client: Client,
}

impl TestApp {
    /// Each application over the same store needs its own `seed`, because random numbers must not repeat.
    pub(crate) fn new(store: impl Into<Store>, seed: u64) -> Self {
        let store = store.into();
        let test_ports = TestPorts::new();
        let ports = Ports {
            users: store.users(),
            sessions: store.sessions(),
            revocations: store.revocations(),
            api_keys: store.api_keys(),
            random: Arc::new(auth_domain::testing::SeededRandom::new(seed)),
            timer: Arc::new(auth_infra::system::SystemTimer),
            ..test_ports.ports()
        };
        let client = Client::new(ClientId::from_static("test"), RefreshStyle::Rotating);
        let auth = Auth::new(ports, auth_domain::policy::Policy::default()).on_behalf_of_system();
        Self { store, auth, clock: test_ports.clock, client }
    }

    pub(crate) async fn register(&self, name: &str) -> User {
        let username = Username::parse(name).expect("a username");
        let identifiers = Identifiers::new(Some(username), None).expect("identifiers");
        let register = Register::new(identifiers, Password::parse(PASSWORD).expect("a password"));
        self.auth.register(register).await.expect("registered")
    }

    /// Logs in and returns the refresh token.
    pub(crate) async fn log_in(&self, name: &str) -> String {
        let password = PasswordAttempt::new(PASSWORD);
        let login = LogIn::new(&self.client, name, password);
        let grant = self.auth.log_in(login).await.expect("logged in");
        grant.refresh_token.expect("a refresh token").expose().to_string()
    }

    /// Refreshes and returns the next refresh token.
    pub(crate) async fn refresh(&self, token: &str) -> Result<String, RefreshSessionError> {
        let refreshed = self.auth.refresh_session(RefreshSession::new(&self.client, token)).await?;
        Ok(refreshed.refresh_token.expect("a refresh token").expose().to_string())
    }

    pub(crate) async fn find(&self, name: &str) -> Result<Option<User>, PortError> {
        self.store.users().find(&UserRef::Identifier(IdentifierKey::of(name).expect("a name"))).await
    }
}

/// Asserts that a call fails in time with [`PortError::Unavailable`].
pub(crate) async fn assert_unavailable<T: std::fmt::Debug>(
    within: Duration,
    call: impl Future<Output = Result<T, PortError>>,
) {
    let started = Instant::now();
    let result = call.await;
    assert!(matches!(result, Err(PortError::Unavailable(_))), "{result:?}");
    assert!(started.elapsed() <= within, "answered after {:?}", started.elapsed());
}

/// Asserts that an error reveals none of the values of its statement.
pub(crate) async fn assert_error_names_no_value(app: &TestApp) {
    let jane = app.register("jane").await;
    let twin = NewUser {
        id: jane.id,
        identifiers: Identifiers::new(Some(Username::parse("june").expect("a username")), None)
            .expect("identifiers"),
        display_name: None,
        phone_number: None,
        roles: Roles::default(),
        password_hash: Some(PasswordHash::new("secret hash".to_owned())),
        created_at: jane.created_at,
        metadata: None,
    };
    let error = app.store.users().register(&twin).await.expect_err("two users with one id");
    let PortError::Corrupt(cause) = &error else { panic!("{error:?}") };
    let printed = format!("{error} {error:?} {cause} {cause:?}");
    assert!(printed.contains("accounts"), "the error does not name the table: {printed}");
    for value in ["june", "secret", &jane.id.to_string()] {
        assert!(!printed.contains(value), "{printed}");
    }
}

/// Asserts 16 times that 24 concurrent refreshes with one token all return the same successor. The clock does not move, so
/// a 17th rotation is throttled.
pub(crate) async fn assert_one_successor(apps: &[&TestApp], name: &str) {
    let mut token = apps[0].log_in(name).await;
    for round in 0..16 {
        let attempts = (0..24).map(|attempt| apps[attempt % apps.len()].refresh(&token));
        let answers = futures_util::future::join_all(attempts).await;
        let successors: BTreeSet<_> = answers.into_iter().map(|answer| answer.expect("refreshed")).collect();
        assert_eq!(successors.len(), 1, "round {round}");
        token = successors.into_iter().next().expect("a successor");
    }
}

/// Lists the numbers and names of a store's migrations, from their file names.
pub(crate) fn migration_files(store: &str) -> Vec<(i64, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations").join(store);
    let names = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").file_name());
    let names: BTreeSet<_> = names.map(|name| name.into_string().expect("a name")).collect();
    names.into_iter().map(|name| split_file_name(&name)).collect()
}

fn split_file_name(name: &str) -> (i64, String) {
    let (number, rest) = name.split_once('_').expect("a number");
    let name = rest.strip_suffix(".sql").expect("an SQL file");
    (number.parse().expect("a number"), name.to_owned())
}
