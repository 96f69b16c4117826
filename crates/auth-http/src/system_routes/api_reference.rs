//! The API reference at `/docs`: Swagger UI over the documents of the enabled dialects, without external files.

use serde_json::json;

use super::StaticFile;

/// Allows the page's own scripts and style sheet, the icons in that style sheet, and calls of this service. The digest
/// is that of the style that the bundle adds to the page (Content Security Policy Level 3, section 2.3.1).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' \
     'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; img-src data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

const CSS: &str = "text/css; charset=utf-8";

const PAGE: &str = include_str!("../../assets/api_reference.html");
/// The background of the page before Swagger UI has started, and without its margin.
const PAGE_STYLE: &[u8] = include_bytes!("../../assets/api_reference.css");
/// Selects the theme before the first paint. Swagger UI does so later, after a white page.
const THEME: &[u8] = include_bytes!("../../assets/theme.js");
const INITIALIZER: &str = include_str!("../../assets/initializer.js");

/// A file of Swagger UI as it is, and as the build script has compressed it.
macro_rules! swagger_ui {
    ($name:literal, $media_type:expr) => {
        StaticFile::compressed(
            concat!("/docs/", $name),
            $media_type,
            include_bytes!(concat!("../../assets/swagger-ui/", $name)),
            include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")),
        )
    };
}

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
        StaticFile::new("/docs/api-reference.css", CSS, PAGE_STYLE),
        StaticFile::new("/docs/theme.js", JAVASCRIPT, THEME),
        StaticFile::new("/docs/initializer.js", JAVASCRIPT, initializer),
        StaticFile::new("/docs/licences.txt", "text/plain; charset=utf-8", LICENCES),
        swagger_ui!("swagger-ui-bundle.js", JAVASCRIPT),
        swagger_ui!("swagger-ui-standalone-preset.js", JAVASCRIPT),
        swagger_ui!("swagger-ui.css", CSS),
    ];
    let pages = ["/docs", "/docs/"].map(|path| StaticFile::page(path, POLICY, PAGE, &files));
    files.extend(pages);
    let documents = documents.into_iter();
    files
        .extend(documents.map(|(name, json)| StaticFile::new(document_path(name), "application/json", json)));
    files
}

/// The URL of the API reference of a dialect.
pub(super) fn page_url(dialect: &str) -> String {
    format!("/docs?urls.primaryName={dialect}")
}

/// The path of a dialect's OpenAPI document.
pub(super) fn document_path(dialect: &str) -> String {
    format!("/openapi/{dialect}.json")
}

/// The script that starts Swagger UI with a choice of these dialects.
fn initializer<'a>(dialects: impl Iterator<Item = &'a str>) -> String {
    let urls: Vec<_> = dialects.map(|name| json!({"name": name, "url": document_path(name)})).collect();
    format!("const urls = {};\n{INITIALIZER}", json!(urls))
}
