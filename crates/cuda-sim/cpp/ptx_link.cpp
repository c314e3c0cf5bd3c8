// Turns the statements of a kernel, and of the functions that it calls, into
// instructions: gives every name its slot or address and every label its place.
#include "ptx_names.h"

#include <algorithm>
#include <stdexcept>

namespace ptx {
namespace {

struct Callee {
    const Function *function;
    Scope scope; // its parameters and results
    std::uint16_t return_slot;
    std::size_t start = 0;
    std::vector<std::string> calls;
};

// A distance that is known only when all code is there.
struct Patch {
    std::size_t instruction;
    std::string target;
    const Statement *statement;
    std::ptrdiff_t list; // where in Kernel::operands it belongs; -1: the field imm
};

std::vector<Operand> split_operands(const Statement &statement, std::size_t from) {
    std::vector<Operand> operands;
    int depth = 0;
    for (std::size_t i = from; i < statement.tokens.size(); ++i) {
        const std::string &token = statement.tokens[i];
        if (operands.empty())
            operands.emplace_back();
        depth += token == "(" || token == "[" || token == "{";
        depth -= token == ")" || token == "]" || token == "}";
        if (token == "," && depth == 0)
            operands.emplace_back();
        else
            operands.back().push_back(token);
    }
    return operands;
}

// What stands between the brackets of an operand, without the commas.
Operand inside(const Operand &operand) {
    Operand tokens;
    for (std::size_t i = 1; i + 1 < operand.size(); ++i)
        if (operand[i] != ",")
            tokens.push_back(operand[i]);
    return tokens;
}

// The opcode without the words that do not change what it does here.
std::string plain_name(const std::string &name) {
    static const std::vector<std::string> ignored = {".uni", ".nc", ".ca", ".cg",       ".cs",   ".lu",
                                                     ".cv",  ".wb", ".wt", ".volatile", ".weak", ".relaxed"};
    std::string plain;
    for (std::size_t begin = 0; begin < name.size();) {
        const std::size_t end = std::min(name.find('.', begin + 1), name.size());
        const std::string word = name.substr(begin, end - begin);
        if (std::find(ignored.begin(), ignored.end(), word) == ignored.end())
            plain += word;
        begin = end;
    }
    return plain;
}

class Linker {
  public:
    Linker(const Text &text, Program &program) : text_(text), program_(program), names_(text, program, kernel_) {}

    Kernel link(const Function &entry) {
        kernel_.entry = {entry.name, {}, entry.max_threads, 0};
        kernel_.frame.resize(SPECIALS);
        Scope parameters;
        for (const Variable &parameter : entry.parameters) {
            names_.declare_parameter(parameters, parameter);
            kernel_.entry.parameters.push_back(parameter.size);
            kernel_.parameters.push_back(parameters.at(parameter.name).value / sizeof(Slot));
        }
        kernel_.parameters_end = kernel_.frame.size();
        emit_body(entry, parameters);
        for (std::size_t i = 0; i < order_.size(); ++i) { // grows while functions are found
            Callee &callee = callees_.at(order_[i]);
            callee.start = kernel_.code.size();
            return_slot_ = callee.return_slot;
            calls_ = &callee.calls;
            emit_body(*callee.function, callee.scope);
        }
        for (const Patch &call : call_patches_)
            kernel_.code[call.instruction].imm = distance(call.instruction, callees_.at(call.target).start);
        for (const std::string &name : order_)
            refuse_recursion(callees_.at(name), 0);
        kernel_.local_bytes = (kernel_.local_bytes + 15) / 16 * 16;
        return kernel_;
    }

  private:
    static std::int32_t distance(std::size_t from, std::size_t to) {
        return static_cast<std::int32_t>(static_cast<std::ptrdiff_t>(to) - static_cast<std::ptrdiff_t>(from));
    }

    void refuse_recursion(const Callee &callee, std::size_t depth) const {
        if (depth > order_.size())
            throw std::runtime_error("recursive function " + callee.function->name);
        for (const std::string &name : callee.calls)
            refuse_recursion(callees_.at(name), depth + 1);
    }

    Instruction &emit(const Opcode &opcode) {
        kernel_.code.push_back(
            {opcode.run, 0, 0, 0, 0, opcode.imm, static_cast<std::int32_t>(kernel_.operands.size())});
        kernel_.statements.push_back(static_cast<int>(program_.texts.size()) - 1);
        return kernel_.code.back();
    }

    Instruction &emit(const std::string &name, std::uint16_t d, std::uint16_t a, std::uint16_t b = 0) {
        Instruction &instruction = emit(opcodes().at(name));
        instruction.d = d;
        instruction.a = a;
        instruction.b = b;
        return instruction;
    }

