#pragma once
#include <http_parser.h>

// The parser's results lie in bit fields.

static inline void retort_parser_begin(http_parser *parser) {
    http_parser_init(parser, HTTP_RESPONSE);
    // Some servers give a length beside the chunks. As in curl, the chunks count (RFC 9112, 6.3).
    parser->allow_chunked_length = 1;
}

static inline int retort_parser_status(const http_parser *parser) { return (int)parser->status_code; }

static inline enum http_errno retort_parser_error(const http_parser *parser) { return HTTP_PARSER_ERRNO(parser); }

// These answers have no body, whatever their headers say (RFC 9112, 6.3).
static inline int retort_parser_has_no_body(const http_parser *parser) {
    return parser->status_code / 100 == 1 || parser->status_code == 204 || parser->status_code == 304;
}

static inline int retort_parser_is_chunked(const http_parser *parser) { return (parser->flags & F_CHUNKED) != 0; }

static inline int retort_parser_has_length(const http_parser *parser) { return (parser->flags & F_CONTENTLENGTH) != 0; }
