//! Tar headers that say nothing of the machine.
