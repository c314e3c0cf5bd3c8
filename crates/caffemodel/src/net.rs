use crate::Blob;
use crate::message::Message;

/// The structure of a network in the newest form, whatever the file's was.
#[derive(Clone, Debug, PartialEq)]
pub struct Net {
    /// As the file calls it; may be empty.
    pub name: String,
    /// Inputs that are declared at the net itself (`input`); the newer
    /// `Input` layers stand among the layers.
    pub inputs: Vec<Input>,
    /// The layers that exist in phase TEST, at level 0 and without stages, in
    /// the order of the file.
    pub layers: Vec<Layer>,
}

/// A blob that is given to the net from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The blob's name.
    pub name: String,
    /// Its shape with the batch, from `input_shape` or `input_dim`, if the
    /// file tells it.
    pub shape: Option<Vec<usize>>,
}

/// One layer. Its parameters are read by the methods of the same names.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The layer's name.
    pub name: String,
    /// Its type as the newest form writes it, for example `Convolution`.
    pub kind: String,
    /// The blobs that it reads.
    pub bottoms: Vec<String>,
    /// The blobs that it writes; in place where one is also a bottom.
    pub tops: Vec<String>,
    pub(crate) parameters: Message,
}

/// The version of caffe.proto that a file's layers are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `V0LayerParameter` inside `layers`.
    V0,
    /// `V1LayerParameter`: `layers`.
    V1,
    /// `LayerParameter`: `layer`.
    V2,
}

/// A `.caffemodel`: structure and weights.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    /// The structure, as far as the file tells it.
    pub net: Net,
    /// The blobs of each layer of the file, of any phase, by the layer's
    /// name, in the order of the file; layers without blobs are left out.
    pub blobs: Vec<(String, Vec<Blob<'a>>)>,
    /// What the file was written in.
    pub version: Version,
}
