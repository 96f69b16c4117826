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
use auth_domain::ports::{AccessTokenCodec, Clock as _};
use auth_domain::testing::FixedClock;
use auth_infra::token::{
    JwtCodec, JwtSettings, KeyAlgorithm, KeyInfo, KeyRing, KeyUse, Rotation, read_newest_algorithm,
};
use tempfile::TempDir;
use token_fixture::{DELAY, ISSUER, Issuer, Kind, LIFETIMES, claims, open, open_at, refresh_claims, rotate};

/// Created by `openssl genpkey -algorithm ed25519`.
const OPENSSL_ED25519: &str = include_str!("data/keys/openssl-ed25519.pem");
/// Created by `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.
const OPENSSL_P256: &str = include_str!("data/keys/openssl-p256.pem");

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn write_raw(dir: &Path, name: &str, content: impl AsRef<[u8]>) {
    fs::write(dir.join(name), content).expect("written");
    fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o600)).expect("rights");
}

/// Writes the file of a key that was created `seconds` after the epoch. Its modification time says the opposite.
fn write(dir: &Path, name: &str, pem: &str, seconds: i64) {
    let created = Timestamp::from_unix_seconds(seconds);
    write_raw(dir, name, format!("Created: {created}\n{pem}"));
    let modified = Duration::from_secs(4_000_000_000 - u64::try_from(seconds).expect("a time"));
    let file = File::options().append(true).open(dir.join(name)).expect("opened");
    file.set_modified(SystemTime::UNIX_EPOCH + modified).expect("a time");
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A ring whose first key is ten seconds old at [`START`], the time of the clock.
fn ring_and_clock(dir: &Path) -> (Arc<KeyRing>, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(Timestamp::from_unix_seconds(START - 10)));
    let keys = Arc::new(open_at(&clock, dir, KeyAlgorithm::Ed25519).expect("keys"));
    clock.set(Timestamp::from_unix_seconds(START));
    (keys, clock)
}

/// 2025-08-13T10:15:30Z, the time of [`claims`].
const START: i64 = 1_755_080_130;

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
        assert_eq!(keys[0].created, Some(Timestamp::from_unix_seconds(START)));
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
    // Written by `openssl ecparam -genkey`: the parameters come first.
    let sec1 = concat!(
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
        include_str!("data/keys/openssl-p256-sec1.pem")
    );
    for (pem, algorithm) in [
        (OPENSSL_ED25519, KeyAlgorithm::Ed25519),
        (OPENSSL_P256, KeyAlgorithm::P256),
        (sec1, KeyAlgorithm::P256),
    ] {
        for pem in [pem.to_owned(), pem.replace('\n', "\r\n"), pem.trim().to_owned()] {
            let dir = directory();
            write_raw(dir.path(), "mine_1.pem", pem);
            let keys = Arc::new(ring(dir.path()));
            assert_eq!((kids(&keys), keys.list()[0].algorithm), (vec!["mine_1".to_owned()], algorithm));
            assert!(verifies(&keys, &sign(&keys)));
        }
    }
}

#[test]
fn jwks_contains_only_public_keys() {
    let dir = directory();
    write(dir.path(), "old.pem", OPENSSL_ED25519, START - 10);
    write(dir.path(), "new.pem", OPENSSL_P256, START);
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
    assert_eq!(keys.list()[2].created, Some(Timestamp::from_unix_seconds(4)));
}

