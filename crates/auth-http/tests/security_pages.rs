//! The security pages name only tests that exist, so that a renamed or deleted test breaks the build.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const PAGES: [&str; 4] = ["SECURITY.md", "docs/asvs.md", "docs/security.md", "docs/threat-model.md"];

/// Collects the names of all functions below a directory.
fn collect_functions(directory: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect_functions(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let defined = text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            names.extend(defined.map(str::to_owned));
        }
    }
}

/// The code spans of a page with at least three underscores. No setting in these pages has so long a name.
fn named_tests(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|code| {
        code.matches('_').count() >= 3
            && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    })
}

#[test]
fn security_pages_name_only_existing_tests() {
    let mut existing = BTreeSet::new();
    collect_functions(&Path::new(ROOT).join("crates"), &mut existing);
    collect_functions(&Path::new(ROOT).join("tests"), &mut existing);
    let mut named = 0;
    for page in PAGES {
        let text = fs::read_to_string(Path::new(ROOT).join(page)).expect("a page");
        for test in named_tests(&text) {
            assert!(existing.contains(test), "{page} names the test {test}, which does not exist");
            named += 1;
        }
    }
    // A lower number means that the pages changed their form and that this test no longer finds the names.
    assert!(named > 150, "only {named} names found");
}
