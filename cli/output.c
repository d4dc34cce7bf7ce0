/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/diag.h"
#include "cli/pager.h"
#include "formats/render.h"

int output_open(const char *path, FILE *fallback, struct output *ret, struct err *e)
{
	FILE *f;

	if (!path || !strcmp(path, "-")) {
		f = path ? stdout : fallback;
		*ret = (struct output){ f, f == stdout ? "standard output" : "standard error",
					false };
		return 0;
	}
	f = fopen(path, "we");
	if (!f)
		return err_sys(e, errno, "cannot create '%s'", path);
	*ret = (struct output){ f, path, true };
	return 0;
}

int output_close(struct output *o, struct err *e)
{
	int failed = 0;

	if (!o->file)
		return 0;
	errno = 0;
	if (ferror(o->file) || fflush(o->file))
		failed = errno ? errno : EIO;
	if (o->close && fclose(o->file) && !failed)
		failed = errno;
	o->file = NULL;
	if (failed)
		return err_sys(e, failed, "cannot write '%s'", o->name);
	return 0;
}

static unsigned terminal_width(int fd)
{
	struct winsize ws;

	if (ioctl(fd, TIOCGWINSZ, &ws) || ws.ws_col < 20)
		return 0;
	return ws.ws_col;
}

void output_describe(const struct output *o, struct render_context *c)
{
	int fd = o->file == stdout && pager_is_active() ? pager_terminal() : fileno(o->file);
	bool terminal = fd >= 0 && isatty(fd);
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	setlocale(LC_CTYPE, "");
	c->out = o->file;
	c->width = terminal ? terminal_width(fd) : 0;
	c->colour = terminal && !(no_colour && *no_colour) && term && strcmp(term, "dumb");
	c->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
}

int output_close_stdout(void)
{
	static bool done;
	int failed = 0;

	if (done)
		return 0;
	done = true;
	if (ferror(stdout))
		failed = EIO;
	if (fclose(stdout) && errno != EBADF)
		failed = errno;
	if (failed == EPIPE) { /* the reader left: stop as quietly as SIGPIPE would */
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	if (failed)
		diag_error("cannot write standard output: %s", strerror(failed));
	return -failed;
}
