// Instructions made from functions of values: a handler reads its operands from
// the frame, applies `Function`, writes the result and goes on.
#pragma once

#include "ptx_program.h"

#include <cfenv>
#include <cmath>
#include <type_traits>

namespace ptx {

// Goes on with the next instruction. The compiler makes the call a jump, so that
// a thread runs from handler to handler without coming back; where it would not
// (sanitizers, no optimisation), the caller's loop goes on.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#pragma GCC optimize("optimize-sibling-calls") // also under -O1
inline const Instruction *run(const Instruction *next, Slot *r, Machine &m) { return next->run(next, r, m); }
#else
inline const Instruction *run(const Instruction *next, Slot *, Machine &) { return next; }
#endif

// From operands of type T to a result of type R.
template <class R, class T, class Function> const Instruction *unary(const Instruction *i, Slot *r, Machine &m) {
    put<R>(r[i->d], Function()(get<T>(r[i->a])));
    return run(i + 1, r, m);
}

template <class R, class T, class Function> const Instruction *binary(const Instruction *i, Slot *r, Machine &m) {
    put<R>(r[i->d], Function()(get<T>(r[i->a]), get<T>(r[i->b])));
    return run(i + 1, r, m);
}

template <class R, class T, class Function> const Instruction *ternary(const Instruction *i, Slot *r, Machine &m) {
    put<R>(r[i->d], Function()(get<T>(r[i->a]), get<T>(r[i->b]), get<T>(r[i->c])));
    return run(i + 1, r, m);
}

// `.u32` and the like; `kind` is one of "u", "s", "b", "f".
template <class T> std::string suffix(const char *kind) { return "." + (kind + std::to_string(8 * sizeof(T))); }

inline float flush(float value) { return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0f, value) : value; }

template <class Function> struct Flushed {
    template <class... T> float operator()(T... operands) const { return flush(Function()(flush(operands)...)); }
};

// The same function, rounded in another direction. The volatile copies keep the
// compiler from moving the arithmetic out of the changed mode.
template <int MODE, class Function> struct Rounded {
    template <class T, class... More> T operator()(T first, More... more) const {
        const int before = std::fegetround();
        std::fesetround(MODE);
        volatile T moved = first;
        volatile T result = Function()(T(moved), more...);
        std::fesetround(before);
        return result;
    }
};

// Predicates are whole slots, 0 or not 0.
struct Both {
    Slot operator()(Slot a, Slot b) const { return a && b; }
};
struct Either {
    Slot operator()(Slot a, Slot b) const { return a || b; }
};
struct OneOf {
    Slot operator()(Slot a, Slot b) const { return !a != !b; }
};
struct Not {
    Slot operator()(Slot a) const { return !a; }
};

} // namespace ptx
