//! A real browser, Chromium by way of `ChromeDriver`, and origins for its pages to be from.
#![expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a panic is how a test fails")]

mod application;
mod browser;
mod driver;
mod origin_proxy;
mod programs;

pub use application::{Application, post, post_json, with_bearer};
pub use browser::Browser;
pub use origin_proxy::OriginProxy;
pub use programs::{Programs, find};
