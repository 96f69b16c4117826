//! The password hasher.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::Params;
use argon2::password_hash::phc::{Output, Salt};
use async_trait::async_trait;
use auth_domain::model::{CounterKey, Password, PasswordAttempt, PasswordHash};
use auth_domain::ports::{
    HashStrength, InvalidHash, PasswordHasher, PasswordVerdict, PortError, SecureRandom,
};
use thiserror::Error;
use zeroize::Zeroizing;

use super::argon2_hash::Argon2Hash;
use super::engine::Engine;
use super::error::{HashingError, ParseHashError};
use super::params::{Argon2Params, SALT_BYTES, TAG_BYTES};
use super::pool::{Cost, Pool};
use super::settings::{HashingSettings, InvalidHashingSettings};
use super::stored::StoredHash;

/// Hashes passwords with Argon2id on a bounded pool of threads.
///
/// - Hashes are PHC strings, `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`, with 16 bytes of salt and 32 of tag.
/// - A caller waits for room in the queue for as long as the settings allow, and is served in order of arrival. A call
///   whose future was dropped costs no hash.
/// - For an unknown user the decoy hash is verified: the current parameters and a random tag, read and computed like any
///   stored hash. The verdict is `Differs` even if the tag matches by chance (1 in 2^256).
/// - Imported hashes of bcrypt, scrypt and PBKDF2 are verified on the same pool, within bounds of their own, and are
///   always outdated.
/// - A hash with another format or other parameters takes another time than the decoy. A login of its user replaces it.
/// - A stored text that is unsupported or too costly costs the work of the decoy too. The result is then
///   [`PortError::Corrupt`].
///
/// Calls need a tokio runtime with a timer. Dropping the hasher ends its threads.
pub struct Argon2Hasher {
    pool: Pool,
    params: Params,
    /// The hash of no known password: its tag is random and not computed.
    decoy: StoredHash,
    /// The decoy in its stored form.
    stored_decoy: PasswordHash,
    random: Arc<dyn SecureRandom>,
}

#[derive(Debug, Error)]
pub enum StartHashingError {
    #[error(transparent)]
    Settings(#[from] InvalidHashingSettings),
    #[error("Argon2: {0}")]
    Parameters(argon2::Error),
    #[error("cannot start the threads that hash passwords: {0}")]
    Threads(#[from] io::Error),
}

impl Argon2Hasher {
    /// Starts the threads, one per core within the memory budget. They use the fast engine if it passes its self-check,
    /// which runs first, and otherwise the portable one.
    ///
    /// # Errors
    /// If the settings are invalid or the system starts no more threads.
    pub fn start(
        settings: &HashingSettings,
        random: Arc<dyn SecureRandom>,
    ) -> Result<Self, StartHashingError> {
        settings.validate()?;
        let params = settings.params().map_err(StartHashingError::Parameters)?;
        let cores = available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        let (workers, share) = (settings.workers(cores), params.block_count());
        let pool = Pool::start(Engine::select(), workers, share, settings.wait)?;
        Self::assemble(pool, params, random).map_err(StartHashingError::Parameters)
    }

    /// The number of hashes that are computed concurrently.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.pool.workers()
    }

    fn assemble(pool: Pool, params: Params, random: Arc<dyn SecureRandom>) -> Result<Self, argon2::Error> {
        let mut tag = [0; TAG_BYTES];
        random.fill(&mut tag);
        let tag = Output::new(&tag).map_err(|_| argon2::Error::OutputTooShort)?;
        let decoy = Argon2Hash { params: Argon2Params::new(params.clone(), new_salt(&*random)?), tag };
        let stored_decoy = PasswordHash::new(decoy.to_string());
        Ok(Self { pool, params, decoy: StoredHash::Argon2(decoy), stored_decoy, random })
    }
}

#[async_trait]
impl PasswordHasher for Argon2Hasher {
    async fn hash(&self, password: &Password, _: Option<CounterKey>) -> Result<PasswordHash, PortError> {
        let salt = new_salt(&*self.random).map_err(|error| unavailable(error.into()))?;
        let params = Argon2Params::new(self.params.clone(), salt);
        let password = Zeroizing::new(password.expose().to_vec());
        let hash = self
            .pool
            .run(Cost::Usual, move |memory| Argon2Hash::compute(params, &password, memory))
            .await?
            .map_err(unavailable)?;
        Ok(PasswordHash::new(hash.to_string()))
    }