    void emit_operands(const std::string &name, const std::vector<Operand> &operands, const Statement &statement) {
        const auto found = opcodes().find(name);
        if (found == opcodes().end())
            refuse("unknown opcode", statement);
        const Opcode &opcode = found->second;
        if (operands.size() != std::strlen(opcode.operands))
            refuse("wrong number of operands", statement);
        Instruction instruction = emit(opcode);
        if (opcode.is_access && kernel_.sites == 65535)
            refuse("too many accesses to memory", statement);
        if (opcode.is_access)
            instruction.c = kernel_.sites++;
        for (std::size_t k = 0; k < operands.size(); ++k) {
            const Operand &operand = operands[k];
            if (operand.empty())
                refuse("missing operand", statement);
            switch (opcode.operands[k]) {
            case 'd':
                instruction.d = names_.slot_of(operand, statement);
                break;
            case 'a':
                instruction.a = names_.slot_of(operand, statement);
                break;
            case 'b':
                instruction.b = names_.slot_of(operand, statement);
                break;
            case 'c':
                instruction.c = names_.slot_of(operand, statement);
                break;
            case 'm':
                address(instruction, operand, statement);
                break;
            case 'i':
            case 'z':
                if (operand.size() != 1)
                    refuse("a number is expected", statement);
                instruction.imm = static_cast<std::int32_t>(parse_number(operand[0], statement));
                if (opcode.operands[k] == 'z' && instruction.imm != 0)
                    refuse("only barrier 0 is known", statement);
                break;
            case 'p':
                kernel_.operands.push_back(names_.slot_of({operand[0]}, statement));
                kernel_.operands.push_back(operand.size() == 3 ? names_.slot_of({operand[2]}, statement) : -1);
                break;
            case 'l':
                kernel_.operands.push_back(names_.slot_of(operand, statement));
                break;
            default: {
                const std::vector<std::string> parts = inside(operand);
                if (operand[0] != "{" || parts.size() != static_cast<std::size_t>(opcode.operands[k] - '0'))
                    refuse("a vector of another length is expected", statement);
                for (const std::string &part : parts)
                    kernel_.operands.push_back(names_.slot_of({part}, statement));
            }
            }
        }
        kernel_.code.back() = instruction;
    }

    // `[name+offset]`: a register, or a variable whose address is known.
    void address(Instruction &instruction, const Operand &operand, const Statement &statement) {
        const Operand tokens = inside(operand);
        if (operand[0] != "[" || tokens.empty() || (tokens.size() != 1 && (tokens.size() != 3 || tokens[1] != "+")))
            refuse("address not understood", statement);
        std::int64_t offset = tokens.size() == 3 ? static_cast<std::int64_t>(parse_number(tokens[2], statement)) : 0;
        const Symbol *symbol = names_.find(tokens[0]);
        if (symbol != nullptr && symbol->kind == Symbol::PARAMETER)
            offset += static_cast<std::int64_t>(symbol->value);
        else
            instruction.a = names_.slot_of({tokens[0]}, statement);
        instruction.imm = static_cast<std::int32_t>(offset);
        if (instruction.imm != offset)
            refuse("offset too large", statement);
    }

    // Loads and stores: the opcode tells what kind of address it has.
    std::string access_name(std::string name, const std::vector<Operand> &operands, const Statement &statement) {
        for (const Operand &operand : operands) {
            if (operand.size() < 3 || operand[0] != "[")
                continue;
            const Symbol *symbol = names_.find(operand[1]);
            if (symbol != nullptr && symbol->kind == Symbol::PARAMETER) {
                check_parameter(*symbol, name, operand, statement);
                return name.substr(0, 2) + ".frame" + name.substr(sizeof("ld.param") - 1);
            }
            if (symbol != nullptr && symbol->kind == Symbol::REGISTER && symbol->bytes == 4)
                return name + ".short";
        }
        return name;
    }

    static void check_parameter(const Symbol &symbol, const std::string &name, const Operand &operand,
                                const Statement &statement) {
        std::size_t bytes = bytes_of_type(name.substr(name.rfind('.')), statement);
        bytes *= name.find(".v4") != std::string::npos ? 4 : name.find(".v2") != std::string::npos ? 2 : 1;
        const std::uint64_t offset = operand.size() == 5 ? parse_number(operand[3], statement) : 0;
        if (offset > symbol.bytes || bytes > symbol.bytes - offset || offset % bytes != 0)
            refuse("outside of the parameter or misaligned", statement);
    }

