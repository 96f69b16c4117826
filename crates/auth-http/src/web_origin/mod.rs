//! Web origins: which pages may call the service from a browser, and with which headers.

mod allowed;
mod headers;
mod policy;
mod refused;

pub use allowed::CorsOrigins;
pub use headers::CorsHeaders;
pub use policy::{OriginPolicy, Permission};
pub use refused::CrossSite;
