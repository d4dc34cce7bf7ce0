/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_context.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bpf/source.h"
#include "cli/program.h"
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

static void describe_program(struct run_info *ret, const struct program *p)
{
	struct source_info si = { 0 };

	source_describe(p->source, &si);
	ret->target = p->fd < 0 ? realpath(p->path, NULL) : strdup(p->name);
	if (!ret->target)
		ret->target = strdup(p->name);
	ret->build_id = strdup(image_build_id(p->img));
	ret->runtime = strdup(p->target.runtime);
	ret->version = strdup(p->target.version);
	ret->source = strdup(source_name(p->source));
	ret->link = strdup(si.link);
	ret->offsets = list_offsets(&p->target);
	ret->warnings = strdup(p->target.warning);
	ret->pair_ns = si.pair_ns;
	ret->hit_ns = si.hit_ns;
}

static void describe_nothing(struct run_info *ret)
{
	ret->target = strdup("");
	ret->build_id = strdup("");
	ret->runtime = strdup("no runtime");
	ret->version = strdup("no runtime");
	ret->source = strdup("bpf");
	ret->link = strdup("");
	ret->offsets = strdup("");
	ret->warnings = strdup("");
}

int run_context_describe(struct run_info *ret, char *const *argv, const struct program *p)
{
	struct utsname un = { 0 };

	uname(&un);
	*ret = (struct run_info){
		.tool_version = strdup(ST_VERSION),
		.hostname = strdup(un.nodename),
		.kernel = strdup(un.release),
		.command = argv ? quote_command(argv) : strdup(p ? p->name : ""),
		.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
	};
	if (p)
		describe_program(ret, p);
	else
		describe_nothing(ret);
	if (!ret->tool_version || !ret->hostname || !ret->kernel || !ret->command || !ret->target ||
	    !ret->build_id || !ret->runtime || !ret->version || !ret->source || !ret->link ||
	    !ret->offsets || !ret->warnings)
		return -ENOMEM;
	return 0;
}
