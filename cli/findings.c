/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void findings_add(struct findings *f, enum finding_group group, enum finding_state state,
		  const char *name, const char *fmt, ...)
{
	struct finding *grown = reallocarray(f->list, f->count + 1, sizeof(*grown));
	va_list ap;

	if (!grown) {
		f->no_memory = true;
		return;
	}
	f->list = grown;
	grown += f->count++;
	*grown = (struct finding){ .group = group, .state = state, .name = name };
	va_start(ap, fmt);
	if (vasprintf(&grown->text, fmt, ap) < 0) {
		grown->text = NULL;
		f->no_memory = true;
		f->count--;
	}
	va_end(ap);
}

void findings_remedy(struct findings *f, const char *fmt, ...)
{
	struct finding *last = f->list + f->count - 1;
	va_list ap;

	if (!f->count)
		return;
	va_start(ap, fmt);
	if (vasprintf(&last->remedy, fmt, ap) < 0) {
		last->remedy = NULL;
		f->no_memory = true;
	}
	va_end(ap);
}

size_t findings_count(const struct findings *f, enum finding_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++)
		n += f->list[i].state == state;
	return n;
}

void findings_release(struct findings *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->list[i].text);
		free(f->list[i].remedy);
	}
	free(f->list);
	*f = (struct findings){ 0 };
}

const char *finding_group_name(enum finding_group g)
{
	static const char *const name[] = { "kernel", "user", "program", "process" };

	return name[g];
}

const char *finding_state_name(enum finding_state s)
{
	static const char *const name[] = { "ok", "note", "bad" };

	return name[s];
}
