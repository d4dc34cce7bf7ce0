/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corun.h: coroutines with Go's stacks for C.
 *
 * A coroutine starts with 2 KiB of stack.  When a function needs more, its stack is copied to one
 * twice the size, and every pointer into the old one is adjusted, as in Go.  Compile and link
 * programs with corun-cc, which adds what that takes (gcc -fsplit-stack and a linker that knows
 * it).
 *
 * One rule comes with stacks that move: the address of a local variable may be passed down to
 * functions that are called, and may lie, aligned, in other locals and registers of the same
 * coroutine, but must not be kept anywhere else (globals, the heap, another coroutine) across a
 * call.  Give other coroutines heap memory, globals, or values over a channel.  For the same reason
 * longjmp works only as long as the stack did not move since setjmp, and pointers must not be
 * hidden (packed, xored, tagged in the top bits) while they point to locals.  A word that looks
 * like an address of its stack moves like one: corun-cc has locals begin as zeros, so that a short
 * string over what is left of an address does not; memory of alloca must be cleared for that.
 *
 * Coroutines run on as many threads as there are processors, as in Go (GOMAXPROCS): what two of
 * them use they must guard, unless co_config says procs = 1.  None is interrupted: calls marked
 * (parks) may let others run on the same thread; no other call does.  After such a call a coroutine
 * may go on on another thread: what belongs to a thread (thread-local variables, errno, the owner
 * of a mutex) is then another's, and no address of it may be kept.  Results are 0 or a negated
 * errno; errno itself is never set.
 *
 * C library functions run on the thread's own stack, so that a coroutine that prints stays at
 * 2 KiB.  Functions that they call back (of qsort, twalk, nftw) run there too: they may do
 * everything except park.  Handlers of signals cannot park either, and must return.  Functions of
 * other libraries run on the coroutine's stack with at least 16 KiB, and nothing stops those that
 * need more: use co_call for them.  A function that waits keeps its thread from running others: use
 * co_syscall for it.
 *
 * Environment: GOMAXPROCS (threads that run coroutines), CORUN_STACK (bytes a stack starts with),
 * CORUN_MAXSTACK (most it may have), both also as 64K or 1M, CORUN_ALLOCATOR (page or mmap), and
 * CORUN_DEBUG, a list of: poison (fill old and free stacks), unmap (take their memory away),
 * stackcheck (find addresses of locals that are kept outside their stack), move (move the stack at
 * every function call; very slow), fail=N (the Nth allocation finds no memory), crash (fatal errors
 * abort and leave a core).
 *
 * A program that runs out of stack, whose coroutines all wait for each other, or that breaks the
 * runtime's rules ends with a report on standard error and exit status 2, as in Go.
 */
#ifndef CORUN_H
#define CORUN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

typedef void co_fn(void *arg);

/* What happens when a stack is full.  corun(3) says what each costs. */
enum co_policy {
	CO_POLICY_DEFAULT, /* copy, or as linked with corun-cc --stack-policy */
	CO_COPY,	   /* moves to one twice the size, as in Go */
	CO_MMAP,	   /* grows where it is, in a range of max_stack bytes with a guard page */
	CO_FIXED,	   /* the program ends with a report */
	CO_SEGMENTED,	   /* calls go on in a further segment, as in Go before 1.3 */
};

/* What notices that it is full. */
enum co_trigger {
	CO_TRIGGER_DEFAULT, /* CO_GUARD for fixed, else CO_PROLOGUE */
	CO_PROLOGUE,	    /* the check that each function begins with */
	CO_GUARD,	    /* SIGSEGV at a page without access; for mmap and fixed */
};

#define CO_ADAPTIVE ((size_t)-1)

struct co_config {
	size_t stack_size; /* bytes a stack starts with: a power of two of at least 2048; 0: 2048,
			    * with mmap 4096, with fixed 65,536; CO_ADAPTIVE: what coroutines of
			    * the same function needed before, for copy and segmented */
	size_t max_stack;  /* most bytes of one stack; 0: 1,000,000,000, with mmap 2 MiB */
	enum co_policy policy;
	enum co_trigger trigger;
	size_t gap;	/* least bytes by which a stack grows in place; 0: 4096 */
	unsigned procs; /* coroutines that run at the same time, up to 1024; 0: GOMAXPROCS of the
			 * environment, or as many as there are processors for the program */
};

