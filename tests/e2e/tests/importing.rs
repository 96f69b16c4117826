//! Users of another service: imported with their hashes, they log in with their old passwords on every store.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::fs;

use e2e::{TestData, TestServer, command};
use test_postgres::TestPostgres;

/// `P@ssw0rd!`, hashed by libxcrypt, hashlib, passlib and the reference implementation of Argon2.
const HASHES: [(&str, &str); 7] = [
    ("bcrypt-2a", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS"),
    ("bcrypt-2b", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS"),
    ("bcrypt-2y", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS"),
    ("scrypt", "$scrypt$ln=10,r=8,p=2$c2l4dGVlbiBieXRlcyA6KQ$ZREHvOsfmIYxwHCtyW3D2IMz1O/X82EcQn1VGnvZS8I"),
    (
        "pbkdf2",
        "$pbkdf2-sha256$i=1000,l=32$c2l4dGVlbiBieXRlcyA6KQ$wLq4jMbfURDPCuWM96ukbfXl+KAmFrMHkEBAbkzniCc",
    ),
    ("passlib", "$pbkdf2-sha256$1000$c2l4dGVlbiBieXRlcyA6KQ$wLq4jMbfURDPCuWM96ukbfXl.KAmFrMHkEBAbkzniCc"),
    ("django", "pbkdf2_sha256$1000$abcdefghijkl$E1pyZ2RPLMOewjwwKNw1N8BwVlX6ToAMB0h0/vuPDvE="),
];

/// Imports a user for each hash; the last line that the command prints.
fn import(data: &TestData) -> String {
    let lines = HASHES.map(|(name, hash)| {
        format!(r#"{{"username":"{name}","email":"{name}@example.com","password_hash":"{hash}"}}"#)
    });
    let file = data.path().join("accounts.jsonl");
    fs::write(&file, lines.join("\n")).expect("a file");
    let output = command(data).args(["user", "import"]).arg(&file).output().expect("run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn imported_user_logs_in_and_gets_a_current_hash() {
    for data in TestData::on_every_store() {
        assert_eq!(import(&data), "imported 7, already there 0, bad 0\n");
        let server = TestServer::start(&data);
        let client = server.client();
        for (name, _) in HASHES {
            assert_eq!(client.log_in_with(name, "P@ssw0rd").status, 401, "{name}");
            for round in 0..2 {
                assert_eq!(client.log_in(name).status, 200, "{name}, login {round}");
            }
        }
        if let Some(url) = data.database_url() {
            let upgraded = "SELECT count(*) FROM accounts \
                WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%' AND password_version = 0";
            assert_eq!(TestPostgres::shared().query(url, upgraded).expect("a count"), "7");
        }
        assert_eq!(import(&data), "imported 0, already there 7, bad 0\n");
        assert_eq!(client.log_in("bcrypt-2a").status, 200, "the second import changed nothing");
    }
}
