//! The Phoenix static pack.