/*
 * Runs fn(arg) as the first coroutine, and returns when it ends.  As in Go, the others then end
 * too, wherever they are; those that run just then go on until they park, and a call of co_syscall
 * until it returns; calls that have a deadline or a token are given up.  config may be NULL; the
 * environment wins over it.
 *
 * -EINVAL: an impossible config; -EBUSY: the program already is in co_run; -ENOMEM.  An impossible
 * environment is a fatal error.
 */
#define co_run(config, fn, arg) co_run_at((config), (fn), (arg), CO_PC())
int co_run_at(const struct co_config *config, co_fn *fn, void *arg, const void *creator_pc);

/* Starts a coroutine that runs fn(arg): on another thread at once, or when its creator parks.
 * -ENOMEM; -EPERM outside of co_run and in a signal handler. */
#define co_go(fn, arg) co_go_at((fn), (arg), CO_PC())
int co_go_at(co_fn *fn, void *arg, const void *creator_pc);

/* An address within the line that uses it: where tracers say the coroutine was created. */
#define CO_PC()                                                      \
	__extension__({                                              \
		const void *co_pc_;                                  \
		__asm__ volatile("lea 0(%%rip), %0" : "=r"(co_pc_)); \
		co_pc_;                                              \
	})

/* (parks) Lets the other runnable coroutines run first.  -EPERM if the caller cannot park. */
int co_yield(void);

/* Ends the calling coroutine.  In the first one this ends co_run.  Returns only if the caller
 * cannot park. */
void co_exit(void);

/* The calling coroutine's number, from 1, never reused; 0 outside of coroutines. */
uint64_t co_self(void);

/* Present size of the calling coroutine's stack; 0 outside of coroutines. */
size_t co_stack_size(void);

/* Calls fn(arg) on the thread's own stack: for foreign code that needs much stack.  fn must not
 * park.  Outside of coroutines it is a plain call. */
void co_call(co_fn *fn, void *arg);

/*
 * (parks) The same for a function that waits in the kernel: meanwhile others run.  It must not
 * start coroutines nor call the runtime otherwise, and objects of the heap that it uses must be led
 * to from elsewhere, as by arg.  No deadline and no token ends it.  -EPERM: the caller cannot park.
 */
int co_syscall(co_fn *fn, void *arg);

/*
 * (parks) The same, but fn is given up at the deadline, when the caller's token is canceled, and
 * when co_run ends.  It then goes on until it returns, on a thread that is no coroutine's, perhaps
 * for longer than co_run: arg, and what else fn uses, must not lie on a stack or in the heap.
 *
 * 0: fn has returned, and arg is the caller's.  -ETIMEDOUT, -ECANCELED: arg has been given away:
 * drop(arg) (unless NULL) is called when fn has returned, on its thread; or at once if it was too
 * late to call fn.  Else fn was not called, and arg is the caller's: -EAGAIN (no thread), -ENOMEM.
 */
int co_syscall_until(co_fn *fn, void *arg, co_fn *drop, int64_t deadline_ns);

/* From now on n coroutines may run at the same time; 0 changes nothing.  Returns how many before;
 * -EINVAL: n < 0; -EPERM: outside of coroutines; -ENOMEM.  Waits until all others have come to a
 * point where they park or grow. */
int co_gomaxprocs(int n);

/*
 * --- time ---
 *
 * All times are nanoseconds of CLOCK_MONOTONIC.  Each call that waits has a variant that ends in
 * _until and takes a deadline: when that has come, and what the caller waits for has not, it
 * returns -ETIMEDOUT.  With a deadline that has passed, such as 0, it is a try that never parks.
 * What can only be tried by waiting (see input and output, co_syscall_until) is not tried then.
 */
#define CO_FOREVER INT64_MAX /* a deadline that never comes */

int64_t co_now(void);

/* (parks) 0 when the time has come, -ECANCELED, -ENOMEM; -EPERM: the caller cannot park.  Not at
 * all for a time that has passed. */
int co_sleep(int64_t ns);
int co_sleep_until(int64_t deadline_ns);

/* A timer sends the time, an int64_t, into its channel, which holds one and is the timer's own: at
 * when_ns (CO_FOREVER: not at all), and if period_ns is not 0, each period_ns from then on.  Times
 * that nobody has taken when the next one comes are left out. */
