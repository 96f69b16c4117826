//! The port to HTTP.

use std::error::Error;
use std::time::Duration;

use crate::FetchError;

/// The error of an HTTP client.
pub type HttpError = Box<dyn Error + Send + Sync>;

/// The largest body that is accepted. A key set has about a kilobyte, a page of the feed at most 200 kB.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The value of `Cache-Control`.
    pub cache_control: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Fetches a URL. It blocks the calling thread.
pub trait HttpClient: Send + Sync {
    /// Sends a `GET` request. An answer of any status is no error. Redirects must not be followed: they would let another host
    /// choose the keys. A body of more than 1 MiB must be an error.
    ///
    /// # Errors
    /// If there is no complete answer within `timeout`.
    fn get(&self, url: &str, timeout: Duration) -> Result<HttpResponse, HttpError>;
}

/// Fetches a document of the issuer. Errors name the URL without its query.
pub(crate) fn fetch(
    http: &dyn HttpClient,
    url: &str,
    query: &str,
    timeout: Duration,
) -> Result<HttpResponse, FetchError> {
    let response = http.get(&format!("{url}{query}"), timeout);
    let response = response.map_err(|error| FetchError::Http { url: url.to_owned(), error })?;
    if response.status != 200 {
        return Err(FetchError::Status { url: url.to_owned(), status: response.status });
    }
    if response.body.len() > MAX_BODY {
        return Err(FetchError::Invalid { url: url.to_owned(), reason: "it has more than 1 MiB" });
    }
    Ok(response)
}

#[cfg(feature = "ureq")]
pub use with_ureq::UreqClient;

#[cfg(feature = "ureq")]
mod with_ureq {
    use std::sync::Arc;
    use std::time::Duration;

    use ureq::Agent;
    use ureq::tls::TlsConfig;

    use super::{HttpClient, HttpError, HttpResponse, MAX_BODY};

    /// Fetches with `ureq`, over TLS by AWS-LC with the root certificates of Mozilla. With another agent, for example for a private
    /// certificate authority or a proxy, use [`From`].
    #[derive(Clone, Debug)]
    #[cfg_attr(docsrs, doc(cfg(feature = "ureq")))]
    pub struct UreqClient(Agent);

    impl Default for UreqClient {
        fn default() -> Self {
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider).build();
            Self(Agent::config_builder().tls_config(tls).build().new_agent())
        }
    }

    impl From<Agent> for UreqClient {
        fn from(agent: Agent) -> Self {
            Self(agent)
        }
    }

    impl HttpClient for UreqClient {
        fn get(&self, url: &str, timeout: Duration) -> Result<HttpResponse, HttpError> {
            let request = self.0.get(url).config();
            let request = request.timeout_global(Some(timeout)).http_status_as_error(false).max_redirects(0);
            let mut response = request.build().call()?;
            let cache_control = response.headers().get("cache-control");
            let cache_control = cache_control.and_then(|value| value.to_str().ok()).map(str::to_owned);
            let body = response.body_mut().with_config().limit(MAX_BODY as u64).read_to_vec()?;
            Ok(HttpResponse { status: response.status().as_u16(), cache_control, body })
        }
    }
}
