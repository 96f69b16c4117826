//! The authentication service: HTTP dialects over [`auth_domain`], wired to the adapters of [`auth_infra`].
//!
//! A request passes [`observe`], which numbers, hardens and logs it, and reaches the [`dialects::Router`] whose path
//! it is. That receives the body ([`request`]), has the dialect's handler call a use case of the domain, and renders
//! whatever goes wrong, a [`failure::Failure`], in the dialect's words. What all that looks like from outside is
//! described by [`openapi`], and [`beside`] the dialects there are pages that show it.
//!
//! [`application`] starts, looks after and stops all of it on [`connections`] that are bounded, with the [`settings`] in
//! force; [`wiring`] is the one place that knows ports and adapters both, and [`commands`] are what an operator does from
//! a shell.

pub mod api_reference;
pub mod application;
pub mod beside;
pub mod commands;
pub mod connections;
pub mod cors;
pub mod dialects;
pub mod failure;
pub mod file;
pub mod front_page;
pub mod observe;
pub mod openapi;
pub mod origin;
pub mod problem;
pub mod readiness;
pub mod reply;
pub mod request;
pub mod settings;
pub mod telemetry;
pub mod wiring;
