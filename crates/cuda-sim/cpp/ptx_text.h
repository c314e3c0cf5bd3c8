// The text of a PTX module, cut into functions, variables and statements.
// Nothing is decoded here; what a statement means is the linker's matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ptx {

// The tokens of one statement, without the closing semicolon. A label is
// {name, ":"}; "{" and "}" stand alone where they open and close a scope.
struct Statement {
    int line;
    std::vector<std::string> tokens;
};

// The statement as text, for messages.
std::string text_of(const Statement &statement);

// Throws std::runtime_error: what is wrong, the line's number and its text.
[[noreturn]] void refuse(const std::string &what, const Statement &statement);

// A variable of a state space: .param, .shared, .local, .global or .const.
struct Variable {
    std::string space;
    std::string name;
    std::size_t size;
    std::size_t alignment;
    std::vector<std::uint8_t> initial; // empty where nothing is given
};

struct Function {
    std::string name;
    bool is_entry;
    int line;
    unsigned max_threads; // 0: not given
    std::vector<Variable> results;
    std::vector<Variable> parameters;
    std::vector<Statement> body;
};

struct Text {
    int version = 0;
    int target = 0;
    std::vector<Variable> variables;
    std::vector<Function> functions; // those with a body
};

Text parse_text(const std::string &text);

// Reads `.space .align 4 .b8 name[20]` from its token `at` on, and moves `at`
// behind it.
Variable parse_variable(const Statement &statement, std::size_t &at);

// Bytes of `.f32` and the like; throws where it is not a type.
std::size_t bytes_of_type(const std::string &type, const Statement &statement);

// The bits of a number as PTX writes it: -5, 0x1F, 0f3F800000, 0d3FF0000000000000.
std::uint64_t parse_number(const std::string &token, const Statement &statement);

bool is_number(const std::string &token);

} // namespace ptx
