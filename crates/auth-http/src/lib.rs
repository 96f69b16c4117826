#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

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
