/* SPDX-License-Identifier: Apache-2.0 */
/* live.h: tracing and reporting in one go, for run and attach. */
#ifndef ST_CLI_LIVE_H
#define ST_CLI_LIVE_H

#include "cli/intake.h"
#include "cli/options.h"

struct err;

struct live {
	struct trace_options trace;
	struct view_options show;
	bool lines; /* -t */
	struct filter_spec filter;
	int (*prepare)(struct live *live, struct err *e); /* before the first event; may be NULL */
	struct intake in; /* the first view is the report, the second -t's */
};

/* Both return the exit status: the program's, or our own. */
int live_trace(struct live *live);
int live_dry_run(const struct live *live);

#endif
