// Conversions between types, and moves.
#include "ptx_handlers.h"

#include <limits>

namespace ptx {
namespace {

// Rounds to an integer of the same type.
struct ToNearest {
    template <class T> T operator()(T value) const { return std::nearbyint(value); }
};
struct TowardZero {
    template <class T> T operator()(T value) const { return std::trunc(value); }
};
struct Downward {
    template <class T> T operator()(T value) const { return std::floor(value); }
};
struct Upward {
    template <class T> T operator()(T value) const { return std::ceil(value); }
};
struct Unrounded {
    template <class T> T operator()(T value) const { return value; }
};

// Values beyond To's range become its nearest end. A NaN becomes 0, but from or
// to 64 bits the pattern of the top bit alone.
template <class To, class From> To clamped(From value) {
    using Limits = std::numeric_limits<To>;
    if constexpr (std::is_floating_point_v<From>) {
        if (std::isnan(value))
            return sizeof(From) < 8 && sizeof(To) < 8 ? To(0) : static_cast<To>(Slot(1) << (8 * sizeof(To) - 1));
        if (value < static_cast<From>(Limits::min()))
            return Limits::min();
        if (value >= std::ldexp(From(1), Limits::digits))
            return Limits::max();
    } else {
        if (static_cast<__int128>(value) < static_cast<__int128>(Limits::min()))
            return Limits::min();
        if (static_cast<__int128>(value) > static_cast<__int128>(Limits::max()))
            return Limits::max();
    }
    return static_cast<To>(value);
}

template <class From, class To, bool SATURATES>
const Instruction *integer_to_integer(const Instruction *i, Slot *r, Machine &m) {
    const From value = get<From>(r[i->a]);
    put_extended(r[i->d], SATURATES ? clamped<To>(value) : static_cast<To>(value));
    return run(i + 1, r, m);
}

template <class From, class To, class Rounding>
const Instruction *float_to_integer(const Instruction *i, Slot *r, Machine &m) {
    put_extended(r[i->d], clamped<To>(Rounding()(get<From>(r[i->a]))));
    return run(i + 1, r, m);
}

template <class To> struct Cast {
    template <class From> To operator()(From value) const { return static_cast<To>(value); }
};

// The conversion in a direction of rounding (see Rounded for the volatile copies).
template <int MODE, class To> struct RoundedCast {
    template <class From> To operator()(From value) const {
        const int before = std::fegetround();
        std::fesetround(MODE);
        volatile From moved = value;
        volatile To result = static_cast<To>(moved);
        std::fesetround(before);
        return result;
    }
};

template <class Function> struct FlushedResult {
    template <class T> float operator()(T value) const { return flush(Function()(value)); }
};
template <class Function> struct SaturatedResult {
    template <class T> T operator()(T value) const {
        const T result = Function()(value);
        return result > 0 ? std::fmin(result, T(1)) : T(0);
    }
};

float from_half(std::uint16_t bits) {
    const int exponent = bits >> 10 & 31;
    const int fraction = bits & 1023;
    float magnitude;
    if (exponent == 31)
        magnitude = fraction ? NAN : INFINITY;
    else
        magnitude =
            exponent == 0 ? std::ldexp(float(fraction), -24) : std::ldexp(float(1024 + fraction), exponent - 25);
    return bits & 0x8000 ? -magnitude : magnitude;
}

struct FromHalf {
    float operator()(std::uint16_t bits) const { return from_half(bits); }
};

// To the nearest half, ties to even: the fraction is rounded as an integer of
// units of the half's last place.
struct ToHalf {
    std::uint16_t operator()(float value) const {
        const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
        const float magnitude = std::fabs(value);
        if (std::isnan(value))
            return 0x7fff;
        if (magnitude >= 65520) // halfway beyond the greatest half
            return sign | 0x7c00;
        const int exponent = magnitude < std::ldexp(1.0f, -14) ? -14 : std::ilogb(magnitude);
        const int units = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
        return static_cast<std::uint16_t>(sign | ((exponent + 14) * 1024 + units));
    }
};

struct FromBfloat {
    float operator()(std::uint16_t bits) const {
        const std::uint32_t wide = std::uint32_t(bits) << 16;
        float value;
        std::memcpy(&value, &wide, sizeof value);
        return value;
    }
};
struct ToBfloat {
    std::uint16_t operator()(float value) const {
        if (std::isnan(value))
            return 0x7fff;
        std::uint32_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
};

// tf32 keeps 10 bits of fraction; halves go away from zero.
struct ToTensorFloat {
    std::uint32_t operator()(float value) const {
        std::uint32_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        return std::isnan(value) ? 0x7fffffff : (bits + 0x1000) & 0xffffe000;
    }
};

template <class T> std::string name_of() {
    if (std::is_floating_point_v<T>)
        return suffix<T>("f");
    return suffix<T>(std::is_signed_v<T> ? "s" : "u");
}

template <class From, class To> void add_integer_pair(Opcodes &table) {
    const std::string types = name_of<To>() + name_of<From>();
    table["cvt" + types] = {integer_to_integer<From, To, false>, "da"};
    table["cvt.sat" + types] = {integer_to_integer<From, To, true>, "da"};
}

template <class Integer, class Float, class Rounding> void add_to_integer(Opcodes &table, const std::string &rounding) {
    const std::string types = name_of<Integer>() + name_of<Float>();
    const Opcode opcode{float_to_integer<Float, Integer, Rounding>, "da"};
    table["cvt." + rounding + types] = opcode;
    table["cvt." + rounding + ".sat" + types] = opcode; // it saturates in any case
    if (std::is_same_v<Float, float>) {
        const Opcode flushed{float_to_integer<float, Integer, Flushed<Rounding>>, "da"};
        table["cvt." + rounding + ".ftz" + types] = flushed;
        table["cvt." + rounding + ".ftz.sat" + types] = flushed;
    }
}

template <class From, class To, class Function> void add_to_float(Opcodes &table, const std::string &name) {
    const std::string types = name_of<To>() + name_of<From>();
    table["cvt" + name + types] = {unary<To, From, Function>, "da"};
    table["cvt" + name + ".sat" + types] = {unary<To, From, SaturatedResult<Function>>, "da"};
}

template <class From, class To> void add_cast(Opcodes &table) {
    add_to_float<From, To, Cast<To>>(table, ".rn");
    add_to_float<From, To, RoundedCast<FE_TOWARDZERO, To>>(table, ".rz");
    add_to_float<From, To, RoundedCast<FE_DOWNWARD, To>>(table, ".rm");
    add_to_float<From, To, RoundedCast<FE_UPWARD, To>>(table, ".rp");
}

template <class T> void add_integer_type(Opcodes &table) {
    add_integer_pair<T, std::uint8_t>(table);
    add_integer_pair<T, std::uint16_t>(table);
    add_integer_pair<T, std::uint32_t>(table);
    add_integer_pair<T, std::uint64_t>(table);
    add_integer_pair<T, std::int8_t>(table);
    add_integer_pair<T, std::int16_t>(table);
    add_integer_pair<T, std::int32_t>(table);
    add_integer_pair<T, std::int64_t>(table);
    add_cast<T, float>(table);
    add_cast<T, double>(table);
    add_to_integer<T, float, ToNearest>(table, "rni");
    add_to_integer<T, float, TowardZero>(table, "rzi");
    add_to_integer<T, float, Downward>(table, "rmi");
    add_to_integer<T, float, Upward>(table, "rpi");
    add_to_integer<T, double, ToNearest>(table, "rni");
    add_to_integer<T, double, TowardZero>(table, "rzi");
    add_to_integer<T, double, Downward>(table, "rmi");
    add_to_integer<T, double, Upward>(table, "rpi");
}

template <class Rounding> void add_integral(Opcodes &table, const std::string &name) {
    add_to_float<float, float, Rounding>(table, name);
    add_to_float<float, float, Flushed<Rounding>>(table, name + ".ftz");
    add_to_float<double, double, Rounding>(table, name);
}

template <class T> const Instruction *move(const Instruction *i, Slot *r, Machine &m) {
    put<T>(r[i->d], get<T>(r[i->a]));
    return run(i + 1, r, m);
}

// Several narrow registers into one, the first into the lowest bits, and back.
template <class Part, int COUNT> const Instruction *pack(const Instruction *i, Slot *r, Machine &m) {
    Slot whole = 0;
    for (int k = 0; k < COUNT; ++k)
        whole |= Slot(get<Part>(r[m.operands[i->list + k]])) << (8 * sizeof(Part) * k);
    std::memcpy(&r[i->d], &whole, sizeof(Part) * COUNT);
    return run(i + 1, r, m);
}
template <class Part, int COUNT> const Instruction *unpack(const Instruction *i, Slot *r, Machine &m) {
    const Slot whole = r[i->a];
    for (int k = 0; k < COUNT; ++k)
        put(r[m.operands[i->list + k]], static_cast<Part>(whole >> (8 * sizeof(Part) * k)));
    return run(i + 1, r, m);
}

// Between an address in a state space and a generic one.
template <std::uint64_t WINDOW, bool TO_SPACE>
const Instruction *change_space(const Instruction *i, Slot *r, Machine &m) {
    r[i->d] = TO_SPACE ? r[i->a] - WINDOW : r[i->a] + WINDOW;
    return run(i + 1, r, m);
}

} // namespace

void add_convert(Opcodes &table) {
    add_integer_type<std::uint8_t>(table);
    add_integer_type<std::uint16_t>(table);
    add_integer_type<std::uint32_t>(table);
    add_integer_type<std::uint64_t>(table);
    add_integer_type<std::int8_t>(table);
    add_integer_type<std::int16_t>(table);
    add_integer_type<std::int32_t>(table);
    add_integer_type<std::int64_t>(table);

    add_integral<Unrounded>(table, "");
    add_integral<ToNearest>(table, ".rni");
    add_integral<TowardZero>(table, ".rzi");
    add_integral<Downward>(table, ".rmi");
    add_integral<Upward>(table, ".rpi");
    add_cast<double, float>(table);
    add_to_float<double, float, FlushedResult<Cast<float>>>(table, ".rn.ftz");
    table["cvt.f64.f32"] = {unary<double, float, Cast<double>>, "da"};
    table["cvt.ftz.f64.f32"] = {unary<double, float, Flushed<Unrounded>>, "da"};
    table["cvt.f32.f16"] = {unary<float, std::uint16_t, FromHalf>, "da"};
    table["cvt.rn.f16.f32"] = {unary<std::uint16_t, float, ToHalf>, "da"};
    table["cvt.f32.bf16"] = {unary<float, std::uint16_t, FromBfloat>, "da"};
    table["cvt.rn.bf16.f32"] = {unary<std::uint16_t, float, ToBfloat>, "da"};
    table["cvt.rna.tf32.f32"] = {unary<std::uint32_t, float, ToTensorFloat>, "da"};

    for (const char *kind : {"u", "s", "b", "f"}) {
        table["mov" + suffix<std::uint16_t>(kind)] = {move<std::uint16_t>, "da"};
        table["mov" + suffix<std::uint32_t>(kind)] = {move<std::uint32_t>, "da"};
        table["mov" + suffix<std::uint64_t>(kind)] = {move<std::uint64_t>, "da"};
    }
    table["mov.pred"] = {move<Slot>, "da"};
    // The linker adds the last word where an operand is a vector.
    table["mov.b32.pack2"] = {pack<std::uint16_t, 2>, "d2"};
    table["mov.b64.pack2"] = {pack<std::uint32_t, 2>, "d2"};
    table["mov.b64.pack4"] = {pack<std::uint16_t, 4>, "d4"};
    table["mov.b32.unpack2"] = {unpack<std::uint16_t, 2>, "2a"};
    table["mov.b64.unpack2"] = {unpack<std::uint32_t, 2>, "2a"};
    table["mov.b64.unpack4"] = {unpack<std::uint16_t, 4>, "4a"};

    for (const char *space : {"global", "const"}) {
        table["cvta." + std::string(space) + ".u64"] = {move<Slot>, "da"};
        table["cvta.to." + std::string(space) + ".u64"] = {move<Slot>, "da"};
    }
    table["cvta.shared.u64"] = {change_space<SHARED_WINDOW, false>, "da"};
    table["cvta.to.shared.u64"] = {change_space<SHARED_WINDOW, true>, "da"};
    table["cvta.local.u64"] = {change_space<LOCAL_WINDOW, false>, "da"};
    table["cvta.to.local.u64"] = {change_space<LOCAL_WINDOW, true>, "da"};
}

} // namespace ptx
