/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c: settings, from the program and from its environment.
 *
 * The environment wins: who runs a program may try another size without building it.  What stands
 * there and is not understood ends the program, since a measurement with a setting that was
 * silently left out is worse than none.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/gc.h"
#include "runtime/mcache.h"
#include "runtime/policy.h"

#define MAX_STACK_DEFAULT 1000000000ull /* as Go's */
#define MAX_STACK_LIMIT	  (1ull << 46)
#define MMAP_DEFAULT	  4096
#define MMAP_MAX_DEFAULT  (2ull << 20)
#define FIXED_DEFAULT	  (64ull << 10)

struct settings settings;

static bool is_stack_size(uint64_t n)
{
	return n >= STACK_MIN && n <= MAX_STACK_LIMIT && !(n & (n - 1));
}

/* Decimal digits, then K, M, G or nothing. */
static bool parse_size(const char *s, uint64_t *ret)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	uint64_t n = 0;
	unsigned shift = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return false;
	if (*s && (suffix = strchr(suffixes, *s))) {
		shift = 10 * (unsigned)(suffix - suffixes + 1);
		s++;
	}
	if (*s || n > UINT64_MAX >> shift)
		return false;
	*ret = n << shift;
	return true;
}

struct word {
	const char *name;
	unsigned value;
};

static const struct word policies[] = {
	{ "copy", CO_COPY },	       { "mmap", CO_MMAP }, { "fixed", CO_FIXED },
	{ "segmented", CO_SEGMENTED }, { NULL, 0 },
};
static const struct word triggers[] = {
	{ "prologue", CO_PROLOGUE },
	{ "guard", CO_GUARD },
	{ NULL, 0 },
};
static const struct word allocators[] = {
	{ "page", OWNER_PAGE },
	{ "mmap", OWNER_MMAP },
	{ NULL, 0 },
};

/* An environment variable with one of some words; not set: *value stays. */
static void read_word(const char *variable, const struct word *w, const char *list, unsigned *value)
{
	const char *s = getenv(variable);

	if (!s)
		return;
	for (; w->name && strcmp(w->name, s); w++)
		;
	if (!w->name)
		fatal("%s: '%s' is not %s", variable, s, list);
	*value = w->value;
}

static bool takes_guard(unsigned policy)
{
	return policy == CO_MMAP || policy == CO_FIXED;
}

/* As the program says; what it does not say stays 0. */
static int read_config(const struct co_config *c)
{
	uint64_t limit = c->max_stack ? c->max_stack : MAX_STACK_LIMIT;

	if (limit < STACK_MIN || (unsigned)c->policy > CO_SEGMENTED ||
	    (unsigned)c->trigger > CO_GUARD || c->gap > MAX_STACK_LIMIT ||
	    limit > MAX_STACK_LIMIT || c->procs > MAX_PROCS)
		return -EINVAL;
	if (c->stack_size == CO_ADAPTIVE)
		settings.adaptive = true;
	else if (c->stack_size && (!is_stack_size(c->stack_size) || limit < c->stack_size))
		return -EINVAL;
	else
		settings.stack_size = c->stack_size;
	settings.max_stack = c->max_stack;
	settings.policy = c->policy;
	settings.trigger = c->trigger;
	settings.gap = c->gap;
	settings.procs = c->procs;
	return 0;
}

static void read_sizes(void)
{
	const char *s = getenv("CORUN_STACK");

	if (s && !strcmp(s, "adaptive")) {
		settings.adaptive = true;
		settings.stack_size = 0;
	} else if (s) {
		settings.adaptive = false;
		if (!parse_size(s, &settings.stack_size) || !is_stack_size(settings.stack_size))
			fatal("CORUN_STACK: '%s' is not a power of two of at least %d bytes, nor "
			      "'adaptive'",
			      s, STACK_MIN);
	}
	s = getenv("CORUN_MAXSTACK");
	if (s && (!parse_size(s, &settings.max_stack) || settings.max_stack > MAX_STACK_LIMIT))
		fatal("CORUN_MAXSTACK: '%s' is not a size (bytes, or as in 64K, 16M, 1G)", s);
	s = getenv("CORUN_GAP");
	if (s && (!parse_size(s, &settings.gap) || settings.gap > MAX_STACK_LIMIT))
		fatal("CORUN_GAP: '%s' is not a size (bytes, or as in 4K, 64K)", s);
}

