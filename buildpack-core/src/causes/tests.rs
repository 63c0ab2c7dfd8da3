use std::io::{BufReader, Read};
use std::path::Path;

use proptest::prelude::*;

use super::table::TABLE;
use super::*;
use crate::clean::Lines;

fn finder(lines: &[&str]) -> Finder {
    let mut finder = Finder::new();
    for (number, line) in (1..).zip(lines) {
        finder.line(number, line);
    }
    finder
}

fn code(lines: &[&str]) -> Option<&'static str> {
    let finder = finder(lines);
    finder.found().map(|found| found.signature.code)
}

fn read(bytes: &[u8]) -> ReadLog {
    read_log(BufReader::with_capacity(1 << 10, bytes)).unwrap()
}

#[test]
fn every_pattern_can_be_read() {
    assert!(TABLE.is_whole());
    for signature in signatures() {
        let more = signature.more.iter();
        assert!(
            more.clone()
                .all(|pattern| table::compiled(pattern).is_some()),
            "{}",
            signature.code
        );
    }
}

/// With nothing known but what a log of its own says, each has something to say.
#[test]
fn each_is_found_in_its_log_and_has_something_to_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/logs");
    for signature in signatures() {
        let path = folder.join(format!("{}.log", signature.code));
        let log = read(&fs_err::read(path).unwrap());
        let found = log.finder.found().map(|found| found.signature.code);
        assert_eq!(found, Some(signature.code));
        let mut known = Facts::default();
        known.add("in", "");
        let told = log.finder.told(&known);
        assert!(!told.message.is_empty(), "{}: no message", signature.code);
        assert!(!told.helps.is_empty(), "{}: no way out", signature.code);
        assert!(told.quote.is_some_and(|quote| !quote.text.is_empty()));
    }
}

