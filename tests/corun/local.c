/* SPDX-License-Identifier: Apache-2.0 */
/* Names and values of coroutines. */
#include <errno.h>
#include <stdint.h>

#include "check.h"

static struct co_wg wg;
static long counter;
static unsigned key, other_key;

static void destroy(void *value)
{
	counter += (intptr_t)value;
}

static void has_values(void *arg)
{
	CHECK(!co_get(key));
	CHECK_EQUAL(co_set(other_key, (void *)1000), 0);
	CHECK_EQUAL(co_set(key, arg), 0);
	co_yield();
	CHECK(co_get(key) == arg);
	CHECK(co_get(other_key) == (void *)1000);
	co_set(other_key, NULL);
	co_wg_done(&wg);
}

static void test_values(void)
{
	intptr_t i;

	CHECK_EQUAL(co_key_make(destroy, &key), 0);
	CHECK_EQUAL(co_key_make(destroy, &other_key), 0);
	CHECK_EQUAL(co_set(other_key + 1, NULL), -EINVAL);
	CHECK(!co_get(CO_KEYS));
	counter = 0;
	co_wg_add(&wg, 3);
	for (i = 1; i <= 3; i++)
		co_go(has_values, (void *)i);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	co_yield();
	CHECK_EQUAL(counter, 6);
}

static void test_names(void)
{
	char name[32];

	CHECK_EQUAL(co_name(name, sizeof(name)), 0);
	CHECK(!strcmp(name, ""));
	CHECK_EQUAL(co_set_name("a name that is longer than thirty-one bytes"), 0);
	CHECK_EQUAL(co_name(name, 31), -ERANGE);
	CHECK_EQUAL(co_name(name, sizeof(name)), 0);
	CHECK(!strcmp(name, "a name that is longer than thir"));
	CHECK_EQUAL(co_set_name(NULL), -EINVAL);
}

static void first(void *arg)
{
	(void)arg;
	test_values();
	test_names();
}

int main(void)
{
	CHECK_EQUAL(co_set_name("x"), -EPERM);
	CHECK(!co_get(0));
	check_run(first);
	check_run(first);
	return check_result();
}
