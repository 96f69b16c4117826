//! The service's own pages, as a browser shows them.

use std::path::Path;

use browser::{Application, Browser};
use e2e::{TestData, TestServer};
use serde_json::json;

/// Opens a page of the service, keeps a picture of it, and shows that the browser found nothing wrong with it.
fn assert_flawless(server: &TestServer, browser: &Browser, path: &str, is_shown: &str, picture: &str) {
    let url = format!("{}{path}", server.base());
    browser.open(&url);
    browser.wait_until(is_shown);
    browser.screenshot(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(picture));
    let requests = browser.requests();
    assert!(requests.contains(&format!("200 {url}")), "{requests:?}");
    let own = format!("200 {}/", server.base());
    assert!(requests.iter().all(|request| request.starts_with(&own)), "all from the service: {requests:?}");
    assert_eq!(browser.console(), [] as [String; 0]);
}

#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn front_page_shows_without_errors() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let browser = Browser::start(&data.path().join("profile"));
    let is_shown = "return document.querySelectorAll('h3').length === 5";
    assert_flawless(&server, &browser, "/", is_shown, "front-page.png");
}

#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn api_reference_shows_every_dialect_without_errors() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let browser = Browser::start(&data.path().join("profile"));
    for (dialect, operations) in
        [("single_token", 4), ("directory", 7), ("token_pair", 4), ("accounts", 5), ("cookie", 5)]
    {
        let path = format!("/docs?urls.primaryName={dialect}");
        let is_shown = format!(
            "return document.querySelector('.info .title')?.innerText.includes('{dialect}') === true
                && document.querySelectorAll('.opblock').length === {operations}"
        );
        assert_flawless(&server, &browser, &path, &is_shown, &format!("api-reference-{dialect}.png"));
    }
    // What `Try it out` does: the page may call the service.
    let response = browser.fetch("/api/user", &json!({}));
    assert_eq!(response.map(|response| response.status), Some(401));
}

/// Swagger UI keeps a typed body by path and method, which dialects share.
#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn api_reference_shows_the_body_of_the_chosen_dialect() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let browser = Browser::start(&data.path().join("profile"));
    browser.open(&format!("{}/docs?urls.primaryName=token_pair", server.base()));
    let body_of = |dialect: &str, member: &str| {
        browser.wait_until(&format!(
            "return document.querySelector('.info .title')?.innerText.includes('{dialect}') === true
                && document.getElementById('operations-sessions-logIn') !== null"
        ));
        browser.wait_until(&format!(
            "const operation = document.getElementById('operations-sessions-logIn');
            const area = operation.querySelector('textarea');
            if (area !== null) return area.value.includes('{member}');
            const button = operation.querySelector('.try-out__btn');
            (button ?? operation.querySelector('.opblock-summary-control')).click();
            return false"
        ));
    };
    body_of("token_pair", "\"email\"");
    let typed = browser.run(
        "const area = document.querySelector('#operations-sessions-logIn textarea');
        const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set;
        set.call(area, '{\"email\":\"typed by the reader\"}');
        area.dispatchEvent(new Event('input', { bubbles: true }));
        const select = document.getElementById('select');
        select.value = '/openapi/accounts.json';
        select.dispatchEvent(new Event('change', { bubbles: true }));
        return true",
        &[],
    );
    assert_eq!(typed, json!(true));
    body_of("accounts", "\"username\"");
    let location = browser.run("return location.pathname + location.search", &[]);
    assert_eq!(location, json!("/docs?urls.primaryName=accounts"));
}

/// Before Swagger UI has started, the page has its background in the theme of the system, and no white margin.
#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn api_reference_has_the_background_of_its_theme() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let browser = Browser::start(&data.path().join("profile"));
    browser.open(&format!("{}/docs", server.base()));
    let shown = browser.run(
        "const background = () => getComputedStyle(document.documentElement).backgroundColor;
        const root = document.documentElement.classList;
        root.remove('dark-mode');
        const light = background();
        root.add('dark-mode');
        return [light, background(), getComputedStyle(document.body).margin]",
        &[],
    );
    assert_eq!(shown, json!(["rgb(255, 255, 255)", "rgb(28, 32, 34)", "0px"]));
}

/// What the other tests here rely on.
#[test]
#[cfg_attr(without_browser, ignore = "there is no Chromium here")]
fn failed_request_and_console_message_are_detected() {
    let application = Application::start(&[]);
    let browser = Browser::start(&application.profile());
    browser.open(&application.origin().page());
    let nothing = application.origin().at("/nothing");
    assert_eq!(browser.fetch(&nothing, &json!({})).map(|response| response.status), Some(404));
    // Port 9 is one that browsers refuse to speak to.
    assert!(browser.fetch("http://127.0.0.1:9/", &json!({})).is_none());
    let requests = browser.requests();
    for outcome in [format!("404 {nothing}"), "failed http://127.0.0.1:9/".to_owned()] {
        assert!(requests.contains(&outcome), "{outcome} is not in {requests:?}");
    }
    let console = browser.console();
    assert!(console.iter().any(|line| line.contains(&nothing)), "{console:?}");
}
