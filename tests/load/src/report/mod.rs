//! What is told of what was measured.
