//! The commands of the binary, each test with its own directory and SQLite store.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::collections::HashSet;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

/// An empty directory and environment in which the binary runs.
struct Shell {
    directory: TempDir,
    environment: Vec<(String, String)>,
}

/// The exit code and the output of a command.
struct CommandOutput {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Shell {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory"), environment: Vec::new() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn run(&self, arguments: &[&str]) -> CommandOutput {
        self.run_with_input(arguments, "")
    }

    fn run_with_input(&self, arguments: &[&str], input: &str) -> CommandOutput {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auth-http"));
        command.args(arguments).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.directory.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        // The write fails if the command exits without reading its input. That is no error.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().expect("the program ends");
        let out = String::from_utf8(stdout).expect("UTF-8");
        let err = String::from_utf8(stderr).expect("UTF-8");
        CommandOutput { code: status.code(), out, err }
    }

    /// Runs the binary on a terminal on which `typed` is typed. Returns whether it succeeds, and what the terminal shows.
    fn run_on_terminal(&self, arguments: &str, typed: &str) -> (bool, String) {
        let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_auth-http"));
        // From util-linux: it runs a command line on a new terminal, and returns its exit code.
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("SHELL", "/bin/sh");
        command.current_dir(self.directory.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("script runs");
        let _ = child.stdin.take().expect("a pipe").write_all(typed.as_bytes());
        let output = child.wait_with_output().expect("script ends");
        (output.status.success(), String::from_utf8(output.stdout).expect("UTF-8"))
    }

    fn create_user(&self, arguments: &[&str]) -> Value {
        let arguments = [&["user", "create", "--json"], arguments].concat();
        self.run_with_input(&arguments, "P@ssw0rd!\n").json()
    }

    fn show(&self, user: &str) -> Value {
        self.run(&["user", "show", user, "--json"]).json()
    }

    /// The actions in the audit trail. A command has neither a client address nor a request id.
    fn audited_actions(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.run(&[&["audit", "--json"], arguments].concat()).ok();
        let events = output.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        events
            .map(|event| {
                assert_eq!((&event["address"], &event["request"]), (&Value::Null, &Value::Null));
                text(&event, "action").to_owned()
            })
            .collect()
    }
}

impl CommandOutput {
    /// Asserts success without errors and returns the output.
    fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    fn json(self) -> Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }

    /// Asserts failure with exactly one line and returns that line.
    fn failure(self) -> String {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        assert_eq!(self.out, "");
        let line = self.err.strip_suffix('\n').and_then(|err| err.strip_prefix("error: "));
        let line = line.unwrap_or_else(|| panic!("no error: {}", self.err));
        assert!(!line.contains('\n'), "{line}");
        line.to_owned()
    }

    /// Asserts a usage error and returns its text.
    fn usage(self) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(2), ""), "{}", self.err);
        assert!(self.err.starts_with("error: "), "{}", self.err);
        self.err
    }
}

/// The first line that contains the text.
fn line_with<'a>(lines: &'a str, text: &str) -> &'a str {
    lines.lines().find(|line| line.contains(text)).expect("a line")
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} of {value}"))
}

#[test]
fn api_key_is_shown_once_and_revoked_once() {
    let shell = Shell::new();
    let created = shell
        .run(&[
            "api-key",
            "create",
            "--name",
            "backend",
            "--scope",
            "users:read,users:write,users:roles,auth",
        ])
        .ok();
    let key = created.lines().last().expect("a key");
    assert!(key.starts_with("key_") && key.len() == 52, "{key}");

    let keys = shell.run(&["api-key", "list", "--json"]).json();
    assert_eq!(keys[0]["name"], "backend");
    assert_eq!(keys[0]["state"], "live");
    assert_eq!(keys[0]["scopes"], serde_json::json!(["users:read", "users:write", "users:roles", "auth"]));
    assert_eq!(keys[0]["expires_at"], Value::Null);
    let id = text(&keys[0], "id");
    let list = shell.run(&["api-key", "list"]).ok();
    assert!(list.contains(id) && !list.contains("key_"), "{list}");

    assert_eq!(shell.run(&["api-key", "revoke", id]).ok(), format!("revoked {id}\n"));
    let again = shell.run(&["api-key", "revoke", id]).failure();
    assert_eq!(again, "there is no such key, or it was revoked before");
    assert_eq!(shell.run(&["api-key", "list", "--json"]).json()[0]["state"], "revoked");
}

