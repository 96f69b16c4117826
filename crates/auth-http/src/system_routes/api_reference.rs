//! The API reference at `/docs`: Swagger UI over the documents of the enabled dialects, without external files.

use serde_json::json;

use super::StaticFile;

/// Allows the page's own scripts and style sheet, the icons in that style sheet, and calls of this service. The digest
/// is that of the style that the bundle adds to the page (Content Security Policy Level 3, section 2.3.1).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' \
     'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; img-src data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

const PAGE: &[u8] = include_bytes!("../../assets/api_reference.html");
const BUNDLE: &[u8] = include_bytes!("../../assets/swagger-ui/swagger-ui-bundle.js");
const PRESET: &[u8] = include_bytes!("../../assets/swagger-ui/swagger-ui-standalone-preset.js");
const STYLE: &[u8] = include_bytes!("../../assets/swagger-ui/swagger-ui.css");
/// The program contains these files, so it must pass on their licence texts (Apache License 2.0, section 4).
const LICENCES: &str = concat!(
    include_str!("../../assets/swagger-ui/NOTICE"),
    "\n",
    include_str!("../../assets/swagger-ui/LICENSE"),
    "\n",
    include_str!("../../assets/swagger-ui/swagger-ui-bundle.js.LICENSE.txt"),
    "\n",
    include_str!("../../assets/swagger-ui/swagger-ui-standalone-preset.js.LICENSE.txt"),
);

/// The page with every file that it loads, and the OpenAPI documents. `documents` contains names of dialects and JSON.
pub(crate) fn files(documents: Vec<(&str, String)>) -> Vec<StaticFile> {
    let initializer = initializer(documents.iter().map(|(name, _)| *name));
    let mut files = vec![
        StaticFile::page("/docs", POLICY, PAGE),
        StaticFile::page("/docs/", POLICY, PAGE),
        StaticFile::new("/docs/initializer.js", JAVASCRIPT, initializer),
        StaticFile::new("/docs/swagger-ui-bundle.js", JAVASCRIPT, BUNDLE),
        StaticFile::new("/docs/swagger-ui-standalone-preset.js", JAVASCRIPT, PRESET),
        StaticFile::new("/docs/swagger-ui.css", "text/css; charset=utf-8", STYLE),
        StaticFile::new("/docs/licences.txt", "text/plain; charset=utf-8", LICENCES),
    ];
    let documents = documents.into_iter();
    files
        .extend(documents.map(|(name, json)| StaticFile::new(document_path(name), "application/json", json)));
    files
}

/// The path of a dialect's OpenAPI document.
pub(super) fn document_path(dialect: &str) -> String {
    format!("/openapi/{dialect}.json")
}

/// The script that starts Swagger UI with a choice of these dialects. The page does not keep the tokens that a reader
/// enters, and `validatorUrl` keeps it from sending the documents to an external validator.
fn initializer<'a>(dialects: impl Iterator<Item = &'a str>) -> String {
    let urls: Vec<_> = dialects.map(|name| json!({"name": name, "url": document_path(name)})).collect();
    format!(
        "SwaggerUIBundle({{\n  urls: {},\n  dom_id: \"#swagger-ui\",\n  deepLinking: true,\n  validatorUrl: \"none\",\n  \
         presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],\n  \
         plugins: [SwaggerUIBundle.plugins.DownloadUrl],\n  layout: \"StandaloneLayout\",\n}});\n",
        json!(urls)
    )
}
