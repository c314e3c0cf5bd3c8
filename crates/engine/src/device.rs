//! Where networks run.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::cuda::Gpu;
use crate::{Buffer, Error, Instructions, Shape};

/// How the CPU is used.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    /// Number of workers; one per core that the process may use if `None`.
    pub threads: Option<usize>,
    /// The instructions that it computes with.
    pub instructions: Instructions,
    /// Whether convolutions may go by Winograd's transforms, which round a
    /// little more and multiply two to four times less.
    pub winograd: bool,
}

impl Default for Cpu {
    fn default() -> Cpu {
        Cpu {
            threads: None,
            instructions: Instructions::detect(),
            winograd: true,
        }
    }
}

/// A place to run networks on: the CPU with the threads that do it, or a CUDA
/// device. Cheap to clone; clones share the threads and the device.
#[derive(Clone, Debug)]
pub struct Device {
    pool: Arc<rayon::ThreadPool>,
    cpu: Cpu,
    gpu: Option<Arc<Gpu>>,
    /// Why it is no CUDA device, where one was looked for.
    fallback: Option<String>,
}

impl Device {
    /// The CPU with `threads` workers, or one per core that the process may
    /// use, and all else by default.
    ///
    /// # Errors
    /// As [`Device::new`].
    pub fn cpu(threads: Option<usize>) -> Result<Device, Error> {
        Device::new(Cpu {
            threads,
            ..Cpu::default()
        })
    }

    /// The CPU, used as told.
    ///
    /// Workers are pinned one to a core when the run uses every core that it
    /// may use, because some kernels pack the unpinned threads of a process on
    /// one core. With fewer threads nothing is pinned: two such runs side by
    /// side must not land on the same cores.
    ///
    /// # Errors
    /// [`Error::Threads`] where the workers cannot be started.
    pub fn new(cpu: Cpu) -> Result<Device, Error> {
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let available = if cores.is_empty() {
            std::thread::available_parallelism().map_or(1, |n| n.get())
        } else {
            cores.len()
        };
        let threads = cpu.threads.unwrap_or(available).max(1);
        let pinned = threads == cores.len() && threads > 1;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("engine-{i}"))
            .start_handler(move |i| {
                if pinned {
                    // Refused by some sandboxes; then the kernel chooses.
                    core_affinity::set_for_current(cores[i]);
                }
            })
            .build()
            .map_err(|cause| Error::Threads {
                threads,
                cause: cause.to_string(),
            })?;
        Ok(Device {
            pool: Arc::new(pool),
            cpu,
            gpu: None,
            fallback: None,
        })
    }

    /// CUDA device `index`, counted from 0, with `threads` workers for what is
    /// done on the host.
    ///
    /// # Errors
    /// [`Error::NoCuda`] where there is none, or none that will do, and why;
    /// [`Error::Threads`] as [`Device::new`].
    pub fn cuda(index: usize, threads: Option<usize>) -> Result<Device, Error> {
        let gpu = Gpu::open(index)?;
        Ok(Device {
            gpu: Some(gpu),
            ..Device::cpu(threads)?
        })
    }

    /// CUDA device 0 if there is one that will do, else the CPU; the device then
    /// says why ([`Device::fallback`]).
    ///
    /// # Errors
    /// [`Error::Threads`] as [`Device::new`].
    pub fn auto(threads: Option<usize>) -> Result<Device, Error> {
        match Device::cuda(0, threads) {
            Err(Error::NoCuda { reason }) => Ok(Device {
                fallback: Some(reason),
                ..Device::cpu(threads)?
            }),
            device => device,
        }
    }

    /// In a few words, why [`Device::auto`] took the CPU.
    pub fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    /// Room for `batch` samples on this device. What it holds at first is not a
    /// number, or undefined.
    ///
    /// # Errors
    /// [`Error::Memory`] where a CUDA device has not so much left.
    pub fn buffer(&self, batch: usize, shape: &Shape) -> Result<Buffer, Error> {
        match &self.gpu {
            None => Ok(Buffer::new(batch, shape)),
            Some(gpu) => Buffer::on(gpu, batch, shape),
        }
    }

    /// Number of worker threads.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// The arithmetic that determines the last bits of every result: results
    /// of two runs are equal only if this is. The instruction set of a CPU, or
    /// `CUDA 9.0, NVIDIA H100 PCIe`: compute capability and name of a device.
    pub fn instruction_set(&self) -> &str {
        match &self.gpu {
            None => self.cpu.instructions.name(),
            Some(gpu) => gpu.kind(),
        }
    }

    /// Whether it works in main memory, where everybody can reach what networks
    /// compute.
    pub fn is_host(&self) -> bool {
        self.gpu.is_none()
    }

    /// Milliseconds that the device takes for what `work` asks of it; a CUDA
    /// device counts them itself, and is waited for.
    ///
    /// # Errors
    /// [`Error::Cuda`] with whatever went wrong on a CUDA device.
    pub fn time(&self, work: impl FnOnce()) -> Result<f32, Error> {
        match &self.gpu {
            Some(gpu) => gpu.time(work),
            None => {
                let start = Instant::now();
                work();
                Ok(start.elapsed().as_secs_f32() * 1e3)
            }
        }
    }

    pub(crate) fn gpu(&self) -> Option<&Arc<Gpu>> {
        self.gpu.as_ref()
    }

    pub(crate) fn instructions(&self) -> Instructions {
        self.cpu.instructions
    }

    pub(crate) fn winograd(&self) -> bool {
        self.cpu.winograd
    }

    /// Runs `work` on the workers. Whatever does many small things on them does
    /// well to do all of them in one call: waking a worker takes longer than a
    /// small layer. Where the device is no CPU there is nothing to wake.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.gpu {
            None => self.pool.install(work),
            Some(_) => work(),
        }
    }

    /// Runs host work on the workers, on whatever device networks run.
    pub(crate) fn install_on_host<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }
}

/// `CPU (avx512, 2 threads)`, or name and number of a CUDA device.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.gpu {
            None => {
                let (set, threads) = (self.instruction_set(), self.threads());
                write!(
                    f,
                    "CPU ({set}, {threads} thread{})",
                    if threads == 1 { "" } else { "s" }
                )
            }
            Some(gpu) => f.write_str(gpu.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cores that each worker may run on.
    fn allowed(device: &Device) -> Vec<Vec<usize>> {
        let cores = |_: rayon::BroadcastContext<'_>| core_affinity::get_core_ids().unwrap();
        let workers = device.pool.broadcast(cores);
        let ids = |cores: Vec<core_affinity::CoreId>| cores.iter().map(|core| core.id).collect();
        workers.into_iter().map(ids).collect()
    }

    #[test]
    fn workers_are_pinned_if_they_fill_the_cores() {
        let all: Vec<usize> = core_affinity::get_core_ids()
            .unwrap()
            .iter()
            .map(|core| core.id)
            .collect();
        let mut one_each: Vec<Vec<usize>> = all.iter().map(|&core| vec![core]).collect();
        let mut workers = allowed(&Device::cpu(None).unwrap());
        workers.sort();
        one_each.sort();
        assert_eq!(workers, one_each);
        if all.len() > 1 {
            let fewer = Device::cpu(Some(all.len() - 1)).unwrap();
            assert_eq!(fewer.threads(), all.len() - 1);
            assert!(allowed(&fewer).iter().all(|worker| *worker == all));
        }
    }
}
