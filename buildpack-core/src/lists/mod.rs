//! Published builds, and a verdict for a version.