    // `setp.lt.and.f32 p|q, a, b, !c`: p = (a < b) and not c, q = not (a < b) and not c
    void emit_comparison(std::string name, std::vector<Operand> operands, const Statement &statement) {
        std::string join;
        for (const char *word : {".and.", ".or.", ".xor."}) {
            const std::size_t at = name.find(word);
            if (at != std::string::npos) {
                join = std::string(word + 1) + "pred";
                name.erase(at, std::strlen(word) - 1);
            }
        }
        const std::size_t expected = join.empty() ? 3 : 4;
        if (operands.size() != expected || operands.front().empty() || operands.back().empty())
            refuse("wrong number of operands", statement);
        const Operand results = operands[0];
        if (join.empty() && results.size() == 1) {
            emit_operands(name, operands, statement);
            return;
        }
        std::uint16_t other = 0;
        if (!join.empty()) {
            const bool is_negated = operands[3][0] == "!";
            other = names_.new_slots(1);
            emit(is_negated ? "not.pred" : "mov.pred", other, names_.slot_of({operands[3].back()}, statement));
        }
        const std::uint16_t compared = names_.new_slots(1);
        operands.resize(3);
        operands[0] = {results[0]};
        emit_operands(name, operands, statement);
        const std::uint16_t first = kernel_.code.back().d;
        kernel_.code.back().d = compared;
        const std::string last = join.empty() ? "mov.pred" : join;
        emit(last, first, compared, other);
        if (results.size() == 3) {
            emit("not.pred", compared, compared);
            emit(last, names_.slot_of({results[2]}, statement), compared, other);
        }
    }

    // `call (result), name, (parameter, ...)`: parameters are copied to the
    // callee's own and results back.
    void emit_call(const std::vector<Operand> &operands, const Statement &statement) {
        Operand results, arguments;
        std::string name;
        for (const Operand &operand : operands) {
            if (operand.empty())
                refuse("call not understood", statement);
            if (operand[0] != "(")
                name = operand[0];
            else
                (name.empty() ? results : arguments) = inside(operand);
        }
        Callee &callee = callee_of(name, statement);
        const Function &function = *callee.function;
        if (results.size() != function.results.size() || arguments.size() != function.parameters.size())
            refuse("wrong number of operands", statement);
        const auto copy = [&](const std::string &mine, const std::string &theirs, bool to_callee) {
            const Symbol *here = names_.find(mine);
            const Symbol &there = callee.scope.at(theirs);
            if (here == nullptr || here->kind != Symbol::PARAMETER || here->bytes != there.bytes)
                refuse("operands of a call that do not fit", statement);
            for (std::size_t k = 0; k < (there.bytes + sizeof(Slot) - 1) / sizeof(Slot); ++k) {
                const std::uint16_t own = static_cast<std::uint16_t>(here->value / sizeof(Slot) + k);
                const std::uint16_t its = static_cast<std::uint16_t>(there.value / sizeof(Slot) + k);
                emit("mov.b64", to_callee ? its : own, to_callee ? own : its);
            }
        };
        for (std::size_t i = 0; i < arguments.size(); ++i)
            copy(arguments[i], function.parameters[i].name, true);
        call_patches_.push_back({kernel_.code.size(), name, &statement, -1});
        emit("call", callee.return_slot, 0);
        for (std::size_t i = 0; i < results.size(); ++i)
            copy(results[i], function.results[i].name, false);
        if (calls_ != nullptr)
            calls_->push_back(name);
    }

    Callee &callee_of(const std::string &name, const Statement &statement) {
        const auto known = callees_.find(name);
        if (known != callees_.end())
            return known->second;
        for (const Function &function : text_.functions) {
            if (function.name != name || function.is_entry)
                continue;
            Callee callee{&function, {}, names_.new_slots(1), 0, {}};
            for (const std::vector<Variable> *list : {&function.results, &function.parameters})
                for (const Variable &variable : *list)
                    names_.declare_parameter(callee.scope, variable);
            order_.push_back(name);
            return callees_.emplace(name, callee).first->second;
        }
        refuse("unknown function " + name, statement);
    }

