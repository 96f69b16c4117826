//! Where there is no browser and none can be brought, `AUTH_TEST_BROWSER=none` has cargo list the tests as ignored.

use std::env;

fn main() {
    tell_cargo("rerun-if-env-changed=AUTH_TEST_BROWSER");
    tell_cargo("rustc-check-cfg=cfg(without_browser)");
    if env::var_os("AUTH_TEST_BROWSER").is_some_and(|value| value == "none") {
        tell_cargo("rustc-cfg=without_browser");
    }
}

fn tell_cargo(line: &str) {
    println!("cargo::{line}");
}