struct co_timer;
struct co_chan;

/* -EINVAL: a negative time; -ENOMEM; -EPERM: outside of coroutines. */
int co_timer_make(int64_t when_ns, int64_t period_ns, struct co_timer **ret);
struct co_chan *co_timer_chan(struct co_timer *t);
/* Changes it, and empties its channel.  1: it was still to fire; 0: it was not; errors as above. */
int co_timer_set(struct co_timer *t, int64_t when_ns, int64_t period_ns);
int co_timer_stop(struct co_timer *t);
/* With its channel.  NULL does nothing.  -EBUSY: coroutines wait in the channel. */
int co_timer_free(struct co_timer *t);

/*
 * --- cancellation ---
 *
 * A coroutine may have a token set, which those that it starts inherit.  When the token is
 * canceled, or one that it was made from, all that they wait in returns -ECANCELED: at once, and
 * whenever they would have to wait again.  A token may also have a deadline: then that is the
 * latest deadline of every wait under it (-ETIMEDOUT).  What need not wait is done nevertheless.
 *
 * Only co_mutex_lock, co_rwlock_read, co_rwlock_write and the way back of co_cond_wait wait on.
 */
struct co_cancel;

/* parent may be NULL, deadline_ns CO_FOREVER.  -ENOMEM; -EINVAL. */
int co_cancel_make(struct co_cancel *parent, int64_t deadline_ns, struct co_cancel **ret);
/* Also the tokens made from it.  Once more does no harm.  -EINVAL: NULL; -EPERM: outside of
 * coroutines. */
int co_cancel(struct co_cancel *t);
/* It lives on while it is set for a coroutine or other tokens were made from it.  NULL does
 * nothing. */
void co_cancel_free(struct co_cancel *t);
/* For the caller and those that it starts from now on; NULL: none.  -EPERM: outside of
 * coroutines. */
int co_cancel_set(struct co_cancel *t);
/* The caller's own, or NULL. */
struct co_cancel *co_cancel_get(void);
/* 0; -ECANCELED; -ETIMEDOUT: its deadline has passed. */
int co_canceled(const struct co_cancel *t);

/*
 * --- names, and values that each coroutine has of its own ---
 */

/* Shown in reports and by gdb; its first 31 bytes are copied.  -EINVAL: NULL; -ENOMEM; -EPERM:
 * outside of coroutines. */
int co_set_name(const char *name);
/* The caller's, "" if it has none.  -ERANGE: longer than size; -EINVAL: no room at all; -EPERM. */
int co_name(char *ret, size_t size);

#define CO_KEYS 128 /* most there can be */

/* When a coroutine ends that has a value other than NULL, destroy (if not NULL) is called with it,
 * on the thread's own stack, where it must not park; not when co_run ends and drops who is left.
 * Keys are for good.  -EAGAIN: CO_KEYS were made; -EINVAL. */
int co_key_make(co_fn *destroy, unsigned *ret);
/* -EINVAL: no such key; -ENOMEM; -EPERM: outside of coroutines. */
int co_set(unsigned key, void *value);
/* NULL: none was set. */
void *co_get(unsigned key);

/*
 * --- channels ---
 *
 * They carry items of one size, first in, first out, by copy.  With capacity 0 sender and receiver
 * meet.  They may be made before co_run, and outlive it.  A channel that was freed must not be
 * used: where that is noticed the program ends with a report, with CORUN_DEBUG=poison always.
 */

/* -EINVAL: impossible sizes; -ENOMEM. */
int co_chan_make(size_t item_size, size_t capacity, struct co_chan **ret);

/* (parks) The item must stay as it is until the call returns.  -EPIPE: the channel is closed, also
 * while waiting; -EPERM: the caller cannot park; -EINVAL: no channel, or no item; -ECANCELED;
 * -ETIMEDOUT and -ENOMEM for waits with a deadline or under a token. */
int co_chan_send(struct co_chan *c, const void *item);
int co_chan_send_until(struct co_chan *c, const void *item, int64_t deadline_ns);

/* (parks) ret_item may be NULL.  -EPIPE: closed, and nothing left in it; the others as above. */
int co_chan_recv(struct co_chan *c, void *ret_item);
int co_chan_recv_until(struct co_chan *c, void *ret_item, int64_t deadline_ns);

