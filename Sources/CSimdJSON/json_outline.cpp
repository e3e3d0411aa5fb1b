// simdjson's first stage finds the structural characters of a text and checks UTF-8 and strings with the widest
// vectors the processor has. The walk below is the second stage: it checks the grammar over those positions and
// keeps byte ranges instead of decoded values, so that a string goes from input to output without being re-encoded.
#include "json_outline.h"

#include <simdjson.h>

#include <cstring>
#include <new>
#include <vector>

namespace {

constexpr size_t text_bytes_max = size_t(1) << 30;
constexpr size_t capacity_bytes_min = 64 * 1024;
constexpr size_t capacity_bytes_kept = 8 * 1024 * 1024;

bool is_space(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
bool is_hex(uint8_t c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

}  // namespace

struct json_outliner {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
    std::vector<uint8_t> padded;
    // Every node begins at a structural position, so as many as those are enough. Not a vector: nothing needs zeroing.
    std::unique_ptr<json_node[]> nodes;
    size_t nodes_capacity = 0;
    size_t capacity = 0;

    void reserve_nodes(size_t count) {
        if (count <= nodes_capacity) return;
        nodes_capacity = count + count / 2;
        nodes.reset(new json_node[nodes_capacity]);
    }

    bool reserve(size_t length) {
        if (stage && length < capacity) return true;
        // A single huge text does not keep its buffers: the next ordinary one starts small again.
        size_t wanted = length + 1 > capacity_bytes_min ? length + 1 : capacity_bytes_min;
        if (wanted < capacity_bytes_kept && wanted < capacity * 2) wanted = capacity * 2;
        stage.reset();
        auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
            wanted, JSON_DEPTH_MAX, stage);
        if (error) return false;
        padded.assign(wanted + simdjson::SIMDJSON_PADDING, 0);
        capacity = wanted;
        return true;
    }

    void shrink() {
        if (capacity <= capacity_bytes_kept) return;
        stage.reset();
        padded = {};
        nodes.reset();
        nodes_capacity = 0;
        capacity = 0;
    }
};

namespace {

/// Walks the structural positions once; `position` counts them.
class Walk {
public:
    Walk(json_outliner &outliner, size_t length)
        : text(outliner.padded.data()),
          length(length),
          structurals(outliner.stage->structural_indexes.get()),
          structural_count(outliner.stage->n_structural_indexes),
          nodes(outliner.nodes.get()) {
        next_backslash = backslash(0);
    }

    int run() {
        if (structural_count == 0) return fail(JSON_OUTLINE_EMPTY, 0);
        if (int status = value(0)) return status;
        if (position != structural_count) return fail(JSON_OUTLINE_TRAILING, here());
        return JSON_OUTLINE_OK;
    }

    size_t error_offset = 0;
    size_t count = 0;

private:
    const uint8_t *text;
    size_t length;
    const uint32_t *structurals;
    uint32_t structural_count;
    uint32_t position = 0;
    json_node *nodes;
    /// The first backslash that no string before the current position contains; `length` if there is none.
    size_t next_backslash;

    size_t backslash(size_t from) const {
        auto at = static_cast<const uint8_t *>(std::memchr(text + from, '\\', length - from));
        return at ? size_t(at - text) : length;
    }

    size_t here() const { return position < structural_count ? structurals[position] : length; }

    int fail(int status, size_t offset) {
        error_offset = offset;
        return status;
    }

    uint8_t peek() const { return position < structural_count ? text[structurals[position]] : 0; }

    int value(int depth) {
        if (position >= structural_count) return fail(JSON_OUTLINE_SYNTAX, length);
        if (count >= JSON_VALUES_MAX) return fail(JSON_OUTLINE_TOO_MANY, here());
        switch (peek()) {
        case '{': return object(depth);
        case '[': return array(depth);
        case '"': return string();
        default: return scalar();
        }
    }

    int object(int depth) {
        if (depth >= JSON_DEPTH_MAX) return fail(JSON_OUTLINE_TOO_DEEP, here());
        size_t self = open(JSON_KIND_OBJECT);
        if (peek() == '}') return close(self);
        for (;;) {
            if (peek() != '"') return fail(JSON_OUTLINE_SYNTAX, here());
            if (int status = string()) return status;
            if (peek() != ':') return fail(JSON_OUTLINE_SYNTAX, here());
            position++;
            if (int status = value(depth + 1)) return status;
            if (peek() == '}') return close(self);
            if (peek() != ',') return fail(JSON_OUTLINE_SYNTAX, here());
            position++;
        }
    }

    int array(int depth) {
        if (depth >= JSON_DEPTH_MAX) return fail(JSON_OUTLINE_TOO_DEEP, here());
        size_t self = open(JSON_KIND_ARRAY);
        if (peek() == ']') return close(self);
        for (;;) {
            if (int status = value(depth + 1)) return status;
            if (peek() == ']') return close(self);
            if (peek() != ',') return fail(JSON_OUTLINE_SYNTAX, here());
            position++;
        }
    }

    size_t open(uint32_t kind) {
        nodes[count] = {structurals[position], 0, 0, kind};
        position++;
        return count++;
    }

    int close(size_t self) {
        nodes[self].end = structurals[position] + 1;
        nodes[self].next = uint32_t(count);
        position++;
        return JSON_OUTLINE_OK;
    }

