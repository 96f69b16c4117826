//! The page on configuration says what the table of settings says.

use auth_http::settings::Sources;
use auth_http::wiring;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");

#[test]
fn the_page_is_fresh() {
    let page = std::fs::read_to_string(PAGE).expect("docs/configuration.md");
    assert!(
        page == wiring::settings_reference(),
        "docs/configuration.md is stale: auth-http config docs > docs/configuration.md"
    );
}

#[test]
fn the_example_on_the_page_is_accepted() {
    let page = wiring::settings_reference();
    let example =
        page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), example).expect("a file");
    let sources = Sources { file: Some(file.path().to_owned()), ..Sources::default() };
    assert!(wiring::load_settings(&sources).expect("settings").public_url.is_https());
}

#[test]
fn no_default_on_the_page_depends_on_the_machine() {
    let page = wiring::settings_reference();
    let workers = page.lines().find(|line| line.contains("`http.workers`")).expect("the setting");
    assert!(workers.contains("| the number of cores |"), "{workers}");
}