/* Wakes everybody who waits.  -EPIPE: already closed; -EPERM: outside of coroutines. */
int co_chan_close(struct co_chan *c);

/* NULL does nothing.  -EBUSY: coroutines wait in it. */
int co_chan_free(struct co_chan *c);

/* Items in it now, and the most it holds; 0 for NULL. */
size_t co_chan_len(struct co_chan *c);
size_t co_chan_cap(const struct co_chan *c);

enum co_op {
	CO_RECV,
	CO_SEND,
	CO_DEFAULT, /* if no other can be done at once */
};

struct co_case {
	struct co_chan *chan; /* NULL: never ready */
	enum co_op op;
	int result; /* of the case that was chosen: 0, or -EPIPE: closed */
	void *item; /* to send, or where to put what is received (or NULL) */
};

/*
 * (parks) Does one of the cases and returns its index.  Of several that can be done at once each is
 * as likely; without any it waits for ever, or until the deadline.
 *
 * -EINVAL: more than 65,535, more than one CO_DEFAULT, or an unknown operation; -EPERM, -ECANCELED,
 * -ETIMEDOUT, -ENOMEM as above: nothing was done.
 */
int co_select(struct co_case *cases, size_t n);
int co_select_until(struct co_case *cases, size_t n, int64_t deadline_ns);

/*
 * --- locks and the like ---
 *
 * All of them are ready for use when zero, and have nothing to free.  Their members are the
 * runtime's.  They must not be copied or go away while somebody waits, and, since coroutines that
 * wait are known by address, must not be locals where stacks move: that ends the program with a
 * report, as does giving up what is not held.  A lock belongs to no coroutine: another may give it
 * up.
 */
struct co_mutex {
	uint32_t private_[2];
	void *private_q[2];
};

/* (parks) It returns with the mutex.  Where the caller cannot park the program ends. */
void co_mutex_lock(struct co_mutex *m);
/* (parks) 0: the caller has it.  -ETIMEDOUT, -ECANCELED, -ENOMEM; -EPERM: it is taken, and the
 * caller cannot park. */
int co_mutex_lock_until(struct co_mutex *m, int64_t deadline_ns);
void co_mutex_unlock(struct co_mutex *m);

/* Many readers or one writer, in the order in which they came. */
struct co_rwlock {
	uint32_t private_[4];
	void *private_q[2];
};

/* (parks) As for the mutex. */
void co_rwlock_read(struct co_rwlock *l);
void co_rwlock_write(struct co_rwlock *l);
int co_rwlock_read_until(struct co_rwlock *l, int64_t deadline_ns);
int co_rwlock_write_until(struct co_rwlock *l, int64_t deadline_ns);
void co_rwlock_unread(struct co_rwlock *l);
void co_rwlock_unwrite(struct co_rwlock *l);

/* A count, and who waits for it to be 0. */
struct co_wg {
	uint32_t private_[2];
	int64_t private_count;
	void *private_q[2];
};

/* n may be negative; a count below 0 ends the program. */
void co_wg_add(struct co_wg *wg, int64_t n);
void co_wg_done(struct co_wg *wg); /* the same with -1 */
/* (parks) -EPERM: the caller cannot park; -ECANCELED, -ETIMEDOUT, -ENOMEM. */
int co_wg_wait(struct co_wg *wg);
int co_wg_wait_until(struct co_wg *wg, int64_t deadline_ns);

struct co_sem {
	uint32_t count; /* to begin with: how many may come without waiting */
	uint32_t private_;
	void *private_q[2];
};

/* (parks) Errors as for the wait group. */
int co_sem_wait(struct co_sem *s);
int co_sem_wait_until(struct co_sem *s, int64_t deadline_ns);
/* -EOVERFLOW: the count is as high as it gets; -EPERM: outside of coroutines. */
int co_sem_post(struct co_sem *s);

struct co_cond {
	uint32_t private_[2];
	void *private_q[2];
};

/* (parks) Gives the mutex up while it waits, and returns with it in any case.  Never wakes by
 * itself, but what was signalled need not hold any more.  Errors as for the wait group. */
int co_cond_wait(struct co_cond *c, struct co_mutex *m);
int co_cond_wait_until(struct co_cond *c, struct co_mutex *m, int64_t deadline_ns);
/* The one that waits longest, or all.  With or without the mutex. */
void co_cond_signal(struct co_cond *c);
void co_cond_broadcast(struct co_cond *c);

