// Cuts PTX text into tokens, statements, functions and variables.
#include "ptx_text.h"

#include <cctype>
#include <map>
#include <stdexcept>

namespace ptx {
namespace {

struct Token {
    int line;
    std::string text;
};

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%' || c == '.';
}

// Words, numbers with their sign, strings in quotes, and single marks.
// Comments are left out.
std::vector<Token> tokens_of(const std::string &text) {
    std::vector<Token> tokens;
    int line = 1;
    const std::size_t size = text.size();
    for (std::size_t i = 0; i < size;) {
        const char c = text[i];
        if (c == '\n' || std::isspace(static_cast<unsigned char>(c)) || c == '\0') {
            line += c == '\n';
            ++i;
        } else if (text.compare(i, 2, "//") == 0) {
            while (i < size && text[i] != '\n')
                ++i;
        } else if (text.compare(i, 2, "/*") == 0) {
            for (; i < size && text.compare(i, 2, "*/") != 0; ++i)
                line += text[i] == '\n';
            i += 2;
        } else {
            std::size_t end = i + 1;
            const bool is_negative = c == '-' && end < size && std::isdigit(static_cast<unsigned char>(text[end]));
            if (c == '"') {
                while (end < size && text[end] != '"')
                    ++end;
                ++end;
            } else if (is_word(c) || is_negative) {
                while (end < size && is_word(text[end]))
                    ++end;
            }
            tokens.push_back({line, text.substr(i, end - i)});
            i = end;
        }
    }
    return tokens;
}

class Parser {
  public:
    explicit Parser(const std::string &text) : tokens_(tokens_of(text)) {}

    Text parse() {
        Text text;
        while (at_ < tokens_.size()) {
            const std::string &word = peek();
            if (word == ".version") {
                const std::string number = until_next_of_line(1);
                const std::size_t dot = number.find('.');
                if (dot == std::string::npos)
                    refuse("a version is major.minor", here());
                text.version = integer(number.substr(0, dot)) * 10 + integer(number.substr(dot + 1));
            } else if (word == ".target") {
                const std::string name = until_next_of_line(1);
                if (name.rfind("sm_", 0) != 0)
                    refuse("unknown target", here());
                text.target = integer(name.substr(3));
            } else if (word == ".address_size") {
                if (until_next_of_line(1) != "64")
                    refuse("only 64-bit addresses are known", here());
            } else if (word == ".visible" || word == ".weak" || word == ".extern") {
                ++at_;
            } else if (word == ".entry" || word == ".func") {
                function(text);
            } else if (word == ".global" || word == ".const" || word == ".shared") {
                const Statement statement = until_semicolon();
                std::size_t at = 0;
                text.variables.push_back(parse_variable(statement, at));
            } else {
                refuse("not understood at module level", here());
            }
        }
        if (text.version == 0 || text.target == 0)
            throw std::runtime_error("PTX text without .version or .target");
        return text;
    }

  private:
    const std::string &peek() const {
        if (at_ >= tokens_.size())
            throw std::runtime_error("PTX text ends too early");
        return tokens_[at_].text;
    }

    int line() const { return at_ < tokens_.size() ? tokens_[at_].line : tokens_.back().line; }

    // What is left of the line of the next token, for messages.
    Statement here() const {
        Statement rest{line(), {}};
        for (std::size_t i = at_; i < tokens_.size() && tokens_[i].line == rest.line; ++i)
            rest.tokens.push_back(tokens_[i].text);
        return rest;
    }

    int integer(const std::string &digits) const { return static_cast<int>(parse_number(digits, here())); }

    // Takes the rest of a directive's line; gives the word at `index` of it.
    std::string until_next_of_line(std::size_t index) {
        const Statement rest = here();
        if (rest.tokens.size() <= index)
            refuse("a directive without its value", rest);
        while (at_ < tokens_.size() && tokens_[at_].line == rest.line)
            ++at_;
        return rest.tokens[index];
    }

    Statement until_semicolon() {
        Statement statement{line(), {}};
        while (peek() != ";")
            statement.tokens.push_back(tokens_[at_++].text);
        ++at_;
        return statement;
    }

    // `( .param ..., .param ... )`, which may be missing.
    std::vector<Variable> parameter_list() {
        std::vector<Variable> list;
        if (peek() != "(")
            return list;
        Statement inside{line(), {}};
        for (++at_; peek() != ")"; ++at_)
            inside.tokens.push_back(peek());
        ++at_;
        for (std::size_t at = 0; at < inside.tokens.size();) {
            list.push_back(parse_variable(inside, at));
            if (at < inside.tokens.size() && inside.tokens[at++] != ",")
                refuse("parameters not understood", inside);
        }
        return list;
    }

