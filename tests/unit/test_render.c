/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each format makes of the run of events.h, against files under tests/data/formats
 * (GOLDEN=write writes them anew: look at the difference), and of names and numbers that mean harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <locale.h>

#include "base/escape.h"
#include "formats/aggregate.h"
#include "formats/render.h"
#include "tests/unit/capture_file.h"

struct scene {
	struct run_info info;
	struct names *names;
	struct aggregate *aggregate;
	struct run_list list;
	struct render_context c;
};

/* The run, without taking its events yet. */
static void set_up(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->info = run_info_made();
	assert_int_equal(names_new(&s->names), 0);
	assert_int_equal(aggregate_new(&s->aggregate), 0);
	run_make(&s->list);
	s->c = (struct render_context){
		.info = &s->info, .names = s->names, .aggregate = s->aggregate, .utf8 = true
	};
}

static void tear_down(struct scene *s)
{
	names_free(s->names);
	aggregate_free(s->aggregate);
}

struct driver {
	const struct format *f;
	struct scene *s;
	void *state;
};

static int drive(void *arg, const struct ev_header *ev)
{
	struct driver *d = arg;
	int r = aggregate_event(d->s->aggregate, ev);

	return r || !d->f->event ? r : d->f->event(d->state, &d->s->c, ev);
}

/* The text that a format makes of the scene; the caller's to free. */
static char *render(struct scene *s, const char *name)
{
	struct driver d = { .f = format_find(name), .s = s };
	char *text = NULL;
	size_t size;

	assert_non_null(d.f);
	d.state = calloc(1, d.f->state_size + 1);
	s->c.out = open_memstream(&text, &size);
	if (d.f->begin)
		assert_int_equal(d.f->begin(d.state, &s->c), 0);
	assert_int_equal(run_each(&s->list, drive, &d), 0);
	aggregate_finish(s->aggregate);
	assert_int_equal(d.f->end(d.state, &s->c), 0);
	assert_int_equal(fclose(s->c.out), 0);
	if (d.f->release)
		d.f->release(d.state);
	free(d.state);
	return text;
}

static char *golden_path(const char *file)
{
	static char path[512];
	const char *top = getenv("TOP");

	snprintf(path, sizeof(path), "%s/tests/data/formats/%s", top ? top : ".", file);
	return path;
}

static void compare_golden(const char *file, const char *text)
{
	const char *mode = getenv("GOLDEN"), *path = golden_path(file);
	bool write = mode && !strcmp(mode, "write");
	FILE *f = fopen(path, write ? "w" : "r");
	static char want[1 << 18];
	size_t n;

	if (!f)
		fail_msg("cannot open '%s'", path);
	if (write) {
		fputs(text, f);
		assert_int_equal(fclose(f), 0);
		return;
	}
	n = fread(want, 1, sizeof(want) - 1, f);
	want[n] = '\0';
	fclose(f);
	assert_string_equal(text, want);
}

static void check_file(const char *format, const char *file, void (*change)(struct scene *))
{
	struct scene s;
	char *text;

	set_up(&s);
	run_names(s.names);
	if (change)
		change(&s);
	text = render(&s, format);
	compare_golden(file, text);
	free(text);
	tear_down(&s);
}

static void check_table(void **state)
{
	(void)state;
	check_file("table", "table.txt", NULL);
}

static void make_narrow(struct scene *s)
{
	s->c.width = 80;
	s->c.utf8 = false;
	s->c.top = 1;
}

static void check_table_narrow(void **state)
{
	(void)state;
	check_file("table", "table-narrow.txt", make_narrow);
}

static void make_colourful(struct scene *s)
{
	s->c.width = 120;
	s->c.colour = true;
}

static void check_table_colour(void **state)
{
	(void)state;
	check_file("table", "table-colour.txt", make_colourful);
}

