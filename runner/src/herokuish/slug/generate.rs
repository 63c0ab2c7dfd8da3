//! `herokuish slug generate`: the app's folder as a gzipped tar, compressed on all processors.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use buildpack_core::app::{SlugIgnore, glob_whole};
use buildpack_core::layer::gzip;

use super::{archive, failed};
use crate::herokuish::compat::Quirk;
use crate::herokuish::face::Face;
use crate::herokuish::{Ended, say};
use crate::pipeline::Failure;

pub(in crate::herokuish) fn exec(face: &Face, _: &[OsString]) -> Ended {
    let ignored = ignored(face)?;
    let keep = |path: &Path, is_folder: bool| {
        path.file_name().is_none_or(|name| name != ".git") && !ignored(path, is_folder)
    };
    let slug = &face.slug_path;
    let doing = || format!("write the slug `{}`", slug.display());
    let folder = slug.parent().unwrap_or(Path::new("/"));
    let part = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)
        .map_err(|error| failed(&doing(), &error))?;
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let own = (part.path().to_owned(), slug.clone());
    let packed = gzip(
        threads,
        io::BufWriter::with_capacity(1 << 20, part),
        |out| {
            archive::write(
                &face.app_path,
                &|path, is_folder| {
                    // Where the slug lies in the app itself, it does not hold itself.
                    let at = face.app_path.join(path);
                    at != own.0 && at != own.1 && keep(path, is_folder)
                },
                out,
            )
        },
    );
    let written = packed.and_then(|(out, skipped)| {
        let part = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        let size = part.as_file().metadata()?.len();
        part.persist(slug).map_err(|error| error.error)?;
        Ok((size, skipped))
    });
    let (size, skipped) = written.map_err(|error| failed(&doing(), &error))?;
    for path in skipped {
        say::warning(&format!(
            "`{}` is no file and not in the slug",
            path.display()
        ));
    }
    say::title(&format!("Compiled slug size is {}", short(size)));
    Ok(0)
}

type Ignored = Box<dyn Fn(&Path, bool) -> bool>;

/// What `.slugignore` leaves out.
fn ignored(face: &Face) -> Result<Ignored, Failure> {
    let path = face.app_path.join(".slugignore");
    let text = match fs_err::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(failed("read the app's `.slugignore`", &error)),
    };
    if face.compat.wants(Quirk::TarExclude) {
        let lines = text.split(|byte| *byte == b'\n');
        let patterns: Vec<Vec<u8>> = lines
            .filter(|line| !line.is_empty())
            .map(<[u8]>::to_vec)
            .collect();
        return Ok(Box::new(move |path, _| {
            patterns.iter().any(|pattern| glob_whole(pattern, path))
        }));
    }
    let ignore = SlugIgnore::parse(&text);
    for line in &ignore.exceptions {
        say::warning(&format!(
            "`{line}` in .slugignore is passed over: a slug has no exceptions"
        ));
    }
    Ok(Box::new(move |path, is_folder| {
        ignore.leaves_out(path, is_folder)
    }))
}

/// Bytes as `du -h` shows them: never too few, one digit after the point below ten.
fn short(bytes: u64) -> String {
    let (mut unit, mut name) = (1024_u64, 'K');
    for next in ['M', 'G', 'T'] {
        if bytes.div_ceil(unit) < 1024 {
            break;
        }
        unit *= 1024;
        name = next;
    }
    let tenths = (u128::from(bytes) * 10).div_ceil(u128::from(unit));
    if tenths < 100 {
        format!("{}.{}{name}", tenths / 10, tenths % 10)
    } else {
        format!("{}{name}", bytes.div_ceil(unit))
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn sizes_are_shown_as_du_does() {
        for (bytes, shown) in [
            (1, "0.1K"),
            (4096, "4.0K"),
            (4097, "4.1K"),
            (10 << 10, "10K"),
            (1_047_553, "1.0M"),
            (28 << 20, "28M"),
            (1 << 30, "1.0G"),
            (u64::MAX, "16777216T"),
        ] {
            assert_eq!(short(bytes), shown, "{bytes}");
        }
    }
}
