//! Runs the example of the extensions and compares what it prints.

#[path = "../examples/extensions.rs"]
#[expect(dead_code, reason = "`main` of the example prints to the terminal")]
mod extensions;

#[tokio::test]
async fn example_shows_each_extension() {
    let mut out = Vec::new();
    extensions::run(&mut out).await.expect("the example succeeds");
    let lines = [
        "registered jane with the role seller",
        "registered john with the role seller",
        "did not register mary: the role must be a role that new accounts may choose",
        "did not register mary: refused: no_tenant",
        "did not register mary: the password must not be in a known data breach",
        "logged jane in for the tenant acme",
        "refused to log john in: tenant_closed",
    ];
    let printed = String::from_utf8(out).expect("text");
    assert_eq!(printed.lines().collect::<Vec<_>>(), lines);
}