    void emit_instruction(const Statement &statement) {
        std::size_t at = 0;
        std::ptrdiff_t skip = -1;
        bool is_negated = false;
        std::uint16_t guard = 0;
        const std::vector<std::string> &tokens = statement.tokens;
        const bool is_guarded = tokens[0] == "@";
        if (is_guarded) {
            is_negated = tokens.size() > 1 && tokens[1] == "!";
            at = is_negated ? 3 : 2;
            if (at >= tokens.size())
                refuse("predicate without an instruction", statement);
            guard = names_.slot_of({tokens[at - 1]}, statement);
        }
        std::string name = plain_name(tokens[at]);
        const std::vector<Operand> operands = split_operands(statement, at + 1);
        if (name == "bra") {
            if (operands.size() != 1 || operands[0].size() != 1)
                refuse("branch not understood", statement);
            patches_.push_back({kernel_.code.size(), operands[0][0], &statement, -1});
            emit(!is_guarded ? "bra" : is_negated ? "bra.unless" : "bra.if", 0, guard);
            return;
        }
        if (is_guarded) {
            skip = static_cast<std::ptrdiff_t>(kernel_.code.size());
            emit(is_negated ? "bra.if" : "bra.unless", 0, guard);
        }
        if (name == "ret" && return_slot_ >= 0)
            emit("return", 0, static_cast<std::uint16_t>(return_slot_));
        else if (name == "ret")
            emit("exit", 0, 0);
        else if (name == "call")
            emit_call(operands, statement);
        else if (name == "brx.idx")
            emit_indexed_branch(operands, statement);
        else if (name.rfind("setp.", 0) == 0)
            emit_comparison(name, operands, statement);
        else if (name.rfind("ld", 0) == 0 || name.rfind("st", 0) == 0)
            emit_operands(access_name(name, operands, statement), operands, statement);
        else if (name.rfind("mov.", 0) == 0 && operands.size() == 2)
            emit_operands(name + vector_word(operands), operands, statement);
        else
            emit_operands(name, operands, statement);
        if (skip >= 0)
            kernel_.code[skip].imm = distance(skip, kernel_.code.size());
    }

    static std::string vector_word(const std::vector<Operand> &operands) {
        for (std::size_t k = 0; k < 2; ++k)
            if (!operands[k].empty() && operands[k][0] == "{")
                return (k == 0 ? ".unpack" : ".pack") + std::to_string(inside(operands[k]).size());
        return "";
    }

    void emit_indexed_branch(const std::vector<Operand> &operands, const Statement &statement) {
        if (operands.size() != 2 || operands[1].size() != 1 || branch_targets_.count(operands[1][0]) == 0)
            refuse("branch not understood", statement);
        const std::vector<std::string> &targets = branch_targets_.at(operands[1][0]);
        const std::size_t instruction = kernel_.code.size();
        emit("brx.idx", 0, names_.slot_of(operands[0], statement));
        kernel_.operands.push_back(static_cast<std::int32_t>(targets.size()));
        for (const std::string &target : targets) {
            patches_.push_back({instruction, target, &statement, static_cast<std::ptrdiff_t>(kernel_.operands.size())});
            kernel_.operands.push_back(0);
        }
    }

    void emit_body(const Function &function, const Scope &parameters) {
        std::unordered_map<std::string, std::size_t> labels;
        std::string last_label;
        patches_.clear();
        branch_targets_.clear();
        names_.close_all();
        names_.open(parameters);
        for (const Statement &statement : function.body) {
            const std::string &first = statement.tokens[0];
            program_.texts.push_back(text_of(statement) + " (line " + std::to_string(statement.line) + ")");
            if (statement.tokens.size() == 2 && statement.tokens[1] == ":") {
                labels[first] = kernel_.code.size();
                last_label = first;
            } else if (first == "{") {
                names_.open();
            } else if (first == "}") {
                names_.close();
            } else if (first == ".reg" || first == ".param" || first == ".shared" || first == ".local") {
                names_.declare(statement);
            } else if (first == ".branchtargets") {
                for (const Operand &target : split_operands(statement, 1))
                    branch_targets_[last_label].push_back(target.empty() ? "" : target[0]);
            } else if (first[0] != '.') {
                emit_instruction(statement);
            } else if (first != ".pragma") {
                refuse("unknown directive", statement);
            }
        }
        // A body may end without ret.
        if (return_slot_ >= 0)
            emit("return", 0, static_cast<std::uint16_t>(return_slot_));
        else
            emit("exit", 0, 0);
        for (const Patch &patch : patches_) {
            const auto label = labels.find(patch.target);
            if (label == labels.end())
                refuse("unknown label " + patch.target, *patch.statement);
            const std::int32_t to = distance(patch.instruction, label->second);
            (patch.list < 0 ? kernel_.code[patch.instruction].imm : kernel_.operands[patch.list]) = to;
        }
    }

    const Text &text_;
    Program &program_;
    Kernel kernel_;
    Names names_;
    std::int32_t return_slot_ = -1; // of the function that is being linked; -1 in a kernel
    std::vector<std::string> *calls_ = nullptr;
    std::map<std::string, Callee> callees_;
    std::vector<std::string> order_; // the callees as they were found
    std::vector<Patch> call_patches_;
    std::vector<Patch> patches_;
    std::unordered_map<std::string, std::vector<std::string>> branch_targets_;
};

} // namespace

const Opcodes &opcodes() {
    static const Opcodes all = [] {
        Opcodes table;
        add_integer(table);
        add_float(table);
        add_convert(table);
        add_memory(table);
        add_control(table);
        return table;
    }();
    return all;
}

Kernel link(const Text &text, const Function &entry, Program &program) { return Linker(text, program).link(entry); }

} // namespace ptx
