//! Which pixel meets which in a convolution and in its transpose.
//!
//! Both are seen as one thing: a *source* is looked at from the places of a
//! grid, each place sees a window of it, and writes one pixel of a
//! *destination*, or where the destination is finer than the grid one per
//! *phase*. A convolution steps over its source and has one phase; its
//! transpose, of stride `s`, steps by one and has `s` phases along each axis,
//! each of which sees the same few pixels through other taps of the kernel.
//! No product is with a zero that the stride put there.

/// One axis.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// Pixels of the source.
    pub source: usize,
    /// Number of places.
    pub grid: usize,
    /// Source pixels from a place to the next.
    pub step: usize,
    /// The source pixel of each tap at place 0, ascending; it may lie beyond
    /// the edge, where the source is 0.
    pub offsets: Vec<isize>,
    /// Destination pixels per place.
    pub phases: usize,
    /// Place `a` and phase `q` write pixel `a phases + q - shift`, if there is
    /// one.
    pub shift: usize,
    /// Pixels of the destination.
    pub destination: usize,
    /// Per tap and phase, the kernel's tap that leads from one to the other.
    pub kernel: Vec<Vec<Option<usize>>>,
}

impl Axis {
    /// Windows over an image: tap `t` of place `p` lies on pixel `p stride + t
    /// dilation - pad`.
    pub(crate) fn gather(
        [image, grid]: [usize; 2],
        [kernel, stride, pad, dilation]: [usize; 4],
    ) -> Axis {
        Axis {
            source: image,
            grid,
            step: stride,
            offsets: (0..kernel)
                .map(|t| (t * dilation) as isize - pad as isize)
                .collect(),
            phases: 1,
            shift: 0,
            destination: grid,
            kernel: (0..kernel).map(|t| vec![Some(t)]).collect(),
        }
    }

    /// The transpose of [`Axis::gather`] of the same arguments: from the grid
    /// to the image.
    pub(crate) fn scatter(
        [image, grid]: [usize; 2],
        [kernel, stride, pad, dilation]: [usize; 4],
    ) -> Axis {
        // Tap `t` leads from source pixel `i` to `i stride + t dilation - pad`,
        // which is phase `t dilation % stride` of the place that lies `back`
        // pixels behind `i`.
        let back = |t: usize| t * dilation / stride;
        let mut backs: Vec<usize> = (0..kernel).map(back).collect();
        backs.dedup();
        backs.reverse();
        let taps = |b: usize| {
            let tap = |q| (0..kernel).find(|&t| back(t) == b && t * dilation % stride == q);
            (0..stride).map(tap).collect()
        };
        let first = pad / stride;
        Axis {
            source: grid,
            grid: (image - 1 + pad) / stride + 1 - first,
            step: 1,
            offsets: backs.iter().map(|&b| first as isize - b as isize).collect(),
            phases: stride,
            shift: pad % stride,
            destination: image,
            kernel: backs.iter().map(|&b| taps(b)).collect(),
        }
    }

    /// The source pixel of a tap at a place.
    #[inline(always)]
    pub(crate) fn pixel(&self, place: usize, tap: usize) -> Option<usize> {
        let pixel = (place * self.step) as isize + self.offsets[tap];
        (pixel >= 0 && (pixel as usize) < self.source).then_some(pixel as usize)
    }

    /// The destination pixel of a place and phase.
    #[inline(always)]
    pub(crate) fn written(&self, place: usize, phase: usize) -> Option<usize> {
        let pixel = (place * self.phases + phase).checked_sub(self.shift)?;
        (pixel < self.destination).then_some(pixel)
    }

    /// Whether the taps lie side by side.
    pub(crate) fn is_dense(&self) -> bool {
        self.offsets.windows(2).all(|pair| pair[1] == pair[0] + 1)
    }
}

/// Both axes, and the channels.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub groups: usize,
    /// Channels of the source in one group.
    pub channels: usize,
    /// Channels of the destination in one group.
    pub outputs: usize,
    pub rows: Axis,
    pub cols: Axis,
}

impl Places {
    /// Number of places of a sample.
    pub(crate) fn grid(&self) -> usize {
        self.rows.grid * self.cols.grid
    }