#[test]
fn other_files_are_ignored() {
    let dir = directory();
    write(dir.path(), "key.pem", OPENSSL_ED25519, 1);
    for other in ["README", "key.pem.bak", "key.pub", ".key.pem", ".2025-08-13T101530Z-00000000.new", "pem"] {
        write_raw(dir.path(), other, "no key");
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
        ("a malformed time", format!("Created: yesterday\n{OPENSSL_ED25519}")),
        ("P-384", include_str!("data/keys/openssl-p384.pem").to_owned()),
        ("RSA", include_str!("data/keys/openssl-rsa.pem").to_owned()),
        ("encrypted", include_str!("data/keys/openssl-encrypted.pem").to_owned()),
    ] {
        let dir = directory();
        write(dir.path(), "good.pem", OPENSSL_ED25519, 1);
        write_raw(dir.path(), "bad.pem", content);
        let message = open(dir.path(), KeyAlgorithm::Ed25519).err().expect(flaw).to_string();
        assert!(
            message.contains("bad.pem") && !message.contains(&secret[20..]) && !message.contains('\n'),
            "{flaw}: {message}"
        );
    }
    let dir = directory();
    write_raw(dir.path(), "bad.pem", [0xff, 0xfe]);
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
fn link_to_a_missing_file_leaves_the_current_keys() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let (path, stolen) = (issuer.dir.path().join("keys"), issuer.token());
    let revoking = issuer.keys.rotate(Rotation::Now).expect("rotated").kid;
    let (file, moved) = (path.join(format!("{revoking}.pem")), issuer.dir.path().join("moved"));
    fs::rename(&file, &moved).expect("moved");
    symlink(&moved, &file).expect("a link");
    issuer.keys.reload_if_changed();
    let token = issuer.token();

    fs::remove_file(&moved).expect("deleted");
    assert!(!issuer.keys.reload_if_changed());
    assert_eq!((issuer.kid(), issuer.verify(&stolen)), (revoking, None), "the stolen key stays revoked");
    assert_eq!(issuer.verify(&token), Some(claims()));
    assert_eq!(issuer.keys.jwks()["keys"].as_array().map(Vec::len), Some(1));
    let message = open(&path, KeyAlgorithm::Ed25519).err().expect("refused").to_string();
    let reason = format!("cannot look at {}: the file that it is a link to is missing", file.display());
    assert_eq!(message, reason);
}

#[test]
fn key_with_public_permissions_is_used() {
    let dir = directory();
    write(dir.path(), "key.pem", OPENSSL_ED25519, 1);
    fs::set_permissions(dir.path().join("key.pem"), fs::Permissions::from_mode(0o444)).expect("rights");
    assert_eq!(kids(&ring(dir.path())), ["key"]);
}

#[test]
fn new_key_is_published_then_signs_and_the_old_one_verifies() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let (old, before) = (issuer.kid(), issuer.token());
    let new = issuer.keys.rotate(Rotation::After(DELAY)).expect("rotated");
    // The first key was created in the same second.
    let signs_from = Timestamp::from_unix_seconds(START + 601);
    assert_eq!(
        (new.used, new.created),
        (KeyUse::Published { signs_from }, Some(Timestamp::from_unix_seconds(START + 1)))
    );
    assert_eq!(kids(&issuer.keys), [new.kid.clone(), old.clone()]);
    let published = issuer.keys.jwks();
    for (second, signing) in [(0, &old), (600, &old), (601, &new.kid), (1_500, &new.kid)] {
        issuer.clock.set(Timestamp::from_unix_seconds(START + second));
        assert_eq!(&issuer.kid(), signing, "after {second} s");
        assert_eq!(issuer.keys.jwks(), published, "both keys are published");
        assert_eq!(
            (issuer.verify(&before), issuer.verify(&issuer.token())),
            (Some(claims()), Some(claims()))
        );
    }
    assert!(signs(&issuer.keys.list()[0]) && !signs(&issuer.keys.list()[1]));
    assert_eq!(
        fs::read_dir(issuer.dir.path().join("keys")).expect("a list").count(),
        2,
        "no temporary file is left"
    );
    assert_eq!(mode(&issuer.dir.path().join(format!("keys/{}.pem", new.kid))), 0o600);
}

