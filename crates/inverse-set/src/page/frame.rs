//! What all pages have in common: `base.html`, and what those with a gallery
//! have: `gallery.html`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::gallery::{Gallery, Item};
use super::plots::Map;
use super::words;
use super::words::Made;

const STYLE: &str = include_str!("../../templates/report.css");
const SCRIPT: &str = include_str!("../../templates/report.js");

/// The frame of a page.
pub(super) struct Frame {
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
    pub command: String,
    pub made: Vec<Made>,
}

/// The pictures of a page as they are arranged on it: `gallery.html`.
pub(super) struct Arranged<'a> {
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

impl<'a> Told<'a> {
    /// Around a gallery.
    pub(super) fn framed(self, gallery: &'a Gallery) -> (Frame, Arranged<'a>) {
        let map = (gallery.items.len() > 2).then(|| {
            let map = gallery.map();
            let text = words::map(&self.encoder, gallery.plane.shares, map.has_pictures());
            (map, text)
        });
        let frame = Frame {
            policy: policy(STYLE, SCRIPT),
            style: STYLE,
            script: SCRIPT,
            title: self.title,
            kind: self.kind,
            heading: self.heading,
            lead: self.lead,
            small: is_small(gallery.size),
            command: self.command,
            made: self.made,
        };
        let arranged = Arranged {
            size: gallery.size,
            orders: self.orders,
            groups: self.groups,
            note: self.note,
            data: gallery.data(),
            map,
        };
        (frame, arranged)
    }
}

/// Whether the pixels of images of that width and height are to be seen as such.
pub(super) fn is_small(size: [usize; 2]) -> bool {
    size[0].max(size[1]) < 96
}

/// What the browser may do for the page: run its own script, use its own style,
/// show pictures that it holds; nothing else, and no network.
pub(super) fn policy(style: &str, script: &str) -> String {
    let [style, script] = [style, script].map(|text| {
        let hex = netfile::sha256(text.as_bytes());
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("it is hexadecimal");
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        format!("'sha256-{}'", STANDARD.encode(bytes))
    });
    format!(
        "default-src 'none'; img-src data:; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"
    )
}
