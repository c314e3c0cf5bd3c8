// Loads and stores of all state spaces.
//
// A space turns an address into a pointer, or nullptr where it cannot; then
// `otherwise` says how to go on. Global addresses are host addresses; shared and
// local ones count from the start of the block's or the thread's own memory.
#include "ptx_handlers.h"

namespace ptx {
namespace {

struct Global {
    static std::uint8_t *find(const Instruction *i, Slot *, Machine &m, std::uint64_t address, std::size_t bytes) {
        return m.sites[i->c].holds(address, bytes) ? reinterpret_cast<std::uint8_t *>(address) : nullptr;
    }
    // Once more, if the access is allowed after all.
    static const Instruction *otherwise(const Instruction *i, Machine &m, std::uint64_t address, std::size_t bytes) {
        return m.finds(i->c, address, bytes) ? i : m.fail(i, "illegal address", address);
    }
};
struct Shared {
    static std::uint8_t *find(const Instruction *, Slot *, Machine &m, std::uint64_t address, std::size_t bytes) {
        return is_inside(address, bytes, m.shared_bytes) ? m.shared + address : nullptr;
    }
    static const Instruction *otherwise(const Instruction *i, Machine &m, std::uint64_t address, std::size_t) {
        return m.fail(i, "illegal shared address", address);
    }
};
struct Local {
    static std::uint8_t *find(const Instruction *, Slot *r, Machine &m, std::uint64_t address, std::size_t bytes) {
        const bool is_in = is_inside(address, bytes, m.kernel->local_bytes);
        return is_in ? reinterpret_cast<std::uint8_t *>(r + m.kernel->frame.size()) + address : nullptr;
    }
    static const Instruction *otherwise(const Instruction *i, Machine &m, std::uint64_t address, std::size_t) {
        return m.fail(i, "illegal local address", address);
    }
};
// The kernel's parameters, at an address computed from that of one of them.
struct Parameter {
    static std::uint8_t *find(const Instruction *, Slot *r, Machine &m, std::uint64_t address, std::size_t bytes) {
        const bool is_in =
            address >= SPECIALS * sizeof(Slot) && is_inside(address, bytes, m.kernel->parameters_end * sizeof(Slot));
        return is_in ? reinterpret_cast<std::uint8_t *>(r) + address : nullptr;
    }
    static const Instruction *otherwise(const Instruction *i, Machine &m, std::uint64_t address, std::size_t) {
        return m.fail(i, "illegal parameter address", address);
    }
};
// One of the first three, told apart by the window of the address.
struct Generic {
    static std::uint8_t *find(const Instruction *i, Slot *r, Machine &m, std::uint64_t address, std::size_t bytes) {
        if (address & LOCAL_WINDOW)
            return Local::find(i, r, m, address - LOCAL_WINDOW, bytes);
        if (address & SHARED_WINDOW)
            return Shared::find(i, r, m, address - SHARED_WINDOW, bytes);
        return Global::find(i, r, m, address, bytes);
    }
    static const Instruction *otherwise(const Instruction *i, Machine &m, std::uint64_t address, std::size_t bytes) {
        if (address & (LOCAL_WINDOW | SHARED_WINDOW))
            return m.fail(i, "illegal generic address", address);
        return Global::otherwise(i, m, address, bytes);
    }
};

// COUNT values of type T; an address of type A.
template <class Space, class A, class T, int COUNT> const Instruction *load(const Instruction *i, Slot *r, Machine &m) {
    constexpr std::size_t BYTES = COUNT * sizeof(T);
    const std::uint64_t address = get<A>(r[i->a]) + static_cast<std::int64_t>(i->imm);
    if (address % BYTES != 0)
        return m.fail(i, "misaligned address", address);
    const std::uint8_t *from = Space::find(i, r, m, address, BYTES);
    if (from == nullptr)
        return Space::otherwise(i, m, address, BYTES);
    T values[COUNT];
    std::memcpy(values, from, BYTES);
    if constexpr (COUNT == 1)
        put_extended(r[i->d], values[0]);
    else
        for (int k = 0; k < COUNT; ++k)
            put_extended(r[m.operands[i->list + k]], values[k]);
    return run(i + 1, r, m);
}

template <class Space, class A, class T, int COUNT>
const Instruction *store(const Instruction *i, Slot *r, Machine &m) {
    constexpr std::size_t BYTES = COUNT * sizeof(T);
    const std::uint64_t address = get<A>(r[i->a]) + static_cast<std::int64_t>(i->imm);
    if (address % BYTES != 0)
        return m.fail(i, "misaligned address", address);
    std::uint8_t *to = Space::find(i, r, m, address, BYTES);
    if (to == nullptr)
        return Space::otherwise(i, m, address, BYTES);
    T values[COUNT];
    if constexpr (COUNT == 1)
        values[0] = get<T>(r[i->b]);
    else
        for (int k = 0; k < COUNT; ++k)
            values[k] = get<T>(r[m.operands[i->list + k]]);
    std::memcpy(to, values, BYTES);
    return run(i + 1, r, m);
}

// Parameters at a place that the linker knows: byte `imm` of the frame.
template <class T, int COUNT> const Instruction *load_frame(const Instruction *i, Slot *r, Machine &m) {
    T values[COUNT];
    std::memcpy(values, reinterpret_cast<const std::uint8_t *>(r) + i->imm, sizeof values);
    if constexpr (COUNT == 1)
        put_extended(r[i->d], values[0]);
    else
        for (int k = 0; k < COUNT; ++k)
            put_extended(r[m.operands[i->list + k]], values[k]);
    return run(i + 1, r, m);
}

template <class T, int COUNT> const Instruction *store_frame(const Instruction *i, Slot *r, Machine &m) {
    T values[COUNT];
    if constexpr (COUNT == 1)
        values[0] = get<T>(r[i->b]);
    else
        for (int k = 0; k < COUNT; ++k)
            values[k] = get<T>(r[m.operands[i->list + k]]);
    std::memcpy(reinterpret_cast<std::uint8_t *>(r) + i->imm, values, sizeof values);
    return run(i + 1, r, m);
}

const char *vector_of(int count) { return count == 1 ? "" : count == 2 ? ".v2" : ".v4"; }
const char *loads(int count) { return count == 1 ? "dm" : count == 2 ? "2m" : "4m"; }
const char *stores(int count) { return count == 1 ? "mb" : count == 2 ? "m2" : "m4"; }

template <class Space, class T, int COUNT>
void add_access(Opcodes &table, const std::string &space, const std::string &type) {
    const std::string name = space + vector_of(COUNT) + type;
    // The linker adds .short where the address is a 32-bit register.
    table["ld" + name] = {load<Space, std::uint64_t, T, COUNT>, loads(COUNT), true};
    table["ld" + name + ".short"] = {load<Space, std::uint32_t, T, COUNT>, loads(COUNT), true};
    table["st" + name] = {store<Space, std::uint64_t, T, COUNT>, stores(COUNT), true};
    table["st" + name + ".short"] = {store<Space, std::uint32_t, T, COUNT>, stores(COUNT), true};
}

template <class T, int COUNT> void add_type(Opcodes &table, const std::string &type) {
    add_access<Global, T, COUNT>(table, ".global", type);
    add_access<Global, T, COUNT>(table, ".const", type);
    add_access<Shared, T, COUNT>(table, ".shared", type);
    add_access<Local, T, COUNT>(table, ".local", type);
    add_access<Generic, T, COUNT>(table, "", type);
    const std::string name = vector_of(COUNT) + type;
    table["ld.param" + name] = {load<Parameter, std::uint64_t, T, COUNT>, loads(COUNT)};
    table["ld.frame" + name] = {load_frame<T, COUNT>, loads(COUNT)};
    table["st.frame" + name] = {store_frame<T, COUNT>, stores(COUNT)};
}

template <class T> void add_types(Opcodes &table, std::initializer_list<const char *> types) {
    for (const char *type : types) {
        add_type<T, 1>(table, type);
        add_type<T, 2>(table, type);
        if constexpr (sizeof(T) < 8)
            add_type<T, 4>(table, type);
    }
}

} // namespace

void add_memory(Opcodes &table) {
    add_types<std::uint8_t>(table, {".u8", ".b8"});
    add_types<std::int8_t>(table, {".s8"});
    add_types<std::uint16_t>(table, {".u16", ".b16"});
    add_types<std::int16_t>(table, {".s16"});
    add_types<std::uint32_t>(table, {".u32", ".b32", ".f32"});
    add_types<std::int32_t>(table, {".s32"});
    add_types<std::uint64_t>(table, {".u64", ".b64", ".s64", ".f64"});
}

} // namespace ptx