#[test]
fn processes_agree_on_the_takeover_by_the_files_alone() {
    let issuer = Issuer::new(KeyAlgorithm::P256);
    issuer.keys.rotate(Rotation::After(DELAY)).expect("rotated");
    issuer.keys.rotate(Rotation::After(Duration::from_secs(30))).expect("rotated");
    let from = issuer.dir.path().join("keys");
    // Copies in either order, with other modification times than the originals.
    let copies = [false, true].map(|is_reversed| {
        let mut names: Vec<_> =
            fs::read_dir(&from).expect("a list").map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        if is_reversed {
            names.reverse();
        }
        let dir = directory();
        for name in names {
            fs::copy(from.join(&name), dir.path().join(&name)).expect("copied");
            thread::sleep(Duration::from_millis(5));
        }
        dir
    });
    let nodes = copies.each_ref().map(|dir| ring_and_clock(dir.path()));
    for second in [0, 1, 29, 30, 599, 600, 601, 5_000] {
        let now = Timestamp::from_unix_seconds(START + second);
        issuer.clock.set(now);
        for (keys, clock) in &nodes {
            clock.set(now);
            assert_eq!(keys.list(), issuer.keys.list());
            assert_eq!(keys.signing_and_newest(), issuer.keys.signing_and_newest(), "after {second} s");
            assert!(verifies(keys, &issuer.token()));
        }
    }
}

#[test]
fn stolen_keys_are_revoked_at_once_whatever_the_dates() {
    for hours_ahead in [0, 1, 10_000] {
        let issuer = Issuer::new(KeyAlgorithm::Ed25519);
        let path = issuer.dir.path().join("keys");
        issuer.keys.rotate(Rotation::After(DELAY)).expect("rotated");
        let (access, refresh) = (issuer.token(), issuer.token_of(Kind::Refresh));
        // The clock of the machine on which the command runs.
        let clock = Arc::new(FixedClock::at(issuer.clock.now().plus(seconds(3_600 * hours_ahead))));
        let other = open_at(&clock, &path, KeyAlgorithm::Ed25519).expect("keys");
        let new = other.rotate(Rotation::Now).expect("rotated");
        assert_eq!(new.used, KeyUse::Signs);

        assert!(issuer.keys.reload_if_changed());
        assert_eq!(issuer.kid(), new.kid, "{hours_ahead} h ahead");
        assert!(!issuer.accepts(Kind::Access, &access) && !issuer.accepts(Kind::Refresh, &refresh));
        let used: Vec<_> = issuer.keys.list().into_iter().map(|key| key.used).collect();
        assert_eq!(used, [KeyUse::Signs, KeyUse::Revoked, KeyUse::Revoked]);
        assert_eq!(issuer.keys.jwks()["keys"].as_array().map(Vec::len), Some(1));
        assert!(issuer.accepts(Kind::Access, &issuer.token()));
    }
}

#[test]
fn key_from_the_future_is_refused_and_the_current_keys_stay() {
    let dir = directory();
    let (keys, clock) = ring_and_clock(dir.path());
    let token = sign(&keys);
    let refused = |name: &str, content: String, reason: &str| {
        write_raw(dir.path(), name, content);
        let before = keys.signing_and_newest();
        assert!(!keys.reload_if_changed());
        assert_eq!(keys.signing_and_newest(), before);
        let message = open_at(&clock, dir.path(), KeyAlgorithm::Ed25519).err().expect("refused").to_string();
        assert!(message.contains(name) && message.contains(reason), "{message}");
        fs::remove_file(dir.path().join(name)).expect("deleted");
    };
    // START is 10:15:30.
    let by_name = "2025-08-13T101631Z-00000000.pem";
    refused(by_name, OPENSSL_P256.to_owned(), "was created at 2025-08-13T10:16:31Z, which is in the future");
    refused("b.pem", format!("Created: 2099-01-01T00:00:00Z\n{OPENSSL_P256}"), "which is in the future");
    refused("c.pem", format!("Signs-From: 2025-08-14T10:16:31Z\n{OPENSSL_P256}"), "more than a day from now");

    // A first key keeps no other key alive.
    let first = directory();
    write_raw(first.path(), "2099-01-01T000000Z-00000000.pem", OPENSSL_P256);
    assert!(signs(&ring(first.path()).list()[0]));

    // A minute of difference between clocks is accepted.
    write_raw(dir.path(), by_name, OPENSSL_P256);
    assert!(!keys.reload_if_changed());
    clock.advance(seconds(1));
    assert!(keys.reload_if_changed(), "it is read again although the directory has not changed");
    assert!(verifies(&keys, &token));
}

