/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason.h: why a coroutine waits, for people: in reports, gdb, and tracers.  A new reason is one
 * line here, at the end, since tracers number them as they stand.
 */
#ifndef ST_RUNTIME_REASON_H
#define ST_RUNTIME_REASON_H

/* clang-format off */
#define WAIT_REASONS(reason)                          \
	reason(WAIT_NONE, "")                         \
	reason(WAIT_CHAN_SEND, "chan send")           \
	reason(WAIT_CHAN_RECEIVE, "chan receive")     \
	reason(WAIT_SELECT, "select")                 \
	reason(WAIT_SELECT_NONE, "select (no cases)") \
	reason(WAIT_SLEEP, "sleep")                   \
	reason(WAIT_MUTEX, "mutex lock")              \
	reason(WAIT_READ_LOCK, "rwlock read lock")    \
	reason(WAIT_WRITE_LOCK, "rwlock write lock")  \
	reason(WAIT_GROUP, "wait group")              \
	reason(WAIT_SEMAPHORE, "semaphore")           \
	reason(WAIT_COND, "condition")                \
	reason(WAIT_IO, "IO wait")                    \
	reason(WAIT_SYSCALL, "syscall")
/* clang-format on */

#ifndef __ASSEMBLER__

#define WAIT_REASON_NUMBER(number, text) number,
enum wait_reason { WAIT_REASONS(WAIT_REASON_NUMBER) WAIT_REASON_COUNT };
#undef WAIT_REASON_NUMBER

/* For people; "waiting" for WAIT_NONE and what is none. */
const char *wait_reason_text(unsigned reason);

#endif
#endif