/// Lines that others print where the log of a signature has another of its patterns.
#[test]
fn each_line_means_what_it_means() {
    for (line, expected) in [
        (
            "Sorry, Elixir ‘v1.18.9’ isn’t currently supported",
            "version-not-built",
        ),
        ("gzip: stdin: not in gzip format", "archive-damaged"),
        ("gzip: stdin: unexpected end of file", "archive-damaged"),
        (
            "Error! Failed to load module 'elixir' because it requires a more recent Erlang/OTP version or its .beam file was corrupted.",
            "otp-of-another-build",
        ),
        (
            "Failed to fetch record for hexpm:acme/acme_auth from registry (using cache instead)",
            "hex-organisation",
        ),
        (
            "Failed to fetch record for hexpm/jason from registry (using cache instead)",
            "hex-record",
        ),
        (
            "=ERROR REPORT=== corrupt atom table",
            "otp-of-another-build",
        ),
        (
            "{\"init terminating in do_boot\",{undef,[{elixir,start_cli",
            "otp-of-another-build",
        ),
        (
            "cp: cannot stat '/tmp/node-v-linux-x64/bin'",
            "node-not-found",
        ),
        (
            "bash: ./tailwind: cannot execute binary file: Exec format error",
            "architecture-wrong",
        ),
        (
            "environment variable SECRET_KEY_BASE is missing.",
            "variable-missing",
        ),
        ("Host key verification failed.", "git-key-missing"),
        ("Dependencies have diverged:", "lock-diverged"),
        (
            "  the dependency is not available, run \"mix deps.get\"",
            "lock-diverged",
        ),
        (
            "  lock mismatch: the dependency is out of date",
            "lock-diverged",
        ),
        (
            "c_src/x.c:1:10: fatal error: erl_nif.h: No such file or directory",
            "build-tool-missing",
        ),
        ("/bin/sh: 1: cargo: not found", "build-tool-missing"),
        (
            "Module not found: Error: Can't resolve 'phoenix' in '/app/assets/js'",
            "deps-not-seen",
        ),
        (
            "[vite]: Rollup failed to resolve import \"phoenix_html\" from \"/app/assets/js/app.js\".",
            "deps-not-seen",
        ),
        (
            "[vite]: Rollup failed to resolve import \"phoenix-colocated/blog\" from \"/app/assets/js/app.js\".",
            "colocated-hooks-early",
        ),
        (
            "ERR_PNPM_NO_SCRIPT  Missing script: build",
            "script-missing",
        ),
        ("npm ERR! missing script: deploy", "script-missing"),
        ("error Command \"build\" not found.", "script-missing"),
        (
            "Usage Error: Couldn't find a script named \"build\".",
            "script-missing",
        ),
        (
            "npm ERR! addLocal Could not install /tmp/build/deps/phoenix",
            "npm-before-deps",
        ),
        (
            "cp: cannot stat 'assets/node_modules/*': No such file",
            "node-modules-clash",
        ),
        ("code: 'ERR_OSSL_EVP_UNSUPPORTED'", "openssl-refuses"),
        (
            "Error: Node Sass does not yet support your current environment",
            "node-sass",
        ),
        (
            "npm ERR! node-sass@4.14.1 postinstall: `node scripts/build.js`",
            "node-sass",
        ),
        (
            "npm ERR! gyp ERR! stack Error: not found: make",
            "native-addon",
        ),
        (
            "Couldn't fetch https://registry.npmjs.org/@esbuild/linux-x64: x",
            "asset-program-download",
        ),
        (
            "➤ YN0028: │ The lockfile would have been modified by this install, which is forbidden.",
            "yarn-lock",
        ),
        (
            "Integrity check failed for \"left-pad\"",
            "package-integrity",
        ),
        (
            "ERR_PNPM_TARBALL_INTEGRITY  Got unexpected checksum",
            "package-integrity",
        ),
        (
            "error An unexpected error occurred: \"x: Request failed \\\"404 Not Found\\\"\".",
            "package-refused",
        ),
        (
            "ERR_PNPM_FETCH_403  GET https://registry.npmjs.org/x: Forbidden",
            "package-refused",
        ),
        (
            "➤ YN0035: │   Response Code: 401 (Unauthorized)",
            "package-refused",
        ),
        (
            "➤ YN0001: │ RequestError: connect ECONNREFUSED 127.0.0.1:1",
            "npm-unreachable",
        ),
        (
            "error x@1.0.0: The engine \"node\" is incompatible with this module.",
            "node-not-supported",
        ),
        (
            "ERR_PNPM_UNSUPPORTED_ENGINE  Unsupported environment",
            "node-not-supported",
        ),
        (
            "➤ YN0009: │ x couldn't be built successfully (exit code 1)",
            "package-script",
        ),
        (".../node_modules/x install: Failed", "package-script"),
        ("Command was killed with SIGKILL", "out-of-memory"),
        ("Error: spawn ENOMEM", "out-of-memory"),
        ("The command exited with 137", "out-of-memory"),
        ("dockerd: process exit code: 137", "out-of-memory"),
        ("process terminated by signal SIGILL", "illegal-instruction"),
        (
            "npm error code SELF_SIGNED_CERT_IN_CHAIN",
            "certificate-refused",
        ),
        (
            "fatal: unable to access 'https://x/': SSL certificate problem: unable to get local issuer certificate",
            "certificate-refused",
        ),
        (
            "fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none CRLfile: none",
            "certificate-refused",
        ),
        (
            "TLS client: CLIENT ALERT: Fatal - Certificate Expired",
            "certificate-refused",
        ),
        (
            "npm ERR! ENOSPC: no space left on device, write",
            "disk-full",
        ),
        ("npm error code ENOSPC", "disk-full"),
        (
            "writing to /proc/1/uid_map: Operation not permitted: uid_map: Operation not permitted",
            "namespaces-blocked",
        ),
        (
            "potentially insufficient UIDs or GIDs available in user namespace",
            "namespaces-blocked",
        ),
    ] {
        assert_eq!(code(&[line]), Some(expected), "{line}");
    }
}

#[test]
fn what_builds_print_while_all_is_well_means_nothing() {
    for line in [
        "-----> Elixir app detected",
        "Resolving Hex dependencies...",
        "* Getting jason (Hex package)",
        "You have added/upgraded packages you could sponsor, run `mix hex.sponsor` to learn more",
        "warning: variable \"x\" is unused (if the variable is not meant to be used, prefix it with an underscore)",
        "Generated blog app",
        "Check your digested files at \"priv/static\"",
        "npm warn deprecated node-sass@4.14.1: Node Sass is no longer supported",
        "> node-sass@4.14.1 postinstall /app/assets/x",
        "> esbuild@0.25.0 postinstall /app/assets",
        "added 214 packages, and audited 215 packages in 4s",
        "found 0 vulnerabilities",
        "* assembling blog-0.1.0 on MIX_ENV=prod",
        "* skipping runtime configuration (config/runtime.exs not found)",
        "no errors, exited with 0",
        "a build of the disk, its space, its key and its version",
        "ENOSPC: System limit for number of file watchers reached",
        "webpack 5.90.0 compiled successfully in 1234 ms",
        "==> jose",
        "Done in 1.23s.",
    ] {
        assert_eq!(code(&[line]), None, "{line}");
        let finder = finder(&[line]);
        assert!(
            finder.error().is_none() && finder.symptom().is_none(),
            "{line}"
        );
    }
}