struct co_once {
	uint32_t done;
	struct co_mutex mutex;
};

/* (parks) The first call calls fn(arg); all others return when that has returned. */
void co_once(struct co_once *o, co_fn *fn, void *arg);

/*
 * --- input and output ---
 *
 * A co_fd stands for a descriptor whose calls park the coroutine instead of the thread: those of
 * sockets, pipes and the like by epoll, those of files as in co_syscall.  It is a number of its own
 * kind: once closed it is never taken for the next one, even if that has the same descriptor; calls
 * return -EBADF, as for any number that is none.  Those that are still open when co_run ends are
 * closed, but for 0, 1 and 2.
 *
 * All of these return -errno as the system call does, -EBADF (also if the co_fd is closed while
 * they wait), -EPERM where the caller cannot park, and -ETIMEDOUT, -ECANCELED and -ENOMEM for waits
 * with a deadline or under a token.  Interrupted calls are made again.  A call that need not wait
 * does not.  Any number of coroutines may wait for the same co_fd.
 *
 * Calls of files, co_open and co_getaddrinfo are given up, as by co_syscall_until, with -EAGAIN
 * too: the call goes on, and what it does may still happen (bytes are written, the place in the
 * file moves), but what it brings is dropped, and its descriptor closed when it has returned.  What
 * the page cache can do at once, and addresses that are numbers, need not wait; co_open always may.
 */
typedef int64_t co_fd; /* negative: an error */

/* <sys/socket.h> has them; its socklen_t is unsigned. */
struct sockaddr;
struct addrinfo;

/* Takes a descriptor over, which gets O_NONBLOCK unless it is a file; it must not be closed but by
 * co_close.  -EBUSY: it already is taken.  co_fd_release gives it back as it is, and -EBUSY if it
 * is in use. */
co_fd co_fd_take(int fd);
int co_fd_release(co_fd fd);
/* Of what system calls know as this co_fd. */
int co_fd_number(co_fd fd);
/* Whoever waits for it gets -EBADF. */
int co_close(co_fd fd);

/* (parks) Flags and mode as for open(2), which gets O_CLOEXEC. */
co_fd co_open(const char *path, int flags, unsigned mode);
co_fd co_open_until(const char *path, int flags, unsigned mode, int64_t deadline_ns);
int co_pipe(co_fd ret[2]);

/* (parks) What is there, at most n bytes; 0: the end. */
ssize_t co_read(co_fd fd, void *buf, size_t n);
ssize_t co_read_until(co_fd fd, void *buf, size_t n, int64_t deadline_ns);
/* (parks) All n bytes, in pieces if need be; fewer, if an error or the deadline came in between.  A
 * socket whose peer is gone says -EPIPE; a pipe also raises SIGPIPE, as ever. */
ssize_t co_write(co_fd fd, const void *buf, size_t n);
ssize_t co_write_until(co_fd fd, const void *buf, size_t n, int64_t deadline_ns);
/* (parks) For files. */
ssize_t co_pread(co_fd fd, void *buf, size_t n, int64_t offset);
ssize_t co_pread_until(co_fd fd, void *buf, size_t n, int64_t offset, int64_t deadline_ns);
ssize_t co_pwrite(co_fd fd, const void *buf, size_t n, int64_t offset);
ssize_t co_pwrite_until(co_fd fd, const void *buf, size_t n, int64_t offset, int64_t deadline_ns);

enum co_ready { CO_READABLE = 1, CO_WRITABLE = 2 };

/* (parks) Until it can be read or written, for calls of other libraries.  -EINVAL: neither. */
int co_wait_fd(co_fd fd, unsigned want);
int co_wait_fd_until(co_fd fd, unsigned want, int64_t deadline_ns);

co_fd co_socket(int domain, int type, int protocol);
/* (parks) */
int co_connect(co_fd fd, const struct sockaddr *to, unsigned size);
int co_connect_until(co_fd fd, const struct sockaddr *to, unsigned size, int64_t deadline_ns);
/* A stream socket that is bound (with SO_REUSEADDR) and listens. */
co_fd co_listen(const struct sockaddr *at, unsigned size, int backlog);
/* (parks) from and size may be NULL. */
co_fd co_accept(co_fd fd, struct sockaddr *from, unsigned *size);
co_fd co_accept_until(co_fd fd, struct sockaddr *from, unsigned *size, int64_t deadline_ns);
/* (parks) */
ssize_t co_recvfrom(co_fd fd, void *buf, size_t n, int flags, struct sockaddr *from,
		    unsigned *size);
