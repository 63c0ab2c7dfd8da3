//! What a plan is made for: an image, or the app's tests.

use serde::Serialize;

/// What a plan is made for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// An image.
    #[default]
    Build,
    /// The app's tests are run, and nothing comes out (Heroku's testpack API).
    Test(TestOptions),
}

/// How tests are run, as far as who runs them says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TestOptions {
    /// Whether what the tests print is shown to a person in colours.
    pub colour: bool,
    /// What is run in place of the app's tests: a program and its arguments.
    pub command: Option<Vec<String>>,
}

impl Goal {
    /// How tests are run, where that is the goal.
    pub fn tests(&self) -> Option<&TestOptions> {
        match self {
            Self::Build => None,
            Self::Test(options) => Some(options),
        }
    }
}
