//! The password hasher.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

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
use super::calibration::Calibration;
use super::cost::{self, Cost};
use super::engine::Engine;
use super::error::{HashingError, ParseHashError};
use super::params::{Argon2Params, SALT_BYTES, TAG_BYTES};
use super::pool::Pool;
use super::settings::{HashingSettings, InvalidHashingSettings};
use super::stored::{Algorithm, StoredHash, TypedPassword};

/// The maximum time of one verification of a hash that is imported, on this machine.
const MAX_VERIFICATION: Duration = Duration::from_secs(1);

/// Hashes passwords with Argon2id on a bounded pool of threads.
///
/// - Hashes are PHC strings, `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`, with 16 bytes of salt and 32 of tag.
/// - A caller waits for its turn for as long as the settings allow. Client addresses and API keys take turns, however many
///   calls each of them makes. A call whose future was dropped costs no hash.
/// - For an unknown user the decoy hash is verified: the current parameters and a random tag, read and computed like any
///   stored hash. The verdict is `Differs` even if the tag matches by chance (1 in 2^256).
/// - Hashes of other algorithms or parameters are verified in a lane of their own, within bounds of their own. A login
///   replaces them, unless they do not cover the whole password.
/// - A hash with another format or other parameters takes another time than the decoy.
/// - A stored text that is unsupported or too costly costs the work of the decoy too. The result is then
///   [`PortError::Corrupt`].
///
/// Calls need a tokio runtime with a timer. Dropping the hasher ends its threads.
pub struct Argon2Hasher {
    pool: Pool,
    params: Params,
    memory_budget_kib: u32,
    calibration: Calibration,
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
    /// Starts the threads, one per core within the memory budget, and those for imported hashes. They use the fast engine
    /// if it passes its self-check, which runs first, and otherwise the portable one.
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
        let calibration = Calibration::measured();
        Self::assemble(pool, params, settings.memory_budget_kib, calibration, random)
            .map_err(StartHashingError::Parameters)
    }

    /// The number of hashes with the current parameters that are computed concurrently.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.pool.usual.threads()
    }

    fn assemble(
        pool: Pool,
        params: Params,
        memory_budget_kib: u32,
        calibration: Calibration,
        random: Arc<dyn SecureRandom>,
    ) -> Result<Self, argon2::Error> {
        let mut tag = [0; TAG_BYTES];
        random.fill(&mut tag);
        let tag = Output::new(&tag).map_err(|_| argon2::Error::OutputTooShort)?;
        let decoy = Argon2Hash { params: Argon2Params::new(params.clone(), new_salt(&*random)?), tag };
        let stored_decoy = PasswordHash::new(decoy.to_string());
        let decoy = StoredHash::new(Algorithm::Argon2(decoy));
        Ok(Self { pool, params, memory_budget_kib, calibration, decoy, stored_decoy, random })
    }

    /// Reads a hash that fits into the memory budget.
    fn parse(&self, stored: &PasswordHash) -> Result<StoredHash, ParseHashError> {
        const MIB: u64 = 1 << 20;
        let hash = StoredHash::parse(stored.expose())?;
        let (needed, budget) = (hash.memory_bytes(), u64::from(self.memory_budget_kib) * 1_024);
        if needed > budget {
            return Err(ParseHashError::TooCostly(format!(
                "{} MiB of memory, at most {} MiB (hashing.memory_budget_mib)",
                needed.div_ceil(MIB),
                budget / MIB
            )));
        }
        Ok(hash)
    }
}

#[async_trait]
impl PasswordHasher for Argon2Hasher {
    async fn hash(&self, password: &Password, caller: Option<CounterKey>) -> Result<PasswordHash, PortError> {
        let salt = new_salt(&*self.random).map_err(|error| unavailable(error.into()))?;
        let params = Argon2Params::new(self.params.clone(), salt);
        let password = Zeroizing::new(password.expose().to_vec());
        let hash = self
            .pool
            .usual
            .run(caller, move |memory| Argon2Hash::compute(params, &password, memory))
            .await?
            .map_err(unavailable)?;
        Ok(PasswordHash::new(hash.to_string()))
    }