ssize_t co_recvfrom_until(co_fd fd, void *buf, size_t n, int flags, struct sockaddr *from,
			  unsigned *size, int64_t deadline_ns);
/* (parks) */
ssize_t co_sendto(co_fd fd, const void *buf, size_t n, int flags, const struct sockaddr *to,
		  unsigned size);
ssize_t co_sendto_until(co_fd fd, const void *buf, size_t n, int flags, const struct sockaddr *to,
			unsigned size, int64_t deadline_ns);
/* Who waits to read finds the end, who waits to write -EPIPE. */
int co_shutdown(co_fd fd, int how);

/* (parks) As getaddrinfo(3), with -errno: -ENOENT: no such name.  To be freed by freeaddrinfo. */
int co_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		   struct addrinfo **ret);
int co_getaddrinfo_until(const char *host, const char *service, const struct addrinfo *hints,
			 struct addrinfo **ret, int64_t deadline_ns);
/* (parks) host may be NULL: this one; service is a name or a number.  The first address that can be
 * had, or the error of the last. */
co_fd co_tcp_listen(const char *host, const char *service);
co_fd co_tcp_listen_until(const char *host, const char *service, int64_t deadline_ns);
co_fd co_tcp_connect(const char *host, const char *service);
co_fd co_tcp_connect_until(const char *host, const char *service, int64_t deadline_ns);

/*
 * The collected heap.  Objects read as zeros, never move, and are freed when nothing leads to them
 * any more, at the latest when co_run returns.  What leads to an object is its address, or one
 * inside of it (but not the one behind it), that stands aligned to 8 bytes
 *
 *	- in a global variable of the program or its libraries, or in the range of co_root_add;
 *	- on the stack of a coroutine or in a register of its, in an item of a channel;
 *	- on the stack of co_run's thread above co_run;
 *	- in an object that itself is led to.
 *
 * Not in memory of malloc, in thread-local variables, or on the stacks of other threads; and not if
 * it is hidden (packed, xored).  A number that looks like an address keeps an object as well.
 *
 * The heap is collected when it has grown by GOGC percent of what was left of it; see corun(3). All
 * coroutines stand still meanwhile.
 *
 * All of these return NULL if there is no memory, if the size is impossible, outside of co_run and
 * in handlers of signals.  Objects are aligned to 16 bytes, those whose size is no multiple of 16
 * to 8.
 */
void *co_alloc(size_t size);

/* For what holds no addresses of objects: it is not searched for any. */
void *co_alloc_atomic(size_t size);

/* Where an object has addresses, so that the rest of it is not searched: bit n of map stands for
 * the bytes from 8 n on, and bit n of more[i] for those from 512 (i + 1) + 8 n on.  Without more,
 * the rest has none.  size is a multiple of 8 unless there are none at all. */
struct co_type {
	size_t size;
	uint64_t map;
	const uint64_t *more;
};

/* An array of count of them.  The type stays as it is while there are objects of it. */
void *co_alloc_typed(const struct co_type *type, size_t count);

/* struct co_type t = CO_TYPE(struct node, left, right): those members, of 1 to 8, are addresses,
 * and stand in the first 512 bytes. */
#define CO_TYPE(type, ...)                                                                        \
	{                                                                                         \
		sizeof(type), CO_TYPE_N_(__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1)(type, __VA_ARGS__), \
			0                                                                         \
	}