    void function(Text &text) {
        Function function{};
        function.line = line();
        function.is_entry = tokens_[at_++].text == ".entry";
        function.results = parameter_list();
        function.name = peek();
        ++at_;
        function.parameters = parameter_list();
        while (peek() != "{" && peek() != ";") {
            if (peek() == ".maxntid" || peek() == ".reqntid") {
                function.max_threads = 1;
                do {
                    ++at_;
                    function.max_threads *= static_cast<unsigned>(integer(peek()));
                    ++at_;
                } while (peek() == ",");
            } else if (peek() == ".minnctapersm") {
                at_ += 2;
            } else if (peek() == ".noreturn") {
                ++at_;
            } else {
                refuse("directive of a function not understood", here());
            }
        }
        if (tokens_[at_++].text == ";")
            return; // a declaration only
        for (int depth = 1; depth > 0;) {
            Statement statement{line(), {}};
            if (peek() == "{" || peek() == "}") {
                depth += peek() == "{" ? 1 : -1;
                statement.tokens = {tokens_[at_++].text};
            } else if (at_ + 1 < tokens_.size() && tokens_[at_ + 1].text == ":") {
                statement.tokens = {peek(), ":"};
                at_ += 2;
            } else {
                statement = until_semicolon();
            }
            if (depth > 0 && !statement.tokens.empty())
                function.body.push_back(statement);
        }
        text.functions.push_back(function);
    }

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
};

} // namespace

Text parse_text(const std::string &text) { return Parser(text).parse(); }

std::string text_of(const Statement &statement) {
    std::string text;
    for (const std::string &token : statement.tokens) {
        const bool is_tight = token == "," || token == "]" || token == "}" || token == ")" || token == "+" ||
                              token == ":" || token == "|";
        const char last = text.empty() ? '[' : text.back();
        const bool opens =
            last == '[' || last == '{' || last == '(' || last == '+' || last == '@' || last == '!' || last == '|';
        if (!is_tight && !opens)
            text += ' ';
        text += token;
    }
    return text;
}

void refuse(const std::string &what, const Statement &statement) {
    throw std::runtime_error(what + ": line " + std::to_string(statement.line) + ": " + text_of(statement));
}

std::size_t bytes_of_type(const std::string &type, const Statement &statement) {
    static const std::map<std::string, std::size_t> bytes = {
        {".pred", 8}, {".b8", 1},  {".u8", 1},  {".s8", 1},  {".b16", 2},   {".u16", 2},
        {".s16", 2},  {".f16", 2}, {".b32", 4}, {".u32", 4}, {".s32", 4},   {".f32", 4},
        {".b64", 8},  {".u64", 8}, {".s64", 8}, {".f64", 8}, {".b128", 16},
    };
    const auto found = bytes.find(type);
    if (found == bytes.end())
        refuse("unknown type " + type, statement);
    return found->second;
}

bool is_number(const std::string &token) {
    const std::size_t first = token[0] == '-' ? 1 : 0;
    return token.size() > first && std::isdigit(static_cast<unsigned char>(token[first]));
}

std::uint64_t parse_number(const std::string &token, const Statement &statement) {
    const bool is_float = token.size() > 2 && token[0] == '0' &&
                          (token[1] == 'f' || token[1] == 'F' || token[1] == 'd' || token[1] == 'D');
    const std::string digits = is_float ? token.substr(2) : token;
    try {
        std::size_t used = 0;
        const bool is_negative = digits[0] == '-';
        std::uint64_t value = std::stoull(is_negative ? digits.substr(1) : digits, &used, is_float ? 16 : 0);
        used += is_negative;
        if (used == digits.size() || (used + 1 == digits.size() && digits.back() == 'U'))
            return is_negative ? 0 - value : value;
    } catch (const std::logic_error &) {
        // Said below, with the line.
    }
    refuse("not a number: " + token, statement);
}

Variable parse_variable(const Statement &statement, std::size_t &at) {
    const std::vector<std::string> &tokens = statement.tokens;
    const auto next = [&]() -> const std::string & {
        if (at >= tokens.size())
            refuse("declaration not understood", statement);
        return tokens[at++];
    };
    Variable variable{next(), "", 0, 1, {}};
    std::string word = next();
    bool is_aligned = false;
    if (word == ".align") {
        variable.alignment = parse_number(next(), statement);
        is_aligned = true;
        word = next();
    }
    const std::size_t element = bytes_of_type(word, statement);
    if (!is_aligned)
        variable.alignment = element;
    variable.name = next();
    variable.size = element;
    while (at < tokens.size() && tokens[at] == "[") {
        ++at;
        variable.size *= parse_number(next(), statement);
        if (next() != "]")
            refuse("array not understood", statement);
    }
    if (at < tokens.size() && tokens[at] == "=") {
        ++at;
        for (; at < tokens.size(); ++at) {
            if (tokens[at] == "{" || tokens[at] == "}" || tokens[at] == ",")
                continue;
            const std::uint64_t value = parse_number(tokens[at], statement);
            for (std::size_t byte = 0; byte < element; ++byte)
                variable.initial.push_back(static_cast<std::uint8_t>(value >> (8 * byte)));
        }
        if (variable.initial.size() > variable.size)
            refuse("more values than the variable holds", statement);
        variable.initial.resize(variable.size);
    }
    return variable;
}

} // namespace ptx
