//! Tests of the verifier against an issuer that only a test controls.

mod ended_sessions;
mod follower;
mod issuer;
mod keys;
mod tokens;