static void make_damaged(struct scene *s)
{
	static const struct capture_damage damage = { .truncated = true,
						      .bad_blocks = 2,
						      .skipped_bytes = 1234,
						      .unknown_blocks = 1,
						      .bad_records = 3,
						      .missing_records = 2000 };

	s->c.damage = &damage;
	s->info.runtime = (char *)"corun";
	s->info.version = (char *)"0.1";
	s->info.warnings = (char *)"first warning\nsecond\n";
	s->list.count--; /* the program's end is missing */
}

static void check_table_damaged(void **state)
{
	(void)state;
	check_file("table", "table-damaged.txt", make_damaged);
}

static void make_empty(struct scene *s)
{
	s->list.count = 0;
}

/* Cut off before the first totals of hits and losses: nobody knows them. */
static void make_cut(struct scene *s)
{
	static const struct capture_damage damage = { .truncated = true };

	s->c.damage = &damage;
	s->list.count = 20;
}

static void check_table_cut(void **state)
{
	(void)state;
	check_file("table", "table-cut.txt", make_cut);
}

static void check_table_empty(void **state)
{
	(void)state;
	check_file("table", "table-empty.txt", make_empty);
}

static void check_trace(void **state)
{
	(void)state;
	check_file("trace", "trace.txt", NULL);
}

static void check_folded(void **state)
{
	(void)state;
	check_file("folded", "folded.txt", NULL);
}

static void check_folded_damaged(void **state)
{
	(void)state;
	check_file("folded", "folded-damaged.txt", make_damaged);
}

static void check_json(void **state)
{
	(void)state;
	check_file("json", "json.txt", NULL);
}

static void check_json_damaged(void **state)
{
	(void)state;
	check_file("json", "json-damaged.txt", make_damaged);
}

static void check_json_empty(void **state)
{
	(void)state;
	check_file("json", "json-empty.txt", make_empty);
}

/* The stored capture, as version 0.1.0 wrote it, gives what the live run gives. */
static void check_stored_capture(void **state)
{
	struct capture_damage damage = { 0 };
	const char *path = golden_path("run-1.0.capture");
	struct capture_reader *r;
	struct driver d = { .f = &format_trace };
	struct scene s;
	char *text = NULL;
	size_t size;
	struct err e;

	(void)state;
	set_up(&s);
	d.s = &s;
	if (capture_open(path, &r, &e))
		fail_msg("%s", e.text);
	s.c.info = capture_info(r);
	s.c.out = open_memstream(&text, &size);
	d.state = calloc(1, d.f->state_size);
	assert_int_equal(capture_read(r, s.names, drive, &d, &damage, &e), 0);
	assert_false(capture_is_damaged(&damage));
	assert_int_equal(damage.unknown_blocks, 0);
	fclose(s.c.out);
	compare_golden("trace.txt", text);
	free(text);
	s.c.out = open_memstream(&text, &size);
	aggregate_finish(s.aggregate);
	assert_int_equal(format_json.end(NULL, &s.c), 0);
	fclose(s.c.out);
	compare_golden("json.txt", text);
	free(text);
	free(d.state);
	capture_reader_free(r);
	tear_down(&s);
}

/* --- names that mean harm ------------------------------------------------------------------ */

static const char hostile[] = "ev\x1b[2Jil\n\r\t\"quoted\";with, comma\\ \xff\xc0\x80 \xe2\x80\xae"
			      "x\xef\xbb\xbf \xc3\xb6.f[go.shape.int,go.shape.string]\x7f\xc2\x9b"
			      "</script>]]><b>&\"'";

static void make_hostile(struct scene *s)
{
	const struct name v = { hostile, hostile, 5, false };

	assert_int_equal(names_add(s->names, RUN_PID, PC_GO_7 - 1, &v, 1), 0);
	assert_int_equal(names_add(s->names, RUN_PID, PC_FUNC1, &v, 1), 0);
	assert_int_equal(names_add(s->names, RUN_PID, 0x403000, &v, 1), 0);
	s->info.command = (char *)hostile;
	s->info.runtime = (char *)hostile;
	s->info.version = (char *)hostile;
	s->info.warnings = (char *)hostile;
}

