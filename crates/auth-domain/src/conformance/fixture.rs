//! The users, sessions and keys that the cases create.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::StoreUnderTest;
use crate::model::{
    ApiKey, ApiKeyId, ApiKeyName, Client, ClientId, ConsumedCredential, DisplayName, EmailAddress, EndReason,
    IdentifierKey, Identifiers, JudgedRefresh, LoginRecord, METADATA_MAX_BYTES, Metadata, NewApiKey,
    NewSession, NewUser, PasswordHash, PasswordVersion, PhoneNumber, ROLES_MAX, RefreshAttempt, RefreshStyle,
    RefreshVerdict, Role, Roles, Scopes, SecretDigest, Session, SessionId, SuccessorNonce, Timestamp, User,
    UserId, UserRef, UserStatus, Username,
};
use crate::policy::{SessionPolicy, TokenPolicy};
use crate::ports::{
    ApiKeyRepository, AuditRepository, OpenOutcome, RegisterOutcome, SessionRepository, UserRepository,
};

/// The start time of every case. It is not a whole millisecond, because stores keep microseconds.
pub(super) fn now() -> Timestamp {
    Timestamp::from_unix_micros(1_755_080_130_123_457)
}

/// [`now`] plus `seconds`.
pub(super) fn later(seconds: u64) -> Timestamp {
    now().plus(Duration::from_secs(seconds))
}

/// The last microsecond before the greatest time. A floating-point number does not distinguish it from its neighbours.
pub(super) fn last_micro() -> Timestamp {
    Timestamp::MAX.minus(Duration::from_micros(1))
}

pub(super) fn username(typed: &str) -> Username {
    Username::parse(typed).expect("a username")
}

pub(super) fn email(typed: &str) -> EmailAddress {
    EmailAddress::parse(typed).expect("an e-mail address")
}

pub(super) fn key(typed: &str) -> IdentifierKey {
    IdentifierKey::of(typed).expect("an identifier")
}

/// The names of a user, at least one of them.
pub(super) fn identifiers(name: Option<&str>, address: Option<&str>) -> Identifiers {
    Identifiers::new(name.map(username), address.map(email)).expect("a name")
}

pub(super) fn display_name(typed: &str) -> DisplayName {
    DisplayName::parse(typed).expect("a display name")
}

pub(super) fn phone_number(typed: &str) -> PhoneNumber {
    PhoneNumber::parse(typed).expect("a phone number")
}

pub(super) fn metadata(text: &str) -> Metadata {
    Metadata::parse(text).expect("metadata")
}

pub(super) fn hash(text: &str) -> PasswordHash {
    PasswordHash::new(format!("$example$v=1${text}"))
}

pub(super) fn roles(joined: &str) -> Roles {
    Roles::parse(joined).expect("roles")
}

/// As many roles as a user may have, each of the greatest length.
pub(super) fn most_roles() -> Roles {
    let names = (0..ROLES_MAX).map(|index| format!("r{index:063}"));
    Roles::new(names.map(|name| Role::parse(&name).expect("a role"))).expect("ROLES_MAX roles")
}

/// The default policy with this limit of live sessions.
pub(super) fn at_most(max_live: u32) -> SessionPolicy {
    SessionPolicy { max_live, ..SessionPolicy::default() }
}

/// Keys that differ from `key` in one bit each. An adapter that compares a part of the bytes confuses them.
pub(super) fn similar_keys(key: [u8; 32]) -> [[u8; 32]; 3] {
    [0, 15, 31].map(|index| {
        let mut similar = key;
        similar[index] ^= 0x10;
        similar
    })
}

/// The value of the one concurrent call that succeeded. Fails the case unless exactly one did.
pub(super) fn only_success<T>(values: impl IntoIterator<Item = T>, succeeded: &[bool]) -> T {
    let count = succeeded.iter().filter(|succeeded| **succeeded).count();
    assert_eq!(count, 1, "exactly one of the concurrent calls succeeds");
    let mut winners = values.into_iter().zip(succeeded).filter(|(_, succeeded)| **succeeded);
    winners.next().expect("one value for each call").0
}

/// A client with this refresh style.
pub(super) fn client(refresh_style: RefreshStyle) -> Client {
    Client { id: ClientId::from_static("example"), refresh_style, access_lifetime: Duration::from_secs(900) }
}

/// What a store knows of a presented refresh token.
#[derive(Clone, Copy, Debug)]
pub(super) struct PresentedToken {
    pub(super) family: SecretDigest,
    pub(super) credential: SecretDigest,
}

impl NewSession {
    /// The first token of the session.
    pub(super) fn token(&self) -> PresentedToken {
        PresentedToken { family: self.family, credential: self.credential }
    }
}

impl RefreshAttempt {
    /// The token that becomes current if the attempt rotates.
    pub(super) fn successor_token(&self) -> PresentedToken {
        PresentedToken { family: self.family, credential: self.successor }
    }

