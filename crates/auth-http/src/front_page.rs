//! The page at `/`: what this is, which dialects are on, and where to look.

use std::fmt::Write as _;

use crate::api_reference;
use crate::dialects::{MountedDialect, Router};
use crate::file::File;

/// Its own style, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";
const STYLE: &[u8] = include_bytes!("../assets/style.css");

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>auth-http</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<h1>auth-http</h1>
<p>An authentication service: users, passwords, sessions and tokens. It keeps one store of accounts and speaks several
HTTP dialects over it.</p>
<h2>Where to look</h2>
<ul>
<li><a href="/docs">The API reference</a>: read it, and try each call</li>
<li><a href="/.well-known/jwks.json">The public keys</a> by which anyone can verify an access token</li>
<li><a href="/health/live">Whether the service lives</a>, and <a href="/health/ready">whether it is ready</a></li>
</ul>
<h2>The dialects that are on</h2>
"#;

/// The page and its style.
#[must_use]
pub fn files(router: &Router) -> Vec<File> {
    let page = router.dialects().fold(HEAD.to_owned(), |page, mounted| page + &section(mounted));
    vec![
        File::page("/", POLICY, page + "</body>\n</html>\n"),
        File::new("/docs/style.css", "text/css; charset=utf-8", STYLE),
    ]
}

/// A dialect with all its endpoints.
fn section(mounted: &MountedDialect) -> String {
    let (profile, prefix) = (mounted.dialect.profile(), &mounted.context.prefix);
    let mut section = format!("<h3>{}</h3>\n<p>{}</p>\n<ul>\n", profile.name, profile.about);
    for route in mounted.dialect.routes() {
        let _ = writeln!(section, "<li><code>{} {prefix}{}</code></li>", route.method, route.path);
    }
    let document = api_reference::path(profile.name);
    let _ = writeln!(section, "</ul>\n<p><a href=\"{document}\">Its OpenAPI document</a></p>");
    section
}