static void expect_printable(const char *text, bool utf8)
{
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if ((c < 0x20 && c != '\n') || c == 0x7f || (c >= 0x80 && !utf8))
			fail_msg("byte %02x in: %.60s", c, p > text + 20 ? p - 20 : text);
	}
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_null(strstr(text, "\xef\xbb\xbf"));
	assert_null(strstr(text, "\xc2\x9b"));
	assert_null(strstr(text, "\xff"));
}

static bool for_terminals(const struct format *f)
{
	return f == &format_table || f == &format_tree || f == &format_histogram ||
	       f == &format_trace;
}

static bool is_json(const struct format *f)
{
	return f == &format_json || f == &format_speedscope || f == &format_chrome;
}

static json_t *expect_json(const char *text)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fail_msg("line %d: %s", error.line, error.text);
	return root;
}

static void check_hostile_names(void **state)
{
	static const struct capture_damage none;
	size_t count;
	const struct format *const *all = formats_all(&count);

	(void)state;
	for (size_t i = 0; i < 2 * count; i++) {
		const char *name = all[i / 2]->name;
		struct scene s;
		char *text;

		if (all[i / 2]->binary) /* test_profiles looks into those */
			continue;
		set_up(&s);
		make_hostile(&s);
		s.c.utf8 = i & 1;
		s.c.damage = &none;
		text = render(&s, name);
		/* what is not for terminals is always UTF-8 */
		expect_printable(text, s.c.utf8 || !for_terminals(all[i / 2]));
		if (all[i / 2] != &format_lines) /* lines have no names in them */
			assert_non_null(strstr(text, "\\x1b"));
		if (strstr(text, "<svg") || strstr(text, "<html")) {
			assert_null(strstr(text, "</script>]]>"));
			assert_null(strstr(text, "<b>"));
		}
		if (is_json(all[i / 2]))
			json_decref(expect_json(text));
		free(text);
		tear_down(&s);
	}
}

/* As many fields in each line as in the first, and none that a spreadsheet would work out. */
static void check_hostile_csv(void **state)
{
	(void)state;
	for (enum by by = BY_GROWTH; by < BY_COUNT; by++) {
		struct scene s;
		char *text, *line, *rest = NULL;
		unsigned fields = 0;

		set_up(&s);
		make_hostile(&s);
		s.c.breakdown.by = by;
		text = render(&s, "csv");
		expect_printable(text, true);
		for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
			unsigned n = 1;

			assert_null(strpbrk(line, "\"="));
			for (const char *p = line; *p; p++)
				n += *p == ',';
			assert_true(!fields || n == fields);
			fields = n;
		}
		assert_true(fields > 1);
		free(text);
		tear_down(&s);
	}
}

/* The rows of each criterion add up to the same, and are in order. */
static void check_breakdowns(void **state)
{
	(void)state;
	for (enum by by = BY_GROWTH; by <= BY_TIME; by++) { /* the others are not of growths */
		struct breakdown b;
		uint64_t growths = 0, copied = 0;
		struct scene s;
		char *text;

		set_up(&s);
		run_names(s.names);
		s.c.breakdown =
			(struct breakdown_spec){ .by = by, .sorted = true, .sort = COLUMN_GROWTHS };
		text = render(&s, "table");
		assert_int_equal(breakdown_make(&s.c, &b), 0);
		for (size_t i = 0; i < b.count; i++) {
			const struct breakdown_cell *cell = b.row[i].cell;

			growths += cell[COLUMN_GROWTHS].n;
			copied += cell[COLUMN_COPIED].n;
			assert_true(!i ||
				    cell[COLUMN_GROWTHS].n <= b.row[i - 1].cell[COLUMN_GROWTHS].n);
		}
		assert_int_equal(growths, 103);
		/* call chains are of growths alone */
		assert_int_equal(copied, 20 * 55800 + 2 * 1500 + 1700 + (by != BY_STACK) * 1000);
		breakdown_release(&b);
		free(text);
		tear_down(&s);
	}
}

