//! The key directory: keys are created, read, rotated and shared between processes.
#![cfg(feature = "jwt")]
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

mod token_fixture;

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, SystemTime};

use auth_domain::model::{AccessClaims, RefreshClaims, Timestamp};
use auth_domain::ports::AccessTokenCodec;
use auth_domain::testing::{FixedClock, SeededRandom};
use auth_infra::token::{
    JwtCodec, JwtSettings, KeyAlgorithm, KeyInfo, KeyRing, KeyUse, read_signing_algorithm,
};
use tempfile::TempDir;
use token_fixture::{ISSUER, Issuer, LIFETIMES, claims, open, refresh_claims};

/// Created by `openssl genpkey -algorithm ed25519`.
const OPENSSL_ED25519: &str = include_str!("data/keys/openssl-ed25519.pem");
/// Created by `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.
const OPENSSL_P256: &str = include_str!("data/keys/openssl-p256.pem");

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// Writes a file whose modification time is `seconds` after the epoch.
fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>, seconds: u64) {
    fs::write(dir.join(name), content).expect("written");
    fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o600)).expect("rights");
    let file = File::options().append(true).open(dir.join(name)).expect("opened");
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).expect("a time");
}

fn ring(dir: &Path) -> KeyRing {
    open(dir, KeyAlgorithm::Ed25519).expect("keys")
}

fn codec(keys: &Arc<KeyRing>) -> JwtCodec {
    JwtCodec::new(Arc::clone(keys), JwtSettings::of(ISSUER))
}

fn sign(keys: &Arc<KeyRing>) -> String {
    codec(keys).sign(&claims()).expect("signed").expose().to_owned()
}

fn verifies(keys: &Arc<KeyRing>, token: &str) -> bool {
    codec(keys).verify(token) == Some(claims())
}

fn kids(keys: &KeyRing) -> Vec<String> {
    keys.list().into_iter().map(|key| key.kid).collect()
}

fn signs(key: &KeyInfo) -> bool {
    key.used == KeyUse::Signs
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("metadata").permissions().mode() & 0o777
}

#[test]
fn empty_directory_gets_a_key_with_private_permissions() {
    for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
        let dir = directory();
        let path = dir.path().join("data/keys");
        let keys = open(&path, algorithm).expect("keys").list();
        assert_eq!(keys.len(), 1);
        assert_eq!((keys[0].algorithm, keys[0].used), (algorithm, KeyUse::Signs));
        assert!(keys[0].kid.starts_with("2025-08-13T101530Z-") && keys[0].kid.len() == 27, "{}", keys[0].kid);
        assert_eq!(keys[0].created, Timestamp::from_unix_seconds(1_755_080_130));
        assert_eq!(
            (mode(&path), mode(&path.join("..")), fs::read_dir(&path).expect("a list").count()),
            (0o700, 0o700, 1)
        );
        assert_eq!(mode(&path.join(format!("{}.pem", keys[0].kid))), 0o600);
    }
}

#[test]
fn keys_are_read_again_by_a_new_process() {
    let issuer = Issuer::new(KeyAlgorithm::P256);
    let token = issuer.token();
    let again = Arc::new(open(&issuer.dir.path().join("keys"), KeyAlgorithm::Ed25519).expect("keys"));
    assert_eq!(again.list(), issuer.keys.list(), "the configured algorithm applies to new keys only");
    assert!(verifies(&again, &token));
}

#[test]
fn keys_made_by_openssl_are_read() {
    for (pem, algorithm) in [(OPENSSL_ED25519, KeyAlgorithm::Ed25519), (OPENSSL_P256, KeyAlgorithm::P256)] {
        for pem in [pem.to_owned(), pem.replace('\n', "\r\n"), pem.trim().to_owned()] {
            let dir = directory();
            write(dir.path(), "mine_1.pem", pem, 1);
            let keys = Arc::new(ring(dir.path()));
            assert_eq!((kids(&keys), keys.list()[0].algorithm), (vec!["mine_1".to_owned()], algorithm));
            assert!(verifies(&keys, &sign(&keys)));
        }
    }
}

