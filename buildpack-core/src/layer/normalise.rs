//! The hook by which a language makes its files the same in every build.

/// Rewrites files as they enter a layer; the files on disk stay as they are.
pub trait Normalise: Send + Sync {
    /// Whether the file at `image_path` (absolute, `/app/…`) is one to rewrite. Files that nobody wants are streamed;
    /// files with names that are not UTF-8 are never asked about.
    fn wants(&self, image_path: &str) -> bool;

    /// The bytes that go into the image. What can't be understood is given back unchanged.
    fn rewrite(&self, image_path: &str, content: Vec<u8>) -> Vec<u8>;

    /// What a wanted file also says once its own compression is undone: searched for secrets, never written.
    fn reveal(&self, image_path: &str, content: &[u8]) -> Vec<Vec<u8>> {
        let _ = (image_path, content);
        Vec::new()
    }
}
