//! Where networks run.

use std::sync::Arc;

use crate::Error;

/// A place to run networks on, with the threads that do it. Cheap to clone;
/// clones share the threads.
#[derive(Clone, Debug)]
pub struct Device {
    pool: Arc<rayon::ThreadPool>,
}

impl Device {
    /// The CPU with `threads` workers, or one per core that the process may
    /// use.
    ///
    /// Workers are pinned one to a core when the run uses every core that it
    /// may use, because some kernels pack the unpinned threads of a process on
    /// one core. With fewer threads nothing is pinned: two such runs side by
    /// side must not land on the same cores.
    pub fn cpu(threads: Option<usize>) -> Result<Device, Error> {
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let available = if cores.is_empty() {
            std::thread::available_parallelism().map_or(1, |n| n.get())
        } else {
            cores.len()
        };
        let threads = threads.unwrap_or(available).max(1);
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
        })
    }

    /// Number of worker threads.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// The arithmetic that determines the last bits of every result: results
    /// of two runs are equal only if this is.
    pub fn instruction_set(&self) -> &'static str {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return "x86-64 avx512f";
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return "x86-64 avx2 fma";
            }
        }
        std::env::consts::ARCH
    }

    /// Runs `work` on the workers.
    pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
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
