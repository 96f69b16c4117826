//! `docs/configuration.md` is up to date.

use auth_http::settings::Sources;
use auth_http::wiring;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");

#[test]
fn configuration_page_is_up_to_date() {
    let page = std::fs::read_to_string(PAGE).expect("docs/configuration.md");
    assert!(page == wiring::settings_reference(), "docs/configuration.md is stale: run `just configuration`");
}

#[test]
fn configuration_page_example_is_valid() {
    let page = wiring::settings_reference();
    let example =
        page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), example).expect("a file");
    let sources = Sources { file: Some(file.path().to_owned()), ..Sources::default() };
    assert!(wiring::load_settings(&sources).expect("settings").public_url.is_https());
}

#[test]
fn documented_defaults_do_not_depend_on_the_machine() {
    let page = wiring::settings_reference();
    let workers = page.lines().find(|line| line.contains("`http.workers`")).expect("the setting");
    assert!(workers.contains("| the number of cores |"), "{workers}");
}
