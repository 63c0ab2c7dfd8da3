//! OTP, Elixir and Node versions.
