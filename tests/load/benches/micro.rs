//! Times single parts: a hash, a signature, its verification, the rules of a refresh, the routing to a handler. The results
//! are saved for the page of benchmarks.
//!
//! ```sh
//! just micro-bench            # all
//! just micro-bench verify     # those whose name has this in it
//! ```
#![expect(clippy::expect_used, reason = "a panic is how it fails")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use actix_web::dev::Service;
use actix_web::http::header::AUTHORIZATION;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, rt};
use auth_domain::model::{
    AccessClaims, Client, ClientId, ConsumedCredential, CredentialChain, EmailAddress, ExtraClaims,
    Identifiers, Password, PasswordAttempt, RefreshAttempt, RefreshRecord, RefreshStyle, RefreshToken, Roles,
    Session, SessionId, SuccessorNonce, Timestamp, TokenId, User, UserId, UserNumber, UserStatus,
};
use auth_domain::policy::{Policy, SessionPolicy};
use auth_domain::ports::{AccessTokenCodec, PasswordHasher};
use auth_domain::testing::{FixedClock, SeededRandom, TestPorts};
use auth_infra::password::{Argon2Hasher, HashingSettings};
use auth_infra::system::SystemRandom;
use auth_infra::token::{JwtCodec, JwtSettings, KeyAlgorithm, KeyRing, TokenLifetimes};
use criterion::{BatchSize, Criterion};
use load::parts;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const LIFETIME: Duration = Duration::from_secs(900);

fn main() {
    let begun = SystemTime::now();
    let folder = parts::criterion_folder().expect("a folder");
    let mut criterion = Criterion::default().output_directory(&folder).configure_from_args();
    hash(&mut criterion);
    tokens(&mut criterion);
    refresh(&mut criterion);
    routing(&mut criterion);
    criterion.final_summary();
    parts::save(begun).expect("saved");
}

/// Through the pool and back: the wait of a request when no other one waits.
fn hash(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let hasher = Argon2Hasher::start(&HashingSettings::default(), Arc::new(SystemRandom)).expect("threads");
    let password = Password::parse("P@ssw0rd!").expect("a password");
    let stored = runtime.block_on(hasher.hash(&password, None)).expect("a hash");
    let attempt = PasswordAttempt::new("P@ssw0rd!");
    let mut group = criterion.benchmark_group("hash");
    group.sample_size(20);
    group.bench_function("a new one", |bencher| {
        bencher.iter(|| runtime.block_on(hasher.hash(&password, None)));
    });
    group.bench_function("verify the right password", |bencher| {
        bencher.iter(|| runtime.block_on(hasher.verify(&attempt, Some(&stored), None)));
    });
    group.bench_function("verify for a user who does not exist", |bencher| {
        bencher.iter(|| runtime.block_on(hasher.verify(&attempt, None, None)));
    });
}

fn tokens(criterion: &mut Criterion) {
    for (name, algorithm) in [("EdDSA", KeyAlgorithm::Ed25519), ("ES256", KeyAlgorithm::P256)] {
        let folder = tempfile::tempdir().expect("a directory");
        let terms = TokenLifetimes { access: LIFETIME, renewal: LIFETIME, leeway: Duration::from_secs(5) };
        let (clock, random) = (Arc::new(FixedClock::default()), Arc::new(SeededRandom::default()));
        let keys = KeyRing::open(folder.path(), algorithm, terms, clock, random).expect("a key");
        let codec = JwtCodec::new(Arc::new(keys), JwtSettings::of("https://auth.example.com"));
        let claims = claims();
        let token = codec.sign(&claims).expect("signed");
        assert!(codec.verify(token.expose()).is_some(), "what is measured is a success");
        let broken = format!("{}A", token.expose());
        let mut ids = (1_u128..).map(|number| TokenId(Uuid::from_u128(number)));
        let mut group = criterion.benchmark_group("token");
        group.bench_function(format!("sign {name}"), |bencher| {
            bencher.iter(|| codec.sign(black_box(&claims)));
        });
        // The codec caches verified tokens, so each verification gets a new one.
        group.bench_function(format!("verify {name}, first use"), |bencher| {
            let sign = || {
                let token_id = ids.next().expect("an id");
                codec.sign(&AccessClaims { token_id, ..claims.clone() }).expect("signed")
            };
            bencher.iter_batched(sign, |token| codec.verify(token.expose()), BatchSize::SmallInput);
        });
        group.bench_function(format!("verify {name}, cached"), |bencher| {
            bencher.iter(|| codec.verify(black_box(token.expose())));
        });
        group.bench_function(format!("refuse {name}"), |bencher| {
            bencher.iter(|| codec.verify(black_box(&broken)));
        });
    }
}

