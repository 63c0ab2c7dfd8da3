//! What the app says, read once.
