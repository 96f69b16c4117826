//! Web origins and networks: the service's own URL, the web origins that may call it, and the proxies that it trusts.

mod cors_origins;
mod public_url;
mod trusted_proxies;

pub use cors_origins::CorsOrigins;
pub use public_url::PublicUrl;
pub use trusted_proxies::TrustedProxies;