#[test]
fn api_key_has_the_requested_scopes_and_expiry() {
    let shell = Shell::new();
    let create = ["api-key", "create", "--name", "reader", "--scope", "users:read", "--scope", "auth"];
    shell.run(&[&create[..], &["--expires-in", "30"]].concat()).ok();
    let keys = shell.run(&["api-key", "list", "--json"]).json();
    assert_eq!(keys[0]["scopes"], serde_json::json!(["users:read", "auth"]));
    assert!(text(&keys[0], "expires_at") > text(&keys[0], "created_at"));
    shell.run(&["api-key", "create", "--name", "x", "--scope", "root"]).usage();
    shell.run(&["api-key", "create", "--name", "x", "--expires-in", "0"]).usage();
    shell.run(&["api-key", "create", "--name", ""]).usage();
    shell.run(&["api-key", "create", "--name", "backend"]).usage();
    shell.run(&["api-key", "create", "--scope", "auth"]).usage();
    let usage = shell.run(&["api-key", "revoke", "backend"]).usage();
    assert!(usage.contains("must be an id, such as "), "{usage}");
}

#[test]
fn user_is_found_by_id_username_or_email_address() {
    let shell = Shell::new();
    let made = shell.create_user(&[
        "--username",
        "alice",
        "--email",
        "Alice@Example.com",
        "--display-name",
        "Alice A.",
    ]);
    assert_eq!(made["display_name"], "Alice A.");
    assert_eq!(made["status"], "active");
    assert_eq!(made["roles"], serde_json::json!(["customer"]));
    for name in [text(&made, "id"), "ALICE", "alice@example.com"] {
        assert_eq!(shell.show(name), made);
    }
    let shown = shell.run(&["user", "show", "alice"]).ok();
    assert!(shown.contains("Alice@Example.com") && shown.contains(text(&made, "id")), "{shown}");
    assert_eq!(shell.run(&["user", "show", "bob"]).failure(), "there is no such user");
    let unknown_id = "00000000-0000-7000-8000-000000000000";
    shell.create_user(&["--username", unknown_id]);
    assert_eq!(shell.run(&["user", "show", unknown_id]).failure(), "there is no such user");
}

#[test]
fn users_are_listed_in_registration_order() {
    let shell = Shell::new();
    shell.run(&["migrate"]).ok();
    assert_eq!(shell.run(&["user", "list", "--json"]).json(), serde_json::json!([]));
    let made = ["b", "a", "c"].map(|name| {
        let mut user = shell.create_user(&["--username", name]);
        // A list does not read the passwords.
        assert_eq!(user.as_object_mut().expect("a user").remove("has_password"), Some(Value::Bool(true)));
        user
    });
    assert_eq!(shell.run(&["user", "list", "--json"]).json(), Value::from(made.to_vec()));
    let names: Vec<_> = shell.run(&["user", "list"]).ok().lines().map(str::to_owned).collect();
    assert_eq!(names.len(), 4);
    assert!(names[0].starts_with("ID") && names[1].contains(" b "), "{names:?}");
}

#[test]
fn commands_on_existing_data_create_no_files() {
    let shell = Shell::new();
    for arguments in [
        &["user", "show", "alice"][..],
        &["user", "list"],
        &["user", "delete", "alice"],
        &["api-key", "list"],
        &["keys", "list"],
        &["audit"],
    ] {
        shell.run(arguments).failure();
        assert_eq!(shell.directory.path().read_dir().expect("a directory").count(), 0, "{arguments:?}");
    }
}

#[test]
fn malformed_password_file_reaches_no_log() {
    let shell = Shell::new();
    let path = shell.directory.path().join("pgpass");
    fs::write(&path, "hunter2-alone\n127.0.0.1:1:d:u\n").expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
    let shell = shell
        .with("PGPASSFILE", &path.display().to_string())
        .with("AUTH_DATABASE_URL", "postgres://u@127.0.0.1:1/d");
    let failure = shell.run(&["user", "list"]).failure();
    assert!(failure.contains("Connection refused") && !failure.contains("hunter2"), "{failure}");
}

#[test]
fn world_writable_directories_of_secrets_are_rejected() {
    for directory in ["data", "data/keys"] {
        let shell = Shell::new();
        shell.create_user(&["--username", "alice"]);
        let path = shell.directory.path().join(directory);
        fs::set_permissions(path, Permissions::from_mode(0o777)).expect("set");
        let failure = shell.run(&["user", "show", "alice"]).failure();
        let path = shell.directory.path().canonicalize().expect("a path").join(directory);
        let path = path.display();
        assert!(failure.starts_with(&format!("{path} (of user ")), "{failure}");
        let reason =
            format!("mode 0777) can be written by every user of this machine: run chmod go-w {path}");
        assert!(failure.ends_with(&reason), "{failure}");
    }
}

