/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of Go's runtime in stripped programs, by the code that takes them: a function that is known
 * to lock one of them loads its address and calls lock2.
 *
 * A wrong name is worse than none.  The table is asked only for the versions with which it was
 * compared with the symbols; where two functions are given they have to agree; and an address that
 * gets two names gets neither.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/elf_file.h"
#include "symbols/go_offsets.h"
#include "symbols/image.h"
#include "symbols/insn_x86.h"
#include "symbols/variables.h"

#define MINOR_MIN  19
#define MINOR_MAX  23
#define MUTEX_SIZE 8
#define LINE	   64 /* of the cache, to which elements of arrays are padded */

struct taken {
	const char *name, *function[2];
	uint32_t count;
	const char *member; /* of each element */
};

#define LOCK(name, ...)                      \
	{                                    \
		name, { __VA_ARGS__ }, 1, "" \
	}
#define LOCKS(name, count, member, ...)              \
	{                                            \
		name, { __VA_ARGS__ }, count, member \
	}

static const struct taken table[] = {
	LOCK("runtime.sched.lock", "runtime.stopm", "runtime.startTheWorldWithSema"),
	LOCK("runtime.sched.sudoglock", "runtime.acquireSudog", "runtime.releaseSudog"),
	LOCK("runtime.sched.gFree.lock", "runtime.gfput", "runtime.gfpurge"),
	LOCK("runtime.allglock", "runtime.allgadd", "runtime.forEachG"),
	LOCK("runtime.allpLock", "runtime.retake", "runtime.procresize"),
	LOCK("runtime.sweep.lock", "runtime.bgsweep"),
	LOCK("runtime.forcegc.lock", "runtime.forcegchelper"),
	LOCK("runtime.work.wbufSpans.lock", "runtime.getempty", "runtime.freeSomeWbufs"),
	LOCK("runtime.work.assistQueue.lock", "runtime.gcParkAssist", "runtime.gcWakeAllAssists"),
	LOCK("runtime.work.sweepWaiters.lock", "runtime.gcMarkTermination"),
	LOCK("runtime.itabLock", "runtime.getitab", "runtime.itabsinit"),
	LOCK("runtime.newmHandoff.lock", "runtime.newm"),
	LOCK("runtime.gcBitsArenas.lock", "runtime.newMarkBits", "runtime.nextMarkBitArenaEpoch"),
	LOCK("runtime.globalAlloc.mutex", "runtime.persistentalloc1"),
	LOCK("runtime.debuglock", "runtime.printlock"),
	LOCK("runtime.finlock", "runtime.queuefinalizer", "runtime.runfinq"),
	LOCK("runtime.stackLarge.lock", "runtime.stackalloc", "runtime.stackfree"),
	LOCK("runtime.profInsertLock", "runtime.stkbucket"),
	LOCK("runtime.profMemActiveLock", "runtime.mProf_Flush"),
	LOCK("runtime.reflectOffs.lock", "runtime.resolveNameOff", "runtime.resolveTypeOff"),
	LOCK("runtime.mheap_.lock", "runtime.gcResetMarkState", "runtime.allocmcache.func1"),
	LOCK("runtime.mheap_.speciallock", "runtime.removefinalizer", "runtime.setprofilebucket"),
	/* for each size of stacks */
	LOCKS("runtime.stackpool", 4, ".item.mu", "runtime.stackcacherefill"),
	/* by a hash of the address waited for */
	LOCKS("runtime.semtable", 251, ".root.lock", "runtime.semrelease1", "runtime.semacquire1"),
};

#define TABLE (sizeof(table) / sizeof(table[0]))

struct search {
	const struct elf_file *file;
	struct image *img;
	struct insn_decoder *decoder;
	uint64_t lock[3]; /* the functions that lock; 0: not there */
};

static bool is_lock(const struct search *s, uint64_t callee)
{
	return callee && (callee == s->lock[0] || callee == s->lock[1] || callee == s->lock[2]);
}

static uint64_t loaded_address(const struct search *s, const struct insn_x86 *insn)
{
	const struct insn_operand *from = insn_memory(insn, 1);

	if (!insn_is(insn, "lea") || !from || !from->rip_relative)
		return 0;
	return elf_file_is_data(s->file, from->address) ? from->address : 0;
}

/* The address of data that was loaded last before the first lock is taken; 0: none. */
static uint64_t first_lock(const struct search *s, const char *function)
{
	struct function f;
	struct insn_x86 insn;
	const uint8_t *code;
	uint64_t at = 0;

	if (!function || image_function(s->img, function, &f))
		return 0;
	code = image_bytes(s->img, f.vaddr, f.size);
	if (!code)
		return 0;
	insn_decoder_set(s->decoder, code, f.size, f.vaddr);
	while (insn_decoder_next(s->decoder, &insn) == 1) {
		uint64_t loaded = loaded_address(s, &insn);

		if (loaded)
			at = loaded;
		if (insn.kind != INSN_CALL)
			continue;
		if (is_lock(s, insn.target) && at)
			return at;
		at = 0;
	}
	return 0;
}

/* Where the functions agree; one of them may have been left out by the linker. */
static uint64_t find(const struct search *s, const struct taken *t)
{
	uint64_t a = first_lock(s, t->function[0]), b = first_lock(s, t->function[1]);

	if (a && b && a != b)
		return 0;
	return a ? a : b;
}

static bool is_once(const uint64_t at[TABLE], size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k < TABLE; k++)
		n += at[k] == at[i];
	return n == 1;
}

static size_t find_all(const struct search *s, struct variable ret[GO_LOCKS_MAX])
{
	uint64_t at[TABLE];
	size_t n = 0;

	_Static_assert(TABLE <= GO_LOCKS_MAX, "all fit");
	for (size_t i = 0; i < TABLE; i++)
		at[i] = find(s, &table[i]);
	for (size_t i = 0; i < TABLE; i++) {
		const struct taken *t = &table[i];

		if (!at[i] || !is_once(at, i))
			continue;
		ret[n++] = (struct variable){
			.name = t->name,
			.vaddr = at[i],
			.size = t->count > 1 ? t->count * LINE : MUTEX_SIZE,
			.stride = t->count > 1 ? LINE : 0,
			.member = t->member,
		};
	}
	return n;
}

size_t go_locks(const struct elf_file *f, struct image *img, struct variable ret[GO_LOCKS_MAX])
{
	static const char *const functions[] = { "runtime.lock2", "runtime.lock",
						 "runtime.lockWithRank" };
	struct go_version version = go_version_parse(image_go_version(img));
	struct search s = { .file = f, .img = img };
	struct function fn;
	size_t n;

	if (version.development || version.minor < MINOR_MIN || version.minor > MINOR_MAX ||
	    insn_decoder_new(&s.decoder))
		return 0;
	for (size_t i = 0; i < 3; i++)
		if (!image_function(img, functions[i], &fn))
			s.lock[i] = fn.vaddr;
	n = find_all(&s, ret);
	insn_decoder_free(s.decoder);
	return n;
}