/* As Go reads it: what is no number, or none of a processor, is passed over. */
static void read_procs(void)
{
	const char *s = getenv("GOMAXPROCS");
	uint64_t n = 0;
	cpu_set_t cpus;

	if (settings.procs)
		return;
	if (s && !s[strspn(s, "0123456789")] && parse_size(s, &n) && n)
		settings.procs = n < MAX_PROCS ? (unsigned)n : MAX_PROCS;
	else if (!sched_getaffinity(0, sizeof(cpus), &cpus))
		settings.procs = (unsigned)CPU_COUNT(&cpus);
	else
		settings.procs = 1;
}

static void read_environment(void)
{
	const char *s = getenv("CORUN_DEBUG");
	unsigned policy = 0, trigger = 0;

	if (s)
		debug_read(s);
	read_word("CORUN_ALLOCATOR", allocators, "page or mmap", &settings.allocator);
	read_word("CORUN_POLICY", policies, "copy, mmap, fixed or segmented", &policy);
	read_word("CORUN_TRIGGER", triggers, "prologue or guard", &trigger);
	if (policy) {
		/* What the program says of its own policy does not bind another one. */
		if (policy != settings.policy)
			settings.trigger = CO_TRIGGER_DEFAULT;
		settings.adaptive = settings.adaptive && !takes_guard(policy);
		settings.policy = policy;
	}
	if (trigger)
		settings.trigger = trigger;
	read_sizes();
}

static void fill_in(void)
{
	unsigned policy = settings.policy;

	if (!settings.trigger)
		settings.trigger = policy == CO_FIXED ? CO_GUARD : CO_PROLOGUE;
	if (!settings.stack_size)
		settings.stack_size = policy == CO_FIXED  ? FIXED_DEFAULT
				      : policy == CO_MMAP ? MMAP_DEFAULT
							  : STACK_MIN;
	if (policy == CO_FIXED)
		settings.max_stack = settings.stack_size;
	if (!settings.max_stack)
		settings.max_stack = policy == CO_MMAP ? MMAP_MAX_DEFAULT : MAX_STACK_DEFAULT;
	/* Nothing moves; and a growth at every call would fill a range at once. */
	if (takes_guard(policy))
		settings.move = false;
	if (!settings.gap)
		settings.gap = MMAP_DEFAULT;
}

int settings_read(const struct co_config *config)
{
	memset(&settings, 0, sizeof(settings));
	if (config && read_config(config))
		return -EINVAL;
	if (!settings.policy)
		settings.policy = &__corun_policy ? __corun_policy : CO_COPY;
	if (takes_guard(settings.policy) ? settings.adaptive : settings.trigger == CO_GUARD)
		return -EINVAL;
	read_environment();
	godebug_read();
	pace_read_environment();
	read_procs();
	fill_in();
	if (settings.trigger == CO_GUARD && !takes_guard(settings.policy))
		fatal("CORUN_TRIGGER: only stacks of the policies mmap and fixed have a guard "
		      "page; see "
		      "CORUN_POLICY");
	if (settings.adaptive && takes_guard(settings.policy))
		fatal("CORUN_STACK: 'adaptive' is for the policies copy and segmented; see "
		      "CORUN_POLICY");
	if (settings.max_stack < settings.stack_size)
		fatal("a stack that starts with %llu bytes is more than the limit of %llu; see "
		      "CORUN_STACK and CORUN_MAXSTACK",
		      (unsigned long long)settings.stack_size,
		      (unsigned long long)settings.max_stack);
	return 0;
}
