//! What a machine can do for builds, and what stands in the way: facts are gathered, then judged, then drawn elsewhere.
//!
//! [`gather`] looks at the machine and asks hosts, all at once and each for a few seconds at most; [`judge`] is a function
//! of what was found, and knows what each fact means for a build and the line that mends it.

mod facts;
mod gather;
mod judge;

pub use facts::{
    Answer, Authorities, Facts, Host, Kept, Need, Place, Question, Restrictions, SandboxFacts,
    Space,
};
pub use gather::{Asked, gather};
pub use judge::{Finding, State, judge};
