# List the recipes.
default:
    @just --list

# Build and serve on embedded SQLite under ./data; arguments go to auth-http.
run *arguments:
    cargo run --release -- {{ arguments }}

# Install what the tests need and run them all; arguments go to cargo test.
test *arguments:
    scripts/test {{ arguments }}

# Test the rules of the domain and its use cases over mocks: no store, no server.
unit *arguments:
    cargo test --locked -p auth-domain --lib {{ arguments }}

# Fail on clippy warnings and on impure dependencies of the domain.
lint:
    cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
    scripts/check-domain-purity

# Format the code.
fmt:
    cargo fmt --all

# Build the documentation of the crates and open it.
doc:
    RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --open

# Regenerate docs/configuration.md from the settings.
configuration:
    cargo run --locked --quiet -- config docs > docs/configuration.md

# List the public API of each published library in crates/*/public-api.txt.
public-api:
    scripts/public-api

# Build the published crates with the oldest Rust that Cargo.toml promises to their users.
msrv:
    scripts/with-rust "$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml).0" cargo check --locked -p auth-domain -p auth-infra -p auth-verify -p auth-http --all-features

# Build each crate from the package that would be published.
package:
    scripts/check-packages

# Build each library with every pair of its features (needs cargo-hack).
features:
    cargo hack clippy --locked --feature-powerset --depth 2 -p auth-domain -p auth-infra -p auth-verify -- -D warnings

# Check the licences, sources and bans of the dependencies (needs cargo-deny).
deny:
    cargo deny --locked check licenses bans sources

# Check the dependencies for known vulnerabilities (needs cargo-deny and the network).
audit:
    cargo deny --locked check advisories

# Run everything that has to pass before a change lands.
ci:
    .ci/run

# Regenerate docs/errors.md from the dialects.
errors:
    WRITE_ERRORS_PAGE=1 cargo test --locked -p auth-http --test failures

# Regenerate docs/openapi/*.json from the dialects.
openapi:
    WRITE_OPENAPI=1 cargo test --locked -p auth-http --test openapi

# Check the service against each OpenAPI document with Schemathesis; arguments are dialects. RATE_LIMIT=on keeps the limits.
schemathesis *dialects:
    scripts/schemathesis {{ dialects }}

# Check the OpenAPI documents with linters, and generate, compile and run clients in Python, Go, TypeScript and Java; `lint` or `clients` does one half.
openapi-tools *half:
    scripts/openapi-tools {{ half }}

# Run the recipes of docs/verifying-tokens.md against the service; arguments are recipes such as pyjwt.py.
verify-tokens *recipes:
    scripts/verify-tokens {{ recipes }}

# Feed a parser random input for some seconds (needs cargo-fuzz; fuzz/README.md names the targets).
fuzz target seconds='60':
    cd fuzz && mkdir -p corpus/{{ target }} && cargo fuzz run --sanitizer none {{ target }} corpus/{{ target }} seeds/{{ target }} \
        -- -max_total_time={{ seconds }} -max_len=4096 -rss_limit_mb=1024

# Measure whether refused logins take the same time: ten minutes of an idle machine for 10,000 samples a class.
timing samples='10000':
    cargo bench --locked --quiet -p e2e --bench login_timing -- {{ samples }}

# Present each credential 64 times at once, on every store, and kill the server in between for some. `lost 1000` loses the responses of clients instead.
refresh-storm *arguments='1000':
    cargo bench --locked --quiet -p e2e --bench refresh_storm -- {{ arguments }}

# Compare the service with its limits and write docs/benchmarks.md (half an hour on an idle machine). With names of measures it prints only: `just bench refresh --rounds 1`.
bench *arguments:
    {{ if arguments == "" { "cargo bench --locked --quiet -p load --bench micro && " } else { "" } }}cargo run --locked --release --quiet -p load -- run {{ if arguments == "" { "--write" } else { arguments } }}

# Time the parts: hash, sign, verify, refresh, route. The page of benchmarks shows the last times of a commit; arguments go to criterion.
micro-bench *arguments:
    cargo bench --locked --quiet -p load --bench micro -- {{ arguments }}

# Draw where the server's time goes under these measures, into docs/benchmarks/flame-*.svg (needs perf).
flame *measures:
    scripts/flamegraph {{ measures }}

# Change the pure rules one by one and see that the tests notice (needs cargo-mutants; docs/mutation.md has the survivors).
mutants:
    cargo mutants --package auth-domain --output target/mutants-domain --minimum-test-timeout 120 \
        --file 'crates/auth-domain/src/model/{refresh,refresh_token}.rs' \
        --file 'crates/auth-domain/src/model/attempts/*.rs' \
        --file 'crates/auth-domain/src/use_cases/{attempts,authenticate,authenticate_api_key,grant,log_in,refresh_session,verify_password}.rs' \
        -- --lib
    cargo mutants --package auth-infra --output target/mutants-infra --minimum-test-timeout 120 \
        --no-default-features --features jwt \
        --file 'crates/auth-infra/src/token/{codec,compact,wire}.rs' \
        -- --lib --test 'token_*'
