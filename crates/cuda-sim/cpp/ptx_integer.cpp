// Integer, bit, comparison and selection instructions.
//
// Arithmetic is done on unsigned types, where overflow wraps as on a GPU.
#include "ptx_handlers.h"

#include <algorithm>
#include <limits>

namespace ptx {
namespace {

template <class T> constexpr unsigned BITS = 8 * sizeof(T);

template <class T> struct WideOf;
template <> struct WideOf<std::uint16_t> {
    using Type = std::uint32_t;
};
template <> struct WideOf<std::int16_t> {
    using Type = std::int32_t;
};
template <> struct WideOf<std::uint32_t> {
    using Type = std::uint64_t;
};
template <> struct WideOf<std::int32_t> {
    using Type = std::int64_t;
};
template <> struct WideOf<std::uint64_t> {
    using Type = unsigned __int128;
};
template <> struct WideOf<std::int64_t> {
    using Type = __int128;
};
template <class T> using Wide = typename WideOf<T>::Type;

struct Add {
    template <class T> T operator()(T a, T b) const { return static_cast<T>(a + b); }
};
struct Subtract {
    template <class T> T operator()(T a, T b) const { return static_cast<T>(a - b); }
};
struct MultiplyLow {
    template <class T> T operator()(T a, T b) const { return static_cast<T>(Slot(a) * Slot(b)); }
};
struct MultiplyWide {
    template <class T> Wide<T> operator()(T a, T b) const { return Wide<T>(a) * Wide<T>(b); }
};
struct MultiplyHigh {
    template <class T> T operator()(T a, T b) const { return static_cast<T>((Wide<T>(a) * Wide<T>(b)) >> BITS<T>); }
};
struct MultiplyAddLow {
    template <class T> T operator()(T a, T b, T c) const { return static_cast<T>(Slot(a) * Slot(b) + Slot(c)); }
};
struct MultiplyAddHigh {
    template <class T> T operator()(T a, T b, T c) const {
        return static_cast<T>(Slot(MultiplyHigh()(a, b)) + Slot(c));
    }
};
// A GPU gives all ones where the divisor is zero, and wraps the one quotient
// that does not fit.
struct Divide {
    template <class T> T operator()(T a, T b) const {
        if (b == 0)
            return static_cast<T>(-1);
        if (std::is_signed_v<T> && b == static_cast<T>(-1))
            return static_cast<T>(0 - Slot(a));
        return static_cast<T>(a / b);
    }
};
struct Remainder {
    template <class T> T operator()(T a, T b) const {
        if (b == 0)
            return a;
        return std::is_signed_v<T> && b == static_cast<T>(-1) ? T(0) : static_cast<T>(a % b);
    }
};
struct Least {
    template <class T> T operator()(T a, T b) const { return std::min(a, b); }
};
struct Greatest {
    template <class T> T operator()(T a, T b) const { return std::max(a, b); }
};
struct Negate {
    template <class T> T operator()(T a) const { return static_cast<T>(0 - Slot(a)); }
};
struct Magnitude {
    template <class T> T operator()(T a) const { return a < 0 ? static_cast<T>(0 - Slot(a)) : a; }
};

struct And {
    template <class T> T operator()(T a, T b) const { return static_cast<T>(a & b); }
};
struct Or {
    template <class T> T operator()(T a, T b) const { return static_cast<T>(a | b); }
};
struct Xor {
    template <class T> T operator()(T a, T b) const { return static_cast<T>(a ^ b); }
};
struct Invert {
    template <class T> T operator()(T a) const { return static_cast<T>(~a); }
};
struct CountOnes {
    template <class T> std::uint32_t operator()(T a) const {
        return static_cast<std::uint32_t>(__builtin_popcountll(a));
    }
};
struct CountLeadingZeros {
    template <class T> std::uint32_t operator()(T a) const {
        return a == 0 ? BITS<T> : static_cast<std::uint32_t>(__builtin_clzll(a)) - (64 - BITS<T>);
    }
};
struct Reverse {
    template <class T> T operator()(T a) const {
        T reversed = 0;
        for (unsigned bit = 0; bit < BITS<T>; ++bit)
            reversed = static_cast<T>(reversed | ((a >> bit & 1) << (BITS<T> - 1 - bit)));
        return reversed;
    }
};
// The position of the highest bit that differs from the sign; all ones: none.
template <bool SHIFT_AMOUNT> struct FindHighest {
    template <class T> std::uint32_t operator()(T a) const {
        using Bits = std::make_unsigned_t<T>;
        const Bits bits = static_cast<Bits>(a < 0 ? ~a : a);
        if (bits == 0)
            return ~0u;
        const std::uint32_t zeros = CountLeadingZeros()(bits);
        return SHIFT_AMOUNT ? zeros : BITS<T> - 1 - zeros;
    }
};

// Shift amounts are 32 bits wide and clamped to the width of the value.
template <class T> const Instruction *shift_left(const Instruction *i, Slot *r, Machine &m) {
    const std::uint32_t amount = get<std::uint32_t>(r[i->b]);
    put<T>(r[i->d], amount < BITS<T> ? static_cast<T>(Slot(get<T>(r[i->a])) << amount) : T(0));
    return run(i + 1, r, m);
}
template <class T> const Instruction *shift_right(const Instruction *i, Slot *r, Machine &m) {
    const std::uint32_t amount = std::min(get<std::uint32_t>(r[i->b]), BITS<T> - 1);
    const T value = get<T>(r[i->a]);
    const bool is_out = std::is_unsigned_v<T> && get<std::uint32_t>(r[i->b]) >= BITS<T>;
    put<T>(r[i->d], is_out ? T(0) : static_cast<T>(value >> amount));
    return run(i + 1, r, m);
}

// 32 bits out of b:a, shifted left or right by c.
template <bool IS_LEFT, bool WRAPS> struct FunnelShift {
    std::uint32_t operator()(std::uint32_t a, std::uint32_t b, std::uint32_t c) const {
        const std::uint32_t amount = WRAPS ? c & 31 : std::min(c, 32u);
        const std::uint64_t both = std::uint64_t(b) << 32 | a;
        return static_cast<std::uint32_t>(IS_LEFT ? both << amount >> 32 : both >> amount);
    }
};

// c bits of a from position b on; beyond a's end come its sign bits.
template <class T> const Instruction *extract_field(const Instruction *i, Slot *r, Machine &m) {
    const std::uint32_t position = get<std::uint32_t>(r[i->b]) & 255;
    const std::uint32_t length = get<std::uint32_t>(r[i->c]) & 255;
    const T value = get<T>(r[i->a]);
    const T fill = value < 0 ? static_cast<T>(-1) : T(0);
    T field = position < BITS<T> ? static_cast<T>(value >> position) : fill;
    if (length == 0) {
        field = 0;
    } else if (length < BITS<T>) {
        // The field's own top bit is the sign, or a's where the field reaches beyond it.
        const std::uint32_t top = std::min(position + length - 1, BITS<T> - 1);
        const T sign = std::is_signed_v<T> && (value >> top & 1) ? static_cast<T>(-1) : T(0);
        const Slot mask = (Slot(1) << length) - 1;
        field = static_cast<T>((Slot(field) & mask) | (Slot(sign) & ~mask));
    }
    put<T>(r[i->d], field);
    return run(i + 1, r, m);
}

// Puts the low `length` bits of a into b from `position` on.
template <class T> const Instruction *insert_field(const Instruction *i, Slot *r, Machine &m) {
    const T a = get<T>(r[i->a]), b = get<T>(r[i->b]);
    const std::uint32_t position = get<std::uint32_t>(r[i->c]) & 255;
    const std::uint32_t length = get<std::uint32_t>(r[m.operands[i->list]]) & 255;
    const T ones = length >= BITS<T> ? static_cast<T>(~T(0)) : static_cast<T>((T(1) << length) - 1);
    if (position >= BITS<T>)
        put<T>(r[i->d], b);
    else
        put<T>(r[i->d], static_cast<T>((b & ~(ones << position)) | ((a & ones) << position)));
    return run(i + 1, r, m);
}

// Any function of three bits, given as its table of eight.
const Instruction *lookup3(const Instruction *i, Slot *r, Machine &m) {
    const std::uint32_t a = get<std::uint32_t>(r[i->a]), b = get<std::uint32_t>(r[i->b]),
                        c = get<std::uint32_t>(r[i->c]);
    std::uint32_t result = 0;
    for (int row = 0; row < 8; ++row)
        if (i->imm >> row & 1)
            result |= (row & 4 ? a : ~a) & (row & 2 ? b : ~b) & (row & 1 ? c : ~c);
    put(r[i->d], result);
    return run(i + 1, r, m);
}

// Bytes of b:a picked by the four nibbles of c; a nibble's top bit replicates the byte's sign.
struct Permute {
    std::uint32_t operator()(std::uint32_t a, std::uint32_t b, std::uint32_t c) const {
        const std::uint64_t both = std::uint64_t(b) << 32 | a;
        std::uint32_t result = 0;
        for (int k = 0; k < 4; ++k) {
            const std::uint32_t pick = c >> (4 * k) & 15;
            std::uint32_t byte = static_cast<std::uint32_t>(both >> (8 * (pick & 7))) & 255;
            if (pick & 8)
                byte = byte & 128 ? 255 : 0;
            result |= byte << (8 * k);
        }
        return result;
    }
};

template <class T> const Instruction *select(const Instruction *i, Slot *r, Machine &m) {
    put<T>(r[i->d], get<T>(r[r[i->c] ? i->a : i->b]));
    return run(i + 1, r, m);
}

struct Equal {
    template <class T> Slot operator()(T a, T b) const { return a == b; }
};
struct Unequal {
    template <class T> Slot operator()(T a, T b) const { return a != b; }
};
struct Less {
    template <class T> Slot operator()(T a, T b) const { return a < b; }
};
struct LessOrEqual {
    template <class T> Slot operator()(T a, T b) const { return a <= b; }
};
struct Greater {
    template <class T> Slot operator()(T a, T b) const { return a > b; }
};
struct GreaterOrEqual {
    template <class T> Slot operator()(T a, T b) const { return a >= b; }
};

// Arithmetic in several words: takes a carry (or borrow) in or leaves one behind.
template <class T, bool TAKES, bool LEAVES, class Product>
const Instruction *multiply_add_carry(const Instruction *i, Slot *r, Machine &m) {
    const T first = Product()(get<T>(r[i->a]), get<T>(r[i->b])), second = get<T>(r[i->c]);
    const unsigned __int128 sum = static_cast<unsigned __int128>(first) + second + (TAKES && m.carry);
    if (LEAVES)
        m.carry = sum >> BITS<T> != 0;
    put<T>(r[i->d], static_cast<T>(sum));
    return run(i + 1, r, m);
}
template <class T, bool TAKES, bool LEAVES, bool IS_SUM>
const Instruction *carry(const Instruction *i, Slot *r, Machine &m) {
    const unsigned __int128 first = get<T>(r[i->a]), second = get<T>(r[i->b]), in = TAKES && m.carry;
    const unsigned __int128 result = IS_SUM ? first + second + in : first - second - in;
    if (LEAVES)
        m.carry = result >> BITS<T> != 0;
    put<T>(r[i->d], static_cast<T>(result));
    return run(i + 1, r, m);
}

template <class T, bool TAKES, bool LEAVES>
void add_carries(Opcodes &table, const std::string &c, const std::string &cc) {
    const std::string type = suffix<T>("u");
    table["add" + c + cc + type] = {carry<T, TAKES, LEAVES, true>, "dab"};
    table["sub" + c + cc + type] = {carry<T, TAKES, LEAVES, false>, "dab"};
    table["mad" + c + ".lo" + cc + type] = {multiply_add_carry<T, TAKES, LEAVES, MultiplyLow>, "dabc"};
    table["mad" + c + ".hi" + cc + type] = {multiply_add_carry<T, TAKES, LEAVES, MultiplyHigh>, "dabc"};
}

// What does not depend on the sign: under .u, .s and .b alike.
template <class T> void add_any(Opcodes &table) {
    for (const char *kind : {"u", "s", "b"}) {
        const std::string type = suffix<T>(kind);
        table["add" + type] = {binary<T, T, Add>, "dab"};
        table["sub" + type] = {binary<T, T, Subtract>, "dab"};
        table["mul.lo" + type] = {binary<T, T, MultiplyLow>, "dab"};
        table["mad.lo" + type] = {ternary<T, T, MultiplyAddLow>, "dabc"};
        table["and" + type] = {binary<T, T, And>, "dab"};
        table["or" + type] = {binary<T, T, Or>, "dab"};
        table["xor" + type] = {binary<T, T, Xor>, "dab"};
        table["not" + type] = {unary<T, T, Invert>, "da"};
        table["shl" + type] = {shift_left<T>, "dab"};
        table["selp" + type] = {select<T>, "dabc"};
        table["setp.eq" + type] = {binary<Slot, T, Equal>, "dab"};
        table["setp.ne" + type] = {binary<Slot, T, Unequal>, "dab"};
    }
    table["selp" + suffix<T>("f")] = {select<T>, "dabc"};
    table["shr" + suffix<T>("b")] = {shift_right<T>, "dab"};
    const std::string bits = suffix<T>("b");
    table["popc" + bits] = {unary<std::uint32_t, T, CountOnes>, "da"};
    table["clz" + bits] = {unary<std::uint32_t, T, CountLeadingZeros>, "da"};
    table["brev" + bits] = {unary<T, T, Reverse>, "da"};
    table["bfi" + bits] = {insert_field<T>, "dabcl"};
}

// What does: T is signed or unsigned, `kind` says which.
template <class T> void add_signed(Opcodes &table, const char *kind) {
    const std::string type = suffix<T>(kind);
    table["mul.hi" + type] = {binary<T, T, MultiplyHigh>, "dab"};
    table["mad.hi" + type] = {ternary<T, T, MultiplyAddHigh>, "dabc"};
    table["div" + type] = {binary<T, T, Divide>, "dab"};
    table["rem" + type] = {binary<T, T, Remainder>, "dab"};
    table["min" + type] = {binary<T, T, Least>, "dab"};
    table["max" + type] = {binary<T, T, Greatest>, "dab"};
    table["shr" + type] = {shift_right<T>, "dab"};
    table["bfe" + type] = {extract_field<T>, "dabc"};
    table["bfind" + type] = {unary<std::uint32_t, T, FindHighest<false>>, "da"};
    table["bfind.shiftamt" + type] = {unary<std::uint32_t, T, FindHighest<true>>, "da"};
    table["setp.lt" + type] = {binary<Slot, T, Less>, "dab"};
    table["setp.le" + type] = {binary<Slot, T, LessOrEqual>, "dab"};
    table["setp.gt" + type] = {binary<Slot, T, Greater>, "dab"};
    table["setp.ge" + type] = {binary<Slot, T, GreaterOrEqual>, "dab"};
    if constexpr (std::is_signed_v<T>) {
        table["neg" + type] = {unary<T, T, Negate>, "da"};
        table["abs" + type] = {unary<T, T, Magnitude>, "da"};
    } else {
        // The unsigned comparisons have a second name.
        table["setp.lo" + type] = table["setp.lt" + type];
        table["setp.ls" + type] = table["setp.le" + type];
        table["setp.hi" + type] = table["setp.gt" + type];
        table["setp.hs" + type] = table["setp.ge" + type];
    }
}

// The whole product of two numbers, and its sum with a third of that width.
template <class T> const Instruction *multiply_add_wide(const Instruction *i, Slot *r, Machine &m) {
    using Bits = std::make_unsigned_t<Wide<T>>;
    const Bits product = static_cast<Bits>(MultiplyWide()(get<T>(r[i->a]), get<T>(r[i->b])));
    put<Bits>(r[i->d], static_cast<Bits>(product + get<Bits>(r[i->c])));
    return run(i + 1, r, m);
}

template <class T> void add_wide(Opcodes &table, const char *kind) {
    table["mul.wide" + suffix<T>(kind)] = {binary<Wide<T>, T, MultiplyWide>, "dab"};
    table["mad.wide" + suffix<T>(kind)] = {multiply_add_wide<T>, "dabc"};
}

} // namespace

void add_integer(Opcodes &table) {
    add_any<std::uint16_t>(table);
    add_any<std::uint32_t>(table);
    add_any<std::uint64_t>(table);
    add_signed<std::uint16_t>(table, "u");
    add_signed<std::uint32_t>(table, "u");
    add_signed<std::uint64_t>(table, "u");
    add_signed<std::int16_t>(table, "s");
    add_signed<std::int32_t>(table, "s");
    add_signed<std::int64_t>(table, "s");
    add_wide<std::uint16_t>(table, "u");
    add_wide<std::uint32_t>(table, "u");
    add_wide<std::int16_t>(table, "s");
    add_wide<std::int32_t>(table, "s");

    add_carries<std::uint32_t, false, true>(table, "", ".cc");
    add_carries<std::uint32_t, true, true>(table, "c", ".cc");
    add_carries<std::uint32_t, true, false>(table, "c", "");
    add_carries<std::uint64_t, false, true>(table, "", ".cc");
    add_carries<std::uint64_t, true, true>(table, "c", ".cc");
    add_carries<std::uint64_t, true, false>(table, "c", "");

    table["shf.l.wrap.b32"] = {ternary<std::uint32_t, std::uint32_t, FunnelShift<true, true>>, "dabc"};
    table["shf.l.clamp.b32"] = {ternary<std::uint32_t, std::uint32_t, FunnelShift<true, false>>, "dabc"};
    table["shf.r.wrap.b32"] = {ternary<std::uint32_t, std::uint32_t, FunnelShift<false, true>>, "dabc"};
    table["shf.r.clamp.b32"] = {ternary<std::uint32_t, std::uint32_t, FunnelShift<false, false>>, "dabc"};
    table["lop3.b32"] = {lookup3, "dabci"};
    table["prmt.b32"] = {ternary<std::uint32_t, std::uint32_t, Permute>, "dabc"};

    table["and.pred"] = {binary<Slot, Slot, Both>, "dab"};
    table["or.pred"] = {binary<Slot, Slot, Either>, "dab"};
    table["xor.pred"] = {binary<Slot, Slot, OneOf>, "dab"};
    table["not.pred"] = {unary<Slot, Slot, Not>, "da"};
}

} // namespace ptx
