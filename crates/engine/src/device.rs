//! Where networks run.

use std::sync::Arc;

use crate::{Error, Instructions};

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

/// A place to run networks on, with the threads that do it. Cheap to clone;
/// clones share the threads.
#[derive(Clone, Debug)]
pub struct Device {
    pool: Arc<rayon::ThreadPool>,
    cpu: Cpu,
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
        })
    }

    /// Number of worker threads.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// The arithmetic that determines the last bits of every result: results
    /// of two runs are equal only if this is.
    pub fn instruction_set(&self) -> &'static str {
        self.cpu.instructions.name()
    }

    pub(crate) fn instructions(&self) -> Instructions {
        self.cpu.instructions
    }

    pub(crate) fn winograd(&self) -> bool {
        self.cpu.winograd
    }

    /// Runs `work` on the workers. Whatever does many small things on them does
    /// well to do all of them in one call: waking a worker takes longer than a
    /// small layer.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
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
