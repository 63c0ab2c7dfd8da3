//! The Heroku stacks as data, and matching a request to one of them.
