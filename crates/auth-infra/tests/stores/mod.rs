//! What the stores' own tests do with a store: register somebody, log in, refresh.
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(dead_code, reason = "each test binary takes what it needs")]

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use auth_domain::model::{
    Client, ClientId, IdentifierKey, Identifiers, NewUser, Password, PasswordAttempt, PasswordHash,
    PasswordPolicy, RefreshStyle, RoleChoice, Roles, User, UserRef, Username,
};
use auth_domain::ports::PortError;
use auth_domain::testing::TestPorts;
use auth_domain::use_cases::{LogIn, RefreshSession, RefreshSessionError, Register};
use auth_domain::{Auth, Ports};
use auth_infra::store::Store;

const PASSWORD: &str = "correct horse battery staple";

/// Every use case over a store, and a clock and chance that a test holds in its hands.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) auth: Auth,
    client: Client,
}

impl World {
    /// Chance must not repeat what an earlier world over the same store had: `seed` is how often it was opened.
    pub(crate) fn over(store: impl Into<Store>, seed: u64) -> Self {
        let store = store.into();
        let ports = Ports {
            users: store.users(),
            sessions: store.sessions(),
            revocations: store.revocations(),
            api_keys: store.api_keys(),
            random: std::sync::Arc::new(auth_domain::testing::SeededRandom::new(seed)),
            ..TestPorts::new().ports()
        };
        let client = Client {
            id: ClientId::from_static("test"),
            refresh_style: RefreshStyle::Rotating,
            access_lifetime: Duration::from_secs(900),
        };
        Self { store, auth: Auth::new(ports, auth_domain::policy::Policy::default()), client }
    }

    pub(crate) async fn register(&self, name: &str) -> User {
        let username = Username::parse(name).expect("a username");
        let register = Register {
            identifiers: Identifiers::new(Some(username), None).expect("identifiers"),
            password: Password::parse(PASSWORD, PasswordPolicy::default()).expect("a password"),
            display_name: None,
            phone_number: None,
            roles: RoleChoice::Assigned(Roles::default()),
        };
        self.auth.register(register).await.expect("registered")
    }

    /// Logs in and gives the refresh token.
    pub(crate) async fn log_in(&self, name: &str) -> String {
        let password = PasswordAttempt::new(PASSWORD);
        let login = LogIn { client: &self.client, identifier: name, password };
        let grant = self.auth.log_in(login).await.expect("logged in");
        grant.refresh_token.expect("a refresh token").expose().to_string()
    }

    /// Refreshes and gives the next refresh token.
    pub(crate) async fn refresh(&self, token: &str) -> Result<String, RefreshSessionError> {
        let refreshed = self.auth.refresh_session(RefreshSession { client: &self.client, token }).await?;
        Ok(refreshed.refresh_token.expect("a refresh token").expose().to_string())
    }

    pub(crate) async fn find(&self, name: &str) -> Result<Option<User>, PortError> {
        self.store.users().find(&UserRef::Identifier(IdentifierKey::of(name).expect("a name"))).await
    }
}

/// That a call is answered in time by [`PortError::Unavailable`].
pub(crate) async fn assert_unavailable<T: std::fmt::Debug>(
    within: Duration,
    call: impl Future<Output = Result<T, PortError>>,
) {
    let begun = Instant::now();
    let answer = call.await;
    assert!(matches!(answer, Err(PortError::Unavailable(_))), "{answer:?}");
    assert!(begun.elapsed() <= within, "answered after {:?}", begun.elapsed());
}

/// That an error tells nothing of what it was about to store.
pub(crate) async fn assert_faults_name_no_value(world: &World) {
    let jane = world.register("jane").await;
    let twin = NewUser {
        id: jane.id,
        identifiers: Identifiers::new(Some(Username::parse("june").expect("a username")), None)
            .expect("identifiers"),
        display_name: None,
        phone_number: None,
        roles: Roles::default(),
        password_hash: PasswordHash::new("secret hash".to_owned()),
        created_at: jane.created_at,
    };
    let fault = world.store.users().register(&twin).await.expect_err("two users with one id");
    let PortError::Corrupt(cause) = &fault else { panic!("{fault:?}") };
    let printed = format!("{fault} {fault:?} {cause} {cause:?}");
    assert!(printed.contains("accounts"), "names the table: {printed}");
    for value in ["june", "secret", &jane.id.to_string()] {
        assert!(!printed.contains(value), "{printed}");
    }
}

/// That 24 clients who present one token at once are all given the one same successor, 20 times over.
pub(crate) async fn assert_one_successor(worlds: &[&World], name: &str) {
    let mut token = worlds[0].log_in(name).await;
    for round in 0..20 {
        let attempts = (0..24).map(|attempt| worlds[attempt % worlds.len()].refresh(&token));
        let answers = futures_util::future::join_all(attempts).await;
        let successors: BTreeSet<_> = answers.into_iter().map(|answer| answer.expect("refreshed")).collect();
        assert_eq!(successors.len(), 1, "round {round}");
        token = successors.into_iter().next().expect("a successor");
    }
}

/// Numbers and names of the migrations in the folder of a store, from their file names.
pub(crate) fn migration_files(store: &str) -> Vec<(i64, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(store);
    let names = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").file_name());
    let names: BTreeSet<_> = names.map(|name| name.into_string().expect("a name")).collect();
    let split = |name: String| {
        let (number, rest) = name.split_once('_').expect("a number");
        let name = rest.strip_suffix(".sql").expect("an SQL file");
        (number.parse().expect("a number"), name.to_owned())
    };
    names.into_iter().map(split).collect()
}