    fn accept(&self, hash: &PasswordHash) -> Result<HashStrength, InvalidHash> {
        let hash = self.parse(hash).map_err(invalid)?;
        // A hash with the current parameters is bearable by definition, and a measurement takes time.
        if !hash.has_cost_of(&self.params) {
            let time = self.calibration.time(&hash.costs());
            if time > MAX_VERIFICATION {
                return Err(InvalidHash::TooCostly(format!(
                    "about {:.1} s on this machine, at most {} s",
                    time.as_secs_f64(),
                    MAX_VERIFICATION.as_secs()
                )));
            }
        }
        Ok(hash.strength())
    }

    fn weight(&self, stored: &PasswordHash) -> u32 {
        // A hash that cannot be read costs the work of the decoy.
        let costs = self.parse(stored).map(|hash| hash.costs()).unwrap_or_default();
        cost::weight(&costs, Cost::of_argon2(&self.params))
    }

    async fn verify<'a>(
        &self,
        attempt: &PasswordAttempt,
        stored: Option<&'a PasswordHash>,
        caller: Option<CounterKey>,
    ) -> Result<PasswordVerdict, PortError> {
        // The decoy takes every step of a stored hash, parsing included, and an unreadable hash costs the decoy's work
        // before it becomes an error. Otherwise the time of the answer would reveal which users exist.
        let parsed = self.parse(stored.unwrap_or(&self.stored_decoy));
        let compared = parsed.as_ref().unwrap_or(&self.decoy).clone();
        let attempt = TypedPassword::new(attempt.expose(), attempt.expose_typed());
        let is_usual = compared.has_cost_of(&self.params);
        let lane = if is_usual { &self.pool.usual } else { &self.pool.imported };
        let found =
            lane.run(caller, move |memory| compared.compare(&attempt, memory)).await?.map_err(unavailable)?;
        let hash = parsed.map_err(|error| PortError::Corrupt(error.into()))?;
        Ok(match found.filter(|_| stored.is_some()) {
            None => PasswordVerdict::Differs,
            Some(found) if found.is_whole && (!found.is_normalised || hash.is_weaker_than(&self.params)) => {
                PasswordVerdict::MatchesOutdated
            }
            Some(_) => PasswordVerdict::Matches,
        })
    }
}

