//! The keys of a directory: made, read, rotated, shared.
#![cfg(feature = "jwt")]
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod token_fixture;

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, SystemTime};

use auth_domain::model::{AccessClaims, Timestamp};
use auth_domain::ports::AccessTokenCodec;
use auth_domain::testing::{FixedClock, SeededRandom};
use auth_infra::token::{JwtCodec, JwtSettings, KeyAlgorithm, KeyInfo, KeyRing, KeyUse};
use tempfile::TempDir;
use token_fixture::{ISSUER, Issuer, LIFETIMES, claims, open};

/// Made by `openssl genpkey -algorithm ed25519`.
const OPENSSL_ED25519: &str = include_str!("data/keys/openssl-ed25519.pem");
/// Made by `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.
const OPENSSL_P256: &str = include_str!("data/keys/openssl-p256.pem");

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// Writes a file as of some seconds after the epoch.
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
fn an_empty_directory_gets_a_key_that_nobody_else_may_read() {
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
fn keys_outlive_the_process() {
    let issuer = Issuer::new(KeyAlgorithm::P256);
    let token = issuer.token();
    let again = Arc::new(open(&issuer.dir.path().join("keys"), KeyAlgorithm::Ed25519).expect("keys"));
    assert_eq!(again.list(), issuer.keys.list(), "a key keeps its algorithm whatever new ones are to have");
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
fn public_keys_are_published_and_nothing_else() {
    let dir = directory();
    write(dir.path(), "old.pem", OPENSSL_ED25519, 1);
    write(dir.path(), "new.pem", OPENSSL_P256, 2);
    assert_eq!(
        ring(dir.path()).jwks(),
        serde_json::from_str::<serde_json::Value>(include_str!("data/keys/jwks.json")).expect("JSON")
    );
}

#[test]
fn the_newest_signs_and_among_equals_the_greatest_name() {
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
fn other_files_are_none_of_its_business() {
    let dir = directory();
    write(dir.path(), "key.pem", OPENSSL_ED25519, 1);
    for other in ["README", "key.pem.bak", "key.pub", ".key.pem", ".2025-08-13T101530Z-00000000.new", "pem"] {
        write(dir.path(), other, "no key", 2);
    }
    fs::create_dir(dir.path().join("archive")).expect("a directory");
    assert_eq!(kids(&ring(dir.path())), ["key"]);
}

#[test]
fn what_looks_like_a_key_and_is_none_is_named_and_not_quoted() {
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
        let said = open(dir.path(), KeyAlgorithm::Ed25519).err().expect(flaw).to_string();
        assert!(
            said.contains("bad.pem") && !said.contains(&secret[20..]) && !said.contains('\n'),
            "{flaw}: {said}"
        );
    }
    let dir = directory();
    write(dir.path(), "bad.pem", [0xff, 0xfe], 2);
    assert!(open(dir.path(), KeyAlgorithm::Ed25519).is_err(), "not even text");
}

#[test]
fn what_is_no_file_is_refused_without_being_opened() {
    let refusal = |make: fn(&Path)| {
        let dir = directory();
        make(&dir.path().join("bad.pem"));
        open(dir.path(), KeyAlgorithm::Ed25519).err().expect("no file").to_string()
    };
    for said in [
        refusal(|path| fs::create_dir(path).expect("a directory")),
        refusal(|path| drop(UnixListener::bind(path).expect("a socket"))),
        refusal(|path| symlink("/dev/zero", path).expect("a link")),
    ] {
        assert!(said.contains("bad.pem is not one Ed25519 or P-256 private key"), "{said}");
    }
}

#[test]
fn names_that_would_not_do_as_a_kid_are_refused() {
    for name in ["a b", "a.b", "\u{e4}", "a+b", &"a".repeat(65), ""] {
        let dir = directory();
        write(dir.path(), &format!("{name}.pem"), OPENSSL_ED25519, 1);
        let opened = open(dir.path(), KeyAlgorithm::Ed25519);
        if name.is_empty() {
            // `.pem` begins with a point.
            assert!(opened.is_ok());
        } else {
            let said = opened.err().expect(name).to_string();
            assert!(said.contains(&format!("{name}.pem")), "{said}");
        }
    }
    let dir = directory();
    write(dir.path(), &format!("{}.pem", "a".repeat(64)), OPENSSL_ED25519, 1);
    assert!(open(dir.path(), KeyAlgorithm::Ed25519).is_ok());
}

#[test]
fn a_link_to_a_key_is_a_key() {
    // As orchestrators mount secrets.
    let (dir, elsewhere) = (directory(), directory());
    write(elsewhere.path(), "key", OPENSSL_ED25519, 1);
    symlink(elsewhere.path().join("key"), dir.path().join("key.pem")).expect("a link");
    assert_eq!(kids(&ring(dir.path())), ["key"]);
}

#[test]
fn a_key_that_others_may_read_is_used() {
    let dir = directory();
    write(dir.path(), "key.pem", OPENSSL_ED25519, 1);
    fs::set_permissions(dir.path().join("key.pem"), fs::Permissions::from_mode(0o444)).expect("rights");
    assert_eq!(kids(&ring(dir.path())), ["key"]);
}

#[test]
fn a_new_key_signs_at_once_and_the_old_one_verifies() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let (old, before) = (issuer.kid(), issuer.token());
    let new = issuer.keys.rotate().expect("rotated");
    assert!(signs(&new) && new.kid != old);
    assert_eq!(kids(&issuer.keys), [new.kid.clone(), old]);
    let after = issuer.token();
    assert!(signs(&issuer.keys.list()[0]) && !signs(&issuer.keys.list()[1]));
    assert_eq!((issuer.verify(&before), issuer.verify(&after)), (Some(claims()), Some(claims())));
    assert_eq!(fs::read_dir(issuer.dir.path().join("keys")).expect("a list").count(), 2, "no draft is left");
    assert_eq!(mode(&issuer.dir.path().join(format!("keys/{}.pem", new.kid))), 0o600);
}

#[test]
fn each_new_key_is_newer_than_the_newest_whatever_the_clock_says() {
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
    assert!(made.is_sorted_by(|newer, older| newer > older), "names are in the order of time: {made:?}");
    clock.set(Timestamp::from_unix_seconds(1_800_000_000));
    assert!(keys.rotate().expect("rotated").kid.starts_with("2027-01-15T080000Z-"));
}

#[test]
fn a_new_key_is_of_the_algorithm_that_is_asked_for_now() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let before = issuer.token();
    let keys = Arc::new(open(&issuer.dir.path().join("keys"), KeyAlgorithm::P256).expect("keys"));
    assert_eq!(keys.list()[0].algorithm, KeyAlgorithm::Ed25519);
    assert_eq!(keys.rotate().expect("rotated").algorithm, KeyAlgorithm::P256);
    assert!(verifies(&keys, &before) && verifies(&keys, &sign(&keys)));
}

