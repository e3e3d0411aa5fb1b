#pragma once
#include <xxhash.h>

// What xxHash does ahead of its own reading, for others who know where they will read next.
static inline void retort_prefetch(const void *address) { __builtin_prefetch(address); }
