//! The API reference at `/docs`: Swagger UI over the documents of the dialects that are on. Nothing of it is loaded from
//! anywhere else.

use serde_json::json;

use crate::file::File;

/// Its own scripts and style, the icons in that style, and calls of this service. The digest is of the style that the
/// bundle puts into the page (Content Security Policy Level 3, section 2.3.1).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' \
     'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; img-src data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

const PAGE: &[u8] = include_bytes!("../assets/api_reference.html");
const BUNDLE: &[u8] = include_bytes!("../assets/swagger-ui/swagger-ui-bundle.js");
const PRESET: &[u8] = include_bytes!("../assets/swagger-ui/swagger-ui-standalone-preset.js");
const STYLE: &[u8] = include_bytes!("../assets/swagger-ui/swagger-ui.css");
/// Whoever gets the program gets these files, and has to get these texts with them (Apache License 2.0, section 4).
const LICENCES: &str = concat!(
    include_str!("../assets/swagger-ui/NOTICE"),
    "\n",
    include_str!("../assets/swagger-ui/LICENSE"),
    "\n",
    include_str!("../assets/swagger-ui/swagger-ui-bundle.js.LICENSE.txt"),
    "\n",
    include_str!("../assets/swagger-ui/swagger-ui-standalone-preset.js.LICENSE.txt"),
);

/// The page with all that it loads, and the OpenAPI documents: `documents` are names of dialects and JSON.
#[must_use]
pub fn files(documents: Vec<(&str, String)>) -> Vec<File> {
    let initializer = initializer(documents.iter().map(|(name, _)| *name));
    let mut files = vec![
        File::page("/docs", POLICY, PAGE),
        File::page("/docs/", POLICY, PAGE),
        File::new("/docs/initializer.js", JAVASCRIPT, initializer),
        File::new("/docs/swagger-ui-bundle.js", JAVASCRIPT, BUNDLE),
        File::new("/docs/swagger-ui-standalone-preset.js", JAVASCRIPT, PRESET),
        File::new("/docs/swagger-ui.css", "text/css; charset=utf-8", STYLE),
        File::new("/docs/licences.txt", "text/plain; charset=utf-8", LICENCES),
    ];
    let documents = documents.into_iter();
    files.extend(documents.map(|(name, json)| File::new(path(name), "application/json", json)));
    files
}

/// Where the document of a dialect is.
#[must_use]
pub fn path(dialect: &str) -> String {
    format!("/openapi/{dialect}.json")
}

/// Starts Swagger UI with these dialects to choose from. What somebody types as a token is forgotten with the page, and
/// no validator elsewhere is asked about the documents.
fn initializer<'a>(dialects: impl Iterator<Item = &'a str>) -> String {
    let urls: Vec<_> = dialects.map(|name| json!({"name": name, "url": path(name)})).collect();
    format!(
        "SwaggerUIBundle({{\n  urls: {},\n  dom_id: \"#swagger-ui\",\n  deepLinking: true,\n  validatorUrl: \"none\",\n  \
         presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],\n  \
         plugins: [SwaggerUIBundle.plugins.DownloadUrl],\n  layout: \"StandaloneLayout\",\n}});\n",
        json!(urls)
    )
}
