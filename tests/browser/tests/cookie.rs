//! The dialect `cookie` for a page of its own origin: the session is in the browser, and out of every script's reach.

use browser::{Application, Browser, post, with_bearer};
use serde_json::json;

#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn user_stays_logged_in_when_the_page_reloads() {
    let application = Application::start(&[]);
    let browser = application.browser_of_john();
    for _ in 0..3 {
        browser.reload();
        application.assert_john_is_logged_in(&browser);
    }
}

#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn user_stays_logged_in_when_the_browser_restarts() {
    let application = Application::start(&[]);
    drop(application.browser_of_john());
    for _ in 0..2 {
        let browser = Browser::start(&application.profile());
        browser.open(&application.origin().page());
        application.assert_john_is_logged_in(&browser);
    }
}

#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn user_stays_logged_in_when_the_service_restarts() {
    let mut application = Application::start(&[]);
    let browser = application.browser_of_john();
    for _ in 0..2 {
        application.restart_service();
        application.assert_john_is_logged_in(&browser);
    }
}

#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn logout_ends_the_session_and_removes_the_cookie() {
    let application = Application::start(&[]);
    let browser = application.browser_of_john();
    let token = application.refresh(&browser);
    browser.open(&application.origin().at("/api/auth/page"));
    assert_eq!(browser.cookies().len(), 1);

    let logged_out = browser.fetch("/api/auth/logout", &with_bearer("POST", &token)).expect("an answer");

    logged_out.assert(200, r#"{"message":"Logged out successfully."}"#);
    assert!(browser.cookies().is_empty());
    assert_eq!(post(&browser, "/api/auth/refresh").status, 401);
    assert_eq!(browser.fetch("/api/user", &with_bearer("GET", &token)).expect("an answer").status, 401);
}

/// The page is below the cookie's path, where only `HttpOnly` keeps the cookie from scripts. A cookie without it
/// shows that the script looks in the right place.
#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn no_script_can_read_the_cookie() {
    let application = Application::start(&[]);
    let browser = application.browser_of_john();
    browser.open(&application.origin().at("/api/auth/page"));
    let kept = browser.cookies();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0].name(), "refresh_token");
    assert_eq!(kept[0].http_only(), Some(true));
    assert_eq!(kept[0].same_site().map(|value| value.to_string()).as_deref(), Some("Strict"));
    assert_eq!(kept[0].path(), Some("/api/auth"));
    assert_eq!(kept[0].domain(), Some(Application::HOST));

    let seen = browser.run(
        "document.cookie = 'visible=1; path=/api/auth';
        return cookieStore.getAll().then(all => [document.cookie, all.map(cookie => cookie.name)]);",
        &[],
    );

    assert_eq!(seen, json!(["visible=1", ["visible"]]));
    let refreshed = post(&browser, "/api/auth/refresh");
    assert_eq!((refreshed.status, refreshed.header("set-cookie")), (200, None));
    assert!(!refreshed.body.contains("ref_"), "{refreshed:?}");
}
