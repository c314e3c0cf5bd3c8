// Gives names their slots and addresses.
#include "ptx_names.h"

#include <stdexcept>

namespace ptx {
namespace {

// The next aligned address behind what is used.
std::uint64_t allocate(std::size_t &used, const Variable &variable) {
    const std::uint64_t address = (used + variable.alignment - 1) / variable.alignment * variable.alignment;
    used = address + variable.size;
    return address;
}

} // namespace

Names::Names(const Text &text, Program &program, Kernel &kernel) : text_(text), program_(program), kernel_(kernel) {}

std::uint16_t Names::new_slots(std::size_t count) {
    const std::size_t first = kernel_.frame.size();
    if (first + count > 65536)
        throw std::runtime_error("too many registers in " + kernel_.entry.name);
    kernel_.frame.resize(first + count, ~Slot(0)); // a NaN of both widths
    return static_cast<std::uint16_t>(first);
}

void Names::declare_parameter(Scope &scope, const Variable &variable) {
    while (kernel_.frame.size() * sizeof(Slot) % variable.alignment != 0)
        new_slots(1);
    const std::uint64_t slot = new_slots((variable.size + sizeof(Slot) - 1) / sizeof(Slot));
    scope[variable.name] = {Symbol::PARAMETER, slot * sizeof(Slot), variable.size};
}

// `.reg .f32 %f<6>` or `.reg .b32 %a, %b`
void Names::declare_registers(const Statement &statement) {
    const std::vector<std::string> &tokens = statement.tokens;
    if (tokens.size() < 3)
        refuse("declaration not understood", statement);
    const std::size_t bytes = bytes_of_type(tokens[1], statement);
    if (tokens.size() == 6 && tokens[3] == "<") {
        const std::size_t count = parse_number(tokens[4], statement);
        const std::size_t first = new_slots(count);
        for (std::size_t i = 0; i < count; ++i)
            scopes_.back()[tokens[2] + std::to_string(i)] = {Symbol::REGISTER, first + i, bytes};
        return;
    }
    for (std::size_t i = 2; i < tokens.size(); i += 2)
        scopes_.back()[tokens[i]] = {Symbol::REGISTER, new_slots(1), bytes};
}

void Names::declare(const Statement &statement) {
    if (statement.tokens[0] == ".reg") {
        declare_registers(statement);
        return;
    }
    std::size_t at = 0;
    const Variable variable = parse_variable(statement, at);
    if (variable.space == ".param") {
        declare_parameter(scopes_.back(), variable);
        return;
    }
    std::size_t &used = variable.space == ".shared" ? kernel_.entry.shared_bytes : kernel_.local_bytes;
    scopes_.back()[variable.name] = {Symbol::MEMORY, allocate(used, variable), variable.size};
}

const Symbol *Names::find(const std::string &name) {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
        const auto found = scope->find(name);
        if (found != scope->end())
            return &found->second;
    }
    for (const Variable &variable : text_.variables) {
        if (variable.name != name)
            continue;
        const std::uint64_t address = variable.space == ".shared"
                                          ? allocate(kernel_.entry.shared_bytes, variable)
                                          : reinterpret_cast<std::uint64_t>(program_.memory.at(name).data());
        return &(scopes_[0][name] = {Symbol::MEMORY, address, variable.size});
    }
    return nullptr;
}

std::uint16_t Names::constant(std::uint64_t value) {
    const auto [entry, is_new] = constants_.try_emplace(value, 0);
    if (is_new) {
        entry->second = new_slots(1);
        kernel_.frame.back() = value;
    }
    return entry->second;
}

std::uint16_t Names::slot_of(const Operand &operand, const Statement &statement) {
    static const std::map<std::string, int> specials = {
        {"%tid.x", TID},         {"%tid.y", TID + 1},   {"%tid.z", TID + 2},       {"%ntid.x", NTID},
        {"%ntid.y", NTID + 1},   {"%ntid.z", NTID + 2}, {"%ctaid.x", CTAID},       {"%ctaid.y", CTAID + 1},
        {"%ctaid.z", CTAID + 2}, {"%nctaid.x", NCTAID}, {"%nctaid.y", NCTAID + 1}, {"%nctaid.z", NCTAID + 2},
        {"%laneid", LANEID},     {"%warpid", WARPID},
    };
    if (operand.empty())
        refuse("missing operand", statement);
    const std::string &name = operand[0];
    std::uint64_t offset = 0;
    if (operand.size() == 3 && operand[1] == "+")
        offset = parse_number(operand[2], statement);
    else if (operand.size() != 1)
        refuse("operand not understood", statement);
    if (is_number(name))
        return constant(parse_number(name, statement));
    if (name == "WARP_SZ")
        return constant(32);
    if (name == "_")
        return new_slots(1);
    const auto special = specials.find(name);
    if (special != specials.end())
        return static_cast<std::uint16_t>(special->second);
    const Symbol *symbol = find(name);
    if (symbol == nullptr)
        refuse("unknown name " + name, statement);
    return symbol->kind == Symbol::REGISTER ? static_cast<std::uint16_t>(symbol->value)
                                            : constant(symbol->value + offset);
}

} // namespace ptx
