# Puts the JSON schema of SARIF into the working folder, from a package of crates.io that holds it.
# Needs PACKAGE: `name@version`.
set -eu
mkdir -p src
: >src/lib.rs
cat >Cargo.toml <<END
[package]
name = "schema"
edition = "2024"
[dependencies]
${PACKAGE%@*} = "=${PACKAGE#*@}"
[workspace]
END
"${CARGO:-cargo}" vendor --quiet vendor >/dev/null
mv "vendor/${PACKAGE%@*}/src/schema.json" sarif-2.1.0.json
rm -r src vendor Cargo.toml Cargo.lock