#[test]
fn a_root_hides_what_is_no_root_and_the_first_of_a_rank_counts() {
    let missing = "bash: line 1: mix: command not found";
    let script = "npm error Missing script: \"build\"";
    let disk = "tar: x: No space left on device";
    let other = "Host key verification failed.";
    assert_eq!(code(&[missing, script, other, disk]), Some("disk-full"));
    assert_eq!(code(&[missing, script, other]), Some("script-missing"));
    assert_eq!(code(&[missing]), Some("tool-missing"));
    let record = "Failed to fetch record for jason from registry (using cache instead)";
    let refused = "[notice] TLS :client: In state :certify CLIENT ALERT: Fatal - Unknown CA";
    assert_eq!(code(&[record, refused]), Some("certificate-refused"));
    let finder = finder(&[
        "! [remote rejected] (pre-receive hook declined)",
        "x: exited with code 1",
    ]);
    assert!(finder.found().is_none());
    assert_eq!(finder.symptom().unwrap().line, 1);
}

#[test]
fn a_line_that_sums_up_gives_way_to_the_first_error() {
    let told = finder(&[
        "==> jose",
        "src/a.erl:1:2: error: can't find include lib",
        "could not compile dependency :jose, \"mix compile\" failed.",
    ])
    .told(&Facts::default());
    assert_eq!(told.code, Some("dependency-compile"));
    let quote = told.quote.unwrap();
    assert_eq!(
        (quote.line, quote.text.as_str()),
        (2, "src/a.erl:1:2: error: can't find include lib")
    );
}

/// npm puts its mark before all that a script of a package printed.
#[test]
fn of_what_npm_tells_the_line_with_the_error_is_quoted() {
    let failed = [
        "npm error code 1",
        "npm error path /app/assets/node_modules/@acme/icons",
        "npm error command failed",
        "npm error command sh -c node build.js",
        "npm error /app/assets/node_modules/@acme/icons/build.js:1",
        "npm error throw new Error('no icons for this Node')",
        "npm error ^",
        "npm error",
        "npm error Error: no icons for this Node",
        "npm error Error: later",
        "** (Mix) `npm ci` exited with 1",
    ];
    let told = finder(&failed).told(&Facts::default());
    assert_eq!(told.code, Some("package-script"));
    assert_eq!(
        told.message,
        "the script `node build.js` of the package `@acme/icons` failed"
    );
    let quote = told.quote.unwrap();
    assert_eq!(
        (quote.line, quote.text.as_str()),
        (9, "npm error Error: no icons for this Node")
    );
    // One of the app itself.
    let mut own = failed;
    own[1] = "npm error path /app/assets";
    let told = finder(&own).told(&Facts::default());
    assert_eq!(
        told.message,
        "the script `node build.js` failed, which npm runs when it installs"
    );
    // What stood there before npm failed is the first error, whatever npm tells.
    let before = ["** (RuntimeError) no", failed[0], failed[8]];
    assert_eq!(finder(&before).error().unwrap().line, 1);
    assert_eq!(finder(&failed[..8]).error().unwrap().line, 5);
    assert_eq!(finder(&failed[..4]).error().unwrap().line, 1);
}

