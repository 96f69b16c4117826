//! Every format, read from bytes.

use std::fmt::Write as _;
use std::io::Write as _;

use auth_domain::model::{ExternalId, PasswordHash, UserStatus, Username};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn options() -> ImportOptions {
    ImportOptions {
        from: None,
        ignore_unknown: false,
        default_roles: Roles::parse("customer").expect("roles"),
        firebase: None,
        now: Timestamp::from_unix_seconds(1_700_000_000),
    }
}

/// Each user as `place: username` or `place: reason`, and the error that ends the file.
fn read_with(bytes: &[u8], options: ImportOptions) -> (Vec<String>, Option<String>) {
    let mut file = match ImportFile::open(io::Cursor::new(bytes.to_vec()), options) {
        Ok(file) => file,
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let mut found = Vec::new();
    loop {
        match file.next_user() {
            Ok(Some(Entry { place, user })) => found.push(match user {
                Ok(user) => format!("{place}: {}", user.identifiers.username().map_or("-", Username::as_str)),
                Err(reason) => format!("{place}: {reason}"),
            }),
            Ok(None) => return (found, None),
            Err(error) => return (found, Some(error.to_string())),
        }
    }
}

fn read(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let (found, error) = read_with(bytes.as_ref(), options());
    assert_eq!(error, None, "{found:?}");
    found
}

/// The error of a file that cannot be read to its end, with the users before it.
fn refusal(bytes: impl AsRef<[u8]>) -> String {
    let (found, error) = read_with(bytes.as_ref(), options());
    error.unwrap_or_else(|| panic!("read: {found:?}"))
}

/// The only user of a file.
fn user(bytes: impl AsRef<[u8]>) -> ImportUser {
    let mut file = ImportFile::open(io::Cursor::new(bytes.as_ref().to_vec()), options()).expect("a file");
    let entry = file.next_user().expect("read").expect("a user");
    entry.user.expect("a user")
}

const JANE: &str = r#"{"username":"jane","password_hash":"$2b$.."}"#;
const JOHN: &str = r#"{"username":"john"}"#;

#[test]
fn json_is_read_in_every_arrangement() {
    let pretty = "{\n  \"username\": \"jane\"\n}\n{\n  \"username\": \"john\"\n}\n";
    let roles = format!(r#""roles":[{}]"#, r#"{"name":"offline_access","users":[{}]},"#.repeat(5_000));
    for (text, places) in [
        (format!("{JANE}\n\n{JOHN}"), ["line 1", "line 3"]),
        (format!("\n{JANE}\r\n{JOHN}\r\n"), ["line 2", "line 3"]),
        (format!("[{JANE},{JOHN}]"), ["user 1 in line 1", "user 2 in line 1"]),
        (format!(" [\n{JANE}\n,\n{JOHN}\n]\n"), ["user 1 in line 2", "user 2 in line 4"]),
        (format!("{{\"users\":[{JANE},\n{JOHN}]}}"), ["user 1 in line 1", "user 2 in line 2"]),
        (
            format!("{{\"a\":{{\"users\":1}},\"users\" : [ {JANE}, {JOHN} ],\"b\":2}}"),
            ["user 1 in line 1", "user 2 in line 1"],
        ),
        (
            format!("{{{},\n\"users\":[{JANE},{JOHN}]}}", roles.replace(",]", "]")),
            ["user 1 in line 2", "user 2 in line 2"],
        ),
        (pretty.to_owned(), ["line 1", "line 4"]),
    ] {
        let expected = [format!("{}: jane", places[0]), format!("{}: john", places[1])];
        assert_eq!(read(&text), expected, "{}", &text[..text.len().min(80)]);
    }
    for empty in ["", " \n\n", "[]", " [ ] ", r#"{"users":[]}"#] {
        assert_eq!(read(empty), [""; 0], "{empty:?}");
    }
}

#[test]
fn bad_users_do_not_hide_those_after_them() {
    let not_an_object = NOT_AN_OBJECT;
    for (text, expected) in [
        (
            format!("{{\"username\":\"x\n{JOHN}\n"),
            vec![format!("line 1: {not_an_object}"), "line 2: john".into()],
        ),
        (
            format!("{{\"username\":\"x\",\n{JOHN}\n"),
            vec![format!("line 1: {not_an_object}"), "line 2: john".into()],
        ),
        (format!("nonsense\n{JOHN}\n"), vec![format!("line 1: {not_an_object}"), "line 2: john".into()]),
        (
            format!("{JANE}\n[1]\n{JOHN}"),
            vec!["line 1: jane".into(), format!("line 2: {not_an_object}"), "line 3: john".into()],
        ),
        (
            format!("[7,{JOHN},\"x\"]"),
            vec![
                format!("user 1 in line 1: {not_an_object}"),
                "user 2 in line 1: john".into(),
                format!("user 3 in line 1: {not_an_object}"),
            ],
        ),
        (
            format!("[{{\"username\":\"{}\"}},\n{JOHN}]", "x".repeat(70_000)),
            vec![format!("user 1 in line 1: {TOO_LONG}"), "user 2 in line 2: john".into()],
        ),
    ] {
        assert_eq!(read(&text), expected, "{}", &text[..text.len().min(80)]);
    }
}

#[test]
fn incomplete_json_is_an_error_after_the_users_before_it() {
    for (text, reason) in [
        (format!("[{JANE},"), "the file is incomplete: it ends inside the list that contains line 1"),
        (
            format!("[{JANE},\n{{\"username\":"),
            "the file is incomplete: it ends inside the list that contains line 2",
        ),
        (
            format!("{{\"users\":[{JANE}"),
            "the file is incomplete: it ends inside the list that contains line 1",
        ),
        (format!("[{JANE} {JOHN}]"), "the file is not valid JSON in line 1"),
        (format!("[{JANE}]\n{JOHN}"), "the file is not valid JSON in line 2"),
        (format!("[{JANE},\n,{JOHN}]"), "the file is not valid JSON in line 2"),
    ] {
        let (found, error) = read_with(text.as_bytes(), options());
        assert_eq!((found.len(), error.as_deref()), (1, Some(reason)), "{text}");
    }
}

#[test]
fn csv_is_read_with_every_separator_and_quotes() {
    for separator in [",", ";", "\t", "|"] {
        let text = "username,email,password_hash,roles,email_verified,external_id\r\n\
                    jane,jane@example.com,,\"admin,editor\",t,7\r\n\
                    \"john\",john@example.com,\\N,,false,\r\n"
            .replace(',', separator)
            .replace(&format!("admin{separator}editor"), "admin,editor");
        assert_eq!(read(&text), ["line 2: jane", "line 3: john"], "{separator}");
        let jane = user(&text);
        assert_eq!(jane.roles.to_string(), "admin,editor");
        assert_eq!(jane.external_id.as_ref().map(ExternalId::as_str), Some("7"));
        assert!(jane.email_verified && jane.password_hash.is_none());
    }
    let multiline = "username,display_name\n\"jane\",\"Jane \"\"the first\"\"\"\njohn\nmary,\"M\n";
    let (found, error) = read_with(multiline.as_bytes(), options());
    assert_eq!(found[..2], ["line 2: jane", "line 3: has 1 values for 2 columns"]);
    assert!(found.len() == 3 && error.is_none(), "a quotation mark may end with the file: {found:?}");
    assert_eq!(read("username,display_name\nj\u{e4}ne,\n"), ["line 2: j\u{e4}ne"]);
    assert_eq!(read(b"username,display_name\njane,\xe4\n"), ["line 2: is not in UTF-8"]);
}

#[test]
fn csv_without_names_of_columns_is_refused_without_its_content() {
    for text in ["jane,jane@example.com,s3cret\n", "s3cret\n", "\"username,s3cret\n", "a,b\n", "\u{1f600}\n"]
    {
        let error = refusal(text);
        assert!(error.contains("neither JSON nor CSV") && !error.contains("s3cret"), "{text}: {error}");
    }
    let error = refusal("email,username,email\n");
    assert_eq!(error, "the file has more than one column with the name `email`");
    let mut endless = String::from("username,display_name\njane,\"");
    for _ in 0..200_000 {
        let _ = writeln!(endless, "s3cret,s3cret");
    }
    assert_eq!(refusal(&endless), "the file cannot be read");
}

#[test]
fn text_is_read_in_every_encoding() {
    let lines = format!("{JANE}\n{JOHN}\n");
    let utf16: Vec<u16> = lines.encode_utf16().collect();
    let little: Vec<u8> = utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&[&b"\xff\xfe"[..], &little].concat()).expect("packed");
    let packed = packed.finish().expect("packed");
    for (bytes, what) in [
        ([&b"\xef\xbb\xbf"[..], lines.as_bytes()].concat(), "a byte order mark"),
        ([&b"\xff\xfe"[..], &little].concat(), "UTF-16, little-endian"),
        ([&b"\xfe\xff"[..], &big].concat(), "UTF-16, big-endian"),
        (little, "UTF-16 without a mark, little-endian"),
        (big, "UTF-16 without a mark, big-endian"),
        ([&packed[..], &packed[..0]].concat(), "gzip"),
    ] {
        assert_eq!(read(&bytes), ["line 1: jane", "line 2: john"], "{what}");
    }
    let (found, error) = read_with(&packed[..packed.len() - 9], options());
    assert!(error.is_some() && found.len() <= 2, "a truncated file is an error");
    assert_eq!(refusal(b"\xff\xfe\x41\xd8"), "the file cannot be read");
}

#[test]
fn other_files_are_recognised() {
    for (bytes, what) in [
        (&b"PK\x03\x04\x14\0"[..], "a ZIP archive or an Excel workbook"),
        (b"SQLite format 3\0\x10\0", "an SQLite database"),
        (b"PGDMP\x01\x0e", "a dump of PostgreSQL"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\0\0\x04", "xz"),
        (b"\x28\xb5\x2f\xfd\x24", "zstd"),
        (b"PAR1\x15", "Parquet"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x1a\0\0\0\x02name\0\x05\0\0\0jane\0\0", "BSON"),
        (b"\x7fELF\x02\x01\x01\0\0", "a binary file"),
        (b"\xff\xfe\0\0{\0\0\0", "UTF-32"),
        (b"<?xml version=\"1.0\"?><users/>", "XML"),
        (b"---\n- username: jane\n", "YAML"),
        (b"-- MySQL dump 10.13\n", "SQL"),
        (b"insert into users values (1);", "SQL"),
        (b"COPY public.users (id) FROM stdin;", "SQL"),
        (b"dn: uid=jane,ou=people\nuserPassword: x\n", "LDIF"),
        (b"jane:$2y$05$abc\n", "a password file"),
        (b"root:x:0:0:root:/root:/bin/bash\n", "a password file"),
        (b"hash_config {\n algorithm: SCRYPT,\n}", "--hash-config"),
    ] {
        let error = refusal(bytes);
        assert!(error.starts_with("the file ") && error.contains(what), "{what}: {error}");
        assert!(!error.contains("jane") && !error.contains('\n'), "{error}");
    }
    let mut tar = vec![b'a'; 512];
    tar[257..262].copy_from_slice(b"ustar");
    assert!(refusal(&tar).contains("a TAR archive"));
}

#[test]
fn unknown_members_are_named_unless_they_may_be_secrets() {
    for (member, reason) in [
        ("pasword_hash", "has the unknown member `pasword_hash`; is it `password_hash`?"),
        ("E-Mail", "has the unknown member `E-Mail`; is it `email`?"),
        ("nickname", "has the unknown member `nickname`; --ignore-unknown leaves it out"),
        (
            "$2b$05$s3cret",
            "has the unknown member that is not shown, because it is unlike a name; --ignore-unknown leaves it out",
        ),
    ] {
        let line = format!(r#"{{"username":"jane","{member}":"s3cret"}}"#);
        assert_eq!(read(&line), [format!("line 1: {reason}")]);
        let ignoring = ImportOptions { ignore_unknown: true, ..options() };
        let mut file = ImportFile::open(io::Cursor::new(line), ignoring).expect("a file");
        assert!(file.next_user().expect("read").is_some_and(|entry| entry.user.is_ok()));
        assert_eq!(file.left_out().values().collect::<Vec<_>>(), [&1], "{member}");
    }
}

#[test]
fn exports_are_recognised_by_their_first_user() {
    for (text, export) in [
        (r#"{"user_id":"auth0|1","email":"j@example.com"}"#, Export::Auth0),
        (r#"[{"model":"auth.user","pk":1,"fields":{"username":"j","password":"!x"}}]"#, Export::Django),
        (r#"{"users":[{"localId":"1","email":"j@example.com"}]}"#, Export::Firebase),
        (r#"{"realm":"r","users":[{"username":"j","createdTimestamp":1,"enabled":true}]}"#, Export::Keycloak),
        (r#"{"identities":[{"id":"1","traits":{"email":"j@example.com"}}]}"#, Export::Kratos),
        ("id,email,encrypted_password\n1,j@example.com,h\n", Export::Supabase),
        (JANE, Export::Plain),
    ] {
        let mut file = ImportFile::open(io::Cursor::new(text), options()).expect("a file");
        let entry = file.next_user().expect("read").expect("a user");
        assert!(entry.user.is_ok(), "{text}: {:?}", entry.user);
        assert_eq!(file.export(), Some(export), "{text}");
    }
}

fn hash(user: &ImportUser) -> Option<&str> {
    user.password_hash.as_ref().map(PasswordHash::expose)
}

#[test]
fn hashes_of_exports_are_converted() {
    let keycloak =
        |credential: &str| format!(r#"{{"username":"j","createdTimestamp":1,"credentials":[{credential}]}}"#);
    let argon2 = r#"{"type":"password","secretData":"{\"value\":\"AAECAw==\",\"salt\":\"BAUGBw==\"}","credentialData":"{\"hashIterations\":5,\"algorithm\":\"argon2\",\"additionalParameters\":{\"hashLength\":[\"32\"],\"memory\":[\"7168\"],\"type\":[\"id\"],\"version\":[\"1.3\"],\"parallelism\":[\"1\"]}}"}"#;
    let old = r#"{"type":"password","hashedSaltedValue":"AAECAw==","salt":"BAUGBw==","hashIterations":20000,"algorithm":"pbkdf2"}"#;
    let auth0 = |custom: &str| {
        format!(r#"{{"user_id":"a|1","email":"j@example.com","custom_password_hash":{custom}}}"#)
    };
    for (text, expected) in [
        (keycloak(argon2), "$argon2id$v=19$m=7168,t=5,p=1$BAUGBw$AAECAw"),
        (keycloak(old), "$pbkdf2-sha1$i=20000,l=4$BAUGBw$AAECAw"),
        (auth0(r#"{"algorithm":"bcrypt","hash":{"value":"$2a$10$x"}}"#), "$2a$10$x"),
        (
            auth0(
                r#"{"algorithm":"scrypt","hash":{"value":"00010203","encoding":"hex"},"salt":{"value":"BAUGBw==","encoding":"base64"},"cost":1024}"#,
            ),
            "$scrypt$ln=10,r=8,p=1$BAUGBw$AAECAw",
        ),
    ] {
        assert_eq!(hash(&user(&text)), Some(expected), "{text}");
    }
    for (text, reason) in [
        (
            auth0(r#"{"algorithm":"md5","hash":{"value":"s3cret"}}"#),
            "line 1: custom_password_hash has the algorithm md5, which is not supported",
        ),
        (
            auth0(r#"{"algorithm":"s3cret","hash":{"value":"s3cret"}}"#),
            "line 1: custom_password_hash has an unknown algorithm",
        ),
        (
            keycloak(&old.replace("BAUGBw==", "s3cret!")),
            "line 1: credentials have a hash or a salt that is not in base64",
        ),
        (keycloak(&old.replace("pbkdf2", "s3cret")), "line 1: credentials have an unknown algorithm"),
        (
            r#"{"localId":"1","passwordHash":"s3cret","salt":"s3cret"}"#.into(),
            "line 1: passwordHash needs the hash parameters of the project: pass --hash-config",
        ),
    ] {
        assert_eq!(read(&text), [reason], "{text}");
    }
}

#[test]
fn firebase_csv_is_read_without_names_of_columns() {
    let row =
        "uid1,j@example.com,true,,,Jane,,,,,,,,,,,,,,,,,,1612345600000,1612345678901,+84123456789,true,\n";
    let firebase = ImportOptions { from: Some(Export::Firebase), ..options() };
    let mut file = ImportFile::open(io::Cursor::new(row), firebase).expect("a file");
    let user = file.next_user().expect("read").expect("a user").user.expect("a user");
    assert_eq!(user.external_id.as_ref().map(ExternalId::as_str), Some("uid1"));
    assert_eq!(user.created_at.map(|time| time.to_string()).as_deref(), Some("2021-02-03T09:46:40Z"));
    assert_eq!((user.email_verified, user.status), (true, UserStatus::Suspended));
}

#[test]
fn a_ban_counts_until_it_ends() {
    for (until, status) in [
        ("2999-01-01 00:00:00+00", UserStatus::Suspended),
        ("2001-01-01 00:00:00+00", UserStatus::Active),
        ("", UserStatus::Active),
    ] {
        let text = format!("id,email,encrypted_password,banned_until\n1,j@example.com,h,{until}\n");
        assert_eq!(user(&text).status, status, "{until}");
    }
}
