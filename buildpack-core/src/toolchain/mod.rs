//! Fetch, verify, unpack.
