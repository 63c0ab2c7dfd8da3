//! Programs that are asked at once.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use buildpack_core::sandbox::{
    Access, Answer, Command, Exit, LONGEST_ANSWER, Mount, Room, Sandbox,
};

use crate::rooms::{self, House, bare};

const LONG: Duration = Duration::from_mins(1);

/// Both ways to run programs; in either, `folder` can be written to.
fn both(house: &House, folder: &Path) -> [(Box<dyn Sandbox>, Room); 2] {
    let mut walled = house.room.clone();
    walled.mounts.push(Mount {
        source: folder.to_owned(),
        target: folder.to_owned(),
        access: Access::ReadWrite,
    });
    [
        (Box::new(rooms::sandbox()), walled),
        (Box::new(rooms::in_place()), bare(&house.room)),
    ]
}

/// The call of `bin/detect` in a folder of its own, with this text.
fn script(folder: &Path, name: &str, text: &str) -> Command {
    let file = folder.join(name).join("bin/detect");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    Command {
        argv: ["bin/detect", "/app"].map(str::to_owned).to_vec(),
        cwd: folder.join(name),
        env: [("PATH".to_owned(), rooms::PATH.to_owned())].into(),
    }
}

fn said(answer: &Answer) -> (Option<Exit>, &str) {
    (answer.exit, str::from_utf8(&answer.printed).unwrap())
}

#[test]
fn each_answers_for_itself_in_its_own_folder() {
    let house = House::new();
    let folder = house.folder("packs");
    let not_executable = script(&folder, "plain", "#!/bin/sh\necho never");
    std::fs::set_permissions(
        folder.join("plain/bin/detect"),
        PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    let commands = [
        script(&folder, "ruby", "#!/bin/bash\necho Ruby; echo noise >&2"),
        script(&folder, "none", "#!/bin/sh\necho no; exit 3"),
        script(
            &folder,
            "here",
            "#!/bin/sh\n[ -x bin/detect ] && echo \"$1 $(cat)\"",
        ),
        script(&folder, "no-line", "[[ $1 = /app ]] && printf Bash"),
        script(&folder, "lost", "#!/no/such/interpreter\n"),
        script(&folder, "killed", "#!/bin/sh\nkill -9 $$"),
        not_executable,
        Command {
            cwd: "/no/such/folder".into(),
            ..script(&folder, "gone", "")
        },
    ];
    for (sandbox, room) in both(&house, &folder) {
        let answers = sandbox.ask(&room, &commands, LONG).unwrap();
        let answers: Vec<_> = answers.iter().map(said).collect();
        let code = |code| Some(Exit::Code(code));
        assert_eq!(
            answers,
            [
                (code(0), "Ruby\n"),
                (code(3), "no\n"),
                (code(0), "/app \n"),
                (code(0), "Bash"),
                (code(127), ""),
                (Some(Exit::Signal(9)), ""),
                (code(126), ""),
                (code(127), ""),
            ],
            "{}",
            sandbox.name()
        );
    }
}

#[test]
fn none_takes_longer_than_its_limit_and_none_leaves_anything() {
    let house = House::new();
    let folder = house.folder("packs");
    let marker = house.marker();
    let sleeps = format!("sh -c 'sleep 1000; : {marker}'");
    let commands = [
        script(
            &folder,
            "stays",
            &format!("#!/bin/sh\ntrap '' TERM; echo waits; {sleeps}"),
        ),
        script(
            &folder,
            "leaves",
            &format!("#!/bin/sh\necho Left; {sleeps} & setsid {sleeps} & exit 3"),
        ),
        script(&folder, "shut", "#!/bin/sh\nexec >&- 2>&-; sleep 1000"),
    ];
    for (sandbox, room) in both(&house, &folder) {
        let answers = sandbox
            .ask(&room, &commands, Duration::from_secs(3))
            .unwrap();
        let answers: Vec<_> = answers.iter().map(said).collect();
        assert_eq!(
            answers,
            [
                (None, "waits\n"),
                (Some(Exit::Code(3)), "Left\n"),
                (None, "")
            ],
            "{}",
            sandbox.name()
        );
        assert_eq!(rooms::processes(&marker), 0);
    }
}

#[test]
fn of_a_long_answer_the_start_is_kept() {
    let house = House::new();
    let folder = house.folder("packs");
    let commands = [
        script(
            &folder,
            "much",
            "#!/bin/sh\nhead -c 10000000 /dev/zero; exit 4",
        ),
        script(
            &folder,
            "more",
            "#!/bin/sh\n(while :; do echo on; done) & exit 5",
        ),
    ];
    for (sandbox, room) in both(&house, &folder) {
        let answers = sandbox.ask(&room, &commands, LONG).unwrap();
        assert_eq!(answers[0].exit, Some(Exit::Code(4)));
        assert_eq!(answers[0].printed, [0; LONGEST_ANSWER]);
        assert_eq!(answers[1].exit, Some(Exit::Code(5)));
        assert!(answers[1].printed.len() <= LONGEST_ANSWER);
    }
}

#[test]
fn to_ask_nothing_is_fine() {
    let house = House::new();
    for (sandbox, room) in both(&house, &house.folder("packs")) {
        assert_eq!(sandbox.ask(&room, &[], LONG).unwrap(), []);
    }
}
