//! Replays every example of the five API documents over HTTP at its documented path. It compares the status, the exact
//! set of members and the exact texts.
//!
//! The tables contain the examples of the documents, one answer a row. The order of the rows matters, because a log-out
//! ends the session that a later row needs. If a document names a status without a body, the row has the body of the
//! dialect's page. Failures that a request cannot cause, such as an internal error, are looked up in `docs/errors.md`. A
//! test of the dialects keeps that page current.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod accounts;
mod cookie;
mod directory;
mod example;
mod matching;
mod single_token;
mod token_pair;

use std::process::Stdio;

use e2e::{TestData, TestServer, command};
use example::{Document, Known};
use serde_json::Value;

const DOCUMENTS: [&Document; 5] = [
    &single_token::DOCUMENT,
    &directory::DOCUMENT,
    &token_pair::DOCUMENT,
    &accounts::DOCUMENT,
    &cookie::DOCUMENT,
];

fn api_key(data: &TestData) -> String {
    let mut create = command(data);
    let output = create
        .args([
            "api-key",
            "create",
            "--name",
            "backend",
            "--scope",
            "users:read,users:write,users:roles,auth",
        ])
        .stderr(Stdio::null())
        .output();
    let output = String::from_utf8(output.expect("run").stdout).expect("UTF-8");
    output.lines().last().expect("a key").to_owned()
}

#[test]
fn every_documented_example_is_answered_as_printed() {
    for data in TestData::on_every_store() {
        let store = if data.database_url().is_some() { "PostgreSQL" } else { "SQLite" };
        let server = TestServer::start(&data);
        let mut differences = Vec::new();
        for document in DOCUMENTS {
            let mut known = Known::new(api_key(&data));
            let replayed = document.examples.iter().map(|example| example.replay(&data, &server, &mut known));
            let differing: Vec<_> = replayed.filter_map(Result::err).collect();
            let count = document.examples.len();
            println!("{}: {} of {count} exact on {store}", document.name, count - differing.len());
            differences.extend(differing.into_iter().map(|said| format!("{}, {said}", document.name)));
        }
        assert!(differences.is_empty(), "on {store}:\n{}", differences.join("\n"));
    }
}

#[test]
fn failures_not_reachable_over_http_are_worded_as_printed() {
    let page = include_str!("../../../../docs/errors.md");
    for document in DOCUMENTS {
        for (status, printed) in document.unprovoked {
            let printed: Value = serde_json::from_str(printed).expect("JSON");
            let line = format!("| `{}` | {status} | `{printed}` |", document.name);
            assert!(page.contains(&line), "{line}");
        }
        println!("{}: {} worded as printed", document.name, document.unprovoked.len());
    }
}