static void expect_csv_clean(json_t *v)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(v)) {
		for (const char *p = json_string_value(v); *p; p++)
			assert_null(strchr("\"',\n\r", *p));
	}
	json_array_foreach(v, i, member)
	{
		expect_csv_clean(member);
	}
	json_object_foreach(v, key, member)
	{
		expect_csv_clean(member);
	}
}

static void check_hostile_json(void **state)
{
	struct scene s;
	json_t *root;
	char *text;

	(void)state;
	set_up(&s);
	make_hostile(&s);
	text = render(&s, "json");
	root = expect_json(text);
	expect_csv_clean(json_object_get(root, "growth"));
	expect_csv_clean(json_object_get(root, "creators"));
	json_decref(root);
	free(text);
	tear_down(&s);
}

/* Two fields a line, the last a number, frames without anything that splits them. */
static void check_hostile_folded(void **state)
{
	struct scene s;
	char *text, *line, *rest = NULL;
	unsigned lines = 0;

	(void)state;
	set_up(&s);
	make_hostile(&s);
	text = render(&s, "folded");
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *space = strchr(line, ' '), *end;

		assert_non_null(space);
		assert_true(strtoull(space + 1, &end, 10) > 0);
		assert_int_equal(*end, '\0');
		lines++;
	}
	assert_int_equal(lines, 3 + 2);
	free(text);
	tear_down(&s);
}

/* Every number at its top: no format may trap or print nonsense that is no JSON. */
static void check_hostile_numbers(void **state)
{
	size_t count;
	const struct format *const *all = formats_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		struct scene s;
		char *text;

		set_up(&s);
		for (size_t k = 0; k < s.list.count; k++) {
			struct ev_header h = s.list.ev[k].h;

			if (h.kind == EV_STACK)
				continue;
			memset(s.list.ev[k].words, 0xff, h.size);
			memcpy(&s.list.ev[k].h, &h, sizeof(h));
		}
		text = render(&s, all[i]->name);
		for (const char *p = text; (p = strstr(p, "nan")); p++)
			assert_memory_equal(p, "nano", 4);
		for (const char *p = text; (p = strstr(p, "inf")); p++)
			assert_true(p[3] == 'o'); /* "info" */
		if (is_json(all[i]))
			json_decref(expect_json(text));
		free(text);
		tear_down(&s);
	}
}

static void check_formats(void **state)
{
	size_t count;
	const struct format *const *all = formats_all(&count);

	(void)state;
	assert_true(count >= 4);
	for (size_t i = 0; i < count; i++)
		assert_ptr_equal(format_find(all[i]->name), all[i]);
	assert_null(format_find("tables"));
}

static int set_locale(void **state)
{
	(void)state;
	return !setlocale(LC_CTYPE, "C.UTF-8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_formats),	cmocka_unit_test(check_table),
		cmocka_unit_test(check_table_narrow),	cmocka_unit_test(check_table_colour),
		cmocka_unit_test(check_table_damaged),	cmocka_unit_test(check_table_cut),
		cmocka_unit_test(check_table_empty),	cmocka_unit_test(check_trace),
		cmocka_unit_test(check_folded),		cmocka_unit_test(check_folded_damaged),
		cmocka_unit_test(check_json),		cmocka_unit_test(check_json_damaged),
		cmocka_unit_test(check_json_empty),	cmocka_unit_test(check_stored_capture),
		cmocka_unit_test(check_hostile_names),	cmocka_unit_test(check_hostile_json),
		cmocka_unit_test(check_hostile_csv),	cmocka_unit_test(check_breakdowns),
		cmocka_unit_test(check_hostile_folded), cmocka_unit_test(check_hostile_numbers),
	};

	return cmocka_run_group_tests(tests, set_locale, NULL);
}
