//! Layers by purpose: one pass over the files yields tar, both digests and the compressed blob.