#[test]
fn keys_of_other_tools_are_ordered_by_a_line_or_refused() {
    let dir = directory();
    write_raw(dir.path(), "a.pem", OPENSSL_ED25519);
    let (keys, clock) = ring_and_clock(dir.path());
    assert_eq!((keys.list()[0].created, keys.list()[0].used), (None, KeyUse::Signs));
    let token = sign(&keys);

    write_raw(dir.path(), "b.pem", OPENSSL_P256);
    assert!(!keys.reload_if_changed(), "nothing gives the two an order");
    let message = open_at(&clock, dir.path(), KeyAlgorithm::Ed25519).err().expect("refused").to_string();
    assert!(message.contains("a.pem and ") && message.contains("b.pem have no time"), "{message}");
    assert!(message.contains("Signs-From: 2026-11-21T09:30:00Z"), "{message}");

    write_raw(dir.path(), "b.pem", format!("Signs-From: 2025-08-13T10:25:30Z\n{OPENSSL_P256}"));
    assert!(keys.reload_if_changed());
    assert_eq!(
        (kids(&keys), keys.signing_and_newest().0),
        (vec!["b".to_owned(), "a".to_owned()], "a".to_owned())
    );
    clock.advance(DELAY);
    assert_eq!(keys.signing_and_newest().0, "b");
    assert!(verifies(&keys, &token));
}

#[test]
fn rotation_refuses_no_right_token_and_accepts_no_late_one() {
    // Two nodes whose clocks differ by as much as is allowed.
    let dir = directory();
    let (one, one_clock) = ring_and_clock(dir.path());
    let (two, two_clock) = ring_and_clock(dir.path());
    let lifetime = LIFETIMES.access.as_secs();
    one.rotate(Rotation::After(DELAY)).expect("rotated");
    two.reload_if_changed();
    let (old, new) = (kids(&one)[1].clone(), kids(&one)[0].clone());
    for second in (0..600 + lifetime).step_by(7) {
        let now = Timestamp::from_unix_seconds(START).plus(seconds(second));
        one_clock.set(now);
        two_clock.set(now.plus(LIFETIMES.leeway));
        for (signer, clock) in [(&one, &one_clock), (&two, &two_clock)] {
            let issued_at = clock.now().whole_seconds();
            let claims = AccessClaims { issued_at, expires_at: issued_at.plus(LIFETIMES.access), ..claims() };
            let token = codec(signer).sign(&claims).expect("signed");
            // Each node accepts it until it expires.
            for later in [0, 1, lifetime / 2, lifetime] {
                one_clock.set(now.plus(seconds(later)));
                two_clock.set(now.plus(seconds(later)).plus(LIFETIMES.leeway));
                for verifier in [&one, &two] {
                    let found = codec(verifier).verify(token.expose());
                    assert_eq!(
                        found.as_ref(),
                        Some(&claims),
                        "signed after {second} s, shown {later} s later"
                    );
                }
            }
            one_clock.set(now);
            two_clock.set(now.plus(LIFETIMES.leeway));
        }
    }
    // One lifetime and the leeway after the takeover, nothing that the old key signed is accepted.
    let end = Timestamp::from_unix_seconds(START).plus(DELAY + LIFETIMES.access + LIFETIMES.leeway);
    one_clock.set(end.minus(seconds(1)));
    assert!(one.jwks().to_string().contains(&old));
    one_clock.set(end);
    assert!(!one.jwks().to_string().contains(&old) && one.jwks().to_string().contains(&new));
    assert!(matches!(one.list()[1].used, KeyUse::Renews { .. }));
}

