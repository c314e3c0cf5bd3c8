// How a program steers the simulator, and what it may ask of it: knobs and
// counts. Every knob is also an environment variable, CUDA_SIM_ and its name in
// capitals; a value that was set wins.
#pragma once

#include <string>

namespace cuda_sim {

struct Knobs {
    long capability = 90; // 75 for compute capability 7.5
    long driver = 12040;  // 12040 for CUDA 12.4
    long memory = 4096;   // of a device, in MiB
    long devices = 1;
    long order = 0; // of threads and blocks: 0 ascending, 1 descending, 2 shuffled
    long ptx = 0;   // 1: interpret the PTX, do not run the host-compiled kernels
    long pools = 1; // 0: no memory pools
    long eager = 0; // 1: work is done at once, not when somebody waits for it
    long lose = 0;  // the kernel launch, counted from 1, at which the device is lost; 0: none
    long drop = 0;  // the kernel launch that is silently not done; 0: none
};
Knobs &knobs();

// What has happened since the start or the last reset.
struct Counts {
    unsigned long long launches;       // of kernels, outside graphs
    unsigned long long graph_launches; // of graphs
    unsigned long long kernels_run;    // also those of graphs
    unsigned long long bytes_to_device;
    unsigned long long bytes_to_host;
    unsigned long long waits; // synchronisations that found work to wait for
    unsigned long long allocations;
    unsigned long long frees;
};
Counts &counts();

// Launches, also those of graphs, since `lose` and `drop` were set.
unsigned long long &launch_number();

// Adds a kernel's run to the table that is written to the file that the
// environment variable CUDA_SIM_COUNT names when the program ends.
void note_run(const std::string &kernel, double seconds);

// Keeps a reason for cuda_sim_last_error and writes it to the standard error.
void report(const std::string &reason);

} // namespace cuda_sim