#[test]
fn jwks_contains_only_public_keys() {
    let dir = directory();
    write(dir.path(), "old.pem", OPENSSL_ED25519, 1);
    write(dir.path(), "new.pem", OPENSSL_P256, 2);
    assert_eq!(
        ring(dir.path()).jwks(),
        serde_json::from_str::<serde_json::Value>(include_str!("data/keys/jwks.json")).expect("JSON")
    );
}

#[test]
fn newest_key_signs_and_ties_are_broken_by_name() {
    let dir = directory();
    write(dir.path(), "b.pem", OPENSSL_ED25519, 5);
    write(dir.path(), "a.pem", OPENSSL_ED25519, 5);
    write(dir.path(), "z.pem", OPENSSL_P256, 4);
    let keys = ring(dir.path());
    assert_eq!(kids(&keys), ["b", "a", "z"]);
    assert_eq!(keys.list().iter().map(signs).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(keys.list()[2].created, Timestamp::from_unix_seconds(4));
}

#[test]
fn other_files_are_ignored() {
    let dir = directory();
    write(dir.path(), "key.pem", OPENSSL_ED25519, 1);
    for other in ["README", "key.pem.bak", "key.pub", ".key.pem", ".2025-08-13T101530Z-00000000.new", "pem"] {
        write(dir.path(), other, "no key", 2);
    }
    fs::create_dir(dir.path().join("archive")).expect("a directory");
    assert_eq!(kids(&ring(dir.path())), ["key"]);
}

#[test]
fn malformed_key_file_is_named_but_not_quoted() {
    let body = |pem: &str| pem.lines().nth(1).expect("a line").to_owned();
    let secret = body(OPENSSL_ED25519);
    for (flaw, content) in [
        ("nothing", String::new()),
        ("no PEM", "secret".to_owned()),
        ("two keys", format!("{OPENSSL_ED25519}{OPENSSL_ED25519}")),
        ("half a key", OPENSSL_ED25519[..60].to_owned()),
        ("a public key", OPENSSL_ED25519.replace("PRIVATE", "PUBLIC")),
        ("a damaged key", OPENSSL_P256.replacen("MIG", "MIH", 1)),
        ("too much", format!("{OPENSSL_ED25519}{}", " ".repeat(20_000))),
        ("P-384", include_str!("data/keys/openssl-p384.pem").to_owned()),
        ("RSA", include_str!("data/keys/openssl-rsa.pem").to_owned()),
        ("SEC 1", include_str!("data/keys/openssl-p256-sec1.pem").to_owned()),
        ("encrypted", include_str!("data/keys/openssl-encrypted.pem").to_owned()),
    ] {
        let dir = directory();
        write(dir.path(), "good.pem", OPENSSL_ED25519, 1);
        write(dir.path(), "bad.pem", content, 2);
        let message = open(dir.path(), KeyAlgorithm::Ed25519).err().expect(flaw).to_string();
        assert!(
            message.contains("bad.pem") && !message.contains(&secret[20..]) && !message.contains('\n'),
            "{flaw}: {message}"
        );
    }
    let dir = directory();
    write(dir.path(), "bad.pem", [0xff, 0xfe], 2);
    assert!(open(dir.path(), KeyAlgorithm::Ed25519).is_err(), "not UTF-8");
}

#[test]
fn non_regular_file_is_refused_without_being_opened() {
    let refusal = |make: fn(&Path)| {
        let dir = directory();
        make(&dir.path().join("bad.pem"));
        open(dir.path(), KeyAlgorithm::Ed25519).err().expect("no file").to_string()
    };
    for message in [
        refusal(|path| fs::create_dir(path).expect("a directory")),
        refusal(|path| drop(UnixListener::bind(path).expect("a socket"))),
        refusal(|path| symlink("/dev/zero", path).expect("a link")),
    ] {
        assert!(message.contains("bad.pem is not one Ed25519 or P-256 private key"), "{message}");
    }
}

#[test]
fn file_names_that_are_no_valid_kid_are_refused() {
    for name in ["a b", "a.b", "\u{e4}", "a+b", &"a".repeat(65), ""] {
        let dir = directory();
        write(dir.path(), &format!("{name}.pem"), OPENSSL_ED25519, 1);
        let opened = open(dir.path(), KeyAlgorithm::Ed25519);
        if name.is_empty() {
            // A file name that is only `.pem` starts with a dot.
            assert!(opened.is_ok());
        } else {
            let message = opened.err().expect(name).to_string();
            assert!(message.contains(&format!("{name}.pem")), "{message}");
        }
    }
    let dir = directory();
    write(dir.path(), &format!("{}.pem", "a".repeat(64)), OPENSSL_ED25519, 1);
    assert!(open(dir.path(), KeyAlgorithm::Ed25519).is_ok());
}

#[test]
fn symbolic_link_to_a_key_is_a_key() {
    // Orchestrators mount secrets as links.
    let (dir, other_directory) = (directory(), directory());
    write(other_directory.path(), "key", OPENSSL_ED25519, 1);
    symlink(other_directory.path().join("key"), dir.path().join("key.pem")).expect("a link");
    assert_eq!(kids(&ring(dir.path())), ["key"]);
}

#[test]
fn key_with_public_permissions_is_used() {
    let dir = directory();
    write(dir.path(), "key.pem", OPENSSL_ED25519, 1);
    fs::set_permissions(dir.path().join("key.pem"), fs::Permissions::from_mode(0o444)).expect("rights");
    assert_eq!(kids(&ring(dir.path())), ["key"]);
}

#[test]
fn new_key_signs_at_once_and_the_old_one_verifies() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let (old, before) = (issuer.kid(), issuer.token());
    let new = issuer.keys.rotate().expect("rotated");
    assert!(signs(&new) && new.kid != old);
    assert_eq!(kids(&issuer.keys), [new.kid.clone(), old]);
    let after = issuer.token();
    assert!(signs(&issuer.keys.list()[0]) && !signs(&issuer.keys.list()[1]));
    assert_eq!((issuer.verify(&before), issuer.verify(&after)), (Some(claims()), Some(claims())));
    assert_eq!(
        fs::read_dir(issuer.dir.path().join("keys")).expect("a list").count(),
        2,
        "no temporary file is left"
    );
    assert_eq!(mode(&issuer.dir.path().join(format!("keys/{}.pem", new.kid))), 0o600);
}