#[test]
fn new_key_is_newer_than_all_keys_despite_the_clock() {
    let dir = directory();
    let (keys, clock) = ring_and_clock(dir.path());
    let mut made = kids(&keys);
    for seconds_back in [0, 20, 40, 50] {
        clock.set(Timestamp::from_unix_seconds(START).minus(seconds(seconds_back)));
        made.insert(0, keys.rotate(Rotation::After(DELAY)).expect("rotated").kid);
        assert_eq!(kids(&keys), made);
    }
    // A clock that is further behind is wrong, and so would be the time of its key.
    clock.set(Timestamp::from_unix_seconds(START).minus(seconds(3_600)));
    let message = keys.rotate(Rotation::After(DELAY)).expect_err("refused").to_string();
    assert!(message.contains("ahead of the clock of this machine"), "{message}");
    assert_eq!(fs::read_dir(dir.path()).expect("a list").count(), made.len());
    made.insert(0, keys.rotate(Rotation::Now).expect("rotated").kid);
    assert_eq!(kids(&keys), made);
    assert!(made.is_sorted_by(|newer, older| newer > older), "names sort by creation time: {made:?}");
    clock.set(Timestamp::from_unix_seconds(1_800_000_000));
    assert!(keys.rotate(Rotation::After(DELAY)).expect("rotated").kid.starts_with("2027-01-15T080000Z-"));
}

#[test]
fn new_key_has_the_configured_algorithm() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let before = issuer.token();
    let path = issuer.dir.path().join("keys");
    let keys = Arc::new(open_at(&issuer.clock, &path, KeyAlgorithm::P256).expect("keys"));
    assert_eq!(keys.list()[0].algorithm, KeyAlgorithm::Ed25519);
    assert_eq!(keys.newest_algorithm(), KeyAlgorithm::Ed25519);
    assert_eq!(rotate(&keys, &issuer.clock).algorithm, KeyAlgorithm::P256);
    assert_eq!(keys.newest_algorithm(), KeyAlgorithm::P256);
    assert!(verifies(&keys, &before) && verifies(&keys, &sign(&keys)));
}

#[test]
fn newest_algorithm_is_read_without_creating_anything() {
    let (dir, now) = (directory(), Timestamp::from_unix_seconds(START));
    let path = dir.path().join("data/keys");
    assert_eq!(read_newest_algorithm(&path, now).expect("read"), None);
    assert!(!dir.path().join("data").exists());
    assert_eq!(read_newest_algorithm(dir.path(), now).expect("read"), None);
    assert_eq!(fs::read_dir(dir.path()).expect("a list").count(), 0);

    write(dir.path(), "old.pem", OPENSSL_ED25519, 1);
    assert_eq!(read_newest_algorithm(dir.path(), now).expect("read"), Some(KeyAlgorithm::Ed25519));
    write(dir.path(), "new.pem", OPENSSL_P256, 2);
    assert_eq!(read_newest_algorithm(dir.path(), now).expect("read"), Some(KeyAlgorithm::P256));
    write_raw(dir.path(), "newest.pem", "no key");
    let message = read_newest_algorithm(dir.path(), now).expect_err("no key").to_string();
    assert!(message.contains("newest.pem is not one Ed25519 or P-256 private key"), "{message}");
}

#[test]
fn other_process_verifies_at_once_and_signs_after_a_reload() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let path = issuer.dir.path().join("keys");
    let (one, two) = (
        Arc::clone(&issuer.keys),
        Arc::new(open_at(&issuer.clock, &path, KeyAlgorithm::P256).expect("keys")),
    );
    issuer.rotate();
    assert_eq!(kids(&two).len(), 1);
    assert!(verifies(&two, &sign(&one)), "the token is verified by its kid");
    assert_eq!(kids(&two), kids(&one));

    issuer.rotate();
    assert!(two.reload_if_changed());
    assert_eq!(kids(&two), kids(&one));
    assert!(!two.reload_if_changed() && !one.reload_if_changed(), "no file has changed since");
}

