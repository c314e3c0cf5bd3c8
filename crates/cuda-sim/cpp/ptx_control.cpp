// Branches, calls, barriers and what a warp does together.
#include "ptx_handlers.h"

namespace ptx {
namespace {

const Instruction *branch(const Instruction *i, Slot *r, Machine &m) { return run(i + i->imm, r, m); }
const Instruction *branch_if(const Instruction *i, Slot *r, Machine &m) {
    return run(r[i->a] ? i + i->imm : i + 1, r, m);
}
const Instruction *branch_unless(const Instruction *i, Slot *r, Machine &m) {
    return run(r[i->a] ? i + 1 : i + i->imm, r, m);
}

// To the target numbered by a register; the list holds their number and their
// distances.
const Instruction *branch_indexed(const Instruction *i, Slot *r, Machine &m) {
    const std::uint32_t index = get<std::uint32_t>(r[i->a]);
    if (index >= static_cast<std::uint32_t>(m.operands[i->list]))
        return m.fail(i, "no such branch target", index);
    return i + m.operands[i->list + 1 + index];
}

// The callee's slot `d` keeps where it returns to.
const Instruction *call(const Instruction *i, Slot *r, Machine &) {
    r[i->d] = reinterpret_cast<Slot>(i + 1);
    return i + i->imm;
}
const Instruction *return_to(const Instruction *i, Slot *r, Machine &) {
    return reinterpret_cast<const Instruction *>(r[i->a]);
}

const Instruction *leave(const Instruction *i, Slot *, Machine &m) { return m.halt(i, State::EXITED); }
const Instruction *trap(const Instruction *i, Slot *, Machine &m) { return m.fail(i, "trap", 0); }
const Instruction *wait_for_block(const Instruction *i, Slot *, Machine &m) { return m.halt(i, State::AT_BARRIER); }

const Instruction *wait_for_warp(const Instruction *i, Slot *, Machine &m) { return m.halt(i, State::AT_COLLECTIVE); }

// The list: destination, predicate (or -1), value, lane or distance, clamp and
// segment mask, members.
void run_shuffle(Collective kind, Slot *const (&frames)[32], const std::int32_t *list) {
    std::uint32_t results[32];
    bool valid[32];
    for (std::uint32_t lane = 0; lane < 32; ++lane) {
        const Slot *frame = frames[lane];
        if (frame == nullptr)
            continue;
        const std::uint32_t distance = get<std::uint32_t>(frame[list[3]]) & 31;
        const std::uint32_t control = get<std::uint32_t>(frame[list[4]]);
        const std::uint32_t clamp = control & 31, segment = control >> 8 & 31;
        const std::uint32_t last = (lane & segment) | (clamp & ~segment);
        std::uint32_t from = 0;
        switch (kind) {
        case Collective::SHUFFLE_UP:
            from = lane - distance;
            valid[lane] = static_cast<std::int32_t>(from) >= static_cast<std::int32_t>(last);
            break;
        case Collective::SHUFFLE_DOWN:
            from = lane + distance;
            valid[lane] = from <= last;
            break;
        case Collective::SHUFFLE_XOR:
            from = lane ^ distance;
            valid[lane] = from <= last;
            break;
        default:
            from = (lane & segment) | (distance & ~segment);
            valid[lane] = from <= last;
            break;
        }
        if (!valid[lane])
            from = lane;
        // What a lane that takes no part would give is undefined.
        results[lane] = frames[from] != nullptr ? get<std::uint32_t>(frames[from][list[2]]) : ~0u;
    }
    for (int lane = 0; lane < 32; ++lane) {
        if (frames[lane] == nullptr)
            continue;
        put(frames[lane][list[0]], results[lane]);
        if (list[1] >= 0)
            frames[lane][list[1]] = valid[lane];
    }
}

// D (16x8) = A (16x8) B (8x8) + C; the list holds four slots of D, four of A,
// two of B and four of C. Lane l has rows l / 4 and l / 4 + 8 of A, C and D and
// column l / 4 of B.
//
// The low 13 bits of a tf32 are not read. The products are exact in double and
// summed there over k ascending; the accumulator is added and the result is
// rounded once. A GPU differs in the last bits.
void run_multiply_matrices(Slot *const (&frames)[32], const std::int32_t *list) {
    double a[16][8], b[8][8];
    const auto tensor_float = [](Slot slot) {
        const std::uint32_t bits = static_cast<std::uint32_t>(slot) & 0xffffe000;
        return static_cast<double>(get<float>(bits));
    };
    for (int lane = 0; lane < 32; ++lane) {
        const Slot *frame = frames[lane];
        const int row = lane / 4, column = lane % 4;
        a[row][column] = tensor_float(frame[list[4]]);
        a[row + 8][column] = tensor_float(frame[list[5]]);
        a[row][column + 4] = tensor_float(frame[list[6]]);
        a[row + 8][column + 4] = tensor_float(frame[list[7]]);
        b[column][row] = tensor_float(frame[list[8]]);
        b[column + 4][row] = tensor_float(frame[list[9]]);
    }
    for (int lane = 0; lane < 32; ++lane) {
        Slot *frame = frames[lane];
        float results[4];
        for (int part = 0; part < 4; ++part) {
            const int row = lane / 4 + part / 2 * 8, column = lane % 4 * 2 + part % 2;
            double sum = 0;
            for (int k = 0; k < 8; ++k)
                sum += a[row][k] * b[k][column];
            results[part] = static_cast<float>(static_cast<double>(get<float>(frame[list[10 + part]])) + sum);
        }
        for (int part = 0; part < 4; ++part)
            put(frame[list[part]], results[part]);
    }
}

Opcode collective(const char *operands, Collective kind) {
    return {wait_for_warp, operands, false, static_cast<std::int32_t>(kind)};
}

} // namespace

std::uint32_t members_of(const Instruction &instruction, const Slot *frame, const std::int32_t *operands) {
    switch (static_cast<Collective>(instruction.imm)) {
    case Collective::SYNC:
        return get<std::uint32_t>(frame[instruction.a]);
    case Collective::MULTIPLY:
        return ~0u;
    default:
        return get<std::uint32_t>(frame[operands[instruction.list + 5]]);
    }
}

void run_collective(const Instruction &instruction, Slot *const (&frames)[32], const std::int32_t *operands) {
    const Collective kind = static_cast<Collective>(instruction.imm);
    if (kind == Collective::MULTIPLY)
        run_multiply_matrices(frames, operands + instruction.list);
    else if (kind != Collective::SYNC)
        run_shuffle(kind, frames, operands + instruction.list);
}

void add_control(Opcodes &table) {
    table["bra"] = {branch, ""};
    table["bra.if"] = {branch_if, "a"};
    table["bra.unless"] = {branch_unless, "a"};
    table["brx.idx"] = {branch_indexed, "a"};
    table["call"] = {call, ""};
    table["return"] = {return_to, ""};
    table["exit"] = {leave, ""};
    table["trap"] = {trap, ""};
    table["bar.sync"] = {wait_for_block, "z"};
    table["barrier.sync"] = {wait_for_block, "z"};
    table["bar.warp.sync"] = collective("a", Collective::SYNC);
    // p stands for `d|p`.
    table["shfl.sync.down.b32"] = collective("pllll", Collective::SHUFFLE_DOWN);
    table["shfl.sync.up.b32"] = collective("pllll", Collective::SHUFFLE_UP);
    table["shfl.sync.bfly.b32"] = collective("pllll", Collective::SHUFFLE_XOR);
    table["shfl.sync.idx.b32"] = collective("pllll", Collective::SHUFFLE_INDEX);
    table["mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"] = collective("4424", Collective::MULTIPLY);
}

} // namespace ptx