#[test]
fn new_key_is_newer_than_all_keys_despite_the_clock() {
    let dir = directory();
    let clock = Arc::new(FixedClock::default());
    let random = Arc::new(SeededRandom::new(7));
    let keys = KeyRing::open(dir.path(), KeyAlgorithm::P256, LIFETIMES, clock.clone(), random).expect("keys");
    let mut made = kids(&keys);
    for hours_back in 0..4_u64 {
        clock.set(Timestamp::from_unix_seconds(1_755_080_130).minus(Duration::from_secs(3_600 * hours_back)));
        made.insert(0, keys.rotate().expect("rotated").kid);
        assert_eq!(kids(&keys), made);
    }
    assert!(made.is_sorted_by(|newer, older| newer > older), "names sort by creation time: {made:?}");
    clock.set(Timestamp::from_unix_seconds(1_800_000_000));
    assert!(keys.rotate().expect("rotated").kid.starts_with("2027-01-15T080000Z-"));
}

#[test]
fn new_key_has_the_configured_algorithm() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let before = issuer.token();
    let keys = Arc::new(open(&issuer.dir.path().join("keys"), KeyAlgorithm::P256).expect("keys"));
    assert_eq!(keys.list()[0].algorithm, KeyAlgorithm::Ed25519);
    assert_eq!(keys.signing_algorithm(), KeyAlgorithm::Ed25519);
    assert_eq!(keys.rotate().expect("rotated").algorithm, KeyAlgorithm::P256);
    assert_eq!(keys.signing_algorithm(), KeyAlgorithm::P256);
    assert!(verifies(&keys, &before) && verifies(&keys, &sign(&keys)));
}