#[test]
fn what_a_package_manager_names_is_named() {
    let mut known = Facts::default();
    known.add("node", "22.14.0");
    for (lines, message) in [
        (
            &[
                "npm warn tarball tarball data for @acme/icons@http://x/icons.tgz (sha512-A) seems to be corrupted. Trying again.",
                "npm error code EINTEGRITY",
            ][..],
            "`@acme/icons` is not the package that the lock file names",
        ),
        (
            &[
                "error https://x/a.tgz: Integrity check failed for \"left-pad\" (computed integrity doesn't match our records)",
            ],
            "`left-pad` is not the package that the lock file names",
        ),
        (
            &[
                " ERR_PNPM_TARBALL_INTEGRITY  Got unexpected checksum for \"https://x/a.tgz\". Wanted \"sha512-A\"",
            ],
            "`https://x/a.tgz` is not the package that the lock file names",
        ),
        (
            &[
                "➤ YN0018: │ left-pad@npm:1.0.0: The remote archive doesn't match the expected checksum",
            ],
            "`left-pad@npm:1.0.0` is not the package that the lock file names",
        ),
        (
            &[
                "npm error code ENOTFOUND",
                "npm error network request to https://npm.acme.example/icons failed, reason: getaddrinfo ENOTFOUND npm.acme.example",
            ],
            "npm.acme.example, where packages come from, could not be reached",
        ),
        (
            &[
                "npm error code E401",
                "npm error 401 Unauthorized - GET https://npm.acme.example/npm/@acme/icons/-/icons-1.0.0.tgz",
            ],
            "the npm registry does not hand out `@acme/icons`",
        ),
        (
            &[
                "npm error code ETARGET",
                "npm error notarget No matching version found for icons@2.0.0.",
            ],
            "the npm registry does not hand out `icons@2.0.0`",
        ),
        (
            &[
                "npm error code EBADENGINE",
                "npm error notsup Not compatible with your version of node/npm: icons@1.0.0",
                "npm error notsup Required: {\"node\":\">=99\"}",
            ],
            "`icons@1.0.0` wants Node `>=99`, and 22.14.0 runs it",
        ),
        (
            &[
                "error icons@1.0.0: The engine \"node\" is incompatible with this module. Expected version \">=99\". Got \"22.14.0\"",
            ],
            "`icons@1.0.0` wants Node `>=99`, and 22.14.0 runs it",
        ),
        (
            &[
                " ERR_PNPM_UNSUPPORTED_ENGINE  Unsupported environment (bad pnpm and/or Node.js version)",
                "Your Node version is incompatible with \"icons@1.0.0\".",
                "Expected version: >=99",
            ],
            "`icons@1.0.0` wants Node `>=99`, and 22.14.0 runs it",
        ),
    ] {
        assert_eq!(finder(lines).told(&known).message, message);
    }
}

#[test]
fn what_else_a_log_names_is_named() {
    for (lines, message) in [
        (
            &[
                " ERR_PNPM_LINKED_PKG_DIR_NOT_FOUND  Could not install from \"/app/deps/phoenix\" as it does not exist.",
            ][..],
            "`package.json` points at `deps/phoenix`, which is not there",
        ),
        (
            &[
                "Failed to fetch record for jsno from registry (using cache instead)",
                "This could be because the package does not exist, it was spelled incorrectly or you don't have permissions to it",
            ],
            "Hex has no package `jsno`",
        ),
        (
            &[
                "fatal: unable to access 'https://git.acme.example/x.git/': server verification failed: certificate signer not trusted.",
            ],
            "the certificate of git.acme.example was refused",
        ),
        (
            &[
                "npm error code EUSAGE",
                "npm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync.",
                "npm error Missing: icons@2.0.0 from lock file",
            ],
            "`package-lock.json` lacks `icons@2.0.0`",
        ),
    ] {
        assert_eq!(finder(lines).told(&Facts::default()).message, message);
    }
}

#[test]
fn without_a_cause_the_first_error_is_quoted_else_the_last_line() {
    let quote = |lines: &[&str]| {
        let told = finder(lines).told(&Facts::default());
        assert_eq!(told.code, None);
        told.quote.map(|quote| (quote.line, quote.text))
    };
    assert_eq!(
        quote(&["Compiling", "** (RuntimeError) no", "** (Mix) later"]),
        Some((2, "** (RuntimeError) no".to_owned()))
    );
    assert_eq!(
        quote(&["one", "  two \u{1b}[31mred", "", " "]),
        Some((2, "two red".to_owned()))
    );
    assert_eq!(quote(&[]), None);
}