    /// The end of the token that starts at the current position: up to the next structural, less white space.
    uint32_t token_end() const {
        size_t end = position + 1 < structural_count ? structurals[position + 1] : length;
        while (is_space(text[end - 1])) end--;
        return uint32_t(end);
    }

    int leaf(uint32_t kind, uint32_t start, uint32_t end) {
        nodes[count] = {start, end, uint32_t(count + 1), kind};
        count++;
        position++;
        return JSON_OUTLINE_OK;
    }

    int string() {
        uint32_t start = structurals[position], end = token_end();
        if (end < start + 2 || text[end - 1] != '"') return fail(JSON_OUTLINE_UNCLOSED_STRING, start);
        size_t stop = end - 1;
        if (next_backslash >= stop) return leaf(JSON_KIND_STRING, start, end);
        while (next_backslash < stop) {
            const uint8_t *at = text + next_backslash;
            if (!escape_is_legal(at, text + stop)) return fail(JSON_OUTLINE_BAD_ESCAPE, next_backslash);
            next_backslash = backslash(next_backslash + (at[1] == 'u' ? 6 : 2));
        }
        return leaf(JSON_KIND_ESCAPED_STRING, start, end);
    }

    static bool escape_is_legal(const uint8_t *at, const uint8_t *stop) {
        if (stop - at < 2) return false;
        if (at[1] == 'u') {
            return stop - at >= 6 && is_hex(at[2]) && is_hex(at[3]) && is_hex(at[4]) && is_hex(at[5]);
        }
        return std::strchr("\"\\/bfnrt", at[1]) != nullptr && at[1] != 0;
    }

    int scalar() {
        uint32_t start = structurals[position], end = token_end();
        auto is = [&](const char *word) {
            return end - start == std::strlen(word) && std::memcmp(text + start, word, end - start) == 0;
        };
        switch (text[start]) {
        case 'n': return is("null") ? leaf(JSON_KIND_NULL, start, end) : fail(JSON_OUTLINE_SYNTAX, start);
        case 't': return is("true") ? leaf(JSON_KIND_TRUE, start, end) : fail(JSON_OUTLINE_SYNTAX, start);
        case 'f': return is("false") ? leaf(JSON_KIND_FALSE, start, end) : fail(JSON_OUTLINE_SYNTAX, start);
        case '-': case '0': case '1': case '2': case '3': case '4':
        case '5': case '6': case '7': case '8': case '9':
            return number_is_legal(text + start, text + end) ? leaf(JSON_KIND_NUMBER, start, end)
                                                             : fail(JSON_OUTLINE_BAD_NUMBER, start);
        default: return fail(JSON_OUTLINE_SYNTAX, start);
        }
    }

    static bool number_is_legal(const uint8_t *at, const uint8_t *stop) {
        auto digits = [&] {
            const uint8_t *first = at;
            while (at < stop && is_digit(*at)) at++;
            return at > first;
        };
        if (*at == '-') at++;
        if (at < stop && *at == '0') at++;
        else if (!digits()) return false;
        if (at < stop && *at == '.') {
            at++;
            if (!digits()) return false;
        }
        if (at < stop && (*at | 0x20) == 'e') {
            at++;
            if (at < stop && (*at == '+' || *at == '-')) at++;
            if (!digits()) return false;
        }
        return at == stop;
    }
};

int stage_one_status(simdjson::error_code error) {
    switch (error) {
    case simdjson::EMPTY: return JSON_OUTLINE_EMPTY;
    case simdjson::UTF8_ERROR: return JSON_OUTLINE_NOT_UTF8;
    case simdjson::UNCLOSED_STRING: return JSON_OUTLINE_UNCLOSED_STRING;
    case simdjson::UNESCAPED_CHARS: return JSON_OUTLINE_CONTROL_CHARACTER;
    default: return JSON_OUTLINE_SYNTAX;
    }
}

}  // namespace

#define TEXT_OF(words) #words
#define TEXT(macro) TEXT_OF(macro)

extern "C" const char *json_outline_library_version(void) { return TEXT(SIMDJSON_VERSION); }

extern "C" json_outliner *json_outliner_create(void) { return new (std::nothrow) json_outliner; }

extern "C" void json_outliner_destroy(json_outliner *outliner) { delete outliner; }

extern "C" int json_outline(json_outliner *outliner, const uint8_t *text, size_t length, const json_node **nodes,
                            size_t *count, size_t *error_offset) {
    *nodes = nullptr;
    *count = 0;
    *error_offset = 0;
    if (length == 0) return JSON_OUTLINE_EMPTY;
    if (length > text_bytes_max) return JSON_OUTLINE_TOO_LARGE;
    try {
        if (length < capacity_bytes_kept) outliner->shrink();
        if (!outliner->reserve(length)) return JSON_OUTLINE_NO_MEMORY;
        std::memcpy(outliner->padded.data(), text, length);
        std::memset(outliner->padded.data() + length, 0, simdjson::SIMDJSON_PADDING);
        auto error = outliner->stage->stage1(outliner->padded.data(), length, simdjson::stage1_mode::regular);
        if (error) return stage_one_status(error);
        outliner->reserve_nodes(outliner->stage->n_structural_indexes);
        Walk walk(*outliner, length);
        int status = walk.run();
        *error_offset = walk.error_offset;
        *count = walk.count;
        if (status) return status;
    } catch (const std::bad_alloc &) {
        return JSON_OUTLINE_NO_MEMORY;
    }
    *nodes = outliner->nodes.get();
    return JSON_OUTLINE_OK;
}
