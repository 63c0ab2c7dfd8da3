//! The buildpack protocol, and all that no language owns and no operating system is needed for.