    /// The places of a batch from `first` on.
    #[inline(always)]
    pub(crate) fn spots(&self, first: usize, spots: &mut [Spot]) {
        let (sample, place) = (first / self.grid(), first % self.grid());
        let mut next = Spot {
            sample,
            y: place / self.cols.grid,
            x: place % self.cols.grid,
        };
        for spot in spots {
            *spot = next;
            next.x += 1;
            if next.x == self.cols.grid {
                (next.x, next.y) = (0, next.y + 1);
            }
            if next.y == self.rows.grid {
                (next.y, next.sample) = (0, next.sample + 1);
            }
        }
    }

    /// Where a pixel of the source begins, in channels-last order.
    #[inline(always)]
    pub(crate) fn from(&self, sample: usize, y: usize, x: usize) -> usize {
        let pixel = (sample * self.rows.source + y) * self.cols.source + x;
        pixel * self.groups * self.channels
    }

    /// Where a pixel of the destination begins.
    #[inline(always)]
    pub(crate) fn to(&self, sample: usize, y: usize, x: usize) -> usize {
        let pixel = (sample * self.rows.destination + y) * self.cols.destination + x;
        pixel * self.groups * self.outputs
    }
}

/// A place of a batch.
#[derive(Clone, Copy, Default)]
pub(crate) struct Spot {
    pub sample: usize,
    pub y: usize,
    pub x: usize,
}

/// The value of a kernel: group, channel of the source, channel of the
/// destination, row and column of the kernel.
pub(crate) type Kernel<'a> = dyn Fn(usize, usize, usize, usize, usize) -> f32 + Sync + 'a;

#[cfg(test)]
mod tests {
    use super::*;

    /// All triples of source pixel, kernel's tap and destination pixel.
    fn meetings(axis: &Axis) -> Vec<[usize; 3]> {
        let mut found = Vec::new();
        for place in 0..axis.grid {
            for (tap, kernel) in axis.kernel.iter().enumerate() {
                for (phase, kernel) in kernel.iter().enumerate() {
                    let ends = (axis.pixel(place, tap), axis.written(place, phase), kernel);
                    if let (Some(source), Some(destination), Some(kernel)) = ends {
                        found.push([source, *kernel, destination]);
                    }
                }
            }
        }
        found.sort_unstable();
        found
    }

    #[test]
    fn both_ways_are_what_the_formula_says() {
        for image in 1..9 {
            for (kernel, stride, pad, dilation) in geometries(5, 4, 4, 3) {
                let extent = (kernel - 1) * dilation + 1;
                if extent > image + 2 * pad {
                    continue;
                }
                let grid = (image + 2 * pad - extent) / stride + 1;
                let geometry = [kernel, stride, pad, dilation];
                let mut expected = Vec::new();
                for place in 0..grid {
                    for tap in 0..kernel {
                        let pixel = place * stride + tap * dilation;
                        if pixel >= pad && pixel - pad < image {
                            expected.push([pixel - pad, tap, place]);
                        }
                    }
                }
                expected.sort_unstable();
                let found = meetings(&Axis::gather([image, grid], geometry));
                assert_eq!(found, expected, "{image} {geometry:?}");
                let scatter = Axis::scatter([image, grid], geometry);
                let mut found = meetings(&scatter);
                found.iter_mut().for_each(|meeting| meeting.reverse());
                found.sort_unstable();
                assert_eq!(found, expected, "transposed {image} {geometry:?}");
                let written =
                    (0..scatter.grid).flat_map(|a| (0..scatter.phases).map(move |q| (a, q)));
                let mut written: Vec<usize> =
                    written.filter_map(|(a, q)| scatter.written(a, q)).collect();
                written.sort_unstable();
                assert_eq!(
                    written,
                    (0..image).collect::<Vec<_>>(),
                    "{image} {geometry:?}"
                );
            }
        }
    }

    /// Kernels, strides, pads and dilations up to these.
    fn geometries(
        kernels: usize,
        strides: usize,
        pads: usize,
        dilations: usize,
    ) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        (1..=kernels).flat_map(move |k| {
            (1..=strides).flat_map(move |s| {
                (0..=pads).flat_map(move |p| (1..=dilations).map(move |d| (k, s, p, d)))
            })
        })
    }
}
