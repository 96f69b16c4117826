//! The page at `/`: what this is, which dialects are on, and where to look.

use std::fmt::Write as _;

use crate::dialects::Site;

/// The page, as HTML without style or script: the policy of every answer allows neither.
#[must_use]
pub fn render(site: &Site) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>auth-http</title></head>\n<body>\n\
         <h1>auth-http</h1>\n\
         <p>An authentication service: one account store behind several HTTP dialects. These are on:</p>\n",
    );
    for mount in site.mounts() {
        let prefix = &mount.context.prefix;
        let _ = write!(page, "<h2>{}</h2>\n<ul>\n", mount.dialect.profile().name);
        for route in mount.dialect.routes() {
            let _ = writeln!(page, "<li><code>{} {prefix}{}</code></li>", route.method, route.path);
        }
        page.push_str("</ul>\n");
    }
    page.push_str(
        "<h2>Beside the dialects</h2>\n<ul>\n\
         <li><a href=\"/.well-known/jwks.json\">the public keys of the access tokens</a></li>\n\
         <li><a href=\"/health/live\">whether the service lives</a></li>\n\
         <li><a href=\"/health/ready\">whether it is ready</a></li>\n\
         </ul>\n</body>\n</html>\n",
    );
    page
}
