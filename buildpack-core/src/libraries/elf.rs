//! The dynamic section of one ELF file.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use object::elf::{self, DT_NEEDED, DT_SONAME, FileHeader32, FileHeader64, VER_FLG_BASE};
use object::read::elf::{Dyn as _, FileHeader};
use object::{Endianness, ReadCache, ReadRef};

use stacks::Arch;

use super::Linked;

/// The first bytes of an ELF file.
pub const MAGIC: [u8; 4] = elf::ELFMAG;

/// What the ELF file needs and offers; nothing for a file that is none, is damaged, or is not linked with others. Only the
/// parts that tell it are read.
pub fn read(file: impl Read + Seek) -> Option<Linked> {
    let cache = ReadCache::new(file);
    let ident = (&cache).read_bytes_at(0, 5).ok()?;
    if ident[..4] != MAGIC {
        return None;
    }
    match ident[4] {
        elf::ELFCLASS64 => linked::<FileHeader64<Endianness>, _>(&cache).ok()?,
        elf::ELFCLASS32 => linked::<FileHeader32<Endianness>, _>(&cache).ok()?,
        _ => None,
    }
}

fn linked<'data, E, R>(data: R) -> object::Result<Option<Linked>>
where
    E: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let header = E::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let Some((dynamic, strings)) = sections.dynamic(endian, data)? else {
        return Ok(None);
    };
    let strings = sections.strings(endian, data, strings)?;
    let mut linked = Linked {
        architecture: match header.e_machine(endian) {
            elf::EM_X86_64 => Some(Arch::Amd64),
            elf::EM_AARCH64 => Some(Arch::Arm64),
            _ => None,
        },
        ..Linked::default()
    };
    let mut name = None;
    for entry in dynamic {
        let said = || {
            let text = strings.get(entry.val32(endian)?).ok()?;
            std::str::from_utf8(text).ok().map(str::to_owned)
        };
        match entry.tag32(endian) {
            Some(DT_NEEDED) => {
                linked
                    .needs
                    .extend(said().map(|name| (name, BTreeSet::new())));
            }
            Some(DT_SONAME) => name = said(),
            _ => {}
        }
    }
    if let Some((mut needs, strings)) = sections.gnu_verneed(endian, data)? {
        let strings = sections.strings(endian, data, strings)?;
        while let Some((need, mut versions)) = needs.next()? {
            let library = text(need.file(endian, strings)?);
            while let Some(version) = versions.next()? {
                // A weak one need not be there.
                if version.vna_flags.get(endian) & elf::VER_FLG_WEAK != 0 {
                    continue;
                }
                let version = text(version.name(endian, strings)?);
                if let Some(needed) = linked.needs.get_mut(&library) {
                    needed.insert(version);
                }
            }
        }
    }
    let mut defined = BTreeSet::new();
    if let Some((mut defs, strings)) = sections.gnu_verdef(endian, data)? {
        let strings = sections.strings(endian, data, strings)?;
        while let Some((def, mut names)) = defs.next()? {
            if def.vd_flags.get(endian) & VER_FLG_BASE == 0
                && let Some(version) = names.next()?
            {
                defined.insert(text(version.name(endian, strings)?));
            }
        }
    }
    linked.offers = name.map(|name| (name, defined));
    Ok(Some(linked))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
