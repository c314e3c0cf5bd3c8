//! A sampler's step in candle, whenever a line is read:
//!
//! ```text
//! candle-step PAIR FOLDER K
//! ```
//!
//! The counterpart of `../step.py`, for pairs of chains of layers as CaffeNet
//! and its generator are. The gradient goes to `FOLDER/gradient.f32`.

mod network;

use std::io::{BufRead, stdin};
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, error, fs};

use candle_core::{CpuStorage, CustomOp1, Device, Layout, Shape, Tensor, Var};
use network::Network;

type Result<T> = std::result::Result<T, Box<dyn error::Error>>;

/// The unit of fc8 whose gradient is taken.
const UNIT: usize = 945;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [pair, folder, k] = &arguments[..] else {
        return Err("expected PAIR FOLDER K".into());
    };
    let (folder, k) = (Path::new(folder), k.parse()?);
    let mut step = Step::new(Path::new(pair), folder, k)?;
    let gradient: Vec<f32> = step.run()?.flatten_all()?.to_vec1()?;
    let bytes: Vec<u8> = gradient.iter().flat_map(|v| v.to_le_bytes()).collect();
    fs::write(folder.join("gradient.f32"), bytes)?;
    println!("ready candle 0.11.1");
    for _ in stdin().lock().lines() {
        let start = Instant::now();
        step.run()?;
        println!("{}", start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}

struct Step {
    generator: Network,
    classifier: Network,
    codes: Var,
    direction: Tensor,
}

impl Step {
    fn new(pair: &Path, folder: &Path, k: usize) -> Result<Step> {
        let open = |part: &str| Network::open(&pair.join(part).with_extension("safetensors"));
        let codes = floats(&folder.join("codes.f32"))?;
        let codes = Tensor::from_vec(codes.clone(), (k, codes.len() / k), &Device::Cpu)?;
        let direction = floats(&folder.join("direction.f32"))?;
        let direction = Tensor::from_vec(direction.clone(), direction.len(), &Device::Cpu)?;
        Ok(Step {
            generator: open("generator")?,
            classifier: open("classifier")?,
            codes: Var::from_tensor(&codes)?,
            direction,
        })
    }

    fn run(&mut self) -> Result<Tensor> {
        let output = self.generator.run(self.codes.as_tensor(), "deconv0")?;
        let side = self.classifier.side();
        let first = (output.dims()[2] - side) / 2;
        let output = output.narrow(2, first, side)?.narrow(3, first, side)?;
        let images = self.generator.decode(&output)?.apply_op1(Clamp)?;
        let encoding = self
            .classifier
            .run(&self.classifier.encode(&images)?, "relu6")?;
        let scores = self.classifier.run_after(&encoding, "relu6", "fc8")?;
        let score = scores.narrow(1, UNIT, 1)?.sum_all()?;
        let loss = (score + encoding.broadcast_mul(&self.direction)?.sum_all()?)?;
        let gradients = loss.backward()?;
        let of_codes = gradients.get(self.codes.as_tensor());
        Ok(of_codes.ok_or("no gradient reached the codes")?.clone())
    }
}

fn floats(path: &PathBuf) -> Result<Vec<f32>> {
    let bytes = fs::read(path)?;
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok(numbers
        .iter()
        .map(|&bytes| f32::from_le_bytes(bytes))
        .collect())
}

/// Clamps to [0, 1], straight-inward.
struct Clamp;

impl CustomOp1 for Clamp {
    fn name(&self) -> &'static str {
        "clamp"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (start, end) = layout.contiguous_offsets().expect("a result of arithmetic");
        let values = x.as_slice::<f32>()?[start..end].iter();
        let clamped = values.map(|v| v.clamp(0.0, 1.0)).collect();
        Ok((CpuStorage::F32(clamped), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, d: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let below = (x.lt(0f32)? * d.gt(0f32)?)?;
        let above = (x.gt(1f32)? * d.lt(0f32)?)?;
        let outwards = (below + above)?;
        Ok(Some(outwards.where_cond(&d.zeros_like()?, d)?))
    }
}
