//! Files that are built once, when the service starts, and served unchanged.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};

use actix_web::http::StatusCode;
use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, Encoding, EntityTag,
    Header as _, HeaderValue, IfNoneMatch, VARY,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use flate2::Compression;
use flate2::write::GzEncoder;

/// For a URL with the version of its content: caches keep the file for a year and do not revalidate it (RFC 8246).
static IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// For other URLs: a cache may keep the file, but asks before each use whether it has changed.
static REVALIDATED: HeaderValue = HeaderValue::from_static("no-cache");

/// A file with its path, in two encodings.
#[derive(Clone, Debug)]
pub struct StaticFile {
    path: String,
    media_type: &'static str,
    policy: Option<&'static str>,
    /// A digest of the content, the same on every node that runs this program.
    version: String,
    identity: Bytes,
    /// `None` if compression would not make the file smaller.
    gzip: Option<Bytes>,
}

impl StaticFile {
    /// A file that pages load, which is compressed now.
    pub(super) fn new(path: impl Into<String>, media_type: &'static str, content: impl Into<Bytes>) -> Self {
        let identity = content.into();
        // Writing to memory does not fail. If it did, the file would be served as it is.
        let gzip = compress(&identity).ok();
        Self::with_gzip(path.into(), media_type, identity, gzip)
    }

    /// A file that pages load, which was compressed when the program was built.
    pub(super) fn compressed(
        path: &str,
        media_type: &'static str,
        content: &'static [u8],
        gzip: &'static [u8],
    ) -> Self {
        Self::with_gzip(
            path.to_owned(),
            media_type,
            Bytes::from_static(content),
            Some(Bytes::from_static(gzip)),
        )
    }

    /// A page with its policy on what it may load (Content Security Policy Level 3). Its references to `assets` get the
    /// versions of these, so that a browser never combines files of two releases.
    pub(super) fn page(path: &str, policy: &'static str, html: &str, assets: &[Self]) -> Self {
        let html = assets.iter().fold(html.to_owned(), |html, asset| {
            html.replace(&format!("\"{}\"", asset.path), &format!("\"{}\"", asset.versioned_path()))
        });
        Self { policy: Some(policy), ..Self::new(path, "text/html; charset=utf-8", html) }
    }