#[test]
fn signing_algorithm_is_read_without_creating_anything() {
    let dir = directory();
    let path = dir.path().join("data/keys");
    assert_eq!(read_signing_algorithm(&path).expect("read"), None);
    assert!(!dir.path().join("data").exists());
    assert_eq!(read_signing_algorithm(dir.path()).expect("read"), None);
    assert_eq!(fs::read_dir(dir.path()).expect("a list").count(), 0);

    write(dir.path(), "old.pem", OPENSSL_ED25519, 1);
    assert_eq!(read_signing_algorithm(dir.path()).expect("read"), Some(KeyAlgorithm::Ed25519));
    write(dir.path(), "new.pem", OPENSSL_P256, 2);
    assert_eq!(read_signing_algorithm(dir.path()).expect("read"), Some(KeyAlgorithm::P256));
    write(dir.path(), "newest.pem", "no key", 3);
    let message = read_signing_algorithm(dir.path()).expect_err("no key").to_string();
    assert!(message.contains("newest.pem is not one Ed25519 or P-256 private key"), "{message}");
}

#[test]
fn other_process_verifies_at_once_and_signs_after_a_reload() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let path = issuer.dir.path().join("keys");
    let (one, two) = (Arc::new(ring(&path)), Arc::new(ring(&path)));
    one.rotate().expect("rotated");
    assert_eq!(kids(&two).len(), 1);
    assert!(verifies(&two, &sign(&one)), "the token is verified by its kid");
    assert_eq!(kids(&two), kids(&one));

    one.rotate().expect("rotated");
    assert!(two.reload_if_changed());
    assert_eq!(kids(&two), kids(&one));
    assert!(!two.reload_if_changed() && !one.reload_if_changed(), "no file has changed since");
}

/// A key ring with the clock set to the real time, because the file system stamps new key files with it.
fn keys_of_now(dir: &Path) -> (Arc<KeyRing>, Arc<FixedClock>, Timestamp) {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time");
    let now = Timestamp::UNIX_EPOCH.plus(since_epoch).whole_seconds();
    let clock = Arc::new(FixedClock::at(now));
    let random = Arc::new(SeededRandom::new(1));
    let keys = KeyRing::open(dir, KeyAlgorithm::Ed25519, LIFETIMES, clock.clone(), random).expect("keys");
    (Arc::new(keys), clock, now)
}

#[test]
fn replaced_key_verifies_no_later_or_longer_token() {
    let dir = directory();
    let (keys, _, now) = keys_of_now(dir.path());
    let seconds = Duration::from_secs;
    let forge = |issued_at, lives| {
        let claims = AccessClaims { issued_at, expires_at: issued_at.plus(seconds(lives)), ..claims() };
        codec(&keys).sign(&claims).expect("signed").expose().to_owned()
    };
    let is_read = |token: &String| codec(&keys).verify(token).is_some();
    let right = [
        forge(now.minus(seconds(10_000)), 900),
        forge(now, 900),
        // Another process may sign with the old key until it has read the new one.
        forge(now.plus(seconds(50)), 900),
    ];
    let wrong = [
        forge(now.plus(seconds(120)), 900),
        forge(now.plus(seconds(1_000_000)), 900),
        forge(now, 1_100),
        forge(now.minus(seconds(1_000_000)), 3_000_000),
    ];
    assert!(right.iter().chain(&wrong).all(is_read), "the key verifies while it is the newest");
    keys.rotate().expect("rotated");
    assert!(right.iter().all(is_read));
    assert!(!wrong.iter().any(is_read));
}

