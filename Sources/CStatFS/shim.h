#pragma once
#include <sys/vfs.h>

// `f_type` of the file system that an open file is on; 0 where the kernel does not say.
static inline unsigned retort_file_system_type(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 ? (unsigned)status.f_type : 0;
}
