/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors in a memory made by hand: lists of both kinds, every kind of damage, every judgement.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "symbols/coroutines.h"
#include "symbols/target.h"

#define BASE 0x100000u /* where the memory seems to be */
#define BIAS 0x10000u
#define ROOM 65536

struct room {
	uint8_t byte[ROOM];
	uint64_t unreadable; /* an address, or 0 */
};

/* As struct g of a Go of our own. */
enum { LO = 0, HI = 8, GUARD = 16, SP = 56, STATUS = 144, ID = 152, REASON = 176, GOPC = 280 };

static int read_room(void *arg, uint64_t address, void *to, size_t size)
{
	struct room *r = arg;

	if (address < BASE || address - BASE > ROOM - size)
		return -EIO;
	if (r->unreadable && r->unreadable >= address && r->unreadable < address + size)
		return -EIO;
	memcpy(to, r->byte + (address - BASE), size);
	return 0;
}

static void put(struct room *r, uint64_t address, uint64_t value, size_t size)
{
	memcpy(r->byte + (address - BASE), &value, size);
}

static void make_g(struct room *r, uint64_t gp, uint64_t id, uint64_t lo, uint64_t size)
{
	put(r, gp + LO, lo, 8);
	put(r, gp + HI, lo + size, 8);
	put(r, gp + GUARD, lo + 928, 8);
	put(r, gp + SP, lo + size - 100, 8);
	put(r, gp + STATUS, COROUTINE_WAITING, 4);
	put(r, gp + ID, id, 8);
	put(r, gp + REASON, 7, 1);
}

struct fixture {
	struct room room;
	struct memory memory;
	struct target t;
	uint64_t seen[16];
	size_t count;
	int stop_after;
};

static void setup(struct fixture *f, enum target_list_kind kind)
{
	memset(f, 0, sizeof(*f));
	f->memory = (struct memory){ .read = read_room, .arg = &f->room, .bias = BIAS };
	f->t.kind = kind == LIST_ARRAY ? RUNTIME_GO : RUNTIME_NOTE;
	for (int i = 0; i < FIELD_COUNT; i++)
		f->t.field[i] = FIELD_UNKNOWN;
	f->t.field[FIELD_STACK_LO] = LO;
	f->t.field[FIELD_STACK_HI] = HI;
	f->t.field[FIELD_STACK_GUARD] = GUARD;
	f->t.field[FIELD_SCHED_SP] = SP;
	f->t.field[FIELD_STATUS] = STATUS;
	f->t.field[FIELD_ID] = ID;
	f->t.field[FIELD_WAIT_REASON] = REASON;
	f->t.field[FIELD_CREATOR_PC] = GOPC;
	f->t.list = (struct target_list){
		.kind = kind,
		.vaddr = BASE - BIAS,
		.next = 0,
		.used = 8,
		.first = 16,
		.size = 512,
	};
}

static int see(void *arg, const struct coroutine *c)
{
	struct fixture *f = arg;

	f->seen[f->count++ % 16] = c->id;
	return f->stop_after && (int)f->count >= f->stop_after ? 7 : 0;
}

static int each(struct fixture *f)
{
	f->count = 0;
	return coroutines_each(&f->t, &f->memory, see, f);
}

static void array(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, LIST_ARRAY);
	put(&f.room, BASE, BASE + 100 * 8, 8);
	put(&f.room, BASE + 8, 3, 8);
	for (unsigned i = 0; i < 3; i++) {
		put(&f.room, BASE + (100 + i) * 8, BASE + 4096 * (i + 1), 8);
		make_g(&f.room, BASE + 4096 * (i + 1), i + 1, 0xc000000000, 2048);
	}
	assert_int_equal(each(&f), 0);
	assert_int_equal(f.count, 3);
	assert_int_equal(f.seen[2], 3);
	f.stop_after = 2;
	assert_int_equal(each(&f), 7);
	assert_int_equal(f.count, 2);
	f.stop_after = 0;
	/* one that was only just allocated */
	put(&f.room, BASE + 4096 + HI, 0, 8);
	put(&f.room, BASE + 4096 + STATUS, COROUTINE_IDLE, 4);
	assert_int_equal(each(&f), 0);
	assert_int_equal(f.count, 2);
	put(&f.room, BASE + 100 * 8, 1, 8);
	assert_int_equal(each(&f), -EIO);
	put(&f.room, BASE + 8, 1ull << 40, 8);
	assert_int_equal(each(&f), -EIO);
	put(&f.room, BASE + 8, 0, 8);
	assert_int_equal(each(&f), 0);
	f.room.unreadable = BASE + 8;
	assert_int_equal(each(&f), -EIO);
	f.t.list.kind = LIST_UNKNOWN;
	assert_int_equal(each(&f), -ENOTSUP);
}