#[test]
fn replaced_key_verifies_no_later_refresh_token() {
    let dir = directory();
    let (keys, _, now) = keys_of_now(dir.path());
    let seconds = Duration::from_secs;
    let forge = |issued_at, lives| {
        let claims = RefreshClaims { issued_at, expires_at: issued_at.plus(lives), ..refresh_claims() };
        codec(&keys).sign_refresh(&claims).expect("signed").expose().to_owned()
    };
    let is_read = |token: &String| codec(&keys).verify_refresh(token).is_some();
    let right = [
        forge(now.minus(seconds(10_000)), LIFETIMES.renewal),
        forge(now, LIFETIMES.renewal),
        // Another process may sign with the old key until it has read the new one.
        forge(now.plus(seconds(50)), LIFETIMES.renewal),
        // It was issued under a longer idle time. Its session is live, so it must not log the user out.
        forge(now, 2 * LIFETIMES.renewal),
    ];
    let later = forge(now.plus(seconds(120)), seconds(900));
    assert!(right.iter().chain([&later]).all(is_read), "the key verifies while it is the newest");
    keys.rotate().expect("rotated");
    assert!(right.iter().all(is_read));
    assert!(!is_read(&later));
}

#[test]
fn refresh_token_outlives_its_key_for_the_idle_time() {
    let dir = directory();
    let (keys, clock, now) = keys_of_now(dir.path());
    let claims =
        RefreshClaims { issued_at: now, expires_at: now.plus(LIFETIMES.renewal), ..refresh_claims() };
    let token = codec(&keys).sign_refresh(&claims).expect("signed").expose().to_owned();
    keys.rotate().expect("rotated");
    let second = Duration::from_secs(1);
    for (later, is_verified) in [
        (Duration::ZERO, true),
        (LIFETIMES.access + 100 * second, true),
        (LIFETIMES.renewal, true),
        (LIFETIMES.renewal + 100 * second, false),
    ] {
        clock.set(now.plus(later));
        let expected = is_verified.then(|| claims.clone());
        assert_eq!(codec(&keys).verify_refresh(&token), expected, "after {later:?}");
    }
}

#[test]
fn key_takes_over_when_its_file_appears() {
    let dir = directory();
    let (keys, _, now) = keys_of_now(dir.path());
    let other_directory = directory();
    fs::rename(dir.path().join(format!("{}.pem", kids(&keys)[0])), other_directory.path().join("first"))
        .expect("moved");
    write(dir.path(), "older.pem", OPENSSL_P256, 1_000_000_000);
    assert!(keys.reload_if_changed());
    let claims = AccessClaims { issued_at: now, expires_at: now.plus(Duration::from_secs(900)), ..claims() };
    let token = codec(&keys).sign(&claims).expect("signed");
    write(other_directory.path(), "newer.pem", OPENSSL_ED25519, 1_500_000_000);
    fs::rename(other_directory.path().join("newer.pem"), dir.path().join("newer.pem")).expect("moved");
    assert!(keys.reload_if_changed());
    assert_eq!(kids(&keys), ["newer", "older"]);
    assert_eq!(codec(&keys).verify(token.expose()), Some(claims));
}

#[test]
fn key_is_published_then_renews_only_then_is_ignored() {
    let dir = directory();
    let (keys, clock, now) = keys_of_now(dir.path());
    let claims = AccessClaims { issued_at: now, expires_at: now.plus(LIFETIMES.access), ..claims() };
    let token = codec(&keys).sign(&claims).expect("signed").expose().to_owned();
    keys.rotate().expect("rotated");
    let published = || keys.jwks()["keys"].as_array().expect("keys").len();
    let seconds = Duration::from_secs;
    for (later, used, shown, is_verified) in [
        (seconds(900), "Verifies", 2, true),
        (seconds(1_000), "Renews", 1, true),
        (LIFETIMES.renewal, "Renews", 1, true),
        (LIFETIMES.renewal + seconds(100), "Retired", 1, false),
    ] {
        clock.set(now.plus(later));
        assert!(format!("{:?}", keys.list()[1].used).starts_with(used), "{:?}", keys.list()[1].used);
        assert_eq!((published(), codec(&keys).verify(&token).is_some()), (shown, is_verified), "{used}");
    }
}