#[test]
fn another_process_verifies_with_a_new_key_at_once_and_signs_with_it_after_a_reload() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let path = issuer.dir.path().join("keys");
    let (one, two) = (Arc::new(ring(&path)), Arc::new(ring(&path)));
    one.rotate().expect("rotated");
    assert_eq!(kids(&two).len(), 1);
    assert!(verifies(&two, &sign(&one)), "by its kid");
    assert_eq!(kids(&two), kids(&one));

    one.rotate().expect("rotated");
    assert!(two.reload_if_changed());
    assert_eq!(kids(&two), kids(&one));
    assert!(!two.reload_if_changed() && !one.reload_if_changed(), "nothing has changed since");
}

/// Keys at the time that it really is, since that is when the files of keys come into the directory.
fn keys_of_now(dir: &Path) -> (Arc<KeyRing>, Arc<FixedClock>, Timestamp) {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time");
    let now = Timestamp::UNIX_EPOCH.plus(since_epoch).whole_seconds();
    let clock = Arc::new(FixedClock::at(now));
    let random = Arc::new(SeededRandom::new(1));
    let keys = KeyRing::open(dir, KeyAlgorithm::Ed25519, LIFETIMES, clock.clone(), random).expect("keys");
    (Arc::new(keys), clock, now)
}

#[test]
fn a_stolen_key_makes_no_token_that_is_dated_after_the_takeover_or_lives_too_long() {
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
        // Another process may not have seen the new key yet.
        forge(now.plus(seconds(50)), 900),
    ];
    let wrong = [
        forge(now.plus(seconds(120)), 900),
        forge(now.plus(seconds(1_000_000)), 900),
        forge(now, 1_100),
        forge(now.minus(seconds(1_000_000)), 3_000_000),
    ];
    assert!(right.iter().chain(&wrong).all(is_read), "the key is in force");
    keys.rotate().expect("rotated");
    assert!(right.iter().all(is_read));
    assert!(!wrong.iter().any(is_read));
}

