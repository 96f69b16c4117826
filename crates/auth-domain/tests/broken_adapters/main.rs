//! The suite notices adapters that break their promises.

mod stores;

use auth_domain::conformance::STORE_CASES;

use stores::{Broken, Fault};

#[tokio::test]
async fn matrix() {
    let only = std::env::var("FAULT").ok();
    for fault in Fault::ALL {
        if only.as_ref().is_some_and(|only| *only != format!("{fault:?}")) { continue; }
        let mut failed = vec![];
        for case in STORE_CASES {
            let broken = Broken::by(fault);
            if tokio::spawn(async move { case.run(&broken).await }).await.is_err() {
                failed.push(case.to_string());
            }
        }
        println!("MATRIX {fault:?} {}", failed.join(" "));
    }
}