#[test]
fn deleted_key_file_no_longer_verifies() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let (old, before) = (issuer.kid(), issuer.token());
    issuer.keys.rotate().expect("rotated");
    fs::remove_file(issuer.dir.path().join(format!("keys/{old}.pem"))).expect("deleted");
    assert!(issuer.keys.reload_if_changed());
    assert_eq!(issuer.verify(&before), None);
    assert_eq!(issuer.verify(&issuer.token()), Some(claims()));
}

#[test]
fn replaced_key_file_is_another_key() {
    let dir = directory();
    write(dir.path(), "key.pem", OPENSSL_ED25519, 1);
    let keys = Arc::new(ring(dir.path()));
    let before = sign(&keys);
    write(dir.path(), "key.pem", OPENSSL_P256, 1);
    assert!(keys.reload_if_changed(), "a change is noticed although the modification time is the same");
    assert!(!verifies(&keys, &before) && verifies(&keys, &sign(&keys)));
}

#[test]
fn unreadable_directory_leaves_the_current_keys() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let path = issuer.dir.path().join("keys");
    let (before, kept) = (issuer.token(), issuer.keys.list());

    write(&path, "bad.pem", "no key", 2_000_000_000);
    assert!(!issuer.keys.reload_if_changed() && !issuer.keys.reload_if_changed());
    assert_eq!((issuer.keys.list(), issuer.verify(&before)), (kept.clone(), Some(claims())));
    assert!(issuer.keys.rotate().expect_err("a bad file").to_string().contains("bad.pem"));
    assert_eq!(
        fs::read_dir(&path).expect("a list").count(),
        2,
        "no new key is created while the directory is unreadable"
    );
    assert_eq!(issuer.verify(&issuer.sign(issuer.header().replace(&issuer.kid(), "bad"), "{}")), None);

    write(&path, "bad.pem", OPENSSL_ED25519, 1);
    assert!(issuer.keys.reload_if_changed());
    assert_eq!(kids(&issuer.keys), [kept[0].kid.clone(), "bad".to_owned()]);

    fs::remove_dir_all(&path).expect("deleted");
    assert!(!issuer.keys.reload_if_changed());
    assert_eq!(issuer.verify(&before), Some(claims()));
    fs::create_dir(&path).expect("made");
    assert!(!issuer.keys.reload_if_changed());
    assert_eq!(issuer.verify(&before), Some(claims()), "keys stay when all files disappear at once");
}

#[test]
fn impossible_directory_is_named_in_the_error() {
    let dir = directory();
    write(dir.path(), "file", "", 1);
    let message = open(&dir.path().join("file"), KeyAlgorithm::Ed25519).err().expect("a file").to_string();
    assert!(message.contains("file") && !message.contains('\n'), "{message}");
}

#[test]
fn processes_that_start_together_share_their_keys() {
    const PROCESSES: usize = 8;
    for _ in 0..20 {
        let dir = directory();
        let path = dir.path().join("keys");
        let start = Arc::new(Barrier::new(PROCESSES));
        let opened: Vec<_> = (0..PROCESSES)
            .map(|_| {
                let (path, start) = (path.clone(), Arc::clone(&start));
                thread::spawn(move || {
                    start.wait();
                    let keys = Arc::new(ring(&path));
                    let token = sign(&keys);
                    (keys, token)
                })
            })
            .collect();
        let opened: Vec<_> = opened.into_iter().map(|thread| thread.join().expect("opened")).collect();
        for (keys, _) in &opened {
            for (_, token) in &opened {
                assert!(verifies(keys, token), "each process verifies the tokens of the others at once");
            }
        }
        for (keys, _) in &opened {
            keys.reload_if_changed();
            assert_eq!(keys.list(), opened[0].0.list());
        }
    }
}

#[test]
fn verification_is_correct_during_rotation() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let reader = Arc::new(ring(&issuer.dir.path().join("keys")));
    thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..200).all(|_| verifies(&reader, &sign(&issuer.keys)))))
            .collect();
        for _ in 0..10 {
            issuer.keys.rotate().expect("rotated");
        }
        assert!(readers.into_iter().all(|reader| reader.join().expect("joined")));
    });
}
