// Knobs, counts and the last reason of a failure.
#include "driver.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace cuda_sim {

namespace {

struct KnobName {
    const char *name;
    long Knobs::*knob;
};
constexpr KnobName NAMES[] = {
    {"CAPABILITY", &Knobs::capability}, {"DRIVER", &Knobs::driver}, {"MEMORY", &Knobs::memory},
    {"DEVICES", &Knobs::devices},       {"ORDER", &Knobs::order},   {"PTX", &Knobs::ptx},
    {"POOLS", &Knobs::pools},           {"EAGER", &Knobs::eager},   {"LOSE", &Knobs::lose},
    {"DROP", &Knobs::drop},
};

Knobs from_environment() {
    Knobs knobs;
    for (const KnobName &knob : NAMES) {
        const char *text = std::getenv((std::string("CUDA_SIM_") + knob.name).c_str());
        if (text != nullptr) knobs.*knob.knob = std::strtol(text, nullptr, 10);
    }
    return knobs;
}

struct Runs {
    unsigned long long count = 0;
    double seconds = 0;
};

// Written when the program ends.
struct Table {
    std::map<std::string, Runs> kernels;
    ~Table() {
        const char *path = std::getenv("CUDA_SIM_COUNT");
        if (path == nullptr) return;
        std::ofstream file(path);
        const Counts &all = counts();
        file << "launches " << all.launches << "\ngraph_launches " << all.graph_launches << "\nkernels_run "
             << all.kernels_run << "\nbytes_to_device " << all.bytes_to_device << "\nbytes_to_host "
             << all.bytes_to_host << "\nwaits " << all.waits << "\nallocations " << all.allocations << "\nfrees "
             << all.frees << "\n";
        for (const auto &[name, runs] : kernels) {
            file << "kernel " << name << " " << runs.count << " times " << runs.seconds << " s\n";
        }
    }
};

Table table;
std::string last_error;

} // namespace

Knobs &knobs() {
    static Knobs knobs = from_environment();
    return knobs;
}

Counts &counts() {
    static Counts counts = {};
    return counts;
}

unsigned long long &launch_number() {
    static unsigned long long number = 0;
    return number;
}

void note_run(const std::string &kernel, double seconds) {
    Runs &runs = table.kernels[kernel];
    runs.count++;
    runs.seconds += seconds;
}

void report(const std::string &reason) {
    last_error = reason;
    std::fprintf(stderr, "cuda-sim: %s\n", reason.c_str());
}

} // namespace cuda_sim

using namespace cuda_sim;

// Sets a knob by its name in capitals; it takes effect with the next call.
// Counting of launches for LOSE and DROP begins again.
CUDA_API cuda_sim_set(const char *name, long value) {
    return call([&] {
        for (const KnobName &knob : NAMES) {
            if (std::strcmp(name, knob.name) != 0) continue;
            knobs().*knob.knob = value;
            if (knob.knob == &Knobs::lose || knob.knob == &Knobs::drop) launch_number() = 0;
            return;
        }
        throw Failure{NOT_FOUND, std::string("no knob ") + name};
    });
}

CUDA_API cuda_sim_counts(Counts *to) {
    return call([&] { *to = counts(); });
}

CUDA_API cuda_sim_reset_counts() {
    return call([] { counts() = {}; });
}

// Copies the last reason of a failure, cut to the space that there is.
CUDA_API cuda_sim_last_error(char *to, std::size_t space) {
    return call([&] {
        if (space > 0) std::snprintf(to, space, "%s", last_error.c_str());
    });
}