static void blocks(void **state)
{
	struct fixture f;
	const uint64_t one = BASE + 4096, two = BASE + 8192;

	(void)state;
	setup(&f, LIST_BLOCKS);
	assert_int_equal(each(&f), 0); /* none so far */
	put(&f.room, BASE, one, 8);
	put(&f.room, one, two, 8);
	put(&f.room, one + 8, 2, 8);
	put(&f.room, two + 8, 1, 8);
	make_g(&f.room, one + 16, 1, 0x5000, 4096);
	make_g(&f.room, one + 16 + 512, 2, 0x7000, 4096);
	make_g(&f.room, two + 16, 3, 0x9000, 4096);
	assert_int_equal(each(&f), 0);
	assert_int_equal(f.count, 3);
	/* a ring of blocks ends */
	put(&f.room, two, one, 8);
	put(&f.room, one + 8, 0, 8);
	put(&f.room, two + 8, 0, 8);
	assert_int_equal(each(&f), -EIO);
	put(&f.room, two, 0, 8);
	put(&f.room, two + 8, UINT64_MAX, 8);
	assert_int_equal(each(&f), -EIO);
	put(&f.room, two + 8, 1000, 8); /* more than there is memory */
	assert_int_equal(each(&f), -EIO);
}

static struct coroutine healthy(void)
{
	return (struct coroutine){
		.lo = 0xc000010000,
		.hi = 0xc000012000,
		.guard = 0xc000010000 + 928,
		.sp = 0xc000011f00,
		.status = COROUTINE_WAITING,
	};
}

static void judged(void **state)
{
	struct coroutine c = healthy();
	struct fixture f;

	(void)state;
	setup(&f, LIST_ARRAY);
#define JUDGE(wanted) assert_int_equal(coroutine_judge(&f.t, &c, 1000000000), wanted)
	JUDGE(STACK_HEALTHY);
	assert_int_equal(coroutine_used(&c), 0x100);
	c.guard = (uint64_t)-1314;
	JUDGE(STACK_HEALTHY);
	c.guard = (uint64_t)-1315;
	JUDGE(STACK_BAD_GUARD);
	c.guard = c.hi;
	JUDGE(STACK_BAD_GUARD);
	c.guard = c.lo;
	JUDGE(STACK_BAD_GUARD);
	c = healthy();
	c.hi -= 8;
	JUDGE(STACK_BAD_BOUNDS);
	c = healthy();
	c.lo += 512;
	c.hi += 512;
	JUDGE(STACK_BAD_BOUNDS);
	c = healthy();
	c.hi = c.lo - 2048;
	JUDGE(STACK_BAD_BOUNDS);
	c = healthy();
	c.sp = c.lo - 8;
	JUDGE(STACK_OVERFLOW);
	c.status = COROUTINE_RUNNING; /* then sp is not that of now */
	JUDGE(STACK_HEALTHY);
	assert_int_equal(coroutine_used(&c), 0);
	c.status = COROUTINE_COPYSTACK;
	JUDGE(STACK_GROWS);
	c.status = COROUTINE_DEAD;
	JUDGE(STACK_NONE);
	c = healthy();
	assert_int_equal(coroutine_judge(&f.t, &c, 16384), STACK_HEALTHY);
	assert_int_equal(coroutine_judge(&f.t, &c, 16383), STACK_AT_LIMIT);
	assert_int_equal(coroutine_judge(&f.t, &c, 0), STACK_HEALTHY);
	/* Other runtimes may have stacks of any size, and guards anywhere in them. */
	f.t.kind = RUNTIME_NOTE;
	c.hi -= 8;
	c.guard = c.lo;
	JUDGE(STACK_HEALTHY);
	c.guard = 0;
	JUDGE(STACK_BAD_GUARD);
	f.t.field[FIELD_STACK_GUARD] = FIELD_UNKNOWN;
	JUDGE(STACK_HEALTHY);
#undef JUDGE
}

static void read_one(void **state)
{
	struct coroutine c;
	struct fixture f;

	(void)state;
	setup(&f, LIST_ARRAY);
	make_g(&f.room, BASE + 64, 42, 0xc000000000, 8192);
	put(&f.room, BASE + 64 + STATUS, 0x1000 | COROUTINE_WAITING, 4);
	put(&f.room, BASE + 64 + GOPC, 0x1234, 8);
	put(&f.room, BASE + 64 + REASON + 1, 0xff, 1); /* what is behind it is not of it */
	assert_int_equal(coroutine_read(&f.t, &f.memory, BASE + 64, &c), 0);
	assert_int_equal(c.id, 42);
	assert_int_equal(c.status, COROUTINE_WAITING);
	assert_int_equal(c.reason, 7);
	assert_int_equal(c.creator_pc, 0x1234);
	assert_int_equal(c.hi - c.lo, 8192);
	assert_int_equal(c.entry_pc, 0);
	f.t.field[FIELD_CREATOR_PC] = 60000;
	assert_int_equal(coroutine_read(&f.t, &f.memory, BASE + 64, &c), -E2BIG);
	assert_string_equal(coroutine_status_name(COROUTINE_COPYSTACK), "copystack");
	assert_string_equal(coroutine_status_name(5), "unknown");
	assert_string_equal(coroutine_status_name(4711), "unknown");
	put(&f.room, BASE, 1000, 8);
	assert_int_equal(coroutines_limit(&f.t, &f.memory), 0);
	f.t.stack_limit = BASE - BIAS;
	assert_int_equal(coroutines_limit(&f.t, &f.memory), 1000);
	f.t.stack_limit = 1;
	assert_int_equal(coroutines_limit(&f.t, &f.memory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(array),
		cmocka_unit_test(blocks),
		cmocka_unit_test(judged),
		cmocka_unit_test(read_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
