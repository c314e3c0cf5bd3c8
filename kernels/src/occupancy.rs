//! How much of a multiprocessor a kernel can keep busy, from what a block of it
//! needs. Arithmetic of NVIDIA's occupancy calculator; no device is asked.

/// Threads of a warp.
const WARP: u32 = 32;

/// Schedulers of a multiprocessor. Each has a quarter of the registers, and a
/// warp lies in one of them.
const QUARTERS: u32 = 4;

/// Registers are given to a warp in pieces of this many.
const REGISTER_UNIT: u32 = 256;

/// What a multiprocessor has.
#[derive(Clone, Copy, Debug)]
pub struct Multiprocessor {
    /// Compute capability, as in 75 for 7.5.
    pub capability: u32,
    /// 32-bit registers.
    pub registers: u32,
    /// Threads that it can hold at once.
    pub threads: u32,
    /// Blocks that it can hold at once.
    pub blocks: u32,
    /// Bytes of shared memory.
    pub shared: u32,
    /// Bytes of shared memory that the system keeps for itself in each block.
    pub reserved: u32,
    /// Shared memory is given to a block in pieces of this many bytes.
    pub shared_unit: u32,
}

/// The multiprocessors that the kernels are compiled for.
pub const MULTIPROCESSORS: [Multiprocessor; 5] = [
    multiprocessor(75, 1024, 16, 64, 0, 256),
    multiprocessor(80, 2048, 32, 164, 1024, 128),
    multiprocessor(86, 1536, 16, 100, 1024, 128),
    multiprocessor(89, 1536, 24, 100, 1024, 128),
    multiprocessor(90, 2048, 32, 228, 1024, 128),
];

const fn multiprocessor(
    capability: u32,
    threads: u32,
    blocks: u32,
    shared_kib: u32,
    reserved: u32,
    shared_unit: u32,
) -> Multiprocessor {
    Multiprocessor {
        capability,
        registers: 65536,
        threads,
        blocks,
        shared: shared_kib * 1024,
        reserved,
        shared_unit,
    }
}

/// What a block of a kernel needs.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Its threads.
    pub threads: u32,
    /// Registers of each thread.
    pub registers: u32,
    /// Bytes of shared memory.
    pub shared: u32,
}

impl Multiprocessor {
    /// How many such blocks it holds at once; 0 for one that it cannot run.
    pub fn blocks_at_once(&self, block: &Block) -> u32 {
        let warps = block.threads.div_ceil(WARP).max(1);
        let by_threads = self.threads / WARP / warps;
        let of_warp = (block.registers.max(1) * WARP).next_multiple_of(REGISTER_UNIT);
        let by_registers = self.registers / QUARTERS / of_warp * QUARTERS / warps;
        let of_block = (block.shared + self.reserved).next_multiple_of(self.shared_unit);
        let by_shared = self.shared.checked_div(of_block).unwrap_or(self.blocks);
        by_threads.min(by_registers).min(by_shared).min(self.blocks)
    }

    /// The share of its warps that run at once, of 0 to 1.
    pub fn occupancy(&self, block: &Block) -> f64 {
        let warps = self.blocks_at_once(block) * block.threads.div_ceil(WARP);
        f64::from(warps) / f64::from(self.threads / WARP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(block: [u32; 3], expected: [u32; 5]) {
        let [threads, registers, shared] = block;
        let block = Block {
            threads,
            registers,
            shared,
        };
        let found = MULTIPROCESSORS.map(|kind| kind.blocks_at_once(&block));
        assert_eq!(found, expected, "{block:?}");
    }

    #[test]
    fn blocks() {
        // Limited by threads.
        check([256, 16, 0], [4, 8, 6, 6, 8]);
        check([1024, 32, 0], [1, 2, 1, 1, 2]);
        // By the number of blocks.
        check([32, 16, 0], [16, 32, 16, 24, 32]);
        // By registers: 128 of them leave a quarter 4 warps, 96 leave it 5,
        // and what is odd is rounded up to 8.
        check([256, 128, 0], [2, 2, 2, 2, 2]);
        check([256, 96, 0], [2, 2, 2, 2, 2]);
        check([128, 96, 0], [5, 5, 5, 5, 5]);
        check([256, 57, 0], [4, 4, 4, 4, 4]);
        check([1024, 255, 0], [0, 0, 0, 0, 0]);
        // By shared memory, with 1 KiB more for the system from 8.0 on.
        check([256, 32, 16 << 10], [4, 8, 5, 5, 8]);
        check([128, 32, 48 << 10], [1, 3, 2, 2, 4]);
        check([128, 32, 65 << 10], [0, 2, 1, 1, 3]);
    }

    #[test]
    fn occupancy() {
        let block = Block {
            threads: 250,
            registers: 128,
            shared: 0,
        };
        let found = MULTIPROCESSORS.map(|kind| kind.occupancy(&block));
        assert_eq!(found, [0.5, 0.25, 1.0 / 3.0, 1.0 / 3.0, 0.25]);
    }
}
