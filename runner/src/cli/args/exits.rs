//! What the exit codes of commands say, behind their help.

/// What a build's exit code says.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0   done
  1   the app's build failed, or with --check, the app gave no page
  2   the command line or a setting is wrong
  3   not buildable as configured
  4   the surroundings failed: network, registry, disk, sandbox; worth a retry
  70  a bug in bp";

/// What the exit code of a test run says.
pub(super) const TEST_EXIT_CODES: &str = "\
Exit codes:
  0   all tests passed
  1   the tests could not be run: compiling or `test-setup` failed
  2   the command line or a setting is wrong
  3   not buildable as configured, or nothing says how the app is tested
  4   the surroundings failed: network, registry, disk, sandbox; worth a retry
  70  a bug in bp
Where tests fail, it is the exit code of the program that ran them.

Standard output holds what the tests print, and nothing else. docs/test-an-app.md has the rest.";

/// What the exit code of a comparison says.
pub(super) const DIFF_EXIT_CODES: &str = "\
Exit codes:
  0   the builds are the same
  1   they differ
  2   a record cannot be read, or there is none";

/// What the exit code of a check says.
pub(super) const CHECK_EXIT_CODES: &str = "\
Exit codes:
  0   nothing stands in the way of a build
  2   the command line or a setting is wrong
  3   the app can't be built as it is
  4   with --require-lists, a list that was needed could not be had; with --fix, a file could not be written

docs/check-versions.md describes the formats, docs/diagnostics/ each code.";

/// What the exit code of an explanation says.
pub(super) const EXPLAIN_EXIT_CODES: &str = "\
Exit codes:
  0   the cause is known
  1   nothing in the log is known to fail a build
  2   the command line or a setting is wrong, or the log cannot be read

docs/failures.md has all that is known.";

/// What the exit code of `bp doctor` says.
pub(super) const DOCTOR_EXIT_CODES: &str = "\
Exit codes:
  0   a build can be made here; there may be warnings
  1   something must be mended first
  2   the command line or a setting is wrong

With --format json: one document. With --offline, no host is asked. docs/doctor.md tells of each check.";

/// What the exit code of a check of the store says.
pub(super) const VERIFY_EXIT_CODES: &str = "\
Exit codes:
  0   nothing is damaged, or all that was is removed
  2   the command line or a setting is wrong
  4   something is damaged, or could not be read";
