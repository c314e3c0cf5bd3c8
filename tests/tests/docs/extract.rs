//! Command lines out of Markdown: what stands in blocks fenced as `sh`.

use std::fmt;

/// What a machine must have for a line to be run on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Published files that cannot be had.
    Caffenet,
    Gpu,
    Slurm,
    /// More time, or more from the network, than CI has.
    Hours,
}

impl Needs {
    pub(crate) fn parse(name: &str) -> Option<Needs> {
        match name {
            "caffenet" => Some(Needs::Caffenet),
            "gpu" => Some(Needs::Gpu),
            "slurm" => Some(Needs::Slurm),
            "hours" => Some(Needs::Hours),
            _ => None,
        }
    }
}

/// A command line as a reader would type it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its first line in the file, from 1.
    pub(crate) number: usize,
    /// Without the comment; continued lines are joined.
    pub(crate) command: String,
    /// What it is marked with.
    pub(crate) needs: Option<Needs>,
}

/// Kinds of blocks that hold no command lines.
const OTHER_BLOCKS: [&str; 5] = ["json", "python", "rust", "text", "toml"];

/// A place in the file and what is wrong there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    number: usize,
    what: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.number, self.what)
    }
}

/// The command lines of a file in order.
///
/// # Errors
/// The first block or marker that might hide a command line: of no or an
/// unknown kind, indented instead of fenced, or never closed.
pub(crate) fn lines(markdown: &str) -> Result<Vec<Line>, Unreadable> {
    let mut found = Vec::new();
    let mut text = (1..).zip(markdown.lines());
    let (mut in_list, mut after_blank) = (false, true);
    while let Some((number, line)) = text.next() {
        let bad = |what: &str| Unreadable {
            number,
            what: what.to_owned(),
        };
        if let Some(info) = line.trim_start().strip_prefix("```") {
            let needs = kind(info).map_err(|what| bad(&what))?;
            let mut block = Vec::new();
            loop {
                match text.next() {
                    None => return Err(bad("this block is never closed")),
                    Some((_, line)) if line.trim() == "```" => break,
                    Some(line) => block.push(line),
                }
            }
            if let Kind::Shell(needs) = needs {
                commands(&block, needs, &mut found)?;
            }
        } else if line.starts_with("    ") && after_blank && !in_list {
            return Err(bad(
                "an indented block; fence it and say of what kind it is",
            ));
        } else if !line.trim().is_empty() && !line.starts_with(' ') {
            in_list = is_item(line);
        }
        after_blank = line.trim().is_empty();
    }
    Ok(found)
}

enum Kind {
    Shell(Option<Needs>),
    Other,
}

/// What stands behind the three ticks.
fn kind(info: &str) -> Result<Kind, String> {
    let (kind, marker) = info.trim().split_once(' ').unwrap_or((info.trim(), ""));
    match kind {
        "sh" if marker.is_empty() => Ok(Kind::Shell(None)),
        "sh" => Ok(Kind::Shell(Some(marked(marker)?))),
        "" => Err("a block of no kind; begin it with ```sh or ```text".to_owned()),
        other if OTHER_BLOCKS.contains(&other) => Ok(Kind::Other),
        other => Err(format!(
            "a block of the kind {other:?}; command lines are sh"
        )),
    }
}

fn marked(text: &str) -> Result<Needs, String> {
    let name = text.strip_prefix("needs: ").map(str::trim);
    let needs = name.and_then(Needs::parse);
    needs.ok_or_else(|| format!("{text:?}: expected needs: caffenet, gpu, slurm or hours"))
}

fn is_item(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ") || (number.len() < line.len() && number.starts_with(". "))
}

fn commands(
    block: &[(usize, &str)],
    of_block: Option<Needs>,
    found: &mut Vec<Line>,
) -> Result<(), Unreadable> {
    let mut open: Option<Line> = None;
    for &(number, text) in block {
        let bad = |what| Unreadable { number, what };
        let (command, comment) = split_comment(text);
        let marker = comment.filter(|comment| comment.starts_with("needs:"));
        let needs = marker.map(marked).transpose().map_err(bad)?;
        if command.is_empty() && needs.is_some() {
            return Err(bad("this marks no command".to_owned()));
        }
        let mut line = open.take().unwrap_or(Line {
            number,
            command: String::new(),
            needs: of_block,
        });
        line.needs = line.needs.or(needs);
        match command.strip_suffix('\\') {
            Some(command) => {
                line.command += command;
                open = Some(line);
            }
            None => {
                line.command += command;
                found.extend((!line.command.is_empty()).then_some(line));
            }
        }
    }
    match open {
        Some(line) => Err(Unreadable {
            number: line.number,
            what: "this command is continued by nothing".to_owned(),
        }),
        None => Ok(()),
    }
}

/// A command and the comment behind it, which begins at a `#` that stands
/// after a blank and outside of quotes.
fn split_comment(text: &str) -> (&str, Option<&str>) {
    let (mut quote, mut before) = (None, ' ');
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '#' && before.is_whitespace() => {
                return (text[..at].trim(), Some(text[at + 1..].trim()));
            }
            _ => {}
        }
        before = c;
    }
    (text.trim(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_joined_and_lose_their_comments() {
        let markdown = "Text\n\n```sh\na 'b # c' \"#\" d#e   # a remark\n\nf \\\n    g  # needs: gpu\n\
            # nothing\n```\n```json\n{}\n```\n```sh needs: hours\nh\n```\n1. item\n\n    of a list\n";
        let line = |number, command: &str, needs| Line {
            number,
            command: command.to_owned(),
            needs,
        };
        assert_eq!(
            lines(markdown).unwrap(),
            [
                line(4, "a 'b # c' \"#\" d#e", None),
                line(6, "f g", Some(Needs::Gpu)),
                line(14, "h", Some(Needs::Hours)),
            ]
        );
    }

    #[test]
    fn nothing_escapes() {
        for (markdown, complaint) in [
            ("```\nls\n```\n", "1: a block of no kind"),
            (
                "\n```console\n$ ls\n```\n",
                "2: a block of the kind \"console\"",
            ),
            ("Run\n\n    ls\n", "3: an indented block"),
            ("- item\n\nRun\n\n    ls\n", "5: an indented block"),
            ("```sh\nls\n", "1: this block is never closed"),
            (
                "```sh\nls  # needs: luck\n```\n",
                "2: \"needs: luck\": expected",
            ),
            (
                "```sh needs: luck\nls\n```\n",
                "1: \"needs: luck\": expected",
            ),
            ("```sh gpu\nls\n```\n", "1: \"gpu\": expected"),
            ("```sh\n# needs: gpu\nls\n```\n", "2: this marks no command"),
            (
                "```sh\nls \\\n```\n",
                "2: this command is continued by nothing",
            ),
        ] {
            let error = lines(markdown).unwrap_err().to_string();
            assert!(error.starts_with(complaint), "{markdown:?}: {error}");
        }
    }
}
