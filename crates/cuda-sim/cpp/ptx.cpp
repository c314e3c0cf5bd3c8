// A module: its text parsed, its variables laid out and its kernels linked.
#include "ptx_program.h"

namespace ptx {

Module::Module(const std::string &source) {
    const Text text = parse_text(source);
    const auto program = std::make_shared<Program>();
    program->version = text.version;
    program->target = text.target;
    for (const Variable &variable : text.variables) {
        if (variable.space == ".shared")
            continue; // each kernel that names it has its own
        std::vector<std::uint8_t> &memory = program->memory[variable.name];
        memory = variable.initial;
        memory.resize(variable.size);
    }
    for (const Function &function : text.functions) {
        if (!function.is_entry)
            continue;
        Kernel kernel = link(text, function, *program);
        program->entries.push_back(kernel.entry);
        program->kernels.emplace(function.name, std::move(kernel));
    }
    program_ = program;
}

int Module::version() const { return program_->version; }
int Module::target() const { return program_->target; }
const std::vector<Entry> &Module::entries() const { return program_->entries; }

std::string Module::run(const std::string &entry, Dim3 grid, Dim3 block, void *const *arguments, const Memory &memory,
                        int order) const {
    const auto kernel = program_->kernels.find(entry);
    if (kernel == program_->kernels.end())
        return "no kernel " + entry;
    return run_grid(*program_, kernel->second, grid, block, arguments, memory, order);
}

} // namespace ptx
