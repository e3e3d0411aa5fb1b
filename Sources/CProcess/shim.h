#pragma once
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// What glibc declares for _GNU_SOURCE alone, and what it has no function for.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
extern int pipe2(int ends[2], int flags);
extern int memfd_create(const char *name, unsigned int flags);
extern long syscall(long number, ...);

// A file in memory without a name, closed on exec.
static inline int retort_memory_file(const char *name) { return memfd_create(name, 1U); }

// A descriptor that becomes readable when the process has ended; closed on exec.
static inline int retort_pidfd_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }
