# List the recipes.
default:
    @just --list

# Build and serve on embedded SQLite under ./data; arguments go to auth-http.
run *arguments:
    cargo run --release -- {{ arguments }}

# Bring what the tests need and run every one; arguments go to cargo test.
test *arguments:
    scripts/test {{ arguments }}

# Test the rules of the domain and its use cases over mocks: no store, no server.
unit *arguments:
    cargo test --locked -p auth-domain --lib {{ arguments }}

# Refuse what clippy warns of, and anything impure below the domain.
lint:
    cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
    scripts/check-domain-purity

# Format the code.
fmt:
    cargo fmt --all

# Build the documentation of the crates and open it.
doc:
    RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --open

# Write docs/configuration.md anew from the settings.
configuration:
    cargo run --locked --quiet -- config docs > docs/configuration.md

# Check the licences, sources and bans of the dependencies (needs cargo-deny).
deny:
    cargo deny --locked check licenses bans sources

# Check the dependencies for known vulnerabilities (needs cargo-deny and the network).
audit:
    cargo deny --locked check advisories

# Run everything that has to pass before a change lands.
ci:
    .ci/run

# Write docs/errors.md anew from the dialects.
errors:
    WRITE_ERRORS_PAGE=1 cargo test --locked -p auth-http --test failures

# Write docs/openapi/*.json anew from the dialects.
openapi:
    WRITE_OPENAPI=1 cargo test --locked -p auth-http --test openapi

# Have Schemathesis hold the service against each OpenAPI document; arguments are dialects.
schemathesis *dialects:
    scripts/schemathesis {{ dialects }}

# Generate a TypeScript client from an OpenAPI document, and have it use the service.
generated-client:
    scripts/generated-client

# Feed a parser random input for some seconds (needs cargo-fuzz; fuzz/README.md names the targets).
fuzz target seconds='60':
    cd fuzz && mkdir -p corpus/{{ target }} && cargo fuzz run --sanitizer none {{ target }} corpus/{{ target }} seeds/{{ target }} \
        -- -max_total_time={{ seconds }} -max_len=4096 -rss_limit_mb=1024

# Measure whether refused logins take the same time: ten minutes of an idle machine for 10,000 samples a class.
timing samples='10000':
    cargo bench --locked --quiet -p e2e --bench login_timing -- {{ samples }}

# Refresh each of so many credentials 64 times at once, on every store, with the server killed in between for some.
refresh-storm credentials='1000':
    cargo bench --locked --quiet -p e2e --bench refresh_storm -- {{ credentials }}

# Measure the service beside its limits and write docs/benchmarks.md: a quarter of an hour of an idle machine. With the names of measures it writes nothing there: `just bench login --rounds 1`.
bench *arguments:
    cargo run --locked --release --quiet -p load -- run {{ if arguments == "" { "--write" } else { arguments } }}

# Time the parts: hash, sign, verify, rotate, route; arguments go to criterion.
micro-bench *arguments:
    cargo bench --locked --quiet -p load --bench micro -- {{ arguments }}

# Draw where the server's time goes under these measures, into docs/benchmarks/flame-*.svg (needs perf).
flame *measures:
    scripts/flamegraph {{ measures }}

# Change the pure rules one by one and see that the tests notice (needs cargo-mutants; docs/mutation.md has the survivors).
mutants:
    cargo mutants --package auth-domain --output target/mutants-domain --minimum-test-timeout 120 \
        --file 'crates/auth-domain/src/model/refresh.rs' \
        --file 'crates/auth-domain/src/model/attempts/*.rs' \
        --file 'crates/auth-domain/src/use_cases/{attempts,authenticate,authenticate_api_key,log_in,refresh_session,verify_password}.rs' \
        -- --lib
    cargo mutants --package auth-infra --output target/mutants-infra --minimum-test-timeout 120 \
        --no-default-features --features jwt \
        --file 'crates/auth-infra/src/token/{codec,compact,wire}.rs' \
        -- --lib --test 'token_*'
