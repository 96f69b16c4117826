//! The commands of `docs/importing.md` for the exports of other services: each imports a sample, whose users log in over HTTP.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::fs;
use std::path::Path;

use e2e::{TestData, TestServer, command, run};
use serde_json::Value;

/// A service, and its users: the name to log in with, the password, the external id, and whether the address is verified.
type Recipe = (&'static str, &'static [(&'static str, &'static str, &'static str, bool)]);

const P: &str = "P@ssw0rd!";

const RECIPES: [Recipe; 6] = [
    (
        "Auth0",
        &[
            ("jane@auth0.example", P, "auth0|60425dc43519d90068f82973", true),
            ("john_auth0", P, "auth0|5f7c8ec7c33c6c004bbafe82", false),
            ("mary@auth0.example", P, "60425dc43519d90068f82975", false),
        ],
    ),
    ("Supabase", &[("jane@supabase.example", P, "7f5ab5c6-3b1e-4f0e-9a75-3f2c1f0c8d10", true)]),
    (
        "Keycloak",
        &[
            ("jane_keycloak", P, "f6b1ca4b-7c1d-4a2f-8a0e-2b6f3a1e9c01", true),
            ("john_keycloak", P, "f6b1ca4b-7c1d-4a2f-8a0e-2b6f3a1e9c02", false),
        ],
    ),
    (
        "Kratos",
        &[
            ("jane@kratos.example", P, "9f425a8d-7efc-4768-8f23-7647a74fdf13", true),
            ("john_kratos", P, "9f425a8d-7efc-4768-8f23-7647a74fdf14", false),
        ],
    ),
    ("Django", &[("jane_django", P, "1", false)]),
    ("Firebase", &[("jane@firebase.example", "user1password", "ZxTk2m7bQeYb0cTq3fLr5uVw9aH2", true)]),
];

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The imports in the section of a service, without the name of the program.
fn imports(service: &str) -> Vec<Vec<String>> {
    let page = fs::read_to_string(repository().join("docs/importing.md")).expect("the page");
    let section = page.split("\n### ").find(|section| section.starts_with(service)).expect("a section");
    let commands = section.lines().filter_map(|line| line.strip_prefix("auth-http "));
    let imports = commands.filter(|command| command.starts_with("user import "));
    imports.map(|command| command.split(' ').map(str::to_owned).collect()).collect()
}

#[test]
fn documented_imports_of_exports_end_in_a_login() {
    for data in TestData::on_every_store() {
        let samples = repository().join("tests/e2e/tests/exports");
        for sample in fs::read_dir(samples).expect("samples") {
            let sample = sample.expect("a sample");
            fs::copy(sample.path(), data.path().join(sample.file_name())).expect("copied");
        }
        for (service, _) in RECIPES {
            let imports = imports(service);
            assert!(!imports.is_empty(), "docs/importing.md has no command for {service}");
            for arguments in imports {
                let output = command(&data).args(&arguments).output().expect("run");
                let (out, err) =
                    (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
                assert!(output.status.success(), "{arguments:?}: {out}{err}");
                assert!(err.contains(&format!("read as an export of {service}")), "{err}");
            }
        }
        let server = TestServer::start(&data);
        let client = server.client();
        for (service, users) in RECIPES {
            for (name, password, external_id, is_verified) in users {
                assert_eq!(client.log_in_with(name, "another one").status, 401, "{service}: {name}");
                assert_eq!(client.log_in_with(name, password).status, 200, "{service}: {name}");
                let shown = run(&data, &["user", "show", external_id, "--json"], "");
                let shown: Value = serde_json::from_str(&shown).expect("JSON");
                assert!(shown["username"] == *name || shown["email"] == *name, "{shown}");
                assert_eq!(shown["external_id"], *external_id);
                assert_eq!(shown["email_verified"], *is_verified, "{service}: {name}");
            }
        }
    }
}