#[test]
fn a_key_that_was_made_long_before_it_came_into_the_directory_took_over_when_it_came() {
    let dir = directory();
    let (keys, _, now) = keys_of_now(dir.path());
    let elsewhere = directory();
    fs::rename(dir.path().join(format!("{}.pem", kids(&keys)[0])), elsewhere.path().join("first"))
        .expect("moved");
    write(dir.path(), "older.pem", OPENSSL_P256, 1_000_000_000);
    assert!(keys.reload_if_changed());
    let claims = AccessClaims { issued_at: now, expires_at: now.plus(Duration::from_secs(900)), ..claims() };
    let token = codec(&keys).sign(&claims).expect("signed");
    write(elsewhere.path(), "newer.pem", OPENSSL_ED25519, 1_500_000_000);
    fs::rename(elsewhere.path().join("newer.pem"), dir.path().join("newer.pem")).expect("moved");
    assert!(keys.reload_if_changed());
    assert_eq!(kids(&keys), ["newer", "older"]);
    assert_eq!(codec(&keys).verify(token.expose()), Some(claims));
}

#[test]
fn a_key_is_published_then_renews_only_and_then_is_ignored() {
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
fn a_key_whose_file_is_deleted_verifies_no_more() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let (old, before) = (issuer.kid(), issuer.token());
    issuer.keys.rotate().expect("rotated");
    fs::remove_file(issuer.dir.path().join(format!("keys/{old}.pem"))).expect("deleted");
    assert!(issuer.keys.reload_if_changed());
    assert_eq!(issuer.verify(&before), None);
    assert_eq!(issuer.verify(&issuer.token()), Some(claims()));
}

#[test]
fn a_key_whose_file_is_replaced_is_another_key() {
    let dir = directory();
    write(dir.path(), "key.pem", OPENSSL_ED25519, 1);
    let keys = Arc::new(ring(dir.path()));
    let before = sign(&keys);
    write(dir.path(), "key.pem", OPENSSL_P256, 1);
    assert!(keys.reload_if_changed(), "the times that anybody can set are not all that is looked at");
    assert!(!verifies(&keys, &before) && verifies(&keys, &sign(&keys)));
}

#[test]
fn while_the_directory_cannot_be_read_the_keys_in_force_stay() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let path = issuer.dir.path().join("keys");
    let (before, kept) = (issuer.token(), issuer.keys.list());

    write(&path, "bad.pem", "no key", 2_000_000_000);
    assert!(!issuer.keys.reload_if_changed() && !issuer.keys.reload_if_changed());
    assert_eq!((issuer.keys.list(), issuer.verify(&before)), (kept.clone(), Some(claims())));
    assert!(issuer.keys.rotate().expect_err("a bad file").to_string().contains("bad.pem"));
    assert_eq!(fs::read_dir(&path).expect("a list").count(), 2, "no key is made that could not be read");
    assert_eq!(issuer.verify(&issuer.sign(issuer.header().replace(&issuer.kid(), "bad"), "{}")), None);

    write(&path, "bad.pem", OPENSSL_ED25519, 1);
    assert!(issuer.keys.reload_if_changed());
    assert_eq!(kids(&issuer.keys), [kept[0].kid.clone(), "bad".to_owned()]);

    fs::remove_dir_all(&path).expect("deleted");
    assert!(!issuer.keys.reload_if_changed());
    assert_eq!(issuer.verify(&before), Some(claims()));
    fs::create_dir(&path).expect("made");
    assert!(!issuer.keys.reload_if_changed());
    assert_eq!(issuer.verify(&before), Some(claims()), "keys do not vanish with their files all at once");
}

#[test]
fn a_directory_that_cannot_be_one_is_named() {
    let dir = directory();
    write(dir.path(), "file", "", 1);
    let said = open(&dir.path().join("file"), KeyAlgorithm::Ed25519).err().expect("a file").to_string();
    assert!(said.contains("file") && !said.contains('\n'), "{said}");
}

#[test]
fn processes_that_start_at_once_end_up_with_the_same_keys() {
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
                assert!(verifies(keys, token), "each verifies what another has signed, without waiting");
            }
        }
        for (keys, _) in &opened {
            keys.reload_if_changed();
            assert_eq!(keys.list(), opened[0].0.list());
        }
    }
}

#[test]
fn threads_that_verify_while_keys_are_rotated_are_never_wrong() {
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
