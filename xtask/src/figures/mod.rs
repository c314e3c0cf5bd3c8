//! `cargo xtask figures`: the pictures and the table of the documentation.
//!
//! Everything is drawn by the command line program on the demo pair, so that a
//! reader can make each of them; equal sources give equal bytes.

mod table;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use inverse_set::grid::{Images, representatives, sheet};
use safetensors::SafeTensors;

/// Samples of each run that a row is chosen from, as in the paper.
const SAMPLES: &str = "500";
/// Images in a row, chosen by farthest-point selection.
const SHOWN: usize = 10;

/// What a picture is made of.
enum Drawing {
    /// A row of representatives for each run of `sample`, from the top, by the
    /// run's arguments.
    Rows(&'static [&'static [&'static str]]),
    /// A picture that a command leaves in its directory.
    Left {
        arguments: &'static [&'static str],
        picture: &'static str,
    },
}

/// One neuron at three ranges: figure 1 of the paper.
const RANGES: Drawing = Drawing::Rows(&[
    &["--neuron", "fc8:Ankle boot=0..2"],
    &["--neuron", "fc8:Ankle boot=c25..c75"],
    &["--neuron", "fc8:Ankle boot=14..18"],
]);

/// Two inverse sets and their intersection: figure 2 of the paper.
const INTERSECTION: Drawing = Drawing::Rows(&[
    &["--neuron", "fc8:Dress=4..8"],
    &["--neuron", "fc8:Coat=4..8"],
    &["--neuron", "fc8:Dress=4..8", "--neuron", "fc8:Coat=4..8"],
]);

/// A range that everything lies in shows the model of the codes; pixels
/// without a generator show why there is one.
const SPACES: Drawing = Drawing::Rows(&[
    &["--neuron", "fc8:Ankle boot=-100..100"],
    &["--neuron", "fc8:Ankle boot=c25..c75"],
    &["--neuron", "fc8:Ankle boot=c25..c75", "--space", "pixels"],
]);

/// Neurons that do not lie above the codes' layer, which are not screened.
const UNSCREENED: Drawing = Drawing::Rows(&[
    &["--neuron", "conv5:12@max=p98..p100"],
    &["--neuron", "fc6:7=p98..p100"],
]);

const DEMO: Drawing = Drawing::Left {
    arguments: &["sample"],
    picture: "grid.png",
};

const METHODS: Drawing = Drawing::Left {
    arguments: &[
        "compare",
        "--neuron",
        "fc8:Ankle boot=c25..c75",
        "-n",
        "250",
        "--seeds",
        "1",
    ],
    picture: "figure.png",
};

const LEVELS: Drawing = Drawing::Left {
    arguments: &[
        "levels", "--neuron", "fc8:Coat", "--levels", "8", "-n", "10",
    ],
    picture: "levels.png",
};

/// The tutorial's: what the neuron "Shirt" takes for a shirt.
const SHIRTS: Drawing = Drawing::Left {
    arguments: &["sample", "--neuron", "fc8:Shirt", "-n", "50"],
    picture: "grid.png",
};

const SHIRT_LEVELS: Drawing = Drawing::Left {
    arguments: &["levels", "--neuron", "fc8:Shirt"],
    picture: "levels.png",
};

const SHIRT_AND_COAT: Drawing = Drawing::Left {
    arguments: &[
        "sample",
        "--neuron",
        "fc8:Shirt=c25..c75",
        "--neuron",
        "fc8:Coat=c25..c75",
        "-n",
        "20",
    ],
    picture: "grid.png",
};

/// The pictures in `docs/figures`.
const PICTURES: [(&str, Drawing); 10] = [
    ("ankle-boots", DEMO),
    ("ranges", RANGES),
    ("intersection", INTERSECTION),
    ("spaces", SPACES),
    ("unscreened", UNSCREENED),
    ("methods", METHODS),
    ("levels", LEVELS),
    ("shirts", SHIRTS),
    ("shirt-levels", SHIRT_LEVELS),
    ("shirt-and-coat", SHIRT_AND_COAT),
];

/// Draws all pictures, or those named. With a directory for a table, compares
/// all methods there instead, and writes the table of `docs/sampling.md`.
pub(crate) fn run(root: &Path, names: &[String], table: Option<&Path>) -> Result<()> {
    if let Some(directory) = table {
        return table::write(root, directory);
    }
    let unknown = names
        .iter()
        .find(|name| PICTURES.iter().all(|(known, _)| known != name));
    if let Some(name) = unknown {
        let known = PICTURES.map(|(known, _)| known).join(", ");
        anyhow::bail!("there is no picture {name}; there are {known}");
    }
    let runs = std::env::temp_dir().join(format!("figures-{}", std::process::id()));
    let done = draw(root, &runs, names);
    if runs.exists() {
        fs::remove_dir_all(&runs).with_context(|| format!("removing {}", runs.display()))?;
    }
    done
}

fn draw(root: &Path, runs: &Path, names: &[String]) -> Result<()> {
    let folder = root.join("docs/figures");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    for (name, drawing) in PICTURES.iter().filter(|(name, _)| wanted(name)) {
        let directory = runs.join(name);
        let png = match drawing {
            Drawing::Rows(rows) => rows_of(root, &directory, rows)?,
            Drawing::Left { arguments, picture } => {
                sampler(root, arguments, &directory)?;
                read(&directory.join(picture))?
            }
        };
        let path = folder.join(format!("{name}.png"));
        fs::write(&path, png).with_context(|| format!("writing {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// PNG with one row of representatives for each run.
fn rows_of(root: &Path, directory: &Path, rows: &[&[&str]]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut shape = [0; 3];
    for (row, neurons) in rows.iter().enumerate() {
        let directory = directory.join(row.to_string());
        let arguments = [&["sample", "-n", SAMPLES], *neurons].concat();
        sampler(root, &arguments, &directory)?;
        shape = append(&directory.join("samples.safetensors"), &mut bytes)?;
    }
    let images = Images {
        bytes: &bytes,
        shape,
    };
    Ok(sheet(images, rows.len() * SHOWN, SHOWN)?)
}

/// Appends the representatives of a run to the images of a sheet, and gives
/// their shape, `[c, h, w]`.
fn append(path: &Path, sheet: &mut Vec<u8>) -> Result<[usize; 3]> {
    let file = read(path)?;
    let reading = || format!("reading {}", path.display());
    let tensors = SafeTensors::deserialize(&file).with_context(reading)?;
    let images = tensors.tensor("images").with_context(reading)?;
    let encodings = tensors.tensor("encodings").with_context(reading)?;
    let &[n, c, h, w] = images.shape() else {
        anyhow::bail!(
            "{}: images of shape {:?}, expected [n, c, h, w]",
            path.display(),
            images.shape()
        );
    };
    let encodings: Vec<f32> = encodings
        .data()
        .as_chunks()
        .0
        .iter()
        .map(|&bytes| f32::from_le_bytes(bytes))
        .collect();
    for chosen in representatives(&encodings, n, SHOWN) {
        sheet.extend(&images.data()[chosen * c * h * w..][..c * h * w]);
    }
    Ok([c, h, w])
}

/// Runs the program as a reader would, into a directory.
fn sampler(root: &Path, arguments: &[&str], directory: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let text = arguments.join(" ");
    println!("$ sampler-cli {text}");
    let status = Command::new(cargo)
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "sampler-cli",
            "--",
        ])
        .args(arguments)
        .arg("--out")
        .arg(directory)
        .current_dir(root)
        .status()
        .with_context(|| format!("running sampler-cli {text}"))?;
    ensure!(status.success(), "sampler-cli {text}: {status}");
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}
