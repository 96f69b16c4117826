//! `Cookie` and `Authorization`. Each line of the input is the value of one header.
#![no_main]

use std::cell::LazyCell;
use std::ops::ControlFlow;

use actix_web::test::TestRequest;
use auth_fuzz::{header_values, receive, runtime, with_header};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

thread_local! {
    static RUNTIME: LazyCell<Runtime> = LazyCell::new(runtime);
}

fuzz_target!(|input: &[u8]| {
    let request = with_header(TestRequest::get(), "cookie", header_values(input));
    let request = with_header(request, "authorization", header_values(input).take(1));
    let received = RUNTIME.with(|runtime| runtime.block_on(receive(request)));
    let (ControlFlow::Continue(request) | ControlFlow::Break(request)) = received;
    if let Some(value) = request.cookie("refresh_token") {
        assert!(!value.contains(';'));
    }
    if let Ok(token) = request.bearer() {
        assert!(!token.is_empty() && !token.starts_with(' '));
    }
});
