/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of protocol buffers against bytes worked out by hand, and the profile of names that
 * mean harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <zlib.h>

#include "formats/aggregate.h"
#include "formats/protobuf.h"
#include "formats/render.h"
#include "tests/unit/events.h"
#include "tests/unit/read_protobuf.h"

static void check_writer(void **state)
{
	/* 1: 150; 2: "testing"; 3: { 1: 150 }; 4: packed 3, 270, 86942; 5: fixed 1 */
	static const uint8_t want[] = { 0x08, 0x96, 0x01, 0x12, 0x07, 't',  'e',  's',	't',
					'i',  'n',  'g',  0x1a, 0x03, 0x08, 0x96, 0x01, 0x22,
					0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05, 0x29, 1,
					0,    0,    0,	  0,	0,    0,    0 };
	const uint64_t packed[] = { 3, 270, 86942 };
	struct protobuf p = { 0 };
	size_t begun;

	(void)state;
	protobuf_number(&p, 1, 150);
	protobuf_text(&p, 2, "testing");
	begun = protobuf_begin(&p, 3);
	protobuf_number(&p, 1, 150);
	protobuf_end(&p, begun);
	protobuf_packed(&p, 4, packed, 3);
	protobuf_fixed64(&p, 5, 1);
	assert_false(p.failed);
	assert_int_equal(p.size, sizeof(want));
	assert_memory_equal(p.bytes, want, sizeof(want));
	protobuf_release(&p);
}

/* Lengths of one, two and three bytes, and room that must grow. */
static void check_lengths(void **state)
{
	(void)state;
	for (size_t size = 0; size < 40000; size = size * 3 + 1) {
		struct protobuf p = { 0 };
		struct field f;
		size_t outer = protobuf_begin(&p, 1), inner = protobuf_begin(&p, 2);
		char *text = malloc(size + 1);

		memset(text, 'x', size);
		text[size] = '\0';
		protobuf_text(&p, 3, text);
		protobuf_end(&p, inner);
		protobuf_end(&p, outer);
		f = (struct field){ .at = p.bytes, .size = p.size };
		for (unsigned k = 1; k <= 3; k++) {
			struct reader r = { f.at, f.at + f.size };

			assert_true(read_field(&r, &f));
			assert_int_equal(f.number, k);
			assert_ptr_equal(r.at, r.end);
		}
		assert_int_equal(f.size, size);
		free(text);
		protobuf_release(&p);
	}
}

static uint8_t *unzip(const char *bytes, size_t size, size_t *ret_size)
{
	z_stream z = { .next_in = (Bytef *)bytes, .avail_in = (unsigned)size };
	uint8_t *out = malloc(1 << 20);

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_out = out;
	z.avail_out = 1 << 20;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	*ret_size = z.total_out;
	inflateEnd(&z);
	return out;
}

static int take(void *arg, const struct ev_header *ev)
{
	return aggregate_event(arg, ev);
}

static void check_hostile_profile(void **state)
{
	static const char evil[] = "ev\x1b[2J\"il\n\xff\xe2\x80\xae x";
	const struct name v = { evil, evil, 5, false };
	struct run_info info = run_info_made();
	struct render_context c = { .info = &info };
	struct run_list list;
	struct reader r;
	struct field f;
	unsigned strings = 0, samples = 0, found = 0;
	char *zipped = NULL;
	uint8_t *bytes;
	size_t size;

	(void)state;
	assert_int_equal(names_new(&c.names), 0);
	assert_int_equal(aggregate_new(&c.aggregate), 0);
	names_add(c.names, RUN_PID, PC_GO_7 - 1, &v, 1);
	names_add(c.names, RUN_PID, 0x403000, &v, 1);
	run_make(&list);
	assert_int_equal(run_each(&list, take, c.aggregate), 0);
	aggregate_finish(c.aggregate);
	c.out = open_memstream(&zipped, &size);
	assert_int_equal(format_pprof.end(NULL, &c), 0);
	fclose(c.out);
	bytes = unzip(zipped, size, &size);
	r = (struct reader){ bytes, bytes + size };
	while (read_field(&r, &f)) {
		samples += f.number == 2;
		if (f.number != 6)
			continue;
		assert_true(strings || !f.size);
		strings++;
		found += memmem(f.at, f.size, "\\x1b", 4) != NULL;
		for (size_t i = 0; i < f.size; i++)
			assert_true(f.at[i] >= ' ' && f.at[i] < 0x7f);
	}
	assert_ptr_equal(r.at, r.end);
	assert_true(found);
	assert_int_equal(samples, 5 + 1 + 1 + 1); /* steps of deep, first, big; a shrink */
	free(bytes);
	free(zipped);
	names_free(c.names);
	aggregate_free(c.aggregate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_writer),
		cmocka_unit_test(check_lengths),
		cmocka_unit_test(check_hostile_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
