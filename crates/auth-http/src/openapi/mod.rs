//! OpenAPI 3.1 documents, one a dialect, made of what serves: its routes, the types of its bodies, and what it answers
//! when something fails.
//!
//! Nothing of a failure is written down here: each that an operation can meet is rendered by the dialect, and the
//! answer is the example.

mod document;
mod failures;

pub use document::{document, to_json};
