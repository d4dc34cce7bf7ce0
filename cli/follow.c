/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/follow.h"

#include <errno.h>
#include <sys/wait.h>

#include "cli/diag.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/signals.h"

int follow_open_status(int error)
{
	switch (-error) {
	case ENOENT:
	case ENOTDIR:
		return EXIT_NOT_FOUND;
	case EACCES:
	case ENOEXEC:
		return EXIT_CANNOT_EXEC;
	default:
		return EXIT_TRACER_FAILURE;
	}
}

int follow_program(struct session *s, struct session_result *res, int own)
{
	int status;

	session_wait(s, res);
	status = res->wait_status;
	session_free(s);
	if (WIFSIGNALED(status)) {
		output_close_stdout();
		signals_die_by(WTERMSIG(status));
		return 128 + WTERMSIG(status);
	}
	return WEXITSTATUS(status) ? WEXITSTATUS(status) : own;
}
