//! The kinds of things that are kept, each in a folder of its own.

use std::fmt;

use serde::Serialize;

/// One kind of kept things. The folder's name carries the version of its format: a new format is a new folder, and the old one becomes garbage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bucket {
    /// Downloaded files, by SHA-256.
    Downloads,
    /// Unpacked tools: Erlang, Elixir, Node, by the archive's digest.
    Tools,
    /// Buildpacks, by what they are: commit, archive's digest, folder's content. Beside them, what a name meant when it was
    /// last asked for.
    Packs,
    /// What a build left for the next: dependencies and compiled files.
    Builds,
    /// Layers and configs of images, `sha256/<hex>`, as an OCI layout has them.
    Blobs,
    /// What package managers downloaded, by what they were asked for.
    Packages,
    /// What builds fetch and any app may build with, by what it is: sources of packages.
    Sources,
    /// What builds compile and any app may take over, by all that went into it.
    Compiled,
    /// Digested static files of apps' earlier builds.
    Assets,
    /// Records of images, ours and the stacks'.
    Images,
    /// Unpacked stack images.
    Rootfs,
    /// Lists of published builds.
    Lists,
    /// Records of layers already made: from the key of the content to the blob.
    Layers,
    /// Digests pinned at first use. No cache: neither `gc` nor `clear` touches it.
    Pins,
}

impl Bucket {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 14] = [
        Self::Downloads,
        Self::Tools,
        Self::Packs,
        Self::Builds,
        Self::Packages,
        Self::Sources,
        Self::Compiled,
        Self::Assets,
        Self::Blobs,
        Self::Images,
        Self::Rootfs,
        Self::Lists,
        Self::Layers,
        Self::Pins,
    ];

    /// Whether what is in it means the same on every machine: its keys name no folder and no other fact of this one.
    pub fn is_shared(self) -> bool {
        matches!(
            self,
            Self::Tools
                | Self::Packages
                | Self::Sources
                | Self::Compiled
                | Self::Images
                | Self::Layers
        )
    }

    /// The folder's name below the store's root.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Downloads => "downloads-v1",
            Self::Tools => "tools-v1",
            Self::Packs => "packs-v1",
            Self::Builds => "builds-v3",
            Self::Packages => "packages-v1",
            Self::Sources => "sources-v1",
            Self::Compiled => "compiled-v1",
            Self::Assets => "assets-v1",
            Self::Blobs => "blobs-v1",
            Self::Images => "images-v1",
            Self::Rootfs => "rootfs-v1",
            Self::Lists => "lists-v1",
            Self::Layers => "layers-v1",
            Self::Pins => "pins-v1",
        }
    }
}

impl fmt::Display for Bucket {
    /// A word for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Downloads => "downloads",
            Self::Tools => "tools",
            Self::Packs => "buildpacks",
            Self::Builds => "builds",
            Self::Packages => "packages",
            Self::Sources => "package sources",
            Self::Compiled => "compiled packages",
            Self::Assets => "earlier assets",
            Self::Blobs => "blobs",
            Self::Images => "images",
            Self::Rootfs => "stack images",
            Self::Lists => "build lists",
            Self::Layers => "layers",
            Self::Pins => "pinned digests",
        })
    }
}
