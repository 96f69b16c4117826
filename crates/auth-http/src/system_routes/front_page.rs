//! The page at `/`: the service, its dialects and its other pages.

use std::fmt::Write as _;

use super::{StaticFile, api_reference};
use crate::dialects::{MountedDialect, Router};

/// The page loads its own style sheet and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";
const STYLE: &[u8] = include_bytes!("../../assets/style.css");
/// The page up to the list of dialects.
const HEAD: &str = include_str!("../../assets/front_page.html");

/// The page and its style sheet.
pub(crate) fn files(router: &Router) -> Vec<StaticFile> {
    let page = router.dialects().fold(HEAD.to_owned(), |page, mounted| page + &section(mounted));
    vec![
        StaticFile::page("/", POLICY, page + "</body>\n</html>\n"),
        StaticFile::new("/docs/style.css", "text/css; charset=utf-8", STYLE),
    ]
}

/// A dialect with all its endpoints.
fn section(mounted: &MountedDialect) -> String {
    let (profile, prefix) = (mounted.dialect.profile(), &mounted.context.terms.prefix);
    let mut section = format!("<h3>{}</h3>\n<p>{}</p>\n<ul>\n", profile.name, profile.about);
    for route in mounted.dialect.routes() {
        let _ = writeln!(section, "<li><code>{} {prefix}{}</code></li>", route.method, route.path);
    }
    let document = api_reference::document_path(profile.name);
    let _ = writeln!(section, "</ul>\n<p><a href=\"{document}\">Its OpenAPI document</a></p>");
    section
}
