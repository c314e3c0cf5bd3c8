//! What all pages have in common: `base.html`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::gallery::{Gallery, Item};
use super::plots::Map;
use super::words;
use super::words::Made;

const STYLE: &str = include_str!("../../templates/report.css");
const SCRIPT: &str = include_str!("../../templates/report.js");

/// The frame of a page.
pub(super) struct Frame<'a> {
    pub policy: String,
    pub style: &'static str,
    pub script: &'static str,
    /// Of the window.
    pub title: String,
    /// Above the heading.
    pub kind: &'static str,
    pub heading: String,
    pub lead: String,
    /// Pixels are to be seen as such.
    pub small: bool,
    /// Width and height of an image.
    pub size: [usize; 2],
    /// In which orders the pictures can be shown, the first one first.
    pub orders: Vec<Order>,
    /// The pictures in the first order.
    pub groups: Vec<Group<'a>>,
    /// How they were chosen, and what they are.
    pub note: String,
    /// What the script needs to know, in JSON.
    pub data: String,
    /// None of less than three.
    pub map: Option<(Map, String)>,
    pub command: String,
    pub made: Vec<Made>,
}

/// An order of pictures, as the script knows it and in words.
pub(super) struct Order {
    pub how: String,
    pub text: String,
}

impl Order {
    pub(super) fn new(how: impl Into<String>, text: impl Into<String>) -> Order {
        Order {
            how: how.into(),
            text: text.into(),
        }
    }
}

/// Pictures that stand together.
pub(super) struct Group<'a> {
    pub heading: Option<Heading>,
    pub items: Vec<&'a Item>,
}

/// What is told of a group.
pub(super) struct Heading {
    pub title: String,
    pub facts: Vec<String>,
    /// A page of its own.
    pub link: Option<String>,
}

/// What differs from page to page.
pub(super) struct Told<'a> {
    pub title: String,
    pub kind: &'static str,
    pub heading: String,
    pub lead: String,
    pub orders: Vec<Order>,
    pub groups: Vec<Group<'a>>,
    pub note: String,
    /// What distances are measured in.
    pub encoder: String,
    pub command: String,
    pub made: Vec<Made>,
}

impl<'a> Frame<'a> {
    pub(super) fn new(gallery: &'a Gallery, told: Told<'a>) -> Frame<'a> {
        let map = (gallery.items.len() > 2).then(|| {
            let map = gallery.map();
            let text = words::map(&told.encoder, gallery.plane.shares, map.has_pictures());
            (map, text)
        });
        Frame {
            policy: policy(),
            style: STYLE,
            script: SCRIPT,
            title: told.title,
            kind: told.kind,
            heading: told.heading,
            lead: told.lead,
            small: gallery.size[0].max(gallery.size[1]) < 96,
            size: gallery.size,
            orders: told.orders,
            groups: told.groups,
            note: told.note,
            data: gallery.data(),
            map,
            command: told.command,
            made: told.made,
        }
    }
}

/// What the browser may do for the page: run its own script, use its own style,
/// show pictures that it holds; nothing else, and no network.
fn policy() -> String {
    let [style, script] = [STYLE, SCRIPT].map(|text| {
        let hex = netfile::sha256(text.as_bytes());
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("it is hexadecimal");
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        format!("'sha256-{}'", STANDARD.encode(bytes))
    });
    format!(
        "default-src 'none'; img-src data:; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"
    )
}
