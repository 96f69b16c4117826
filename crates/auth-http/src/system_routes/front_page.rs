//! The page at `/`: the service, its dialects and its other pages.

use std::fmt::Write as _;

use super::{StaticFile, api_reference};
use crate::dialects::{MountedDialect, Router};

/// The page loads its own style sheet and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";
const STYLE: &[u8] = include_bytes!("../../assets/style.css");
/// The page up to the list of dialects. It contains [`DOCS_PLACE`].
const HEAD: &str = include_str!("../../assets/front_page.html");
/// The place of the link to the API reference.
const DOCS_PLACE: &str = "{docs}";
const DOCS_LINK: &str = "<li><a href=\"/docs\">The API reference</a>: read it and try each call</li>\n";

/// The page and its style sheet. The page links the API reference and the OpenAPI documents if `has_docs`.
pub(crate) fn files(router: &Router, has_docs: bool) -> Vec<StaticFile> {
    let head = HEAD.replace(DOCS_PLACE, if has_docs { DOCS_LINK } else { "" });
    let page = router.dialects().fold(head, |page, mounted| page + &section(mounted, has_docs));
    let style = StaticFile::new("/style.css", "text/css; charset=utf-8", STYLE);
    let page = StaticFile::page("/", POLICY, &(page + "</body>\n</html>\n"), std::slice::from_ref(&style));
    vec![page, style]
}

/// A dialect with all its endpoints.
fn section(mounted: &MountedDialect, has_docs: bool) -> String {
    let (profile, prefix) = (mounted.dialect.profile(), &mounted.context.terms.prefix);
    let mut section = format!("<h3>{}</h3>\n<p>{}</p>\n<ul>\n", profile.name, profile.about);
    for route in mounted.dialect.routes() {
        let _ = writeln!(section, "<li><code>{} {prefix}{}</code></li>", route.method, route.path);
    }
    section.push_str("</ul>\n");
    if has_docs {
        let (page, document) =
            (api_reference::page_url(profile.name), api_reference::document_path(profile.name));
        let _ = writeln!(
            section,
            "<p><a href=\"{page}\">Its API reference</a>, <a href=\"{document}\">its OpenAPI document</a></p>"
        );
    }
    section
}
