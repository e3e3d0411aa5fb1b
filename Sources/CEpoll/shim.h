#pragma once
#include <sys/epoll.h>
#include <sys/eventfd.h>

// The flags are macros over enumerators of their own name, which Swift sees as enumerations.
enum {
    RETORT_EPOLL_IN = EPOLLIN,
    RETORT_EPOLL_OUT = EPOLLOUT,
    RETORT_EPOLL_BROKEN = EPOLLERR | EPOLLHUP,
};

static inline int retort_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int retort_eventfd_create(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
