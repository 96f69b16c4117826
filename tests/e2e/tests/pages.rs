//! The pages and the documents of a server that runs.

use std::collections::BTreeSet;

use e2e::{TestData, TestServer};

const NOT_FOUND: &str = r#"{"type":"about:blank","title":"Not Found","status":404}"#;

/// Every path of this server that the page names in `src` and `href`.
fn paths(page: &str) -> BTreeSet<&str> {
    let named = page.split(['"']).zip(page.split(['"']).skip(1));
    let named = named.filter(|(before, _)| before.ends_with("src=") || before.ends_with("href="));
    named.map(|(_, path)| path).filter(|path| path.starts_with('/')).collect()
}

#[test]
fn every_link_of_the_pages_is_served() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let client = server.client();
    for (page, least) in [("/", 9), ("/docs", 6), ("/docs/", 6)] {
        let html = client.get(page, None).body;
        let named = paths(&html);
        assert!(named.len() >= least, "{page} names {named:?}");
        for path in named {
            assert_eq!(client.get(path, None).status, 200, "{path} of {page}");
        }
    }
}

#[test]
fn pages_load_only_own_files_and_run_no_inline_script() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let client = server.client();
    for page in ["/", "/docs", "/docs/"] {
        let page = client.get(page, None);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!["unsafe", "http", "*"].iter().any(|word| policy.contains(word)), "{policy}");
        assert!(!page.body.contains("://"), "{}", page.body);
        let scripts = page.body.matches("<script").count();
        assert_eq!(scripts, page.body.matches("<script src=\"/docs/").count());
        assert_eq!(scripts, page.body.matches("></script>").count());
    }
    let no_page = client.get("/docs/swagger-ui-bundle.js", None);
    let policy = no_page.header("content-security-policy");
    assert_eq!(policy, Some("default-src 'none'; frame-ancestors 'none'"));
}

#[test]
fn openapi_documents_follow_the_dialect_settings() {
    let data = TestData::on_sqlite();
    let settings =
        [("AUTH_DIALECTS__COOKIE__ENABLED", "false"), ("AUTH_DIALECTS__SINGLE_TOKEN__PREFIX", "/elsewhere")];
    let server = TestServer::start_with(&data, &settings);
    let client = server.client();
    let document = client.get("/openapi/single_token.json", None);
    assert_eq!((document.status, document.header("content-type")), (200, Some("application/json")));
    assert!(document.body.contains("\"/elsewhere/auth/login\""), "{}", document.body);
    client.get("/openapi/cookie.json", None).assert(404, NOT_FOUND);
    client.get("/openapi/esperanto.json", None).assert(404, NOT_FOUND);

    let initializer = client.get("/docs/initializer.js", None).body;
    for (name, is_on) in [("single_token", true), ("directory", true), ("cookie", false)] {
        assert_eq!(initializer.contains(&format!("\"/openapi/{name}.json\"")), is_on, "{initializer}");
    }
}

#[test]
fn api_reference_answers_like_the_other_system_routes() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let client = server.client();
    client.get("/docs/nothing", None).assert(404, NOT_FOUND);
    for path in ["/docs", "/docs/", "/docs/initializer.js", "/openapi/accounts.json"] {
        let head = client.send("HEAD", path, &[], "");
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        let post = client.post(path, "{}");
        post.assert(405, r#"{"type":"about:blank","title":"Method Not Allowed","status":405}"#);
        assert_eq!(post.header("allow"), Some("GET, HEAD"), "{path}");
    }
}

#[test]
fn disabled_docs_are_neither_served_nor_linked() {
    let data = TestData::on_sqlite();
    let server = TestServer::start_with(&data, &[("AUTH_DOCS__ENABLED", "false")]);
    let client = server.client();
    for path in [
        "/docs",
        "/docs/",
        "/docs/initializer.js",
        "/docs/swagger-ui-bundle.js",
        "/openapi/single_token.json",
    ] {
        client.get(path, None).assert(404, NOT_FOUND);
    }
    let page = client.get("/", None).body;
    assert!(!page.contains("/docs") && !page.contains("/openapi"), "{page}");
    for path in paths(&page) {
        assert_eq!(client.get(path, None).status, 200, "{path}");
    }
}

#[test]
fn assets_are_compressed_versioned_and_revalidated() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let client = server.client();
    for page in ["/", "/docs"] {
        let html = client.get(page, None);
        assert_eq!(html.header("cache-control"), Some("no-cache"), "{page}");
        let tag = html.header("etag").expect("a tag").to_owned();
        let again = client.send("GET", page, &[("if-none-match", &tag)], "");
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{page}");
        let versioned: Vec<_> = paths(&html.body).into_iter().filter(|path| path.contains("?v=")).collect();
        assert!(!versioned.is_empty(), "{}", html.body);
        for path in versioned {
            let asset = client.get(path, None);
            assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"), "{path}");
            let (name, _) = path.split_once('?').expect("a version");
            let unversioned = client.get(name, None);
            assert_eq!(unversioned.header("cache-control"), Some("no-cache"), "{name}");
            assert_eq!(unversioned.body, asset.body, "{name}");
        }
    }
    let length = |encoding| {
        let bundle = client.send("HEAD", "/docs/swagger-ui-bundle.js", &[("accept-encoding", encoding)], "");
        assert_eq!(bundle.header("vary"), Some("Accept-Encoding"));
        let length: u32 = bundle.header("content-length").expect("a length").parse().expect("a number");
        (bundle.header("content-encoding").map(str::to_owned), length)
    };
    let (plain, plain_length) = length("identity");
    let (gzip, gzip_length) = length("gzip, br");
    assert_eq!((plain, gzip.as_deref()), (None, Some("gzip")));
    assert!(gzip_length * 3 < plain_length, "{gzip_length} of {plain_length}");
}

#[test]
fn front_page_links_each_dialect_to_its_definition() {
    let data = TestData::on_sqlite();
    let server = TestServer::start_with(&data, &[("AUTH_DIALECTS__DIRECTORY__ENABLED", "false")]);
    let page = server.client().get("/", None).body;
    for (name, is_enabled) in [
        ("single_token", true),
        ("directory", false),
        ("token_pair", true),
        ("accounts", true),
        ("cookie", true),
    ] {
        let link = format!("\"/docs?urls.primaryName={name}\"");
        assert_eq!(page.contains(&link), is_enabled, "{page}");
    }
}
