/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/godebug.h"

#include <stdio.h>
#include <stdlib.h>

char *godebug_env(const struct godebug *g)
{
	const char *old = getenv("GODEBUG");
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fprintf(f, "GODEBUG=%s", old ? old : "");
	if (g->gctrace)
		fprintf(f, "%sgctrace=1", old && *old ? "," : "");
	if (g->schedtrace_ms)
		fprintf(f, "%sschedtrace=%u,scheddetail=%d", (old && *old) || g->gctrace ? "," : "",
			g->schedtrace_ms, g->scheddetail);
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}
