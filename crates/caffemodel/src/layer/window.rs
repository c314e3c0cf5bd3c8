use super::reader::Reader;
use crate::{Error, PoolMethod, PoolingParameter};

/// What Caffe demands of a pooling's window (pooling_layer.cpp).
pub(super) fn check(reader: &Reader<'_>, parameter: &PoolingParameter) -> Result<(), Error> {
    let PoolingParameter {
        kernel,
        stride,
        pad,
        ..
    } = *parameter;
    let found = |[height, width]: [usize; 2]| format!("{height} x {width}");
    if parameter.global {
        if stride != [1, 1] {
            return Err(reader.error("stride", "1 in a global pooling", found(stride)));
        }
        if pad != [0, 0] {
            return Err(reader.error("pad", "0 in a global pooling", found(pad)));
        }
        return Ok(());
    }
    if pad[0] >= kernel[0] || pad[1] >= kernel[1] {
        let expected = format!("less than the kernel, {}", found(kernel));
        return Err(reader.error("pad", expected, found(pad)));
    }
    if pad != [0, 0] && parameter.method == PoolMethod::Stochastic {
        return Err(reader.error("pad", "0 in a stochastic pooling", found(pad)));
    }
    Ok(())
}
