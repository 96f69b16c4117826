//! Pages of other origins: they do nothing in the name of a user of the application, unless they are allowed to.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use browser::{Application, Browser, Cookie, OriginProxy, post_json, with_bearer};
use serde_json::{Value, json};

/// The host of pages that are of the application's site, on another port.
const SAME_SITE: &str = Application::HOST;
/// The host of pages of another site.
const OTHER_SITE: &str = "localhost";

fn including_cookies(mut options: Value) -> Value {
    options["credentials"] = json!("include");
    options
}

fn cookie_of(browser: &Browser, application: &Application) -> Cookie {
    browser.open(&application.origin().at("/api/auth/page"));
    browser.cookies().into_iter().next().expect("the cookie")
}

/// Has a page of `host` try everything, and shows that john's session is as it was.
fn assert_harmless(host: &str) {
    let application = Application::start(&[]);
    let own = application.origin();
    let browser = application.browser_of_john();
    let token = application.refresh(&browser);
    let cookie = cookie_of(&browser, &application);
    let foreign = OriginProxy::of(host);
    browser.open(&foreign.page());
    let _before = own.forwarded();

    for path in ["/api/auth/login", "/api/auth/refresh", "/api/auth/logout"] {
        let post = including_cookies(json!({"method": "POST"}));
        assert!(browser.fetch(&own.at(path), &post).is_none(), "{path} from {}", foreign.url());
        // Without asking to read the answer, too.
        let mut blind = post;
        blind["mode"] = json!("no-cors");
        assert_eq!(browser.fetch(&own.at(path), &blind).map(|response| response.body), Some(String::new()));
    }
    // What john's own page may send, if a foreign page had come by a token.
    let with_token = including_cookies(with_bearer("POST", &token));
    assert!(browser.fetch(&own.at("/api/auth/logout"), &with_token).is_none());
    assert!(browser.fetch(&own.at("/api/user"), &with_bearer("GET", &token)).is_none());

    assert_eq!(
        own.forwarded(),
        [
            "POST /api/auth/login 403",
            "POST /api/auth/login 403",
            "POST /api/auth/refresh 403",
            "POST /api/auth/refresh 403",
            "POST /api/auth/logout 403",
            "POST /api/auth/logout 403",
            "OPTIONS /api/auth/logout 405",
            "OPTIONS /api/user 405",
        ]
    );
    assert_eq!(cookie_of(&browser, &application), cookie, "the browser's cookie");
    application.assert_john_is_logged_in(&browser);
}

#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn page_of_another_site_cannot_refresh_or_log_out() {
    assert_harmless(OTHER_SITE);
}

/// To such a page's requests the browser adds the cookie: `SameSite` does not look at the port. The service does.
#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn page_of_another_port_cannot_refresh_or_log_out() {
    assert_harmless(SAME_SITE);
}

#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn form_of_another_site_cannot_refresh_log_out_or_log_in() {
    let application = Application::start(&[]);
    let browser = application.browser_of_john();
    let cookie = cookie_of(&browser, &application);
    for path in ["/api/auth/refresh", "/api/auth/logout", "/api/auth/login"] {
        let foreign = OriginProxy::of(OTHER_SITE);
        browser.open(&foreign.page());
        // A form whose one field makes, with the `=` that the browser adds, a body that is valid JSON.
        let submit = r#"const form = document.createElement("form");
            Object.assign(form, { method: "POST", enctype: "text/plain", action: arguments[0] });
            const field = document.createElement("input");
            field.name = '{"username":"john","password":"P@ssw0rd!","';
            field.value = '":0}';
            form.append(field);
            document.body.append(form);
            form.submit();"#;
        let action = application.origin().at(path);
        assert_eq!(browser.run(submit, &[json!(action)]), Value::Null);
        browser.wait_until(&format!(
            "return location.href === '{action}' && document.readyState === 'complete'"
        ));
        let reason =
            format!("the origin {} is neither that of public_url nor in cors_origins", foreign.url());
        let body = format!(r#"{{"message":"Forbidden: {reason}."}}"#);
        assert_eq!(browser.run("return document.body.innerText", &[]), json!(body), "{path}");
    }
    assert_eq!(cookie_of(&browser, &application), cookie, "the browser's cookie");
    application.assert_john_is_logged_in(&browser);
}

#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn only_pages_of_listed_origins_can_use_the_service() {
    let listed = OriginProxy::of(SAME_SITE);
    let application = Application::start(&[("AUTH_CORS_ORIGINS", listed.url())]);
    let own = application.origin();
    let browser = Browser::start(&application.profile());
    let john = including_cookies(post_json(&json!({"username": "john", "password": "P@ssw0rd!"})));

    browser.open(&listed.page());
    let registered = browser.fetch(&own.at("/api/auth/register"), &john).expect("an answer");
    registered.assert(201, r#"{"message":"Account successfully created."}"#);
    assert_eq!(browser.fetch(&own.at("/api/auth/login"), &john).expect("an answer").status, 200);
    let post = including_cookies(json!({"method": "POST"}));
    let refreshed = browser.fetch(&own.at("/api/auth/refresh"), &post).expect("an answer");
    let token = refreshed.json()["data"]["token"].as_str().expect("a token").to_owned();
    let user = browser.fetch(&own.at("/api/user"), &with_bearer("GET", &token)).expect("an answer");
    assert_eq!((user.status, &user.json()["data"]["username"]), (200, &json!("john")));
    let refused = browser.fetch(&own.at("/api/user"), &with_bearer("GET", "nonsense")).expect("an answer");
    assert_eq!((refused.status, refused.header("www-authenticate").is_some()), (401, true));

    for host in [SAME_SITE, OTHER_SITE] {
        browser.open(&OriginProxy::of(host).page());
        let _before = own.forwarded();
        assert!(browser.fetch(&own.at("/api/auth/login"), &john).is_none());
        assert!(browser.fetch(&own.at("/api/auth/refresh"), &post).is_none());
        assert!(browser.fetch(&own.at("/api/user"), &with_bearer("GET", &token)).is_none());
        let forwarded = own.forwarded();
        assert_eq!(forwarded[1], "POST /api/auth/refresh 403", "{forwarded:?}");
        assert!(forwarded.iter().all(|request| !request.ends_with(" 200")), "{forwarded:?}");
    }
    browser.open(&listed.page());
    assert_eq!(browser.fetch(&own.at("/api/auth/refresh"), &post).expect("an answer").status, 200);
}
