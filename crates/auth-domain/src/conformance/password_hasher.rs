//! Hashing passwords.

use super::concurrency::concurrently;
use crate::model::{Password, PasswordAttempt, PasswordHash};
use crate::ports::{HashStrength, PasswordHasher, PasswordVerdict, PortError};

fn password(typed: &str) -> Password {
    Password::parse(typed).expect("a password")
}

async fn hash(hasher: &dyn PasswordHasher, typed: &str) -> PasswordHash {
    hasher.hash(&password(typed), None).await.expect("no error")
}

async fn verify(hasher: &dyn PasswordHasher, typed: &str, stored: Option<&PasswordHash>) -> PasswordVerdict {
    hasher.verify(&PasswordAttempt::new(typed), stored, None).await.expect("no error")
}

pub(super) async fn hash_matches_its_password(hasher: &dyn PasswordHasher) {
    for typed in [
        "P@ssw0rd!",
        "x",
        " with  spaces ",
        "a\0b",
        "p\u{e4}ss\u{1f600}",
        &"\u{1f600}".repeat(255),
        "\u{6f22}\u{5b57}",
        "$argon2id$v=19$m=19456,t=2,p=1$",
    ] {
        let stored = hash(hasher, typed).await;
        let verdict = verify(hasher, typed, Some(&stored)).await;
        assert_eq!(verdict, PasswordVerdict::Matches, "{typed:?}: a new hash is not outdated");
    }
}

pub(super) async fn hash_matches_no_other_password(hasher: &dyn PasswordHasher) {
    let mut earlier: Vec<PasswordHash> = Vec::new();
    let long = "a".repeat(254);
    let emoji = "\u{1f600}".repeat(254);
    for (typed, others) in [
        ("P@ssw0rd!", ["p@ssw0rd!", "P@ssw0rd", "P@ssw0rd! "]),
        ("a\0b", ["a", "a\0", "a\0c"]),
        (&format!("{long}b"), [&format!("{long}c"), long.as_str(), &long[..72]]),
        (&format!("{emoji}!"), [&format!("{emoji}?"), emoji.as_str(), ""]),
        ("\u{ff41}bc", ["abc", "\u{ff21}BC", "\u{ff41}bc\u{301}"]),
    ] {
        let stored = hash(hasher, typed).await;
        for other in others {
            let verdict = verify(hasher, other, Some(&stored)).await;
            assert_eq!(verdict, PasswordVerdict::Differs, "{other:?} is not {typed:?}");
        }
        assert_eq!(verify(hasher, typed, Some(&stored)).await, PasswordVerdict::Matches);
        for other in &earlier {
            let verdict = verify(hasher, typed, Some(other)).await;
            assert_eq!(verdict, PasswordVerdict::Differs, "{typed:?} was verified with its own hash only");
        }
        earlier.push(stored.clone());
        let overlong = format!("{typed}{}", "a".repeat(300));
        assert_eq!(verify(hasher, &overlong, Some(&stored)).await, PasswordVerdict::Differs);
    }
}

pub(super) async fn hash_ignores_the_unicode_composition(hasher: &dyn PasswordHasher) {
    let stored = hash(hasher, "caf\u{e9}-caf\u{e9}").await;
    assert_eq!(verify(hasher, "cafe\u{301}-cafe\u{301}", Some(&stored)).await, PasswordVerdict::Matches);
}

pub(super) async fn two_hashes_of_one_password_differ(hasher: &dyn PasswordHasher) {
    let mut earlier: Vec<PasswordHash> = Vec::new();
    for _ in 0..4 {
        let made = hash(hasher, "P@ssw0rd!").await;
        assert!(earlier.iter().all(|known| *known != made), "each hash needs its own salt");
        earlier.push(made);
    }
    for stored in earlier {
        assert_eq!(verify(hasher, "P@ssw0rd!", Some(&stored)).await, PasswordVerdict::Matches);
    }
}

pub(super) async fn hash_does_not_contain_the_password(hasher: &dyn PasswordHasher) {
    let stored = hash(hasher, "correct-horse").await;
    assert!(!stored.expose().contains("correct-horse"));
    assert!(
        !stored.expose().to_lowercase().contains("636f72726563742d686f727365"),
        "the hash must not contain it in hexadecimal"
    );
}

pub(super) async fn hash_can_be_stored_as_text(hasher: &dyn PasswordHasher) {
    let made = hash(hasher, "P@ssw0rd!").await;
    assert!(!made.expose().contains('\0'), "some stores cannot keep NUL");
    let stored = PasswordHash::new(made.expose().to_owned());
    assert_eq!(verify(hasher, "P@ssw0rd!", Some(&stored)).await, PasswordVerdict::Matches);
}

pub(super) async fn every_password_differs_without_a_hash(hasher: &dyn PasswordHasher) {
    for typed in ["P@ssw0rd!", "", "\0", "decoy", "password", &"a".repeat(256), &"\u{1f600}".repeat(2_000)] {
        assert_eq!(verify(hasher, typed, None).await, PasswordVerdict::Differs, "{typed:?}");
    }
}

pub(super) async fn own_hashes_are_accepted_and_malformed_ones_rejected(hasher: &dyn PasswordHasher) {
    let made = hash(hasher, "P@ssw0rd!").await;
    assert_eq!(hasher.accept(&made), Ok(HashStrength::Strong));
    assert_eq!(hasher.weight(&made), 1, "the unit is a new hash");
    for stored in malformed_hashes(&made) {
        assert!(hasher.accept(&stored).is_err(), "{:?}", stored.expose());
        assert_eq!(hasher.weight(&stored), 1, "it costs the work of a decoy");
    }
}

/// Texts that no hasher produces.
fn malformed_hashes(made: &PasswordHash) -> [PasswordHash; 7] {
    let cut = &made.expose()[..made.expose().len() / 2];
    ["", "P@ssw0rd!", "$", "$$$$$", "$unknown$v=1$c2FsdA$aGFzaA", "\u{1f600}", cut]
        .map(|text| PasswordHash::new(text.to_owned()))
}

pub(super) async fn malformed_hash_is_corrupt(hasher: &dyn PasswordHasher) {
    for stored in malformed_hashes(&hash(hasher, "P@ssw0rd!").await) {
        let text = stored.expose();
        let verdict = hasher.verify(&PasswordAttempt::new("P@ssw0rd!"), Some(&stored), None).await;
        assert!(matches!(verdict, Err(PortError::Corrupt(_))), "{text:?}: {verdict:?}");
    }
}

pub(super) async fn burst_is_answered_correctly_or_as_an_overload(hasher: &dyn PasswordHasher) {
    let stored = &hash(hasher, "P@ssw0rd!").await;
    let (right, wrong) = (&PasswordAttempt::new("P@ssw0rd!"), &PasswordAttempt::new("wrong"));
    let attempts = (0..64).map(|index| async move {
        let (attempt, expected) = match index % 2 {
            0 => (right, PasswordVerdict::Matches),
            _ => (wrong, PasswordVerdict::Differs),
        };
        match hasher.verify(attempt, Some(stored), None).await {
            Ok(verdict) => assert_eq!(verdict, expected),
            Err(error) => assert!(matches!(error, PortError::Overloaded), "{error:?}"),
        }
    });
    concurrently(attempts);
    assert_eq!(
        verify(hasher, "P@ssw0rd!", Some(stored)).await,
        PasswordVerdict::Matches,
        "the hasher recovers after the burst"
    );
    hash(hasher, "P@ssw0rd!").await;
}
