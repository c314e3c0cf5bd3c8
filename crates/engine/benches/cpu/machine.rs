//! What the processor and the memory can do at best.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Of multiplications and additions in single precision.
    pub gflops: f64,
    /// Of reading from memory.
    pub gb_per_s: f64,
}

/// By so many threads at once, pinned to cores of their own.
pub(crate) fn measure(threads: usize) -> Limits {
    Limits {
        gflops: at_once(threads, || {
            const ROUNDS: usize = 20_000_000;
            let start = Instant::now();
            let per_round = fused(ROUNDS);
            (ROUNDS * per_round * 2) as f64 / start.elapsed().as_secs_f64() / 1e9
        }),
        gb_per_s: at_once(threads, || {
            let values = vec![1u64; 32 << 20];
            let start = Instant::now();
            let sum: u64 = values
                .chunks_exact(8)
                .map(|line| line.iter().sum::<u64>())
                .sum();
            black_box(sum);
            (values.len() * 8) as f64 / start.elapsed().as_secs_f64() / 1e9
        }),
    }
}

/// The sum over all threads of what each measures, best of three.
fn at_once(threads: usize, work: impl Fn() -> f64 + Sync) -> f64 {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let barrier = Barrier::new(threads);
    let once = || -> f64 {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|i| {
                    let (core, barrier, work) = (cores.get(i).copied(), &barrier, &work);
                    scope.spawn(move || {
                        core.map(core_affinity::set_for_current);
                        barrier.wait();
                        work()
                    })
                })
                .collect();
            let rates = workers.into_iter().map(|worker| worker.join());
            rates.map(|rate| rate.expect("a measurement ends")).sum()
        })
    };
    (0..3).map(|_| once()).fold(0.0, f64::max)
}

/// Independent chains of multiplications with additions; returns how many of
/// them a round has.
fn fused(rounds: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has it.
            #[allow(unsafe_code, reason = "instructions that not every processor has")]
            return unsafe { fused_avx512(rounds) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has it.
            #[allow(unsafe_code, reason = "instructions that not every processor has")]
            return unsafe { fused_avx2(rounds) };
        }
    }
    let mut sums = [1.0f32; 64];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = *sum * 0.999 + 0.001;
        }
    }
    black_box(sums);
    sums.len()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn fused_avx512(rounds: usize) -> usize {
    use std::arch::x86_64::*;
    let (a, b) = (_mm512_set1_ps(0.999), _mm512_set1_ps(0.001));
    let mut sums = [a; 12];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, a, b);
        }
    }
    black_box(sums);
    12 * 16
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn fused_avx2(rounds: usize) -> usize {
    use std::arch::x86_64::*;
    let (a, b) = (_mm256_set1_ps(0.999), _mm256_set1_ps(0.001));
    let mut sums = [a; 12];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, a, b);
        }
    }
    black_box(sums);
    12 * 8
}