#[test]
fn colours_and_control_sequences_are_no_part_of_it() {
    let log = finder(&["\u{1b}[31mnpm error\u{1b}[0m Missing \u{1b}[2Jscript: \"a\"\u{7}"]);
    let quote = &log.found().unwrap().quote;
    assert_eq!(quote.text, "npm error Missing script: \"a\"");
}

#[test]
fn what_the_log_says_of_its_tools_is_known() {
    let log = finder(&[
        "  * Stack heroku-24",
        " * Erlang 27.2",
        " * Elixir v1.18.1",
        " * Erlang 26.0",
    ]);
    let facts = log.facts();
    assert_eq!(facts.get("stack"), Some("heroku-24"));
    assert_eq!(facts.get("otp"), Some("27.2"));
    assert_eq!(facts.get("elixir"), Some("1.18.1"));
}

#[test]
fn a_line_without_end_is_cut_and_the_next_is_read() {
    let endless = std::io::repeat(b'x').take(4 << 20);
    let behind = &b"\nnpm error Missing script: \"a\"\n"[..];
    let log = read_log(BufReader::new(endless.chain(behind))).unwrap();
    assert_eq!(log.lines, 2);
    let quote = &log.finder.found().unwrap().quote;
    assert_eq!(quote.line, 2);
    let whole = format!("Missing script: \"a\" {}", "é".repeat(4000));
    let log = finder(&[&whole]);
    let quote = &log.found().unwrap().quote;
    assert!(quote.text.len() < 500 && quote.text.ends_with('…'));
}

#[test]
fn logs_of_other_encodings_are_read() {
    let text = "a\r\nnpm error Missing script: \"a\"\r\n";
    let wide: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(text.bytes().flat_map(|byte| [byte, 0]))
        .collect();
    let log = read(&wide);
    assert_eq!(log.finder.found().unwrap().signature.code, "script-missing");
    assert_eq!(read(b"").lines, 0);
    assert!(
        read(&[0, 159, 146, 150, b'\n', 255])
            .finder
            .found()
            .is_none()
    );
}

proptest! {
    #[test]
    fn no_log_makes_it_panic(
        lines in proptest::collection::vec("(\\PC|\u{1b}\\[|Missing script: |Sorry, Erlang '|The task |for '|\" could not be found|\r){0,20}", 0..8),
    ) {
        let text = lines.join("\n");
        let log = read(text.as_bytes());
        let told = log.finder.told(&Facts::default());
        let quoted = told.quote.map(|quote| quote.text).unwrap_or_default();
        prop_assert!(!quoted.chars().any(|c| c.is_control() && c != '\t'));
    }
}

/// Lines of which some say something, and some more of what was said.
const SAID: [&str; 14] = [
    "",
    "Compiling 42 files (.ex)",
    "\u{1b}[31m** (Mix) \u{1b}[0mno",
    "** (Mix) Can't continue due to errors on dependencies",
    "Unchecked dependencies for environment prod:",
    "* jason (Hex package)",
    "Dependencies have \u{1b}[1mdiverged",
    "10%\r* Stack heroku-24",
    "  * Elixir 1.17.3",
    "environment variable DATABASE_URL is missing",
    "config/runtime.exs:12: (file)",
    "sh: make: not found in the path",
    "error: Job failed: exit code 1",
    "  \u{1b}[0m",
];

proptest! {
    #[test]
    fn lines_mean_the_same_however_many_come_together(
        lines in proptest::collection::vec(0..SAID.len(), 1..60),
        together in proptest::collection::vec(1_usize..30, 1..6),
    ) {
        let lines: Vec<&str> = lines.into_iter().map(|at| SAID[at]).collect();
        let one_by_one = finder(&lines);
        let mut many = Finder::new();
        let (mut rest, mut first) = (&lines[..], 1);
        for count in together.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (some, others) = rest.split_at(rest.len().min(*count));
            many.lines(first, &Lines::new(&some.join("\n")));
            first += some.len() as u64;
            rest = others;
        }
        let whole = read(lines.join("\n").as_bytes());
        for finder in [many, whole.finder] {
            prop_assert_eq!(finder.facts(), one_by_one.facts());
            prop_assert_eq!(finder.error(), one_by_one.error());
            prop_assert_eq!(finder.symptom(), one_by_one.symptom());
            let known = Facts::default();
            prop_assert_eq!(finder.told(&known), super::tests::finder(&lines).told(&known));
        }
    }
}