fn claims() -> AccessClaims {
    AccessClaims {
        token_id: TokenId(Uuid::from_u128(9)),
        user_id: UserId(Uuid::from_u128(1)),
        session_id: SessionId(Uuid::from_u128(2)),
        client_id: ClientId::from_static("token_pair"),
        roles: Roles::parse("customer").expect("roles"),
        issued_at: NOW,
        expires_at: NOW.plus(LIFETIME),
        extra: ExtraClaims::default(),
    }
}

/// All of a refresh except the store and the signature. The session was refreshed five minutes ago.
fn refresh(criterion: &mut Criterion) {
    let random = SeededRandom::default();
    let token = RefreshToken::generate(RefreshStyle::Rotating, claims().session_id, &random);
    let nonce = SuccessorNonce::from_bytes([2; 16]);
    let attempt = RefreshAttempt {
        family: token.family(),
        credential: token.credential(),
        client: Client::new(ClientId::from_static("token_pair"), RefreshStyle::Rotating)
            .with_access_lifetime(LIFETIME),
        user: None,
        successor: token.successor(&nonce).credential(),
        nonce,
        received_at: NOW,
        policy: SessionPolicy::default(),
        leeway: Duration::from_secs(5),
        outage: None,
    };
    let consumed = ConsumedCredential {
        digest: token.family(),
        at: NOW.minus(Duration::from_secs(300)),
        nonce: SuccessorNonce::from_bytes([1; 16]),
    };
    let record = record(CredentialChain { current: token.credential(), consumed: vec![consumed] });
    let mut group = criterion.benchmark_group("refresh");
    group.bench_function("derive the successor", |bencher| {
        bencher.iter(|| black_box(&token).successor(&nonce).credential());
    });
    group.bench_function("judge", |bencher| bencher.iter(|| black_box(&record).judge(&attempt)));
}

fn record(chain: CredentialChain) -> RefreshRecord {
    let claims = claims();
    let email = EmailAddress::parse("john@example.com").expect("an address");
    let user = User {
        id: claims.user_id,
        number: UserNumber(1),
        identifiers: Identifiers::new(None, Some(email)).expect("a name"),
        display_name: None,
        phone_number: None,
        email_verified: false,
        status: UserStatus::Active,
        roles: claims.roles,
        created_at: NOW,
        external_id: None,
        metadata: None,
    };
    let session = Session {
        id: claims.session_id,
        user_id: user.id,
        client_id: claims.client_id,
        created_at: NOW,
        last_refreshed_at: NOW,
        expires_at: NOW.plus(Policy::default().session.absolute),
        end: None,
    };
    RefreshRecord { user, session, chain }
}

/// From a request to its answer without a connection, with the stores of the tests: where several dialects share a path,
/// and where none does.
fn routing(criterion: &mut Criterion) {
    let system = rt::System::new();
    let router =
        Arc::new(auth_http::wiring::router(&auth_http::wiring::default_settings(), &TestPorts::new().auth()));
    let app = system.block_on(init_service(App::new().configure(|app| router.configure(app))));
    let mut group = criterion.benchmark_group("route");
    for (name, path) in [
        ("a path of one dialect", "/v1/protected/resource"),
        ("a path that two share", "/api/v1/auth/me"),
        ("a path of none", "/api/v1/auth/nowhere"),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| {
                system.block_on(async {
                    let begun = Instant::now();
                    for _ in 0..count {
                        let request =
                            TestRequest::get().uri(path).insert_header((AUTHORIZATION, "Bearer none"));
                        let _ = black_box(app.call(request.to_request()).await);
                    }
                    begun.elapsed()
                })
            });
        });
    }
}