#[test]
fn files_that_a_group_can_write_are_rejected() {
    for (name, key) in [("data", "data_dir"), ("data/auth.db", "database_url"), ("data/keys", "keys_dir")] {
        let shell = Shell::new();
        shell.create_user(&["--username", "alice"]);
        let path = shell.directory.path().canonicalize().expect("a path").join(name);
        let mode = fs::metadata(&path).expect("metadata").permissions().mode();
        fs::set_permissions(&path, Permissions::from_mode(mode | 0o020)).expect("set");
        let reason = format!("can be written by its group: run chmod g-w {}", path.display());
        for arguments in [&["user", "show", "alice"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let failure = shell.run(arguments).failure();
            assert!(failure.contains(&reason), "{arguments:?}: {failure}");
        }
        let checked = shell.run(&["config", "check"]).ok();
        assert!(checked.starts_with(&format!("warning: {key}: ")) && checked.contains(&reason), "{checked}");
        assert_eq!(shell.run(&["config", "check", "--strict"]).code, Some(1));
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
        shell.run(&["user", "show", "alice"]).ok();
    }
}

#[test]
fn key_that_a_group_can_write_is_rejected() {
    let shell = Shell::new();
    shell.create_user(&["--username", "alice"]);
    let kid = text(&shell.run(&["keys", "list", "--json"]).json()[0], "kid").to_owned();
    let path = shell.directory.path().join(format!("data/keys/{kid}.pem"));
    fs::set_permissions(path, Permissions::from_mode(0o660)).expect("set");
    for arguments in [&["keys", "list"][..], &["keys", "rotate"], &["keys", "rotate", "--now"]] {
        let failure = shell.run(arguments).failure();
        assert!(
            failure.contains(&format!("{kid}.pem (of user ")) && failure.contains("chmod g-w"),
            "{failure}"
        );
    }
}

#[test]
fn user_has_at_most_20_roles() {
    let shell = Shell::new();
    shell.create_user(&["--username", "alice"]);
    let roles: Vec<_> = (0..21).map(|number| format!("role{number}")).collect();
    let arguments = ["user", "set-roles", "alice"].into_iter().chain(roles.iter().map(String::as_str));
    let failure = shell.run(&arguments.collect::<Vec<_>>()).failure();
    assert_eq!(failure, "must be at most 20 roles");
}

#[test]
fn taken_identifiers_are_rejected() {
    let shell = Shell::new();
    shell.create_user(&["--username", "alice", "--email", "alice@example.com"]);
    for (name, value, reason) in [
        ("--username", "Alice", "another user has this username"),
        ("--email", "ALICE@example.com", "another user has this e-mail address"),
    ] {
        let output = shell.run_with_input(&["user", "create", name, value], "P@ssw0rd!\n");
        assert_eq!(output.failure(), reason);
    }
}

#[test]
fn password_is_read_from_stdin_and_never_printed() {
    let shell = Shell::new();
    let create = ["user", "create", "--username", "alice"];
    let cases = [
        ("", "no password: it is read from the first line of standard input"),
        ("s3cret!\n", "the password must be at least 8 characters long"),
        (&"s3cret!".repeat(40), "the password must be at most 255 characters long"),
    ];
    for (input, reason) in cases {
        assert_eq!(shell.run_with_input(&create, input).failure(), reason);
    }
    let strict = Shell::new().with("AUTH_PASSWORD__MIN_LENGTH", "12");
    let refused = strict.run_with_input(&create, "s3cret-1234\n").failure();
    assert_eq!(refused, "the password must be at least 12 characters long");

    let verbose = Shell::new().with("AUTH_LOG__LEVEL", "trace");
    let made = verbose.run_with_input(&create, "s3cret-1234\n");
    assert_eq!(made.code, Some(0));
    let set = verbose.run_with_input(&["user", "set-password", "alice"], "s3cret-5678\n");
    assert!(set.out.starts_with("set the password of alice ("), "{}", set.out);
    for printed in [made.out, made.err, set.out, set.err] {
        assert!(!printed.contains("s3cret"), "{printed}");
    }
    shell.run(&["user", "create", "--username", "alice", "--password", "x"]).usage();
    shell.run(&["user", "create"]).usage();
    shell.run(&["user", "create", "--email", "alice"]).usage();
}

#[test]
fn refuse_common_setting_rejects_common_passwords() {
    let create = ["user", "create", "--username", "jane_doe"];
    Shell::new().run_with_input(&create, "iloveyou\n").ok();
    let strict = Shell::new().with("AUTH_PASSWORD__REFUSE_COMMON", "true");
    for (typed, reason) in [
        ("ILoveYou\n", "the password is too common"),
        ("Jane_Doe\n", "the password must not be one of the account's own names"),
    ] {
        assert_eq!(strict.run_with_input(&create, typed).failure(), reason);
    }
    strict.run_with_input(&create, "P@ssw0rd!\n").ok();
    let set = ["user", "set-password", "jane_doe"];
    assert_eq!(strict.run_with_input(&set, "qwertyuiop\n").failure(), "the password is too common");
    strict.run_with_input(&set, "securePassword123!\n").ok();
}

/// A bcrypt hash of low cost.
const HASH: &str = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS";

/// A line of an import with these members and [`HASH`].
fn import_line(members: &str) -> String {
    format!(r#"{{"password_hash":"{HASH}",{members}}}"#)
}

/// Two accounts of another service.
const ACCOUNTS: &str = concat!(
    r#"{"username":"jane","email":"jane@example.com","password_hash":"$2b$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS","#,
    r#""display_name":"Jane","phone_number":"+84123456789","roles":["admin"],"email_verified":true,"#,
    r#""status":"suspended","created_at":"2020-02-29T12:00:00+07:00"}"#,
    "\n\n",
    r#"{"email":"john@example.com","password_hash":"pbkdf2_sha256$1000$abcdefghijkl$E1pyZ2RPLMOewjwwKNw1N8BwVlX6ToAMB0h0/vuPDvE="}"#,
    "\r\n",
);

#[test]
fn repeated_import_creates_each_account_once() {
    let shell = Shell::new();
    fs::write(shell.directory.path().join("accounts.jsonl"), ACCOUNTS).expect("a file");
    let import = ["user", "import", "accounts.jsonl"];
    let first = shell.run(&import);
    assert_eq!((first.code, first.out.as_str()), (Some(0), "imported 2, already there 0, bad 0\n"));
    assert_eq!(first.err.matches("1 users have a weak hash: it uses ").count(), 2, "{}", first.err);
    let jane = shell.show("jane");
    assert_eq!(jane["email_verified"], Value::from(true));
    assert_eq!(text(&jane, "status"), "suspended");
    assert_eq!(text(&jane, "phone_number"), "+84123456789");
    assert_eq!(text(&jane, "created_at"), "2020-02-29T05:00:00Z");
    assert_eq!(jane["roles"], serde_json::json!(["admin"]));
    assert_eq!(shell.show("john@example.com")["roles"], serde_json::json!(["customer"]));

    assert_eq!(shell.run(&import).ok(), "imported 0, already there 2, bad 0\n");
    shell.run_with_input(&["user", "set-password", "jane"], "another one\n").ok();
    shell.run(&["user", "activate", "jane"]).ok();
    let again = shell.run_with_input(&["user", "import", "-"], ACCOUNTS).ok();
    assert_eq!(again, "imported 0, already there 2, bad 0\n");
    assert_eq!(text(&shell.show("jane"), "status"), "active", "an import does not overwrite later changes");
    assert_eq!(
        shell.run_with_input(&["user", "import", "-"], "").ok(),
        "imported 0, already there 0, bad 0\n"
    );
    assert!(shell.run(&["user", "import", "nothing"]).failure().starts_with("cannot read nothing: "));
}

#[test]
fn bad_import_lines_are_skipped_and_reported_without_content() {
    let shell = Shell::new();
    shell.create_user(&["--username", "taken", "--email", "taken@example.com"]);
    let costly = import_line(r#""username":"s3cret-d""#).replace("$05$", "$15$");
    let lines = [
        import_line(r#""username":"s3cret-a""#),
        "s3cret".to_owned(),
        import_line(r#""username":"s3cret-b","pasword":"s3cret""#),
        import_line(r#""username":"taken""#),
        import_line(r#""email":"TAKEN@example.com""#),
        costly,
        r#"{"username":"s3cret-e","password_hash":"s3cret"}"#.to_owned(),
        import_line(r#""username":"s3cret-f","email_verified":true"#),
        format!(r#"{{"username":"{}"}}"#, "s3cret".repeat(20_000)),
        import_line(r#""username":"s3cret-g""#),
    ];
    let outcome = shell.run_with_input(&["user", "import", "-"], &lines.join("\n"));
    assert_eq!(outcome.code, Some(1));
    assert_eq!(outcome.out, "imported 2, already there 0, bad 8\n");
    let expected = "\
        line 2: is no JSON object in UTF-8, or one that has a member twice\n\
        line 3: has the unknown member `pasword`; --ignore-unknown leaves it out\n\
        line 4: another user has this username\n\
        line 5: another user has this e-mail address\n\
        line 6: password_hash costs too much to verify: bcrypt with a cost of 15, at most 14\n\
        line 7: password_hash has an unsupported format; see docs/importing.md\n\
        line 8: email_verified is true without an email\n\
        line 9: is longer than 65536 bytes\n\
        2 users have a weak hash: it uses bcrypt with a cost of 5; OWASP asks for at least 10\n\
        error: 8 of the lines are bad and were left out\n";
    assert_eq!(outcome.err, expected);
    shell.show("s3cret-a");
    shell.show("s3cret-g");
    assert_eq!(shell.run(&["user", "list"]).ok().lines().count(), 4);
}

#[test]
fn import_larger_than_a_transaction_preserves_the_order() {
    let shell = Shell::new();
    let lines: Vec<_> = (0..1_234)
        .map(|number| format!(r#"{{"username":"user-{number}","password_hash":"{HASH}"}}"#))
        .collect();
    for (lines, expected) in [
        (&lines[..700], "imported 700, already there 0, bad 0\n"),
        (&lines[..], "imported 534, already there 700, bad 0\n"),
    ] {
        let outcome = shell.run_with_input(&["user", "import", "-"], &lines.join("\n"));
        assert_eq!((outcome.code, outcome.out.as_str()), (Some(0), expected), "{}", outcome.err);
    }
    let users = shell.run(&["user", "list", "--json"]).json();
    let names: Vec<_> = users.as_array().expect("a list").iter().map(|user| text(user, "username")).collect();
    assert!(names.iter().enumerate().all(|(number, name)| *name == format!("user-{number}")));
    assert_eq!(names.len(), 1_234);
}

#[test]
fn hash_calibrate_proposes_valid_settings() {
    let shell = Shell::new().with("AUTH_HASHING__MEMORY_BUDGET_MIB", "64");
    let calibrated = shell.run(&["hash", "calibrate", "--target-ms", "1"]).ok();
    assert!(calibrated.starts_with("MEMORY"), "{calibrated}");
    let lines: Vec<_> = calibrated.lines().filter(|line| line.starts_with("AUTH_HASHING__")).collect();
    let environment: Vec<_> = lines.iter().filter_map(|line| line.split_once('=')).collect();
    assert_eq!(environment.len(), 3);
    // The proposal is valid even if no setting is as fast as the target.
    let proposed = environment.into_iter().fold(Shell::new(), |shell, (name, value)| shell.with(name, value));
    proposed.run(&["config", "check"]).ok();
    shell.run(&["hash", "calibrate", "--target-ms", "0"]).usage();
    assert!(!shell.directory.path().join("data").exists());
}

#[test]
fn user_is_suspended_activated_given_roles_and_deleted() {
    let shell = Shell::new();
    let made = shell.create_user(&["--username", "alice", "--role", "admin"]);
    let name = format!("alice ({})", text(&made, "id"));
    assert_eq!(made["roles"], serde_json::json!(["admin"]));

    assert_eq!(shell.run(&["user", "suspend", "alice"]).ok(), format!("suspended {name}\n"));
    assert_eq!(shell.show("alice")["status"], "suspended");
    assert_eq!(shell.run(&["user", "activate", "alice"]).ok(), format!("activated {name}\n"));
    assert_eq!(shell.show("alice"), made);

    shell.run(&["user", "set-roles", "alice", "editor", "auditor"]).ok();
    assert_eq!(shell.show("alice")["roles"], serde_json::json!(["auditor", "editor"]));
    shell.run(&["user", "set-roles", "alice"]).ok();
    assert_eq!(shell.show("alice")["roles"], serde_json::json!([]));
    shell.run(&["user", "set-roles", "alice", "Root"]).usage();

    assert_eq!(shell.run(&["user", "delete", "alice"]).ok(), format!("deleted {name}\n"));
    for command in ["show", "suspend", "activate", "set-roles", "delete"] {
        assert_eq!(shell.run(&["user", command, "alice"]).failure(), "there is no such user");
    }
}

#[test]
fn operator_actions_stay_in_the_audit_trail_after_deletion() {
    let shell = Shell::new();
    let made = shell.create_user(&["--username", "alice"]);
    let id = text(&made, "id");
    shell.run(&["user", "set-roles", "alice", "admin", "auditor"]).ok();
    let table = shell.run(&["audit", "--user", "alice"]).ok();
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("TIME ") && lines[1].contains(" user.registered "), "{table}");
    assert!(lines[2].contains(&format!("alice #1 {id}")) && lines[2].ends_with(" admin,auditor"), "{table}");
    assert_eq!(lines.len(), 3);

    shell.run_with_input(&["user", "set-password", "alice"], "another one\n").ok();
    shell.run(&["user", "delete", "alice"]).ok();
    assert_eq!(shell.run(&["audit", "--user", "alice"]).failure(), "there is no such user");
    let all = ["user.registered", "user.roles_set", "user.password_changed", "user.deleted"];
    assert_eq!(shell.audited_actions(&["--user", id]), all);
    assert_eq!(shell.audited_actions(&["--since", "1h"]), all);
    assert_eq!(shell.audited_actions(&["--limit", "2"]), all[2..]);
    assert_eq!(shell.audited_actions(&["--action", "user.deleted"]), all[3..]);
    assert_eq!(shell.audited_actions(&["--since", "2999-01-01T00:00:00Z"]), Vec::<String>::new());
    for wrong in [["--action", "user.lost"], ["--since", "yesterday"], ["--limit", "0"]] {
        shell.run(&[&["audit"], &wrong[..]].concat()).usage();
    }
}

#[test]
fn audit_retention_follows_the_setting() {
    // 0 disables the deletion of old events.
    for days in ["7", "0"] {
        let shown = Shell::new().with("AUTH_AUDIT__RETENTION_DAYS", days).run(&["config", "show"]).ok();
        assert!(line_with(&shown, "retention_days").contains(&format!("= {days} ")), "{shown}");
    }
}

#[test]
fn new_signing_key_signs_and_the_old_one_verifies() {
    let shell = Shell::new().with("AUTH_TOKEN__ALGORITHM", "ES256");
    shell.create_user(&["--username", "alice"]);
    let first = shell.run(&["keys", "list", "--json"]).json();
    assert_eq!(first.as_array().expect("a list").len(), 1);
    assert_eq!((&first[0]["use"], &first[0]["algorithm"]), (&Value::from("signs"), &Value::from("ES256")));
    let rotated = shell.run(&["--set", "token.algorithm=EdDSA", "keys", "rotate"]).ok();
    let keys = shell.run(&["keys", "list", "--json"]).json();
    let (kid, from) = (text(&keys[0], "kid"), text(&keys[0], "signs_from"));
    assert_eq!(rotated, format!("{kid} is published now and signs from {from}\n"));
    assert_eq!((&keys[0]["use"], &keys[0]["algorithm"]), (&Value::from("published"), &Value::from("EdDSA")));
    assert!(from > text(&keys[0], "created_at") && keys[0]["until"].is_null());
    assert_eq!((&keys[1]["use"], &keys[1]["kid"]), (&Value::from("signs"), &first[0]["kid"]));
    let list = shell.run(&["keys", "list"]).ok();
    assert!(
        list.lines().count() == 3 && list.contains(&format!(" published, signs from {from}\n")),
        "{list}"
    );

    let quickly = ["--set", "token.jwks_max_age_seconds=1", "--set", "token.rotation_delay_seconds=2"];
    let shell = Shell::new();
    shell.create_user(&["--username", "alice"]);
    shell.run(&[&quickly[..], &["keys", "rotate"]].concat()).ok();
    std::thread::sleep(Duration::from_secs(3));
    let keys = shell.run(&["keys", "list", "--json"]).json();
    assert_eq!((&keys[0]["use"], &keys[1]["use"]), (&Value::from("signs"), &Value::from("verifies")));
    assert!(text(&keys[1], "until") > text(&keys[0], "created_at"));
    let list = shell.run(&["keys", "list"]).ok();
    assert!(list.lines().count() == 3 && list.contains(" verifies until 20"), "{list}");
    assert!(shell.directory.path().join("data/keys").is_dir());

    let rotated = shell.run(&["keys", "rotate", "--now"]).ok();
    let keys = shell.run(&["keys", "list", "--json"]).json();
    assert!(rotated.starts_with(&format!("{} signs from now on. ", text(&keys[0], "kid"))), "{rotated}");
    assert_eq!(keys[0]["use"], "signs");
    assert!(keys[1]["use"] == "revoked" && keys[2]["use"] == "revoked", "{keys}");
}

#[test]
fn check_names_a_signing_key_of_another_algorithm() {
    let shell = Shell::new();
    let clean = shell.run(&["config", "check", "--strict"]).ok();
    assert!(!shell.directory.path().join("data").exists(), "a check creates nothing");
    shell.create_user(&["--username", "alice"]);
    let first = shell.run(&["keys", "list", "--json"]).json();
    assert_eq!(first[0]["algorithm"], "ES256", "the default");
    assert_eq!(shell.run(&["config", "check", "--strict"]).ok(), clean);

    let set = ["--set", "token.algorithm=EdDSA"];
    let check = [&set[..], &["config", "check"]].concat();
    let checked = shell.run(&check).ok();
    assert_eq!(
        checked,
        "warning: token.algorithm is EdDSA, but the current key signs with ES256: run auth-http keys rotate to sign with \
         EdDSA, or set token.algorithm to ES256\n"
    );
    let strict = shell.run(&[&check[..], &["--strict"]].concat());
    assert_eq!((strict.code, strict.out), (Some(1), checked));

    shell.run(&[&set[..], &["keys", "rotate"]].concat()).ok();
    assert_eq!(shell.run(&check).ok(), clean);
    let by_default = shell.run(&["config", "check"]).ok();
    assert!(
        by_default.contains("the current key signs with EdDSA: run auth-http keys rotate"),
        "{by_default}"
    );
}

#[test]
fn check_names_a_key_directory_that_prevents_the_start() {
    let shell = Shell::new();
    shell.create_user(&["--username", "alice"]);
    let path = shell.directory.path().join("data/keys/z.pem");
    fs::write(&path, "no key").expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
    let time = SystemTime::now() + Duration::from_secs(60);
    fs::File::options().append(true).open(path).expect("opened").set_modified(time).expect("a time");
    let reason = "./data/keys/z.pem is not one Ed25519 or P-256 private key in PKCS#8 PEM";
    assert_eq!(shell.run(&["config", "check"]).ok(), format!("warning: keys_dir: {reason}\n"));
    assert_eq!(shell.run(&["serve", "--listen", "127.0.0.1:0"]).code, Some(1));
}

#[test]
fn migrate_plan_lists_migrations_without_running_them() {
    let shell = Shell::new();
    let plan = shell.run(&["migrate", "--plan"]).ok();
    assert!(plan.lines().all(|line| line.starts_with("would run 0")) && !plan.is_empty(), "{plan}");
    assert!(!shell.directory.path().join("data").exists());
    assert_eq!(shell.run(&["migrate"]).ok(), plan.replace("would run", "ran"));
    assert_eq!(shell.run(&["migrate"]).ok(), "the schema is up to date\n");
}

#[test]
fn settings_are_shown_with_sources_and_without_secrets() {
    let url = "postgres://auth:s3cret@db.example.com/auth";
    let shell = Shell::new().with("AUTH_DATABASE_URL", url).with("AUTH_TEST_DATABASE_URL", url);
    let shown = shell.run(&["config", "show", "--listen", "127.0.0.1:0", "--set", "http.workers=3"]).ok();
    assert!(line_with(&shown, "listen").ends_with(" # --listen"), "{shown}");
    assert!(line_with(&shown, "http.workers").ends_with(" # --set"), "{shown}");
    assert!(
        line_with(&shown, "database_url").contains("auth:********@db.example.com")
            && !shown.contains("s3cret")
    );
    assert!(line_with(&shown, "database_url").ends_with(" # AUTH_DATABASE_URL"), "{shown}");
    assert!(line_with(&shown, "data_dir").ends_with(" # default"), "{shown}");

    let checked = shell.run(&["config", "check"]).ok();
    assert!(checked.starts_with("warning: database_url ") && !checked.contains("s3cret"), "{checked}");
    let strict = shell.run(&["config", "check", "--strict"]);
    assert_eq!((strict.code, strict.out), (Some(1), checked));
    Shell::new().run(&["config", "check", "--strict"]).ok();
}

#[test]
fn invalid_settings_stop_every_command_but_config_docs() {
    let shell = Shell::new().with("AUTH_DATABASE_ULR", "postgres://auth:s3cret@db.example.com/auth");
    let arguments: [&[&str]; 6] =
        [&[], &["serve"], &["migrate"], &["api-key", "list"], &["keys", "list"], &["config", "check"]];
    for arguments in arguments {
        let expected =
            "AUTH_DATABASE_ULR (environment) is not a setting; the nearest one is AUTH_DATABASE_URL";
        assert_eq!(shell.run(arguments).failure(), expected);
    }
    assert_eq!(shell.run(&["config", "docs"]).ok(), auth_http::wiring::settings_reference());
    assert!(!shell.directory.path().join("data").exists());

    let shell = Shell::new().with("AUTH_LISTEN", "8080");
    let refused = shell.run(&["serve"]).failure();
    assert!(refused.starts_with("listen (AUTH_LISTEN) must be an IP address or a host name"), "{refused}");
    let missing = shell.run(&["--config", "missing.toml", "serve"]).failure();
    assert!(missing.starts_with("cannot read the settings file missing.toml: "), "{missing}");
}

#[test]
fn openapi_command_follows_settings_and_creates_no_files() {
    let shell = Shell::new().with("AUTH_DIALECTS__COOKIE__PREFIX", "/elsewhere");
    let document = shell.run(&["openapi", "cookie"]).json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/elsewhere/auth/login"]["post"].is_object());
    assert_eq!(fs::read_dir(shell.directory.path()).expect("a directory").count(), 0);
}

#[test]
fn openapi_command_without_a_name_lists_the_dialects() {
    let names = "single_token\ndirectory\ntoken_pair\naccounts\ncookie\n";
    assert_eq!(Shell::new().run(&["openapi"]).ok(), names);
}

#[test]
fn list_is_limited_continued_and_filtered_by_email() {
    let shell = Shell::new();
    for name in ["ann", "bob", "cho"] {
        shell.create_user(&["--username", name, "--email", &format!("{name}@{name}.Example")]);
    }
    shell.create_user(&["--username", "no-email"]);
    let names = |arguments: &[&str]| -> Vec<String> {
        let users = shell.run(&[&["user", "list", "--json"], arguments].concat()).json();
        users.as_array().expect("a list").iter().map(|user| text(user, "username").to_owned()).collect()
    };
    assert_eq!(names(&["--limit", "2"]), ["ann", "bob"]);
    assert_eq!(names(&["--limit", "2", "--after", "2"]), ["cho", "no-email"]);
    assert_eq!(names(&["--limit", "0"]), [""; 0]);
    assert_eq!(names(&["--email", "BOB.example"]), ["bob"]);
    assert_eq!(names(&["--email", "example", "--limit", "1", "--after", "1"]), ["bob"]);
    assert_eq!(names(&["--email", "none@"]), [""; 0]);
    shell.run(&["user", "list", "--limit", "-1"]).usage();
}

#[test]
fn completions_and_manual_need_no_settings() {
    let shell = Shell::new().with("AUTH_NONSENSE", "1");
    for name in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(shell.run(&["completions", name]).ok().contains("set-password"), "{name}");
    }
    shell.run(&["completions", "cmd"]).usage();
    let manual = shell.run(&["man"]).ok();
    assert!(manual.contains(".TH auth-http 1") && manual.contains("api\\-key"), "{manual}");
    shell.run(&["man", "--directory", "."]).ok();
    assert!(shell.directory.path().join("auth-http-user-import.1").is_file());
    let missing = shell.run(&["man", "--directory", "no/such"]).failure();
    assert!(missing.starts_with("cannot write the manual into no/such: "), "{missing}");
}

#[test]
fn scripts_are_not_asked_for_confirmation() {
    let shell = Shell::new();
    for arguments in [&["jane"][..], &["jane", "--yes"], &["-y", "jane"]] {
        shell.create_user(&["--username", "jane"]);
        assert!(shell.run(&[&["user", "delete"], arguments].concat()).ok().starts_with("deleted jane"));
    }
}

#[test]
fn revocation_of_all_keys_is_confirmed_on_a_terminal() {
    let shell = Shell::new();
    shell.run(&["keys", "rotate"]).ok();
    let keys = || shell.run(&["keys", "list", "--json"]).json().as_array().map_or(0, Vec::len);
    let before = keys();
    let question =
        "Revoke every earlier key? Users of token_pair, single_token and directory are logged out. [y/N] ";
    let (succeeds, shown) = shell.run_on_terminal("keys rotate --now", "n\n");
    assert!(!succeeds && shown.contains(question) && shown.contains("nothing was changed"), "{shown}");
    assert_eq!(keys(), before);
    for (arguments, typed) in
        [("keys rotate --now", "y\n"), ("keys rotate --now --yes", ""), ("keys rotate", "")]
    {
        let (succeeds, shown) = shell.run_on_terminal(arguments, typed);
        assert_eq!((succeeds, shown.contains(question)), (true, !typed.is_empty()), "{arguments}: {shown}");
    }
    assert_eq!(keys(), before + 3);
}

#[test]
fn unknown_dialect_is_a_usage_error() {
    let line = Shell::new().run(&["openapi", "esperanto"]).usage();
    let known = "single_token, directory, token_pair, accounts, cookie";
    assert_eq!(line, format!("error: there is no dialect \"esperanto\"; there are {known}\n"));
}

#[test]
fn usage_errors_contain_no_secrets() {
    let shell = Shell::new();
    assert_eq!(shell.run(&["--set", "s3cret", "config", "show"]).usage(), "error: --set takes KEY=VALUE\n");
    shell.run(&["server"]).usage();
    assert_eq!(shell.run(&["user"]).code, Some(2));
    assert!(shell.run(&["--help"]).ok().contains("auth-http config docs"));
    assert!(shell.run(&["--version"]).ok().starts_with("auth-http "));
}

#[test]
fn data_files_are_private_to_their_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let shell = Shell::new();
    shell.create_user(&["--username", "alice"]);
    let mut modes = HashSet::new();
    let mut directories = vec![shell.directory.path().join("data")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory") {
            let entry = entry.expect("an entry");
            let metadata = entry.metadata().expect("metadata");
            modes.insert((metadata.is_dir(), metadata.permissions().mode() & 0o777));
            directories.extend(metadata.is_dir().then(|| entry.path()));
        }
    }
    assert_eq!(modes, HashSet::from([(true, 0o700), (false, 0o600)]));
}
