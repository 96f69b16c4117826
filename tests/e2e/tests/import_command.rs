//! The import as an operator sees it: rehearsals, maps of ids, users without a password, wrong files and signals.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Output, Stdio};
use std::thread;
use std::time::Duration;

use e2e::{TestData, TestServer, command, run};
use serde_json::Value;

/// `P@ssw0rd!`
const HASH: &str = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS";

fn import(data: &TestData, arguments: &[&str], file: &str) -> Output {
    let path = data.path().join("users");
    fs::write(&path, file).expect("a file");
    command(data).args(["user", "import"]).arg(path).args(arguments).output().expect("run")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn show(data: &TestData, user: &str) -> Value {
    serde_json::from_str(&run(data, &["user", "show", user, "--json"], "")).expect("JSON")
}

/// The map of ids as pairs of external id and id.
fn map(data: &TestData) -> Vec<(String, String)> {
    let text = fs::read_to_string(data.path().join("ids.jsonl")).expect("the map");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines
        .map(|line| (line["external_id"].to_string(), line["id"].as_str().expect("an id").to_owned()))
        .collect()
}

fn users(numbers: std::ops::Range<u32>) -> String {
    let line = |number| {
        format!("{{\"username\":\"user-{number}\",\"password_hash\":\"{HASH}\",\"external_id\":{number}}}\n")
    };
    numbers.map(line).collect()
}

#[test]
fn map_of_ids_is_complete_after_a_repeated_import() {
    for data in TestData::on_every_store() {
        let ids = data.path().join("ids.jsonl");
        let arguments = ["--id-map", ids.to_str().expect("UTF-8")];
        let first = import(&data, &[], &users(0..700));
        assert_eq!(out(&first), "imported 700, already there 0, bad 0\n");
        let all = import(&data, &arguments, &users(0..1_200));
        assert_eq!(out(&all), "imported 500, already there 700, bad 0\n", "{}", err(&all));
        let map = map(&data);
        assert_eq!(map.len(), 1_200);
        let wrong = import(&data, &arguments, "<users/>");
        assert_eq!(wrong.status.code(), Some(1));
        assert_eq!(self::map(&data), map, "a wrong file leaves the map");
        for number in [0, 699, 700, 1_199] {
            let (external_id, id) = &map[number];
            assert_eq!(*external_id, format!("\"{number}\""));
            assert_eq!(show(&data, &format!("user-{number}"))["id"], **id);
        }
    }
}

#[test]
fn rehearsal_reports_everything_and_stores_nothing() {
    for data in TestData::on_every_store() {
        let file = [
            users(0..30),
            users(0..1),
            r#"{"username":"USER-1"}"#.to_owned() + "\n",
            r#"{"username":"other","external_id":"7"}"#.to_owned() + "\n",
            r#"{"username":"bad","password_hash":"s3cret"}"#.to_owned() + "\n",
        ]
        .concat();
        if data.database_url().is_none() {
            let rehearsal = import(&data, &["--dry-run"], &file);
            assert_eq!(out(&rehearsal), "would import 30, already there 1, bad 3\n", "{}", err(&rehearsal));
            assert!(!data.data_dir().exists(), "a rehearsal creates no store");
            assert!(!err(&rehearsal).contains("WARN"), "{}", err(&rehearsal));
        }
        assert_eq!(out(&import(&data, &[], &users(0..2))), "imported 2, already there 0, bad 0\n");
        let rehearsal = import(&data, &["--dry-run"], &file);
        assert_eq!(rehearsal.status.code(), Some(1));
        assert_eq!(out(&rehearsal), "would import 28, already there 3, bad 3\n", "{}", err(&rehearsal));
        let expected =
            "line 32: another user has this username\nline 33: another user has this external_id\nline 34: ";
        assert!(err(&rehearsal).starts_with(expected), "{}", err(&rehearsal));
        assert!(!err(&rehearsal).contains("s3cret"));
        assert_eq!(run(&data, &["user", "list"], "").lines().count(), 3, "nothing was stored");
        assert_eq!(out(&import(&data, &[], &file)), "imported 28, already there 3, bad 3\n");
    }
}

#[test]
fn user_without_a_password_logs_in_once_one_is_set() {
    for data in TestData::on_every_store() {
        let file = "email,external_id,email_verified\njane@example.com,auth0|7,t\n";
        let output = import(&data, &[], file);
        assert_eq!(out(&output), "imported 1, already there 0, bad 0\n");
        assert_eq!(err(&output), "1 users have no password\n");
        let server = TestServer::start(&data);
        let client = server.client();
        assert_eq!(
            client.log_in_with("jane@example.com", "").status,
            client.log_in_with("unknown-name", "").status
        );
        let (known, unknown) = (client.log_in("jane@example.com"), client.log_in("someone@example.com"));
        assert_eq!((known.status, &known.body), (401, &unknown.body));
        let shown = show(&data, "auth0|7");
        assert_eq!((&shown["has_password"], &shown["external_id"]), (&false.into(), &"auth0|7".into()));
        run(&data, &["user", "set-password", "jane@example.com"], "P@ssw0rd!\n");
        assert_eq!(client.log_in("jane@example.com").status, 200);
        assert_eq!(show(&data, "auth0|7")["has_password"], true);
        let again = import(&data, &[], file);
        assert_eq!(
            (out(&again), err(&again)),
            ("imported 0, already there 1, bad 0\n".into(), String::new())
        );
        assert_eq!(client.log_in("jane@example.com").status, 200, "the password stays");
    }
}

#[test]
fn external_id_selects_no_user_to_change() {
    let data = TestData::on_sqlite();
    let file = "username,external_id\njane,auth0|7\njohn,auth0|8\nauth0|8,\n";
    assert_eq!(out(&import(&data, &[], file)), "imported 3, already there 0, bad 0\n");
    assert_eq!(show(&data, "auth0|7")["username"], "jane");
    assert_eq!(show(&data, "auth0|8")["username"], "auth0|8", "a name takes precedence");
    for change in ["suspend", "set-password", "set-roles"] {
        let output = command(&data).args(["user", change, "auth0|7"]).output().expect("run");
        assert_eq!((output.status.code(), err(&output)), (Some(1), "error: there is no such user\n".into()));
    }
    let list = run(&data, &["user", "list", "--json"], "");
    assert!(list.contains("\"external_id\": \"auth0|7\""), "{list}");
}

#[test]
fn wrong_file_stops_after_its_first_20_users() {
    let data = TestData::on_sqlite();
    let lines = |count: usize| "{\"name\":\"s3cret\"}\n".repeat(count);
    let wrong = import(&data, &[], &(lines(1_000) + &users(0..1)));
    assert_eq!((wrong.status.code(), out(&wrong)), (Some(1), "imported 0, already there 0, bad 20\n".into()));
    assert_eq!(err(&wrong).lines().count(), 21, "{}", err(&wrong));
    assert!(err(&wrong).contains("probably the wrong file") && !err(&wrong).contains("s3cret"));
    let partly = import(&data, &[], &(lines(19) + &users(0..1) + &lines(30)));
    assert_eq!(out(&partly), "imported 1, already there 0, bad 49\n");
    let short = import(&data, &[], &lines(19));
    assert_eq!(out(&short), "imported 0, already there 0, bad 19\n");
}

#[test]
fn weak_hashes_are_counted_and_can_be_refused() {
    let data = TestData::on_sqlite();
    let file = users(0..3) + "{\"username\":\"other\"}\n";
    let strict = import(&data, &["--refuse-weak"], &file);
    assert_eq!(
        (strict.status.code(), out(&strict)),
        (Some(1), "imported 1, already there 0, bad 3\n".into())
    );
    let error = err(&strict);
    assert!(error.starts_with("line 1: password_hash ") && error.contains("bcrypt"), "{error}");
    let lenient = import(&data, &[], &file);
    assert_eq!(out(&lenient), "imported 3, already there 1, bad 0\n");
    let note = err(&lenient);
    assert!(note.starts_with("3 users have a weak hash: it ") && note.contains("bcrypt"), "{note}");
    assert!(!note.contains("$2b$"), "{note}");
}

#[test]
fn refused_file_is_answered_with_one_line() {
    let data = TestData::on_sqlite();
    let output = import(&data, &[], "PK\u{3}\u{4} a workbook");
    assert_eq!((output.status.code(), out(&output)), (Some(1), String::new()));
    let error = err(&output);
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains("users: the file is a ZIP archive or an Excel workbook"), "{error}");
}

