/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

static const char *prefix = "stacktrace";

void diag_set_prefix(const char *p)
{
	prefix = p;
}

static void emit(const char *label, const char *fmt, va_list ap)
{
	char line[2048];
	size_t n, end;
	ssize_t written;

	n = (size_t)snprintf(line, sizeof(line) - 1, "%s: %s", prefix, label);
	vsnprintf(line + n, sizeof(line) - 1 - n, fmt, ap);
	end = strlen(line);
	for (size_t i = 0; i < end; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[end] = '\n';
	fflush(stdout);
	written = write(STDERR_FILENO, line, end + 1);
	(void)written; /* there is nowhere left to complain to */
}

#define DEFINE_DIAG(name, label)               \
	void diag_##name(const char *fmt, ...) \
	{                                      \
		va_list ap;                    \
                                               \
		va_start(ap, fmt);             \
		emit(label, fmt, ap);          \
		va_end(ap);                    \
	}

DEFINE_DIAG(error, "")
DEFINE_DIAG(warning, "warning: ")
DEFINE_DIAG(note, "")
DEFINE_DIAG(hint, "hint: ")

void diag_err(const struct err *e)
{
	diag_error("%s", e->text);
	if (e->hint[0])
		diag_hint("%s", e->hint);
}
