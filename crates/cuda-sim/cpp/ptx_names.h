// The names of a kernel while it is linked: which slot, byte or address each of
// them stands for.
#pragma once

#include "ptx_program.h"

namespace ptx {

struct Symbol {
    enum Kind { REGISTER, PARAMETER, MEMORY } kind;
    std::uint64_t value; // slot of a register, byte of the frame, or address
    std::size_t bytes;
};

using Scope = std::unordered_map<std::string, Symbol>;
using Operand = std::vector<std::string>; // its tokens

class Names {
  public:
    // Gives slots of `kernel` and counts its shared and local memory.
    Names(const Text &text, Program &program, Kernel &kernel);

    // Scopes, the innermost last; the first one is the module's.
    void open(Scope scope = {}) { scopes_.push_back(std::move(scope)); }
    void close() { scopes_.pop_back(); }
    // Only the module's names are left.
    void close_all() { scopes_.resize(1); }

    // As many slots side by side, which start as NaN; the first of them.
    std::uint16_t new_slots(std::size_t count);

    // `.reg`, and variables in a function.
    void declare(const Statement &statement);
    void declare_parameter(Scope &scope, const Variable &variable);

    // The symbol of a name, or nullptr.
    const Symbol *find(const std::string &name);

    // The slot of a register, special register, number or variable's address.
    std::uint16_t slot_of(const Operand &operand, const Statement &statement);

  private:
    void declare_registers(const Statement &statement);
    std::uint16_t constant(std::uint64_t value);

    const Text &text_;
    Program &program_;
    Kernel &kernel_;
    std::vector<Scope> scopes_{1};
    std::map<std::uint64_t, std::uint16_t> constants_;
};

} // namespace ptx
