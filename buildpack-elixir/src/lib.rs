//! The Elixir pack.
