//! Values that nobody is to see, and where they stand in what others wrote.

mod forms;
mod gate;
mod packed;
mod scan;
mod search;

pub use forms::{forms, patterns};
pub use gate::SecretGate;
pub use packed::is_packed;
pub use scan::Scan;
pub use search::{Hit, Search};