    /// What a rotation at this attempt adds to the chain.
    pub(super) fn consumed(&self) -> ConsumedCredential {
        ConsumedCredential { digest: self.credential, at: self.received_at, nonce: self.nonce }
    }
}

/// The verdict of a retry after these rotations, the first of which consumed the presented credential.
pub(super) fn retry_of(rotations: &[RefreshAttempt]) -> RefreshVerdict {
    RefreshVerdict::Retry(rotations.iter().map(|rotation| rotation.nonce).collect())
}

/// A store with functions that create distinct users, sessions and keys.
pub(super) struct Fixture<'a> {
    pub(super) store: &'a dyn StoreUnderTest,
    counter: AtomicU64,
}

impl<'a> Fixture<'a> {
    pub(super) fn new(store: &'a dyn StoreUnderTest) -> Self {
        Self { store, counter: AtomicU64::new(0) }
    }

    pub(super) fn users(&self) -> &'a dyn UserRepository {
        self.store.users()
    }

    pub(super) fn sessions(&self) -> &'a dyn SessionRepository {
        self.store.sessions()
    }

    pub(super) fn api_keys(&self) -> &'a dyn ApiKeyRepository {
        self.store.api_keys()
    }

    pub(super) fn audit_events(&self) -> &'a dyn AuditRepository {
        self.store.audit_events()
    }

    fn bytes(&self) -> [u8; 32] {
        Sha256::digest(self.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes()).into()
    }

    pub(super) fn uuid(&self) -> Uuid {
        let count = u128::from(self.counter.fetch_add(1, Ordering::Relaxed));
        Uuid::from_u128(0x0198_a2f3_5d7b_7000_8000_0000_0000_0000 + count)
    }

    /// The digest of a new secret.
    pub(super) fn digest(&self) -> SecretDigest {
        SecretDigest::from_bytes(self.bytes())
    }

    /// A new user with these names and no optional member.
    pub(super) fn new_user(&self, identifiers: Identifiers) -> NewUser {
        NewUser {
            id: UserId(self.uuid()),
            identifiers,
            display_name: None,
            phone_number: None,
            roles: Roles::default(),
            password_hash: Some(hash("first")),
            created_at: now(),
            metadata: None,
        }
    }

    /// Registers a user with every optional member.
    pub(super) async fn register_full_user(&self, name: &str) -> User {
        let names = identifiers(Some(name), Some(&format!("{name}@mail.example")));
        let user = NewUser {
            display_name: Some(display_name(&format!("The one and only {name}"))),
            phone_number: Some(phone_number("+84123456789")),
            roles: roles("admin,customer"),
            metadata: Some(metadata(&format!("{{\"name\":\"{name}\"}}"))),
            ..self.new_user(names)
        };
        self.register(&user).await
    }

    /// Registers a user with this username and no other member.
    pub(super) async fn register_named(&self, name: &str) -> User {
        self.register(&self.new_user(identifiers(Some(name), None))).await
    }

    /// Registers a user with an id that no other fixture over the same data has created.
    pub(super) async fn register_anew(&self, name: &str) -> User {
        let user = self.new_user(identifiers(Some(name), None));
        self.register(&NewUser { id: UserId(Uuid::max()), ..user }).await
    }

    /// Registers a user; the names must be free.
    pub(super) async fn register(&self, user: &NewUser) -> User {
        match self.users().register(user).await.expect("no error") {
            RegisterOutcome::Registered(registered) => registered,
            RegisterOutcome::Taken(kind) => panic!("the {kind:?} of {:?} must be free", user.identifiers),
        }
    }

    /// A user whose members all have the greatest length.
    pub(super) fn longest_user(&self) -> NewUser {
        let address = format!("{}@{}.example", "a".repeat(64), "b".repeat(60) + "." + &"c".repeat(60));
        let names = identifiers(Some(&"\u{1f600}".repeat(255)), Some(&address));
        NewUser {
            display_name: Some(display_name(&"\u{1f600}".repeat(255))),
            phone_number: Some(phone_number("+123456789012345")),
            roles: most_roles(),
            password_hash: Some(hash(&"A".repeat(900))),
            metadata: Some(metadata(&"\u{1f600}".repeat(METADATA_MAX_BYTES / 4))),
            ..self.new_user(names)
        }
    }

    /// Suspends a user, who must exist.
    pub(super) async fn suspend(&self, user: UserId) {
        let suspended = self.users().set_status(user, UserStatus::Suspended, later(1)).await;
        assert!(suspended.expect("no error").is_some(), "the user exists");
    }

    /// Reads a user, who must exist.
    pub(super) async fn user(&self, id: UserId) -> User {
        self.users().find(&UserRef::Id(id)).await.expect("no error").expect("the user exists")
    }

    /// Reads a user with the password hash; the user must exist.
    pub(super) async fn login_record(&self, id: UserId) -> LoginRecord {
        self.users().find_with_password(id).await.expect("no error").expect("the user exists")
    }

    pub(super) async fn password_version(&self, id: UserId) -> PasswordVersion {
        self.login_record(id).await.password.version
    }

    /// The user with this name.
    pub(super) async fn holder(&self, name: &str) -> Option<UserId> {
        let user = self.users().find(&UserRef::Identifier(key(name))).await.expect("no error");
        user.map(|user| user.id)
    }

    /// A new session of `user` that starts at `at`, after a login with the password of this version.
    pub(super) fn new_session(&self, user: &User, version: PasswordVersion, at: Timestamp) -> NewSession {
        NewSession {
            session: Session {
                id: SessionId(self.uuid()),
                user_id: user.id,
                client_id: client(RefreshStyle::Rotating).id,
                created_at: at,
                last_refreshed_at: at,
                expires_at: at.plus(SessionPolicy::default().absolute),
                end: None,
            },
            family: self.digest(),
            credential: self.digest(),
            password_version: version,
            roles: user.roles.clone(),
        }
    }

    /// Opens a session under `policy` and returns the outcome.
    pub(super) async fn try_open(&self, session: &NewSession, policy: &SessionPolicy) -> OpenOutcome {
        self.sessions().open(session, policy).await.expect("no error")
    }

    /// Opens a session of `user` at `at`; it must succeed.
    pub(super) async fn open(&self, user: &User, at: Timestamp) -> NewSession {
        let session = self.new_session(user, self.password_version(user.id).await, at);
        let outcome = self.try_open(&session, &SessionPolicy::default()).await;
        assert_eq!(outcome, OpenOutcome::Opened, "the session opens");
        session
    }

    /// Reads a session, if it exists.
    pub(super) async fn find_session(&self, id: SessionId) -> Option<Session> {
        self.sessions().find(id).await.expect("no error").map(|(session, _)| session)
    }

    /// Reads a session, which must exist.
    pub(super) async fn session(&self, id: SessionId) -> Session {
        self.find_session(id).await.expect("the session exists")
    }

    /// Logs a session out and returns whether this call ended it.
    pub(super) async fn log_out(&self, id: SessionId, at: Timestamp) -> bool {
        self.sessions().end(id, EndReason::LoggedOut, at).await.expect("no error").is_some()
    }

    /// Presents a token at `at`; `None` if no session has its family.
    pub(super) async fn present(&self, token: PresentedToken, at: Timestamp) -> Option<JudgedRefresh> {
        self.sessions().refresh(&self.attempt(token, at)).await.expect("no error")
    }

    /// A refresh attempt at `at` by the session's own client, whose tokens rotate.
    pub(super) fn attempt(&self, token: PresentedToken, at: Timestamp) -> RefreshAttempt {
        RefreshAttempt {
            family: token.family,
            credential: token.credential,
            client: client(RefreshStyle::Rotating),
            user: None,
            successor: self.digest(),
            nonce: SuccessorNonce::from_bytes(*self.bytes().first_chunk().expect("16 bytes")),
            received_at: at,
            policy: SessionPolicy::default(),
            leeway: TokenPolicy::default().leeway,
            outage: None,
        }
    }

    /// Refreshes a known session and checks that the verdict is that of `RefreshRecord::judge`.
    pub(super) async fn refresh(&self, attempt: &RefreshAttempt) -> JudgedRefresh {
        let judged = self.sessions().refresh(attempt).await.expect("no error").expect("the session exists");
        assert_eq!(judged.verdict, judged.record.judge(attempt), "the verdict is that of the domain");
        judged
    }

    /// Rotates a current credential at `at` and returns the attempt.
    pub(super) async fn rotate(&self, token: PresentedToken, at: Timestamp) -> RefreshAttempt {
        let attempt = self.attempt(token, at);
        let verdict = self.refresh(&attempt).await.verdict;
        assert!(matches!(verdict, RefreshVerdict::Rotate(_)), "the credential is current: {verdict:?}");
        attempt
    }

    /// Rotates once at each of `times` and returns the attempts.
    pub(super) async fn rotate_at(
        &self,
        mut token: PresentedToken,
        times: impl IntoIterator<Item = Timestamp>,
    ) -> Vec<RefreshAttempt> {
        let mut attempts = Vec::new();
        for at in times {
            let attempt = self.rotate(token, at).await;
            token = attempt.successor_token();
            attempts.push(attempt);
        }
        attempts
    }

    /// An API key that never expires.
    pub(super) fn new_api_key(&self, name: &str) -> NewApiKey {
        NewApiKey {
            key: ApiKey {
                id: ApiKeyId(self.uuid()),
                name: ApiKeyName::parse(name).expect("a name"),
                scopes: Scopes::all(),
                created_at: now(),
                expires_at: None,
                revoked_at: None,
                last_used_at: None,
            },
            digest: self.digest(),
        }
    }
}