    fn with_gzip(path: String, media_type: &'static str, identity: Bytes, gzip: Option<Bytes>) -> Self {
        let mut hasher = DefaultHasher::new();
        identity.hash(&mut hasher);
        let gzip = gzip.filter(|gzip| gzip.len() < identity.len());
        Self { path, media_type, policy: None, version: format!("{:016x}", hasher.finish()), identity, gzip }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The path with the version of the content in its query.
    fn versioned_path(&self) -> String {
        format!("{}?v={}", self.path, self.version)
    }

    /// The answer to a `GET` or `HEAD` request for the file.
    pub(super) fn response(&self, request: &HttpRequest) -> HttpResponse {
        let (content, encoding) = match &self.gzip {
            Some(gzip) if accepts_gzip(request) => (gzip, Some("gzip")),
            _ => (&self.identity, None),
        };
        // A strong validator names one encoding (RFC 9110, section 8.8.3.3).
        let tag = match encoding {
            Some(encoding) => EntityTag::new_strong(format!("{}-{encoding}", self.version)),
            None => EntityTag::new_strong(self.version.clone()),
        };
        let is_known = is_known(request, &tag);
        let mut response =
            HttpResponse::build(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
        response.insert_header((ETAG, tag));
        let is_versioned = request.query_string().strip_prefix("v=") == Some(self.version.as_str());
        response.insert_header((CACHE_CONTROL, if is_versioned { &IMMUTABLE } else { &REVALIDATED }.clone()));
        if self.gzip.is_some() {
            response.insert_header((VARY, "Accept-Encoding"));
        }
        if let Some(policy) = self.policy {
            response.insert_header((CONTENT_SECURITY_POLICY, policy));
        }
        if is_known {
            return response.finish();
        }
        if let Some(encoding) = encoding {
            response.insert_header((CONTENT_ENCODING, encoding));
        }
        response.content_type(self.media_type).body(content.clone())
    }
}

fn compress(content: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    encoder.finish().map(Bytes::from)
}

/// Whether the client prefers gzip to the plain file (RFC 9110, section 12.5.3).
fn accepts_gzip(request: &HttpRequest) -> bool {
    let supported = [Encoding::gzip(), Encoding::identity()];
    AcceptEncoding::parse(request)
        .is_ok_and(|accepted| accepted.negotiate(supported.iter()) == Some(Encoding::gzip()))
}

/// Whether the client has the file already (RFC 9110, section 13.1.2).
fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use actix_web::body::MessageBody as _;
    use actix_web::http::header::{ACCEPT_ENCODING, HeaderName, IF_NONE_MATCH};
    use actix_web::test::TestRequest;
    use flate2::read::GzDecoder;

    use super::*;

    const TEXT: &str =
        "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a";

    fn file() -> StaticFile {
        StaticFile::new("/docs/a.js", "text/javascript", TEXT)
    }

    fn get(file: &StaticFile, uri: &str, headers: &[(HeaderName, &str)]) -> HttpResponse {
        let request = TestRequest::with_uri(uri);
        let request = headers.iter().fold(request, |request, header| request.append_header(header.clone()));
        file.response(&request.to_http_request())
    }

    fn header(response: &HttpResponse, name: &HeaderName) -> Option<String> {
        response.headers().get(name).map(|value| value.to_str().expect("text").to_owned())
    }

    fn bytes(response: HttpResponse) -> Vec<u8> {
        let Ok(bytes) = response.into_body().try_into_bytes() else { panic!("a streamed body") };
        bytes.to_vec()
    }

    #[test]
    fn encoding_follows_the_preference_of_the_client() {
        for (accepted, is_gzip) in [
            ("gzip", true),
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, gzip;q=0.5", true),
            ("identity;q=0.1, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("br", false),
            ("", false),
            ("gzip;q=0.1, identity;q=0.5", false),
        ] {
            let response = get(&file(), "/docs/a.js", &[(ACCEPT_ENCODING, accepted)]);
            let expected = is_gzip.then(|| "gzip".to_owned());
            assert_eq!(header(&response, &CONTENT_ENCODING), expected, "{accepted}");
            assert_eq!(header(&response, &VARY).as_deref(), Some("Accept-Encoding"));
            let body = bytes(response);
            let mut text = String::new();
            if is_gzip {
                GzDecoder::new(body.as_slice()).read_to_string(&mut text).expect("gzip");
            } else {
                body.as_slice().read_to_string(&mut text).expect("text");
            }
            assert_eq!(text, TEXT, "{accepted}");
        }
        assert_eq!(header(&get(&file(), "/docs/a.js", &[]), &CONTENT_ENCODING), None);
    }

    #[test]
    fn only_a_url_with_the_version_is_immutable() {
        let file = file();
        let version = file.versioned_path();
        for (uri, is_immutable) in [
            (version.as_str(), true),
            ("/docs/a.js", false),
            ("/docs/a.js?v=", false),
            ("/docs/a.js?v=1", false),
        ] {
            let expected = if is_immutable { &IMMUTABLE } else { &REVALIDATED };
            assert_eq!(get(&file, uri, &[]).headers().get(CACHE_CONTROL), Some(expected), "{uri}");
        }
        let other = StaticFile::new("/docs/a.js", "text/javascript", "b");
        assert_ne!(other.versioned_path(), version, "other content has another version");
    }

    #[test]
    fn known_file_is_not_sent_again() {
        let first = get(&file(), "/docs/a.js", &[]);
        let tag = header(&first, &ETAG).expect("a tag");
        let weak = format!("W/{tag}");
        for known in [tag.as_str(), weak.as_str(), "*", &format!("\"x\", {tag}")] {
            let response = get(&file(), "/docs/a.js", &[(IF_NONE_MATCH, known)]);
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(header(&response, &ETAG).as_deref(), Some(tag.as_str()));
            assert_eq!(response.headers().get(CACHE_CONTROL), Some(&REVALIDATED));
            assert_eq!(bytes(response), b"");
        }
        let headers = [(IF_NONE_MATCH, tag.as_str()), (ACCEPT_ENCODING, "gzip")];
        assert_eq!(get(&file(), "/docs/a.js", &headers).status(), StatusCode::OK, "another encoding");
        assert_eq!(get(&file(), "/docs/a.js", &[(IF_NONE_MATCH, "\"x\"")]).status(), StatusCode::OK);
    }

    #[test]
    fn page_names_the_versions_of_its_assets() {
        let html = r#"<script src="/docs/a.js"></script><a href="/docs/a.json">"#;
        let page = StaticFile::page("/docs", "default-src 'none'", html, &[file()]);
        let expected =
            format!(r#"<script src="{}"></script><a href="/docs/a.json">"#, file().versioned_path());
        let response = get(&page, "/docs", &[]);
        assert_eq!(header(&response, &CONTENT_SECURITY_POLICY).as_deref(), Some("default-src 'none'"));
        assert_eq!(bytes(response), expected.as_bytes());
    }
}