    fn accept(&self, hash: &PasswordHash) -> Result<HashStrength, InvalidHash> {
        match StoredHash::parse(hash.expose()) {
            Ok(_) => Ok(HashStrength::Strong),
            Err(ParseHashError::TooCostly(cost)) => Err(InvalidHash::TooCostly(cost)),
            Err(_) => Err(InvalidHash::Unsupported),
        }
    }

    fn weight(&self, _: &PasswordHash) -> u32 {
        1
    }

    async fn verify<'a>(
        &self,
        attempt: &PasswordAttempt,
        stored: Option<&'a PasswordHash>,
        _: Option<CounterKey>,
    ) -> Result<PasswordVerdict, PortError> {
        // The decoy takes every step of a stored hash, parsing included, and an unreadable hash costs the decoy's work
        // before it becomes an error. Otherwise the time of the answer would reveal which users exist.
        let parsed = StoredHash::parse(stored.unwrap_or(&self.stored_decoy).expose());
        let compared = parsed.as_ref().unwrap_or(&self.decoy).clone();
        let attempt = Zeroizing::new(attempt.expose().to_vec());
        let cost = if compared.has_cost_of(&self.params) { Cost::Usual } else { Cost::Unknown };
        let matches = self
            .pool
            .run(cost, move |memory| compared.matches(&attempt, memory))
            .await?
            .map_err(unavailable)?;
        let hash = parsed.map_err(|error| PortError::Corrupt(error.into()))?;
        Ok(match matches && stored.is_some() {
            false => PasswordVerdict::Differs,
            true if hash.is_weaker_than(&self.params) => PasswordVerdict::MatchesOutdated,
            true => PasswordVerdict::Matches,
        })
    }
}

fn new_salt(random: &dyn SecureRandom) -> Result<Salt, argon2::Error> {
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    Salt::new(&salt).map_err(|_| argon2::Error::SaltTooShort)
}

fn unavailable(error: HashingError) -> PortError {
    PortError::Unavailable(error.into())
}

