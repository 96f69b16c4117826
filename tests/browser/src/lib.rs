//! A real browser, Chromium driven through `ChromeDriver`, and web origins for its pages.
#![expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a panic is how a test fails")]

mod application;
mod browser;
mod driver;
mod origin_proxy;
mod programs;

pub use application::{Application, post, post_json, with_bearer};
pub use browser::Browser;

/// A cookie as the browser stores it.
pub type Cookie = fantoccini::cookies::Cookie<'static>;
pub use origin_proxy::OriginProxy;
pub use programs::{Programs, find};
