// A validating outline of one JSON text: every value's kind and byte range, in document order.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum json_kind {
    JSON_KIND_NULL = 0,
    JSON_KIND_FALSE = 1,
    JSON_KIND_TRUE = 2,
    JSON_KIND_NUMBER = 3,
    JSON_KIND_STRING = 4,
    JSON_KIND_ESCAPED_STRING = 5,  // a string that holds at least one backslash
    JSON_KIND_ARRAY = 6,
    JSON_KIND_OBJECT = 7,
};

/// One value. The range [start, end) is in bytes of the text and includes quotes, brackets and braces.
/// `next` is the index of the node that follows the value's whole subtree. An object's children
/// alternate key (a string node) and value.
typedef struct json_node {
    uint32_t start;
    uint32_t end;
    uint32_t next;
    uint32_t kind;
} json_node;

enum json_outline_status {
    JSON_OUTLINE_OK = 0,
    JSON_OUTLINE_EMPTY = 1,
    JSON_OUTLINE_NOT_UTF8 = 2,
    JSON_OUTLINE_SYNTAX = 3,
    JSON_OUTLINE_UNCLOSED_STRING = 4,
    JSON_OUTLINE_CONTROL_CHARACTER = 5,
    JSON_OUTLINE_BAD_ESCAPE = 6,
    JSON_OUTLINE_BAD_NUMBER = 7,
    JSON_OUTLINE_TOO_DEEP = 8,
    JSON_OUTLINE_TRAILING = 9,
    JSON_OUTLINE_TOO_LARGE = 10,
    JSON_OUTLINE_NO_MEMORY = 11,
    JSON_OUTLINE_TOO_MANY = 12,
};

/// Levels of nesting accepted.
enum { JSON_DEPTH_MAX = 256 };

/// Values of one text, keys included: what bounds the memory of a hostile one, at 16 bytes each.
enum { JSON_VALUES_MAX = 6000000 };

typedef struct json_outliner json_outliner;

/// The version of simdjson that this was compiled with.
const char *json_outline_library_version(void);

/// One outliner serves one thread at a time; its buffers are reused from text to text.
json_outliner *json_outliner_create(void);
void json_outliner_destroy(json_outliner *outliner);

/// Outlines `length` bytes at `text`. On success `*nodes` and `*count` stay valid until the next call.
/// On a syntax error `*error_offset` is the byte where the text stops being JSON.
/// Lone surrogate escapes are accepted: they are legal by the grammar of RFC 8259.
int json_outline(json_outliner *outliner, const uint8_t *text, size_t length, const json_node **nodes, size_t *count,
                 size_t *error_offset);

#ifdef __cplusplus
}
#endif
