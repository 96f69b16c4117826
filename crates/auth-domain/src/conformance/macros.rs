//! What is made of the [list](super::list) of cases.

/// The list of a suite's [`Case`](crate::conformance::Case)s.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_list {
    ([] $($group:ident [$($case:ident)*])*) => {
        &[$($($crate::conformance::Case {
            group: stringify!($group),
            name: stringify!($case),
            run: |subject| Box::pin($crate::conformance::$group::$case(subject)),
        },)*)*]
    };
}

/// One tokio test for each case of a suite.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ([$cases:ident $fresh:ident] $($group:ident [$($case:ident)*])*) => { $(
        mod $group { $(
            #[::tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let cases = $crate::conformance::$cases;
                let case = $crate::conformance::find_case(cases, stringify!($group), stringify!($case));
                let fresh = super::$fresh().await;
                case.run($crate::conformance::Subject::borrow(&fresh)).await;
            }
        )* }
    )* };
}

/// Makes one tokio test of each case in a suite. See [`conformance`](crate::conformance) for an example.
///
/// Each suite asks for an async function, or a closure that gives a future, that makes a fresh subject:
///
/// | suite | subject |
/// |---|---|
/// | `stores` | anything that is a [`StoreUnderTest`](crate::conformance::StoreUnderTest) |
/// | `password_hasher` | `Arc<dyn PasswordHasher>` |
/// | `access_token_codec` | [`AccessTokenCodecs`](crate::conformance::AccessTokenCodecs) |
/// | `attempt_limiter` | `Arc<dyn AttemptLimiter>` |
/// | `clock` | `Arc<dyn Clock>` |
/// | `secure_random` | `Arc<dyn SecureRandom>` |
///
/// The tests are called `group::name`; two suites of one kind go into two modules. The calling crate needs tokio
/// with the features `macros` and `rt-multi-thread`.
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
