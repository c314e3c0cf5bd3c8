// Floating-point instructions of f32 and f64.
//
// Arithmetic is IEEE, rounded once per instruction and never contracted; `.ftz`
// reads and writes subnormal numbers as zeros of the same sign. The `.approx`
// instructions of a GPU are wrong in their last bits in ways that NVIDIA does
// not publish: here they are computed in double and rounded.
#include "ptx_handlers.h"

namespace ptx {
namespace {

struct Add {
    template <class T> T operator()(T a, T b) const { return a + b; }
};
struct Subtract {
    template <class T> T operator()(T a, T b) const { return a - b; }
};
struct Multiply {
    template <class T> T operator()(T a, T b) const { return a * b; }
};
struct Divide {
    template <class T> T operator()(T a, T b) const { return a / b; }
};
struct FusedMultiplyAdd {
    template <class T> T operator()(T a, T b, T c) const { return std::fma(a, b, c); }
};
struct SquareRoot {
    template <class T> T operator()(T a) const { return std::sqrt(a); }
};
struct Reciprocal {
    template <class T> T operator()(T a) const { return T(1) / a; }
};
struct Negate {
    template <class T> T operator()(T a) const { return -a; }
};
struct Magnitude {
    template <class T> T operator()(T a) const { return std::fabs(a); }
};
struct CopySign {
    template <class T> T operator()(T sign, T magnitude) const { return std::copysign(magnitude, sign); }
};
// Of a NaN and a number the number; -0 is less than +0.
struct Least {
    template <class T> T operator()(T a, T b) const {
        if (std::isnan(a) || std::isnan(b))
            return std::isnan(a) ? b : a;
        return a < b || (a == b && std::signbit(a)) ? a : b;
    }
};
struct Greatest {
    template <class T> T operator()(T a, T b) const {
        if (std::isnan(a) || std::isnan(b))
            return std::isnan(a) ? b : a;
        return a > b || (a == b && std::signbit(b)) ? a : b;
    }
};
// A NaN if either is one.
template <class Function> struct OrNan {
    template <class T> T operator()(T a, T b) const { return std::isunordered(a, b) ? T(NAN) : Function()(a, b); }
};

struct ApproximateReciprocal {
    float operator()(float a) const { return static_cast<float>(1 / double(a)); }
};
struct ApproximateSquareRoot {
    float operator()(float a) const { return static_cast<float>(std::sqrt(double(a))); }
};
struct ReciprocalSquareRoot {
    template <class T> T operator()(T a) const { return static_cast<T>(1 / std::sqrt(double(a))); }
};
struct PowerOfTwo {
    float operator()(float a) const { return static_cast<float>(std::exp2(double(a))); }
};
struct LogarithmOfTwo {
    float operator()(float a) const { return static_cast<float>(std::log2(double(a))); }
};
struct Sine {
    float operator()(float a) const { return static_cast<float>(std::sin(double(a))); }
};
struct Cosine {
    float operator()(float a) const { return static_cast<float>(std::cos(double(a))); }
};
struct HyperbolicTangent {
    float operator()(float a) const { return static_cast<float>(std::tanh(double(a))); }
};
// The forms .approx.ftz.f64 give the upper 32 bits only; programs refine the result.
struct GrossReciprocal {
    double operator()(double a) const { return upper(1 / a); }
    static double upper(double value) {
        std::uint64_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        bits &= ~std::uint64_t(0xffffffff);
        std::memcpy(&value, &bits, sizeof bits);
        return value;
    }
};
struct GrossReciprocalSquareRoot {
    double operator()(double a) const { return GrossReciprocal::upper(1 / std::sqrt(a)); }
};

template <class Function> struct Saturated {
    template <class... T> float operator()(T... operands) const {
        const float value = Function()(operands...);
        return value > 0 ? std::fmin(value, 1.0f) : 0.0f; // a NaN becomes 0
    }
};

template <int OPERANDS, class T, class Function> Opcode opcode_of() {
    if constexpr (OPERANDS == 1)
        return {unary<T, T, Function>, "da"};
    else if constexpr (OPERANDS == 2)
        return {binary<T, T, Function>, "dab"};
    else
        return {ternary<T, T, Function>, "dabc"};
}

// `name`.f32 with and without .ftz and .sat.
template <int OPERANDS, class Function> void add_f32(Opcodes &table, const std::string &name) {
    table[name + ".f32"] = opcode_of<OPERANDS, float, Function>();
    table[name + ".ftz.f32"] = opcode_of<OPERANDS, float, Flushed<Function>>();
    table[name + ".sat.f32"] = opcode_of<OPERANDS, float, Saturated<Function>>();
    table[name + ".ftz.sat.f32"] = opcode_of<OPERANDS, float, Saturated<Flushed<Function>>>();
}

template <int OPERANDS, class Function> void add_both(Opcodes &table, const std::string &name) {
    add_f32<OPERANDS, Function>(table, name);
    table[name + ".f64"] = opcode_of<OPERANDS, double, Function>();
}

// In all directions of rounding.
template <int OPERANDS, class Function> void add_rounded(Opcodes &table, const std::string &name) {
    add_both<OPERANDS, Function>(table, name + ".rn");
    add_both<OPERANDS, Rounded<FE_TOWARDZERO, Function>>(table, name + ".rz");
    add_both<OPERANDS, Rounded<FE_DOWNWARD, Function>>(table, name + ".rm");
    add_both<OPERANDS, Rounded<FE_UPWARD, Function>>(table, name + ".rp");
}

// Comparisons; those with a u are true if an operand is a NaN.
enum class Order { EQ, NE, LT, LE, GT, GE };
template <Order ORDER, bool IF_NAN> struct Compare {
    template <class T> Slot operator()(T a, T b) const {
        if (std::isunordered(a, b))
            return IF_NAN;
        switch (ORDER) {
        case Order::EQ:
            return a == b;
        case Order::NE:
            return a != b;
        case Order::LT:
            return a < b;
        case Order::LE:
            return a <= b;
        case Order::GT:
            return a > b;
        default:
            return a >= b;
        }
    }
};
struct BothNumbers {
    template <class T> Slot operator()(T a, T b) const { return !std::isunordered(a, b); }
};
struct AnyNan {
    template <class T> Slot operator()(T a, T b) const { return std::isunordered(a, b); }
};
template <class Function> struct OfFlushed {
    Slot operator()(float a, float b) const { return Function()(flush(a), flush(b)); }
};

template <class Function> void add_comparison(Opcodes &table, const std::string &name) {
    table["setp." + name + ".f32"] = {binary<Slot, float, Function>, "dab"};
    table["setp." + name + ".ftz.f32"] = {binary<Slot, float, OfFlushed<Function>>, "dab"};
    table["setp." + name + ".f64"] = {binary<Slot, double, Function>, "dab"};
}

template <Order ORDER> void add_order(Opcodes &table, const std::string &name) {
    add_comparison<Compare<ORDER, false>>(table, name);
    add_comparison<Compare<ORDER, true>>(table, name + "u");
}

} // namespace

void add_float(Opcodes &table) {
    add_rounded<2, Add>(table, "add");
    add_rounded<2, Subtract>(table, "sub");
    add_rounded<2, Multiply>(table, "mul");
    add_rounded<3, FusedMultiplyAdd>(table, "fma");
    add_rounded<3, FusedMultiplyAdd>(table, "mad");
    add_rounded<2, Divide>(table, "div");
    add_rounded<1, SquareRoot>(table, "sqrt");
    add_rounded<1, Reciprocal>(table, "rcp");
    add_both<2, Add>(table, "add");
    add_both<2, Subtract>(table, "sub");
    add_both<2, Multiply>(table, "mul");
    add_both<1, Negate>(table, "neg");
    add_both<1, Magnitude>(table, "abs");
    add_both<2, CopySign>(table, "copysign");
    add_both<2, Least>(table, "min");
    add_both<2, Greatest>(table, "max");
    add_f32<2, OrNan<Least>>(table, "min.NaN");
    add_f32<2, OrNan<Greatest>>(table, "max.NaN");

    add_f32<2, Divide>(table, "div.approx");
    add_f32<2, Divide>(table, "div.full");
    add_f32<1, ApproximateReciprocal>(table, "rcp.approx");
    add_f32<1, ApproximateSquareRoot>(table, "sqrt.approx");
    add_f32<1, ReciprocalSquareRoot>(table, "rsqrt.approx");
    add_f32<1, PowerOfTwo>(table, "ex2.approx");
    add_f32<1, LogarithmOfTwo>(table, "lg2.approx");
    add_f32<1, Sine>(table, "sin.approx");
    add_f32<1, Cosine>(table, "cos.approx");
    add_f32<1, HyperbolicTangent>(table, "tanh.approx");
    table["rcp.approx.ftz.f64"] = opcode_of<1, double, GrossReciprocal>();
    table["rsqrt.approx.ftz.f64"] = opcode_of<1, double, GrossReciprocalSquareRoot>();
    table["rsqrt.approx.f64"] = opcode_of<1, double, ReciprocalSquareRoot>();

    add_order<Order::EQ>(table, "eq");
    add_order<Order::NE>(table, "ne");
    add_order<Order::LT>(table, "lt");
    add_order<Order::LE>(table, "le");
    add_order<Order::GT>(table, "gt");
    add_order<Order::GE>(table, "ge");
    add_comparison<BothNumbers>(table, "num");
    add_comparison<AnyNan>(table, "nan");
}

} // namespace ptx
