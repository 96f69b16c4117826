//! The pages on security name tests as they are: none that was renamed or taken away.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const PAGES: [&str; 4] = ["SECURITY.md", "docs/asvs.md", "docs/security.md", "docs/threat-model.md"];

/// The names of all functions below a directory.
fn functions(directory: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            functions(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let defined = text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            names.extend(defined.map(str::to_owned));
        }
    }
}

/// What stands between backticks in a page and can only be the name of a test: no setting has so many words.
fn named_tests(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|code| {
        code.matches('_').count() >= 4
            && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    })
}

#[test]
fn every_test_that_a_page_on_security_names_is_there() {
    let mut known = BTreeSet::new();
    functions(&Path::new(ROOT).join("crates"), &mut known);
    functions(&Path::new(ROOT).join("tests"), &mut known);
    let mut named = 0;
    for page in PAGES {
        let text = fs::read_to_string(Path::new(ROOT).join(page)).expect("a page");
        for test in named_tests(&text) {
            assert!(known.contains(test), "{page} names {test}, which is not there");
            named += 1;
        }
    }
    assert!(named > 80, "{named}");
}
