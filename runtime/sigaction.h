/* SPDX-License-Identifier: Apache-2.0 */
/* sigaction.h: what the wrappers of sigaction and signal and the runtime want from each other. */
#ifndef ST_RUNTIME_SIGACTION_H
#define ST_RUNTIME_SIGACTION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define WRAPPER __attribute__((visibility("default")))

/* Around a handler: what runs is no coroutine.  begin returns what end wants back. */
WRAPPER uint64_t __corun_signal_begin(void);
WRAPPER void __corun_signal_end(uint64_t guard);

/*
 * While the runtime handles a signal itself: what the program installs is kept beside it, and
 * called for what is not the runtime's.  False: the signal is the program's alone.
 */
WRAPPER bool __corun_fault_replaces(int signo, const struct sigaction *act, struct sigaction *old);
WRAPPER bool __corun_fault(const siginfo_t *info, void *context);

typedef void corun_handler(int signo);

/* What the program's sigaction and signal become. */
WRAPPER int __corun_sigaction(int signo, const struct sigaction *act, struct sigaction *old);
WRAPPER corun_handler *__corun_signal(int signo, corun_handler *handler);
WRAPPER corun_handler *__corun_sysv_signal(int signo, corun_handler *handler);

/* The C library's, by the linker's --wrap. */
int __real_sigaction(int signo, const struct sigaction *act, struct sigaction *old);

#endif