#[test]
fn replaced_key_verifies_no_later_or_longer_token() {
    let dir = directory();
    let (keys, clock) = ring_and_clock(dir.path());
    let takeover = Timestamp::from_unix_seconds(START).plus(DELAY);
    let forge = |issued_at, lives| {
        let claims = AccessClaims { issued_at, expires_at: issued_at.plus(seconds(lives)), ..claims() };
        codec(&keys).sign(&claims).expect("signed").expose().to_owned()
    };
    let is_read = |token: &String| codec(&keys).verify(token).is_some();
    let right = [
        forge(takeover.minus(seconds(10_000)), 900),
        forge(takeover.minus(seconds(600)), 900),
        forge(takeover.minus(seconds(1)), 900),
    ];
    let wrong = [
        forge(takeover.plus(seconds(1)), 900),
        forge(takeover.plus(seconds(1_000_000)), 900),
        forge(takeover, 901),
        forge(takeover.minus(seconds(1_000_000)), 3_000_000),
    ];
    assert!(right.iter().chain(&wrong).all(is_read), "the key verifies while it is the newest");
    rotate(&keys, &clock);
    assert!(right.iter().all(is_read));
    assert!(!wrong.iter().any(is_read));
}

#[test]
fn replaced_key_verifies_no_later_refresh_token() {
    let dir = directory();
    let (keys, clock) = ring_and_clock(dir.path());
    let takeover = Timestamp::from_unix_seconds(START).plus(DELAY);
    let forge = |issued_at, lives| {
        let claims = RefreshClaims { issued_at, expires_at: issued_at.plus(lives), ..refresh_claims() };
        codec(&keys).sign_refresh(&claims).expect("signed").expose().to_owned()
    };
    let is_read = |token: &String| codec(&keys).verify_refresh(token).is_some();
    let right = [
        forge(takeover.minus(seconds(10_000)), LIFETIMES.renewal),
        forge(takeover.minus(seconds(1)), LIFETIMES.renewal),
        // It was issued under a longer idle time. Its session is live, so it must not log the user out.
        forge(takeover.minus(seconds(1)), 2 * LIFETIMES.renewal),
    ];
    let later = forge(takeover.plus(seconds(1)), seconds(900));
    assert!(right.iter().chain([&later]).all(is_read), "the key verifies while it is the newest");
    rotate(&keys, &clock);
    assert!(right.iter().all(is_read));
    assert!(!is_read(&later));
}

#[test]
fn refresh_token_outlives_its_key_for_the_idle_time() {
    let dir = directory();
    let (keys, clock) = ring_and_clock(dir.path());
    let takeover = Timestamp::from_unix_seconds(START).plus(DELAY);
    let issued_at = takeover.minus(seconds(1));
    let claims =
        RefreshClaims { issued_at, expires_at: issued_at.plus(LIFETIMES.renewal), ..refresh_claims() };
    let token = codec(&keys).sign_refresh(&claims).expect("signed").expose().to_owned();
    rotate(&keys, &clock);
    for (later, is_verified) in [
        (Duration::ZERO, true),
        (LIFETIMES.access + seconds(100), true),
        (LIFETIMES.renewal + seconds(4), true),
        (LIFETIMES.renewal + LIFETIMES.leeway, false),
    ] {
        clock.set(takeover.plus(later));
        let expected = is_verified.then(|| claims.clone());
        assert_eq!(codec(&keys).verify_refresh(&token), expected, "after {later:?}");
    }
}

