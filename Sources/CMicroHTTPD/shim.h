#pragma once
#include <microhttpd.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>

// Variadic functions, which Swift does not see.
static inline struct MHD_Daemon *retort_mhd_start(unsigned int flags, MHD_AcceptPolicyCallback accept,
                                                  MHD_AccessHandlerCallback handler, void *context,
                                                  struct MHD_OptionItem *options) {
    return MHD_start_daemon(flags, 0, accept, context, handler, context, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

/// The descriptor of a connection's socket, or -1.
static inline int retort_mhd_connection_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

/// The descriptor that becomes readable when any socket of the daemon needs attention, or -1.
static inline int retort_mhd_epoll(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

/// A descriptor that becomes readable at a time of the monotonic clock (timerfd_create(2)), or -1.
static inline int retort_timer_create(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK); }

/// Sets the time, in nanoseconds; it is not readable before. A time that has passed makes it readable at once.
static inline int retort_timer_set(int timer, int64_t nanoseconds) {
    struct itimerspec at = {{0, 0}, {nanoseconds / 1000000000, nanoseconds % 1000000000}};
    return timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}
