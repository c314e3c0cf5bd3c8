//! What a person sees in a terminal.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::networks::weights;
use crate::program::{program, words};

const SAMPLE: &str = "sample --pair tiny --neuron fc8:volcano=c25..c75 -n 10 --batch 4 --out run";

/// All that a command that succeeds writes to stdout and stderr where both are
/// a terminal of 80 columns, which these variables describe.
fn seen(folder: &Path, line: &str, variables: &[(&str, &str)]) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).unwrap();
    let inside = ioctl_tiocgptpeer(&terminal, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    let mut command = Command::new(program(folder).get_program());
    command
        .args(words(line))
        .current_dir(folder)
        .env_clear()
        .env("INVERSE_SET_WEIGHTS", weights())
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(inside.try_clone().unwrap())
        .stderr(inside);
    let mut child = command.spawn().unwrap();
    // Holds the terminal's inside open.
    drop(command);
    let mut bytes = Vec::new();
    // Linux tells the end of a terminal by an error.
    let _ = File::from(terminal).read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    assert!(child.wait().unwrap().success(), "{line}: {text}");
    text
}

#[test]
fn a_terminal_is_drawn_a_bar_unless_it_wants_none() {
    for (options, variables, draws) in [
        ("", &[("TERM", "xterm-256color")][..], true),
        ("", &[("TERM", "xterm-256color"), ("NO_COLOR", "1")], false),
        ("", &[("TERM", "dumb")], false),
        (" --quiet", &[("TERM", "xterm-256color")], false),
        (" --json", &[("TERM", "xterm-kitty")], false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let text = seen(folder.path(), &format!("{SAMPLE}{options}"), variables);
        assert_eq!(
            text.contains('\x1b'),
            draws,
            "{options} {variables:?}: {text}"
        );
        assert_eq!(
            text.contains('\u{2588}'),
            draws,
            "{options} {variables:?}: {text}"
        );
        let lines = options.is_empty() && !draws;
        assert_eq!(text.contains("seeds: "), lines || draws, "{text}");
    }
}

#[test]
fn the_colours_of_the_help_can_be_turned_off() {
    let folder = tempfile::tempdir().unwrap();
    for (variables, coloured) in [
        (&[("TERM", "xterm-256color")][..], true),
        (&[("TERM", "xterm-256color"), ("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
    ] {
        let text = seen(folder.path(), "sample --help", variables);
        assert_eq!(text.contains('\x1b'), coloured, "{variables:?}");
    }
}

/// The file that kitty is sent.
fn picture(text: &str) -> Option<Vec<u8>> {
    let chunks = text.split("\x1b_G").skip(1);
    let data: Vec<&str> = chunks
        .map(|chunk| chunk.split_once(';').unwrap().1)
        .map(|chunk| chunk.split_once('\x1b').unwrap().0)
        .collect();
    (!data.is_empty()).then(|| STANDARD.decode(data.concat()).unwrap())
}

#[test]
fn a_terminal_that_shows_pictures_is_sent_the_contact_sheet() {
    let folder = tempfile::tempdir().unwrap();
    let kitty = &[("TERM", "xterm-kitty"), ("NO_COLOR", "1")];
    let text = seen(folder.path(), SAMPLE, kitty);
    let sheet = std::fs::read(folder.path().join("run/grid.png")).unwrap();
    assert!(picture(&text).is_some_and(|sent| sent == sheet));
    assert!(text.find("report.html") < text.find("\x1b_G"), "{text}");

    // The run is finished; it is shown once more, or not.
    for (options, variables, shown) in [
        ("", &[("TERM", "xterm-kitty")][..], true),
        (" --show never", &[("TERM", "xterm-kitty")], false),
        (" --quiet", &[("TERM", "xterm-kitty")], false),
        ("", &[("TERM", "xterm-256color")], false),
        (" --show kitty", &[("TERM", "xterm-256color")], true),
    ] {
        let text = seen(folder.path(), &format!("{SAMPLE}{options}"), variables);
        assert_eq!(picture(&text).is_some(), shown, "{options} {variables:?}");
    }
    let text = seen(folder.path(), SAMPLE, &[("TERM", "foot")]);
    assert!(text.contains("\x1bP"), "{text}");

    let line = "levels --pair tiny --neuron fc8:volcano=p5..p95 --levels 2 -n 2 --out levels";
    let text = seen(folder.path(), line, kitty);
    let sheet = std::fs::read(folder.path().join("levels/levels.png")).unwrap();
    assert!(picture(&text).is_some_and(|sent| sent == sheet));
}

#[test]
fn what_is_no_terminal_is_sent_no_picture() {
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path())
        .args(words(SAMPLE))
        .env("TERM", "xterm-kitty")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(!output.stdout.contains(&0x1b));
}
