/* SPDX-License-Identifier: Apache-2.0 */
/* A rule that no program can be made to break at will: waits for locks inside of the allocator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "formats/aggregate.h"
#include "formats/diagnose.h"
#include "tests/unit/events.h"

#define PC_ALLOCATOR 0x420001u
#define PC_OTHER     0x421001u
#define WALL_NS	     UINT64_C(1000000000)

#define TAKE(a, ev)                                                \
	do {                                                       \
		__typeof__(ev) taken = (ev);                       \
		assert_int_equal(aggregate_event(a, &taken.h), 0); \
	} while (0)

/* Whether waits for a lock of this kind, at this place, in a run of a second are a convoy. */
static bool is_convoy(uint64_t pc, uint32_t kind, uint64_t waits, uint64_t wait_ns)
{
	const struct name allocator = { "runtime.(*mcentral).cacheSpan", "/mcentral.go", 80,
					false };
	const struct name other = { "runtime.schedule", "/proc.go", 3000, false };
	struct stack_record stack = ev_stack(10, 77, &pc, 1, 0);
	const struct ev_lock lock = { .h = ev_head(EV_LOCK, sizeof(lock), 500, RUN_PID),
				      .lock = 0x1000,
				      .stack_id = 77,
				      .kind = kind,
				      .waits = waits,
				      .wait_ns = wait_ns,
				      .max_wait_ns = wait_ns / 10 };
	const struct ev_exit end = { .h = ev_head(EV_EXIT, sizeof(end), 1000000, RUN_PID),
				     .wall_ns = WALL_NS };
	struct finding *f;
	struct aggregate *a;
	struct names *n;
	size_t count;
	bool convoy = false;

	assert_int_equal(aggregate_new(&a), 0);
	assert_int_equal(names_new(&n), 0);
	names_add(n, RUN_PID, PC_ALLOCATOR - 1, &allocator, 1);
	names_add(n, RUN_PID, PC_OTHER - 1, &other, 1);
	assert_int_equal(aggregate_event(a, &stack.s.h), 0);
	TAKE(a, lock);
	TAKE(a, end);
	aggregate_finish(a);
	assert_int_equal(diagnose_find(aggregate_diagnose(a), a, n, &f, &count), 0);
	for (size_t i = 0; i < count; i++)
		convoy |= !strcmp(f[i].rule->name, "lock-convoy");
	findings_free(f, count);
	names_free(n);
	aggregate_free(a);
	return convoy;
}

/* At least 100 waits, for 5 % of the wall time: as the page says. */
static void lock_convoy(void **state)
{
	(void)state;
	assert_true(is_convoy(PC_ALLOCATOR, EV_LOCK_RUNTIME, 100, WALL_NS / 20));
	assert_false(is_convoy(PC_ALLOCATOR, EV_LOCK_RUNTIME, 99, WALL_NS / 20));
	assert_false(is_convoy(PC_ALLOCATOR, EV_LOCK_RUNTIME, 100, WALL_NS / 20 - 1));
	assert_false(is_convoy(PC_OTHER, EV_LOCK_RUNTIME, 100, WALL_NS / 20));
	assert_false(is_convoy(PC_ALLOCATOR, EV_LOCK_MUTEX, 100, WALL_NS / 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lock_convoy) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
