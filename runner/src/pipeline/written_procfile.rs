//! The Procfile that packs of scripts leave: the app's own, or one that they wrote.

use std::path::Path;

use buildpack_core::app::{App, Procfile, Repeated};
use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::event::{Event, EventSink};

use super::failure::Failure;

/// The process types of the Procfile in `tree`, where the packs of `app` are done; none without one. What is wrong with a
/// file that is not the app's own is told, as nobody has told it yet. One that cannot be read ends the build: the app would
/// start something else than the pack meant.
pub(super) fn written_procfile(
    app: &App,
    tree: &Path,
    events: &dyn EventSink,
) -> Result<Procfile, Failure> {
    let read = Procfile::read(tree, Repeated::Last);
    let noted = |diagnostic: Diagnostic| diagnostic.note("a buildpack wrote this Procfile");
    let Some(procfile) = read.value else {
        let problems = read.diagnostics.into_iter().map(noted);
        return Err(Failure::all(problems.collect()));
    };
    if !is_own(app, tree) {
        for diagnostic in read.diagnostics.into_iter().map(noted) {
            events.emit(Event::Diagnostic { diagnostic });
        }
    }
    Ok(procfile.unwrap_or_default())
}

/// Whether the file in `tree` is that of the source, whose faults have been told.
fn is_own(app: &App, tree: &Path) -> bool {
    let now = fs_err::read(tree.join("Procfile")).unwrap_or_default();
    let now = String::from_utf8_lossy(&now);
    let own = app.source("Procfile");
    own.is_some_and(|own| own.text == now.trim_start_matches('\u{feff}'))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use buildpack_core::diagnostic::Class;
    use buildpack_core::event::Recorder;

    use super::*;

    #[test]
    fn what_a_pack_wrote_is_told_and_what_the_app_brought_is_not_told_twice() {
        let (source, tree) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let own = "web: a\njunk\n";
        fs_err::write(source.path().join("Procfile"), own).unwrap();
        let app = App::read(source.path()).value.unwrap();
        let file = tree.path().join("Procfile");
        let told = || {
            let events = Recorder::default();
            let procfile = written_procfile(&app, tree.path(), &events);
            let types = procfile.map(|read| read.processes.into_keys().collect::<Vec<_>>());
            (types, events.events().len())
        };
        let (types, said) = told();
        assert_eq!((types.ok().unwrap(), said), (vec![], 0));
        fs_err::write(&file, own).unwrap();
        let (types, said) = told();
        assert_eq!((types.ok().unwrap(), said), (vec!["web".to_owned()], 0));
        fs_err::write(&file, "worker: b\nworker: c\n<<<<<<< HEAD\nother junk\n").unwrap();
        let (types, said) = told();
        assert_eq!((types.ok().unwrap(), said), (vec!["worker".to_owned()], 3));
        fs_err::remove_file(&file).unwrap();
        symlink("/etc/passwd", &file).unwrap();
        assert_eq!(told().0.err().unwrap().class(), Class::Config);
    }
}
