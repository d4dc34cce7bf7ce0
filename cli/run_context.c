/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_context.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bpf/source.h"
#include "formats/run_info.h"
#include "symbols/image.h"
#include "symbols/target.h"

/* Characters that a shell takes as they are. */
static bool is_plain(const char *s)
{
	return *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_-./:=@%+,")];
}

/* The command as it could be typed again. */
static char *quote_command(char *const *argv)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (int i = 0; argv[i]; i++) {
		if (i)
			fputc(' ', f);
		if (is_plain(argv[i])) {
			fputs(argv[i], f);
			continue;
		}
		fputc('\'', f);
		for (const char *p = argv[i]; *p; p++) {
			if (*p == '\'')
				fputs("'\\''", f);
			else
				fputc(*p, f);
		}
		fputc('\'', f);
	}
	return fclose(f) ? NULL : text;
}

/* "stack.lo=0(dwarf) stack.hi=8(dwarf) ...": what the probes believed, for whoever doubts a result.
 */
static char *list_offsets(const struct target *t)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	const char *gap = "";

	if (!f)
		return NULL;
	for (int i = 0; i < FIELD_COUNT; i++) {
		if (t->field[i] == FIELD_UNKNOWN)
			continue;
		fprintf(f, "%s%s=%d(%s)", gap, target_field_name(i), t->field[i],
			target_origin_name(t->origin[i]));
		gap = " ";
	}
	return fclose(f) ? NULL : text;
}

int run_context_describe(struct run_info *ret, const char *path, char *const *argv,
			 const struct image *img, const struct target *t, const struct source *s)
{
	struct source_info si = { 0 };
	struct utsname un = { 0 };

	source_describe(s, &si);
	uname(&un);
	*ret = (struct run_info){
		.tool_version = strdup(ST_VERSION),
		.hostname = strdup(un.nodename),
		.kernel = strdup(un.release),
		.command = quote_command(argv),
		.target = realpath(path, NULL),
		.build_id = strdup(image_build_id(img)),
		.runtime = strdup(t->runtime),
		.version = strdup(t->version),
		.source = strdup(source_name(s)),
		.link = strdup(si.link),
		.offsets = list_offsets(t),
		.warnings = strdup(t->warning),
		.pair_ns = si.pair_ns,
		.hit_ns = si.hit_ns,
		.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
	};
	if (!ret->target)
		ret->target = strdup(path);
	if (!ret->tool_version || !ret->hostname || !ret->kernel || !ret->command || !ret->target ||
	    !ret->build_id || !ret->runtime || !ret->version || !ret->source || !ret->link ||
	    !ret->offsets || !ret->warnings)
		return -ENOMEM;
	return 0;
}
