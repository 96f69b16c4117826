//! The macros that turn the [list](super::list) of cases into constants and tests.

/// Expands to a slice of [`Case`](crate::conformance::Case)s.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_list {
    ([] $($group:ident [$($port:ident $must:literal [$($case:ident)*])*])*) => {
        &[$($($($crate::conformance::Case {
            group: stringify!($group),
            name: stringify!($case),
            port: stringify!($port),
            must: $must,
            run: |adapter| Box::pin($crate::conformance::$group::$case(adapter)),
        },)*)*)*]
    };
}

/// Expands to one tokio test for each case of a suite.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ([$cases:ident $fresh:ident] $($group:ident [$($port:ident $must:literal [$($case:ident)*])*])*) => { $(
        mod $group { $($(
            #[::tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let cases = $crate::conformance::$cases;
                let case = $crate::conformance::find_case(cases, stringify!($group), stringify!($case));
                let fresh = super::$fresh().await;
                let adapter = $crate::conformance::AsAdapter::as_adapter(&fresh);
                // The threads of concurrent calls enter the runtime. They block this thread, which is not a worker.
                let runtime = ::tokio::runtime::Handle::current();
                case.run_on(adapter, move |call| runtime.block_on(call)).await;
            }
        )*)* }
    )* };
}

/// Creates one tokio test for each case of a suite. See [`conformance`](crate::conformance) for an example.
///
/// Each suite takes an async function, or a closure that returns a future. It creates a fresh adapter:
///
/// | suite | adapter |
/// |---|---|
/// | `stores` | any type that implements [`StoreUnderTest`](crate::conformance::StoreUnderTest) |
/// | `password_hasher` | `Arc<dyn PasswordHasher>` |
/// | `access_token_codec` | [`AccessTokenCodecs`](crate::conformance::AccessTokenCodecs) |
/// | `attempt_limiter` | `Arc<dyn AttemptLimiter>` |
/// | `audit_log` | `Arc<dyn AuditLogUnderTest>` |
/// | `clock` | `Arc<dyn Clock>` |
/// | `secure_random` | `Arc<dyn SecureRandom>` |
///
/// The tests are called `group::name`. To run a suite for two adapters in one file, put each call into its own module.
/// The calling crate needs tokio with the features `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! conformance_tests {
    (stores: $make:expr $(,)?) => {
        async fn __fresh_stores() -> impl $crate::conformance::StoreUnderTest {
            ($make)().await
        }
        $crate::__conformance_cases! { stores => $crate::__conformance_tests [STORE_CASES __fresh_stores] }
    };
    (password_hasher: $make:expr $(,)?) => {
        async fn __fresh_hasher() -> ::std::sync::Arc<dyn $crate::ports::PasswordHasher> {
            ($make)().await
        }
        $crate::__conformance_cases! {
            password_hasher => $crate::__conformance_tests [PASSWORD_HASHER_CASES __fresh_hasher]
        }
    };
    (access_token_codec: $make:expr $(,)?) => {
        async fn __fresh_codecs() -> $crate::conformance::AccessTokenCodecs {
            ($make)().await
        }
        $crate::__conformance_cases! {
            access_token_codec => $crate::__conformance_tests [ACCESS_TOKEN_CODEC_CASES __fresh_codecs]
        }
    };
    (attempt_limiter: $make:expr $(,)?) => {
        async fn __fresh_attempts() -> ::std::sync::Arc<dyn $crate::ports::AttemptLimiter> {
            ($make)().await
        }
        $crate::__conformance_cases! {
            attempt_limiter => $crate::__conformance_tests [ATTEMPT_LIMITER_CASES __fresh_attempts]
        }
    };
    (audit_log: $make:expr $(,)?) => {
        async fn __fresh_audit_log() -> ::std::sync::Arc<dyn $crate::conformance::AuditLogUnderTest> {
            ($make)().await
        }
        $crate::__conformance_cases! { audit_log => $crate::__conformance_tests [AUDIT_LOG_CASES __fresh_audit_log] }
    };
    (clock: $make:expr $(,)?) => {
        async fn __fresh_clock() -> ::std::sync::Arc<dyn $crate::ports::Clock> {
            ($make)().await
        }
        $crate::__conformance_cases! { clock => $crate::__conformance_tests [CLOCK_CASES __fresh_clock] }
    };
    (secure_random: $make:expr $(,)?) => {
        async fn __fresh_random() -> ::std::sync::Arc<dyn $crate::ports::SecureRandom> {
            ($make)().await
        }
        $crate::__conformance_cases! {
            secure_random => $crate::__conformance_tests [SECURE_RANDOM_CASES __fresh_random]
        }
    };
}
