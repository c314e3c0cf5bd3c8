//! Help, manual pages and completions.

use crate::program::{assert_fails, run, stderr, stdout};

const COMMANDS: [&str; 11] = [
    "sample",
    "levels",
    "atlas",
    "resume",
    "scan",
    "inspect",
    "compare",
    "verify",
    "report",
    "completions",
    "manual",
];

#[test]
fn every_command_helps_with_examples() {
    let folder = tempfile::tempdir().unwrap();
    for command in COMMANDS {
        let help = stdout(&run(folder.path(), &format!("{command} --help")));
        let example = format!("Examples:\n  sampler-cli {command}");
        assert!(help.contains(&example), "{help}");
    }
    let help = stdout(&run(folder.path(), "--help"));
    assert!(help.contains("Examples:\n  sampler-cli\n"), "{help}");
}

#[test]
fn there_is_a_manual_page_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let whole = stdout(&run(folder.path(), "manual"));
    assert!(whole.contains(".TH sampler-cli 1 "), "{whole}");
    for command in COMMANDS {
        assert!(
            whole.contains(&format!("sampler\\-cli\\-{command}(1)")),
            "{whole}"
        );
        let output = run(folder.path(), &format!("manual {command}"));
        assert!(output.status.success(), "{}", stderr(&output));
        let page = stdout(&output);
        let title = format!(".TH sampler-cli-{command} 1 ");
        for part in [&title, ".SH SYNOPSIS", "Examples:"] {
            assert!(page.contains(part), "{part:?} is not in {page}");
        }
    }
    let page = stdout(&run(folder.path(), "manual sample"));
    assert!(page.contains("\\fB\\-\\-neuron\\fR"), "{page}");
    let none = run(folder.path(), "manual sampel");
    assert_fails("manual", &none, 2, r#"manual; did you mean "sample"?"#);
}

#[test]
fn shells_are_told_every_command_and_option() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(folder.path(), &format!("completions {shell}"));
        assert!(output.status.success(), "{}", stderr(&output));
        let text = stdout(&output);
        for part in COMMANDS.iter().chain(&["neuron"]) {
            assert!(text.contains(part), "{shell}: {part}");
        }
        // clap_complete tells the other two no values.
        if !["elvish", "powershell"].contains(&shell) {
            assert!(text.contains("straight-inward"), "{shell}");
        }
    }
    let none = run(folder.path(), "completions csh");
    assert_fails(
        "csh",
        &none,
        2,
        "[possible values: bash, elvish, fish, powershell, zsh]",
    );
    let none = run(folder.path(), "completions");
    assert_fails("no shell", &none, 2, "<SHELL>");
}
