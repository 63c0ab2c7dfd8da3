//! The walk over the files of a selection, in one order.
