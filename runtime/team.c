/* SPDX-License-Identifier: Apache-2.0 */
/*
 * team.c: threads that help to mark and sweep while the world is stopped.
 *
 * They are plain threads that sleep between collections, one less than there are processors for the
 * program, and are made by the first collection that is worth it.  Who collects works too and waits
 * only for those that came: on a busy machine a helper may wake up when all is done.
 *
 * Rejected: to have the stopped threads of the scheduler help.  They may be anywhere in the
 * runtime, and on one P there are none.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/gc.h"
#include "runtime/lock.h"

#define HELPER_STACK (64u << 10)

static struct lock team_lock;
static struct worker *workers; /* TEAM_MAX of them */
static unsigned wanted;	       /* helpers */
static unsigned started;
static pthread_t thread[TEAM_MAX];
static uint32_t calls; /* changes when there is work, or an end */
static uint32_t inside;
static bool open, ending;
static void (*job)(struct worker *w);

static void sleep_while(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake_all(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

uint64_t thread_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void work(struct worker *w)
{
	uint64_t begin = thread_cpu_ns();

	job(w);
	w->cpu_ns += thread_cpu_ns() - begin;
}

/* Joins what is going on, if it is not over. */
static void help(struct worker *w)
{
	bool in;

	lock(&team_lock);
	in = open;
	if (in)
		inside++;
	unlock(&team_lock);
	if (!in)
		return;
	work(w);
	if (!__atomic_sub_fetch(&inside, 1, __ATOMIC_ACQ_REL))
		wake_all(&inside);
}

static void *helper(void *arg)
{
	struct worker *w = arg;
	uint32_t seen = 0, now;

	for (;;) {
		while ((now = __atomic_load_n(&calls, __ATOMIC_ACQUIRE)) == seen)
			sleep_while(&calls, seen);
		seen = now;
		if (__atomic_load_n(&ending, __ATOMIC_ACQUIRE))
			return NULL;
		help(w);
	}
}

/* As many as there can be: fewer only make it slower. */
static void start_helpers(void)
{
	sigset_t all, old;
	pthread_attr_t attr;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, HELPER_STACK);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (started < wanted) {
		if (pthread_create(&thread[started], &attr, helper, &workers[started + 1])) {
			wanted = started;
			break;
		}
		pthread_setname_np(thread[started++], "corun-gc");
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

void team_run(void (*fn)(struct worker *w), bool many)
{
	uint32_t left;

	if (many && started < wanted)
		start_helpers();
	lock(&team_lock);
	job = fn;
	open = true;
	unlock(&team_lock);
	if (many && started) {
		__atomic_add_fetch(&calls, 1, __ATOMIC_RELEASE);
		wake_all(&calls);
	}
	work(&workers[0]);
	lock(&team_lock);
	open = false;
	unlock(&team_lock);
	while ((left = __atomic_load_n(&inside, __ATOMIC_ACQUIRE)))
		sleep_while(&inside, left);
}

struct worker *team_worker(unsigned i)
{
	return i <= started ? &workers[i] : NULL;
}

/* A child has only the thread that forked. */
static void in_forked_child(void)
{
	started = wanted = 0;
	inside = 0;
}

/* More than there are processors would be in each other's way. */
int team_begin(unsigned processors)
{
	static bool registered;
	cpu_set_t cpus;
	unsigned i;

	workers = (struct worker *)map_pages(TEAM_MAX * sizeof(*workers), PROT_READ | PROT_WRITE);
	if (!workers)
		return -1;
	for (i = 0; i < TEAM_MAX; i++)
		workers[i].id = i;
	if (!sched_getaffinity(0, sizeof(cpus), &cpus) && (unsigned)CPU_COUNT(&cpus) < processors)
		processors = (unsigned)CPU_COUNT(&cpus);
	wanted = processors > TEAM_MAX ? TEAM_MAX - 1 : processors - 1;
	calls = 0;
	ending = false;
	if (!registered)
		pthread_atfork(NULL, NULL, in_forked_child);
	registered = true;
	return 0;
}

void team_end(void)
{
	if (!workers)
		return;
	__atomic_store_n(&ending, true, __ATOMIC_RELEASE);
	__atomic_add_fetch(&calls, 1, __ATOMIC_RELEASE);
	wake_all(&calls);
	while (started)
		pthread_join(thread[--started], NULL);
	munmap(workers, TEAM_MAX * sizeof(*workers));
	workers = NULL;
}