#[cfg(test)]
mod tests {
    use std::mem::discriminant;
    use std::sync::atomic::{AtomicU8, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use auth_domain::model::PasswordPolicy;
    use tokio::task::{JoinSet, yield_now};

    use super::*;

    /// Randomness that is different each time, and that a test can foresee.
    #[derive(Default)]
    struct Counting(AtomicU8);

    impl SecureRandom for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    /// A hasher whose hashes cost next to nothing.
    fn cheap() -> Argon2Hasher {
        cheap_with(Engine::Simd, Duration::from_secs(60))
    }

    fn cheap_with(engine: Engine, wait: Duration) -> Argon2Hasher {
        let params = Params::new(64, 2, 1, Some(TAG_BYTES)).expect("parameters");
        let pool = Pool::start(engine, NonZero::<usize>::MIN, params.block_count(), wait).expect("threads");
        Argon2Hasher::assemble(pool, params, Arc::new(Counting::default())).expect("a hasher")
    }

    fn password(typed: &str) -> Password {
        Password::parse(typed, PasswordPolicy { min_length: 1 }).expect("a password")
    }

    async fn verify(
        hasher: &Argon2Hasher,
        attempt: &str,
        stored: &str,
    ) -> Result<PasswordVerdict, PortError> {
        hasher.verify(&PasswordAttempt::new(attempt), Some(&PasswordHash::new(stored.to_owned())), None).await
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_and_no_other_does() {
        let hasher = cheap();
        let longest = "\u{1f600}".repeat(255);
        for typed in ["P@ssw0rd!", " P\0ss w\u{1f600}rd ", "a", &longest] {
            let stored = hasher.hash(&password(typed), None).await.expect("a hash");
            let verdict = verify(&hasher, typed, stored.expose()).await;
            assert!(matches!(verdict, Ok(PasswordVerdict::Matches)), "{typed:?}: {verdict:?}");
            for other in [
                String::new(),
                format!("{typed}\0"),
                format!("\0{typed}"),
                typed.trim().to_owned() + "x",
                typed.to_uppercase() + " ",
                typed.chars().skip(1).collect(),
                typed.split('\0').next().map(|start| start.to_owned() + "\0").unwrap_or_default(),
                "x".repeat(20_000),
            ] {
                let verdict = verify(&hasher, &other, stored.expose()).await;
                assert!(matches!(verdict, Ok(PasswordVerdict::Differs)), "{typed:?} {other:?}: {verdict:?}");
            }
        }
    }

    #[tokio::test]
    async fn either_engine_verifies_what_the_other_made() {
        let [simd, portable] =
            [Engine::Simd, Engine::Portable].map(|engine| cheap_with(engine, Duration::from_secs(60)));
        for (one, other) in [(&simd, &portable), (&portable, &simd)] {
            let stored = one.hash(&password("P@ssw0rd!"), None).await.expect("a hash");
            let verdict = verify(other, "P@ssw0rd!", stored.expose()).await;
            assert!(matches!(verdict, Ok(PasswordVerdict::Matches)), "{verdict:?}");
            let verdict = verify(other, "P@ssw0rd?", stored.expose()).await;
            assert!(matches!(verdict, Ok(PasswordVerdict::Differs)), "{verdict:?}");
        }
    }

    #[tokio::test]
    async fn two_hashes_of_one_password_have_different_salts_and_tags() {
        let hasher = cheap();
        let first = hasher.hash(&password("P@ssw0rd!"), None).await.expect("a hash");
        let second = hasher.hash(&password("P@ssw0rd!"), None).await.expect("a hash");
        let parts = |hash: &PasswordHash| hash.expose().split('$').map(str::to_owned).collect::<Vec<_>>();
        let (first, second) = (parts(&first), parts(&second));
        assert_eq!(first[..4], ["", "argon2id", "v=19", "m=64,t=2,p=1"]);
        assert_eq!((first[4].len(), first[5].len()), (22, 43), "16 and 32 bytes");
        assert!(first[4] != second[4] && first[5] != second[5]);
    }

    #[tokio::test]
    async fn a_weaker_hash_matches_its_password_only_as_outdated() {
        const WEAKER: &str =
            "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E";
        let hasher = cheap();
        assert!(matches!(verify(&hasher, "password", WEAKER).await, Ok(PasswordVerdict::MatchesOutdated)));
        assert!(matches!(verify(&hasher, "passwords", WEAKER).await, Ok(PasswordVerdict::Differs)));
    }

    /// `P@ssw0rd!`, hashed by libxcrypt, hashlib and passlib.
    const FOREIGN: [&str; 4] = [
        "$2y$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS",
        "$scrypt$ln=10,r=8,p=2$c2l4dGVlbiBieXRlcyA6KQ$ZREHvOsfmIYxwHCtyW3D2IMz1O/X82EcQn1VGnvZS8I",
        "$pbkdf2-sha256$i=1000,l=32$c2l4dGVlbiBieXRlcyA6KQ$wLq4jMbfURDPCuWM96ukbfXl+KAmFrMHkEBAbkzniCc",
        "pbkdf2_sha256$1000$abcdefghijkl$E1pyZ2RPLMOewjwwKNw1N8BwVlX6ToAMB0h0/vuPDvE=",
    ];

    #[tokio::test]
    async fn an_imported_hash_matches_its_password_only_as_outdated() {
        let hasher = cheap();
        for stored in FOREIGN {
            assert_eq!(hasher.accept(&PasswordHash::new(stored.to_owned())), Ok(HashStrength::Strong));
            let verdict = verify(&hasher, "P@ssw0rd!", stored).await;
            assert!(matches!(verdict, Ok(PasswordVerdict::MatchesOutdated)), "{stored}: {verdict:?}");
            let verdict = verify(&hasher, "P@ssw0rd", stored).await;
            assert!(matches!(verdict, Ok(PasswordVerdict::Differs)), "{stored}: {verdict:?}");
        }
    }

    #[tokio::test]
    async fn the_decoy_hash_costs_the_same_and_never_matches() {
        let mut hasher = cheap();
        let stored = hasher.hash(&password("P@ssw0rd!"), None).await.expect("a hash");
        let real = StoredHash::parse(stored.expose()).expect("a hash");
        assert_eq!(StoredHash::parse(hasher.stored_decoy.expose()).expect("a hash"), hasher.decoy);
        assert_eq!(hasher.stored_decoy.expose().len(), stored.expose().len());
        assert!(!hasher.decoy.is_weaker_than(&hasher.params) && !real.is_weaker_than(&hasher.params));
        assert!(hasher.decoy.has_cost_of(&hasher.params) && real.has_cost_of(&hasher.params));

        let attempt = PasswordAttempt::new("P@ssw0rd!");
        assert!(matches!(hasher.verify(&attempt, None, None).await, Ok(PasswordVerdict::Differs)));
        // Even if the tag matches by chance:
        hasher.stored_decoy = stored;
        assert!(matches!(hasher.verify(&attempt, None, None).await, Ok(PasswordVerdict::Differs)));
    }

    #[tokio::test]
    async fn every_verification_uses_the_queue_whatever_is_stored() {
        let hasher = Arc::new(cheap_with(Engine::Simd, Duration::ZERO));
        // Without a permit no call succeeds, so a refused call shows that it would have used a worker.
        let (release, released) = mpsc::channel::<()>();
        let mut calls = JoinSet::new();
        let pool = Arc::clone(&hasher);
        calls.spawn(
            async move { pool.pool.run(Cost::Usual, move |_| released.recv().is_err()).await.is_ok() },
        );
        for _ in 0..4 {
            let pool = Arc::clone(&hasher);
            calls.spawn(async move { pool.pool.run(Cost::Usual, |_| true).await.is_ok() });
        }
        yield_now().await;
        let attempt = PasswordAttempt::new("P@ssw0rd!");
        let real = hasher.stored_decoy.expose();
        for stored in [None, Some(real), Some(FOREIGN[0]), Some(""), Some("$2b$12$x"), Some(TOO_COSTLY)] {
            let stored = stored.map(|stored| PasswordHash::new(stored.to_owned()));
            let verdict = hasher.verify(&attempt, stored.as_ref(), None).await;
            assert!(matches!(verdict, Err(PortError::Overloaded)), "{verdict:?}");
        }
        assert!(matches!(hasher.hash(&password("P@ssw0rd!"), None).await, Err(PortError::Overloaded)));
        drop(release);
        assert!(calls.join_all().await.into_iter().all(|served| served));
    }

    const TOO_COSTLY: &str =
        "$argon2id$v=19$m=1048577,t=2,p=1$c2l4dGVlbiBieXRlcyA6KQ$3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg";

    #[tokio::test]
    async fn what_cannot_be_verified_is_a_fault_and_no_verdict() {
        let hasher = cheap();
        let costly_bcrypt = FOREIGN[0].replace("$05$", "$15$");
        for (stored, rejected) in [
            ("", InvalidHash::Unsupported),
            ("P@ssw0rd!", InvalidHash::Unsupported),
            ("$2b$12$x", InvalidHash::Unsupported),
            ("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", InvalidHash::Unsupported),
            (TOO_COSTLY, InvalidHash::TooCostly(String::new())),
            (&costly_bcrypt, InvalidHash::TooCostly(String::new())),
        ] {
            let error = hasher.accept(&PasswordHash::new(stored.to_owned())).expect_err(stored);
            assert_eq!(discriminant(&error), discriminant(&rejected), "{stored}: {error}");
            let verdict = verify(&hasher, "P@ssw0rd!", stored).await;
            assert!(matches!(verdict, Err(PortError::Corrupt(_))), "{stored}: {verdict:?}");
        }
    }

    #[tokio::test]
    async fn starts_with_valid_settings_only() {
        let random: Arc<dyn SecureRandom> = Arc::new(Counting::default());
        let weak = HashingSettings { memory_kib: 8, ..HashingSettings::default() };
        let refusal = Argon2Hasher::start(&weak, Arc::clone(&random)).err().expect("too weak");
        assert!(matches!(refusal, StartHashingError::Settings(InvalidHashingSettings::TooWeak { .. })));

        let hasher = Argon2Hasher::start(&HashingSettings::default(), random).expect("a hasher");
        assert!(hasher.workers() >= 1);
        let stored = hasher.hash(&password("P@ssw0rd!"), None).await.expect("a hash");
        assert!(stored.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(matches!(verify(&hasher, "P@ssw0rd!", stored.expose()).await, Ok(PasswordVerdict::Matches)));
    }
}