#[test]
fn key_without_a_schedule_leaves_a_minute_to_read_it() {
    // Another process may sign with the old key until it has read the new file.
    let dir = directory();
    let (keys, clock) = ring_and_clock(dir.path());
    let now = Timestamp::from_unix_seconds(START);
    let token_at = |second| {
        let issued_at = now.plus(seconds(second));
        let claims = AccessClaims { issued_at, expires_at: issued_at.plus(LIFETIMES.access), ..claims() };
        codec(&keys).sign(&claims).expect("signed")
    };
    let (right, wrong) = (token_at(60), token_at(61));
    write(dir.path(), "newer.pem", OPENSSL_ED25519, START);
    assert!(keys.reload_if_changed());
    assert_eq!(keys.signing_and_newest().0, "newer");
    clock.set(now.plus(seconds(61)));
    assert!(codec(&keys).verify(right.expose()).is_some());
    assert!(codec(&keys).verify(wrong.expose()).is_none());
}

#[test]
fn key_is_published_then_renews_only_then_is_ignored() {
    let dir = directory();
    let (keys, clock) = ring_and_clock(dir.path());
    let now = Timestamp::from_unix_seconds(START);
    let claims = AccessClaims { issued_at: now, expires_at: now.plus(LIFETIMES.access), ..claims() };
    let token = codec(&keys).sign(&claims).expect("signed").expose().to_owned();
    rotate(&keys, &clock);
    let takeover = clock.now();
    let published = || keys.jwks()["keys"].as_array().expect("keys").len();
    for (later, used, shown, is_verified) in [
        (seconds(0), "Verifies", 2, true),
        (seconds(904), "Verifies", 2, true),
        (seconds(905), "Renews", 1, true),
        (LIFETIMES.renewal + seconds(4), "Renews", 1, true),
        (LIFETIMES.renewal + seconds(5), "Retired", 1, false),
    ] {
        clock.set(takeover.plus(later));
        assert!(format!("{:?}", keys.list()[1].used).starts_with(used), "{:?}", keys.list()[1].used);
        assert_eq!((published(), codec(&keys).verify(&token).is_some()), (shown, is_verified), "{used}");
    }
}

#[test]
fn key_that_others_can_write_does_not_replace_the_keys_in_force() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let (path, token) = (issuer.dir.path().join("keys"), issuer.token());
    let before = issuer.keys.list();
    let set_mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    write(&path, "planted.pem", OPENSSL_P256, START);
    let planted = path.join("planted.pem");
    for (unsafe_path, right, wrong) in
        [(&planted, 0o600, 0o620), (&planted, 0o600, 0o602), (&path, 0o700, 0o770)]
    {
        set_mode(unsafe_path, wrong);
        assert!(!issuer.keys.reload_if_changed());
        assert_eq!((issuer.keys.list(), issuer.verify(&token)), (before.clone(), Some(claims())));
        let message = open(&path, KeyAlgorithm::Ed25519).err().expect("refused").to_string();
        assert!(message.contains(&unsafe_path.display().to_string()), "{message}");
        set_mode(unsafe_path, right);
    }
    assert!(issuer.keys.reload_if_changed());
    assert_eq!(kids(&issuer.keys).len(), 2);
}

#[test]
fn deleted_key_file_no_longer_verifies() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let (old, before) = (issuer.kid(), issuer.token());
    issuer.rotate();
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

    write_raw(&path, "bad.pem", "no key");
    assert!(!issuer.keys.reload_if_changed() && !issuer.keys.reload_if_changed());
    assert_eq!((issuer.keys.list(), issuer.verify(&before)), (kept.clone(), Some(claims())));
    assert!(
        issuer.keys.rotate(Rotation::After(DELAY)).expect_err("a bad file").to_string().contains("bad.pem")
    );
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
    write_raw(dir.path(), "file", "");
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
    let path = issuer.dir.path().join("keys");
    let reader = Arc::new(open_at(&issuer.clock, &path, KeyAlgorithm::Ed25519).expect("keys"));
    thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..200).all(|_| verifies(&reader, &sign(&issuer.keys)))))
            .collect();
        for _ in 0..10 {
            issuer.keys.rotate(Rotation::After(seconds(1))).expect("rotated");
            issuer.clock.advance(seconds(1));
        }
        assert!(readers.into_iter().all(|reader| reader.join().expect("joined")));
    });
}