#define CO_TYPE_N_(a, b, c, d, e, f, g, h, n, ...) CO_TYPE_PASTE_(n)
#define CO_TYPE_PASTE_(n)			   CO_TYPE_##n##_
#define CO_TYPE_1_(t, m)			   (UINT64_C(1) << offsetof(t, m) / 8)
#define CO_TYPE_2_(t, m, ...)			   CO_TYPE_1_(t, m) | CO_TYPE_1_(t, __VA_ARGS__)
#define CO_TYPE_3_(t, m, ...)			   CO_TYPE_1_(t, m) | CO_TYPE_2_(t, __VA_ARGS__)
#define CO_TYPE_4_(t, m, ...)			   CO_TYPE_1_(t, m) | CO_TYPE_3_(t, __VA_ARGS__)
#define CO_TYPE_5_(t, m, ...)			   CO_TYPE_1_(t, m) | CO_TYPE_4_(t, __VA_ARGS__)
#define CO_TYPE_6_(t, m, ...)			   CO_TYPE_1_(t, m) | CO_TYPE_5_(t, __VA_ARGS__)
#define CO_TYPE_7_(t, m, ...)			   CO_TYPE_1_(t, m) | CO_TYPE_6_(t, __VA_ARGS__)
#define CO_TYPE_8_(t, m, ...)			   CO_TYPE_1_(t, m) | CO_TYPE_7_(t, __VA_ARGS__)

/* From now on, bytes of memory that is no object of the heap are searched for addresses, until they
 * are removed.  -EINVAL: nothing to search; -ENOMEM.  The address is that of the first byte;
 * -ENOENT: it was not added. */
int co_root_add(void *p, size_t size);
int co_root_remove(void *p);

/* Collects now; other coroutines stand still until it is done.  -EPERM as for co_go. */
int co_gc(void);

/* GOGC, in percent; negative: the heap is not collected on its own.  Returns what it was. */
int co_set_gc_percent(int percent);

/* GOMEMLIMIT, in bytes; INT64_MAX: none; negative: stays.  Returns what it was. */
int64_t co_set_memory_limit(int64_t bytes);

/* What the heap counted since the last co_run began. */
struct co_heap_stats {
	uint64_t bytes, objects;      /* allocated, and not found to be unreachable so far */
	uint64_t total_bytes;	      /* allocated ever */
	uint64_t mallocs, frees;      /* objects */
	uint64_t goal;		      /* bytes at which the next collection begins */
	uint64_t collections, forced; /* the latter by co_gc */
	uint64_t pause_ns;	      /* coroutines stood still, in all */
	uint64_t last_pause_ns;	      /* in the last one */
	uint64_t spans;		      /* bytes of memory that objects lie in, gaps included */
	uint64_t idle;		      /* bytes of memory that is free and kept */
	uint64_t released;	      /* bytes returned to the system, ever */
	uint64_t stack_bytes_read;    /* in the last collection */
	uint64_t global_bytes_read;
};

/* As co_stats. */
void co_heap_stats(struct co_heap_stats *ret);

#define CO_ORDERS 32 /* stacks of order n have 2048 << n bytes */

/* What the runtime itself counted since the last co_run began. */
struct co_stats {
	uint64_t born, ended; /* coroutines, the first included */
	uint64_t switches;    /* times a coroutine was switched to */
	uint64_t growths, shrinks;
	uint64_t bytes_copied; /* by both */
	uint64_t segments;     /* entered, with segmented stacks */
	uint64_t stackalloc[CO_ORDERS];
	uint64_t stackfree[CO_ORDERS];
	uint64_t stack_in_use; /* bytes of the stacks that coroutines have now */
	uint64_t stack_mapped; /* bytes of address space that stacks are cut from */
};

/* May be called at any time, also after co_run, by any coroutine and by the thread
 * that called co_run. */
void co_stats(struct co_stats *ret);

/*
 * Where stacks come from.  alloc is asked for a power of two of at least 2048 bytes, aligned to
 * itself, of memory that reads as anything, with 128 readable bytes behind it; it returns 0 and the
 * lowest address, or -ENOMEM.  free gets the same address and size back, perhaps long after the
 * coroutine has ended: free stacks are cached.  Both run on the thread's own stack, on several
 * threads at once, and must not call the runtime.
 */
struct co_stack_allocator {
	const char *name;
	int (*alloc)(size_t size, void **ret);
	void (*free)(void *lo, size_t size);
};

extern const struct co_stack_allocator co_page_allocator; /* packed, kept; where nothing is said */
extern const struct co_stack_allocator co_mmap_allocator; /* one mapping each, without reserve */

/* From now on stacks come from there; those in use go back to where they came from.  At any time,
 * by any coroutine, or before co_run.  NULL: the page allocator.  -EINVAL: a function is missing;
 * -ENOSPC: the eleventh that is not the runtime's own. */
int co_set_allocator(const struct co_stack_allocator *a);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