fn invalid(error: ParseHashError) -> InvalidHash {
    match error {
        ParseHashError::TooCostly(cost) => InvalidHash::TooCostly(cost),
        ParseHashError::Named(format) => InvalidHash::Named(format),
        ParseHashError::Malformed(format) => InvalidHash::Malformed(format),
        ParseHashError::Format(_) | ParseHashError::Parameters(_) | ParseHashError::Incomplete => {
            InvalidHash::Malformed("Argon2")
        }
        ParseHashError::Unknown => InvalidHash::Unsupported,
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

    use tokio::sync::oneshot;

    use super::super::memory::Memory;
    use super::super::pool::Lane;
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
        on_machine(engine, wait, Calibration::nominal(1.0))
    }

    fn on_machine(engine: Engine, wait: Duration, machine: Calibration) -> Argon2Hasher {
        let params = Params::new(64, 2, 1, Some(TAG_BYTES)).expect("parameters");
        let pool = Pool::start(engine, NonZero::<usize>::MIN, params.block_count(), wait).expect("threads");
        Argon2Hasher::assemble(pool, params, 262_144, machine, Arc::new(Counting::default()))
            .expect("a hasher")
    }

    fn password(typed: &str) -> Password {
        Password::parse(typed).expect("a password")
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
            assert!(hasher.accept(&PasswordHash::new(stored.to_owned())).is_ok(), "{stored}");
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

    /// Occupies the only thread of a lane until the sender is dropped.
    async fn occupy(hasher: &Arc<Argon2Hasher>, lane: fn(&Pool) -> &Lane) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let hasher = Arc::clone(hasher);
        tokio::spawn(async move {
            let work = move |_: &mut Memory| {
                begun.send(()).expect("the test waits");
                let _ = released.recv();
            };
            lane(&hasher.pool).run(None, work).await
        });
        has_begun.await.expect("the thread has begun");
        release
    }

    #[tokio::test]
    async fn every_verification_uses_a_queue_whatever_is_stored() {
        let hasher = Arc::new(cheap());
        // While both lanes are occupied no call succeeds, so a refused call shows that it would have used a thread.
        let _usual = occupy(&hasher, |pool| &pool.usual).await;
        let _imported = occupy(&hasher, |pool| &pool.imported).await;
        // The clock jumps to the end of each wait.
        tokio::time::pause();
        let attempt = PasswordAttempt::new("P@ssw0rd!");
        let real = hasher.stored_decoy.expose();
        for stored in [None, Some(real), Some(FOREIGN[0]), Some(""), Some("$2b$12$x"), Some(TOO_COSTLY)] {
            let stored = stored.map(|stored| PasswordHash::new(stored.to_owned()));
            let verdict = hasher.verify(&attempt, stored.as_ref(), None).await;
            assert!(matches!(verdict, Err(PortError::Overloaded)), "{verdict:?}");
        }
        assert!(matches!(hasher.hash(&password("P@ssw0rd!"), None).await, Err(PortError::Overloaded)));
    }

    #[tokio::test]
    async fn imported_hashes_do_not_delay_other_users() {
        let hasher = Arc::new(cheap());
        let _imported = occupy(&hasher, |pool| &pool.imported).await;
        let stored = hasher.hash(&password("P@ssw0rd!"), None).await.expect("a hash");
        let verdict = verify(&hasher, "P@ssw0rd!", stored.expose()).await;
        assert!(matches!(verdict, Ok(PasswordVerdict::Matches)), "{verdict:?}");
        let unknown = hasher.verify(&PasswordAttempt::new("P@ssw0rd!"), None, None).await;
        assert!(matches!(unknown, Ok(PasswordVerdict::Differs)), "{unknown:?}");
    }

    #[tokio::test]
    async fn a_new_hash_replaces_only_one_that_covers_the_whole_password() {
        const DIGITS: &str =
            "01234567890123456789012345678901234567890123456789012345678901234567890123456789";
        const BCRYPT: &str = "$2b$05$yXPoslPKQ4YCOL6Rw91kquvr0N1JjmP/WCUUy4ogLLaggplIRWg5m";
        const BCRYPT_71: &str = "$2b$05$yXPoslPKQ4YCOL6Rw91kqu9BQPaWtHc4Id7nFCdyKcrzvYHprjrBu";
        const DJANGO: &str = "bcrypt_sha256$$2b$05$sOnSlOhx7jLk8FJPZaKpSuyGaO8wbAHcMSBP.AO3PHifZronKwiGm";
        const SYMFONY: &str = "$2y$05$OJNqDLGijSGQyG3obaxIC.O0YuAObIUR2pUXQmI1D/2lcmX25OxvK";
        const WORDPRESS: &str = "$wp$2y$05$a6bQd3s8b4AykgvXlBxnruz9TFoUA/fbGI2oZODP4e69PAkC6q4xO";
        const PHPASS: &str = "$P$5LFo1yF.vx1bkqpVPwAZC7SJ2BUEC3/";
        const PBKDF2: &str = FOREIGN[2];
        const SCRYPT: &str = FOREIGN[1];
        const BETTER_AUTH: &str = "bee30008c00e74efda711b569d0aadde:8443ddd384f38f21c6dacd49c6af430ada85bf13564db0517753e6e003a88e6533fe5f42a12a7c214ac5e029f6f45da6371e46ab59fd6615b5db718ac38aa91e";
        const NODE: &str = "ca740859397e0884b6dd4b799194d762:0c0bae27535f650f8540794e53063d0132447e866e1727394e4d74c83171adff4435ae9ff1d52a97bf256b67cd69e0956e5551973e6bafcdf4357e28c05e1811";
        use PasswordVerdict::{Differs, Matches, MatchesOutdated};
        let hasher = cheap();
        for (typed, stored, expected) in [
            // bcrypt reads 72 bytes, the NUL at the end included.
            (&DIGITS[..71], BCRYPT_71, MatchesOutdated),
            (&DIGITS[..72], BCRYPT_71, Differs),
            (&DIGITS[..72], BCRYPT, Matches),
            (&DIGITS[..73], BCRYPT, Matches),
            (&(DIGITS[..72].to_owned() + "another end"), BCRYPT, Matches),
            (&DIGITS[..71], BCRYPT, Differs),
            // No program passes a NUL to bcrypt.
            ("P@ssw0rd!\0", FOREIGN[0], Differs),
            ("P@ssw0rd!\0P@ssw0rd!", FOREIGN[0], Differs),
            // A digest before bcrypt covers everything.
            (DIGITS, DJANGO, MatchesOutdated),
            (&DIGITS[..79], DJANGO, Differs),
            (DIGITS, SYMFONY, MatchesOutdated),
            (&DIGITS[..79], SYMFONY, Differs),
            // Only PHP writes `$2y$`.
            (DIGITS, &SYMFONY.replace("$2y$", "$2b$"), Differs),
            // WordPress trims.
            ("P@ssw0rd!", WORDPRESS, MatchesOutdated),
            (" P@ssw0rd!\n", WORDPRESS, Matches),
            ("P@ssw0rd!", PHPASS, MatchesOutdated),
            ("P@ssw0rd!\t", PHPASS, Matches),
            // HMAC extends its key with zeros.
            ("P@ssw0rd!\0", PBKDF2, Matches),
            ("P@ssw0rd!\0x", PBKDF2, Differs),
            ("P@ssw0rd!\0\0", SCRYPT, Matches),
            // Better Auth does not distinguish compatible characters; Node itself does.
            ("P@ssw0rd!", BETTER_AUTH, MatchesOutdated),
            ("\u{ff30}@ssw0rd!", BETTER_AUTH, Matches),
            ("P@ssw0rd!", NODE, MatchesOutdated),
            ("p@ssw0rd!", NODE, Differs),
        ] {
            let verdict = verify(&hasher, typed, stored).await.expect("no error");
            assert_eq!(verdict, expected, "{typed:?} {stored}");
        }
    }

    #[tokio::test]
    async fn a_password_matches_as_typed_and_in_normal_form() {
        /// Made by bcrypt, passlib and argon2-cffi from "e" and a combining accent.
        const DECOMPOSED: [&str; 3] = [
            "$2b$05$OktlNea9n8IWbPPz7.A3/esXs4RxfdwHPSPScv/ECtT6bZsWoZkH2",
            "$pbkdf2-sha256$1000$.h8DQAgBQIjR.l/rnbMWwg$02OJB4g4mmrwBmW9Mkzg8Ez7E9kByN.P7QqQN9iT14Q",
            "$argon2id$v=19$m=64,t=2,p=1$YwwBQAih1Pr/39t7rxXC+A$G8gPxg5z0qDKjw3IdTn9adArwaC64kFftVzKKJgyQWo",
        ];
        let hasher = cheap();
        for stored in DECOMPOSED {
            let verdict = verify(&hasher, "cafe\u{301}-cafe\u{301}", stored).await.expect("no error");
            assert_eq!(
                verdict,
                PasswordVerdict::MatchesOutdated,
                "a hash of the normal form replaces {stored}"
            );
            let verdict = verify(&hasher, "caf\u{e9}-caf\u{e9}", stored).await.expect("no error");
            assert_eq!(verdict, PasswordVerdict::Differs, "the other service would refuse it: {stored}");
        }
        let own = hasher.hash(&password("caf\u{e9}"), None).await.expect("a hash");
        let verdict = verify(&hasher, "cafe\u{301}", own.expose()).await.expect("no error");
        assert_eq!(verdict, PasswordVerdict::Matches);
    }

    #[test]
    fn an_import_refuses_what_takes_too_long_on_this_machine() {
        let bcrypt = |start| PasswordHash::new(FOREIGN[0].replace("$2y$05$", start));
        let nominal = on_machine(Engine::Simd, Duration::ZERO, Calibration::nominal(1.0));
        let slower = on_machine(Engine::Simd, Duration::ZERO, Calibration::nominal(2.0));
        let text = "costs too much to verify: about 1.1 s on this machine, at most 1 s";
        for (hash, reason) in [
            (bcrypt("$2b$13$"), "once 0.53 s, twice that on the slower machine"),
            (bcrypt("$2y$12$"), "twice 0.27 s, because a long password is compared in two ways"),
        ] {
            assert_eq!(nominal.accept(&hash), Ok(HashStrength::Strong), "{reason}");
            assert_eq!(slower.accept(&hash).expect_err(reason).to_string(), text);
        }
        assert_eq!(nominal.accept(&bcrypt("$2y$13$")).expect_err("two ways").to_string(), text);
        let sha512_crypt = |rounds| PasswordHash::new(SHA512_CRYPT.replace("$6$", rounds));
        assert!(nominal.accept(&sha512_crypt("$6$rounds=656000$")).is_ok(), "the default of passlib");
        let error = nominal.accept(&sha512_crypt("$6$rounds=1200000$"));
        assert_eq!(error.expect_err("a password of 128 bytes").to_string(), text);
        let far_slower = on_machine(Engine::Simd, Duration::ZERO, Calibration::nominal(1e6));
        assert_eq!(far_slower.accept(&far_slower.stored_decoy), Ok(HashStrength::Weak(
            "uses Argon2 with m=64 KiB and t=2; OWASP asks for at least m=47104 with t=1, m=19456 with t=2 or \
             m=12288 with t=3".to_owned()
        )));
    }

    #[tokio::test]
    async fn a_hash_beyond_the_memory_budget_is_never_verified() {
        let hasher = cheap();
        let stored = |kib| TOO_COSTLY.replace("1048577", kib);
        assert!(hasher.accept(&PasswordHash::new(stored("262144"))).is_ok());
        let beyond = stored("262145");
        let error = hasher.accept(&PasswordHash::new(beyond.clone())).expect_err("too much");
        let text = "costs too much to verify: 257 MiB of memory, at most 256 MiB (hashing.memory_budget_mib)";
        assert_eq!(error.to_string(), text);
        let verdict = verify(&hasher, "P@ssw0rd!", &beyond).await;
        assert!(matches!(verdict, Err(PortError::Corrupt(_))), "{verdict:?}");
    }

    #[test]
    fn a_weight_is_the_work_in_hashes_with_the_current_parameters() {
        let hasher = cheap();
        let weigh = |stored: &str| hasher.weight(&PasswordHash::new(stored.to_owned()));
        let argon2 = |params| TOO_COSTLY.replace("m=1048577,t=2,p=1", params);
        assert_eq!(weigh(&argon2("m=64,t=2,p=1")), 1);
        assert_eq!(weigh(&argon2("m=32,t=1,p=1")), 1, "at least 1");
        assert_eq!(weigh(&argon2("m=64,t=5,p=4")), 3, "rounded up");
        assert_eq!(weigh(&FOREIGN[0].replace("$2y$", "$2b$")), 55, "2^5 rounds of bcrypt");
        assert_eq!(weigh(FOREIGN[0]), 109, "a long password is compared in two ways");
        assert_eq!(weigh(SHA512_CRYPT), 123, "5,000 rounds, each over 128 bytes of password");
        assert_eq!([weigh(""), weigh(TOO_COSTLY)], [1, 1], "an unreadable hash costs the decoy");
    }

    const SHA512_CRYPT: &str = "$6$h2e7zMN7IHRGoWuJ$ah.pUFlTEKets9WqGLuiJZOoZptsn1g9298KKGPa7y1NpphVrs4A2aVmk2uYO9J4x1xHkT91Zw8Zt4qurh1dc1";

    const TOO_COSTLY: &str =
        "$argon2id$v=19$m=1048577,t=2,p=1$c2l4dGVlbiBieXRlcyA6KQ$3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg";

    #[tokio::test]
    async fn what_cannot_be_verified_is_a_fault_and_no_verdict() {
        let hasher = cheap();
        let costly_bcrypt = FOREIGN[0].replace("$05$", "$15$");
        for (stored, rejected) in [
            ("", InvalidHash::Unsupported),
            ("P@ssw0rd!", InvalidHash::Unsupported),
            ("$2b$12$x", InvalidHash::Malformed("")),
            ("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", InvalidHash::Named("")),
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
