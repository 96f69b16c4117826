//! The authentication service: HTTP dialects over [`auth_domain`], connected to the adapters of [`auth_infra`].
//!
//! | module | purpose |
//! | --- | --- |
//! | [`commands`] | the command line: serving, and the operator's commands |
//! | [`settings`] | one table of settings, read from a file, the environment and flags |
//! | [`wiring`] | connects the adapters to the ports, as the settings define |
//! | [`server`] | starts and stops the server; CORS, request ids, log, idle connections |
//! | [`system_routes`] | health, signing keys, front page, API reference |
//! | [`dialects`] | the HTTP APIs, one folder per API document |
//! | [`request`], [`reply`] | parsing and answering, shared by the dialects |
//! | [`failure`] | every way a request can fail |
//! | [`import_file`] | reading the users of other services from files |
//! | [`openapi`] | the OpenAPI documents of the dialects |
//! | [`origin`] | the public URL and trusted networks |
//! | [`web_origin`] | which pages may call the service from a browser |
//!
//! A request passes the [`server::Observer`] and reaches the mounted dialect at its path. The dialect parses the body
//! and calls a use case of the domain. It renders the result, or the [`failure::Failure`], in the form of its document.

pub mod commands;
pub mod dialects;
pub mod failure;
pub mod import_file;
pub mod openapi;
pub mod origin;
pub mod reply;
pub mod request;
pub mod server;
pub mod settings;
pub mod system_routes;
pub mod web_origin;
pub mod wiring;