/// An import that reads its standard input.
fn reading(data: &TestData) -> Child {
    let mut import = command(data);
    import.args(["user", "import", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    import.spawn().expect("started")
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let status = std::process::Command::new("kill").args([name, &id]).status().expect("kill");
    assert!(status.success());
}

#[test]
fn signal_ends_an_import_after_a_whole_batch() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let data = TestData::on_sqlite();
        let mut child = reading(&data);
        let mut input = child.stdin.take().expect("input");
        // The first batch has 20 users. More than the read-ahead of 4 KiB follows, and the input does not end.
        input.write_all(users(0..400).as_bytes()).expect("written");
        let is_stored = || {
            let list = command(&data).args(["user", "list"]).output().expect("run");
            list.status.success() && String::from_utf8_lossy(&list.stdout).lines().count() > 20
        };
        for _ in 0..200 {
            if is_stored() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        signal(&child, name);
        let mut summary = String::new();
        BufReader::new(child.stdout.take().expect("output")).read_line(&mut summary).expect("a summary");
        assert_eq!(summary, "imported 20, already there 0, bad 0\n");
        let status = child.wait().expect("ended");
        assert_eq!(status.code(), Some(code), "{name}");
        drop(input);
        assert_eq!(out(&import(&data, &[], &users(0..400))), "imported 380, already there 20, bad 0\n");
    }
}
