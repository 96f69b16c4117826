//! Generates one OpenAPI 3.1 document per dialect from the code that serves it: the routes, the types of the bodies, and
//! the answers to failures.
//!
//! The error examples are not written by hand. The dialect renders each possible failure of an operation, and the answer
//! becomes the example.

mod document;
mod failures;

pub use document::{document, to_json};
