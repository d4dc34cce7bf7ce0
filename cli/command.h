/* SPDX-License-Identifier: Apache-2.0 */
/* command.h: the table of commands behind dispatch, help and completion. */
#ifndef ST_CLI_COMMAND_H
#define ST_CLI_COMMAND_H

struct command {
	const char *name, *summary;
	/* argv[0] is "stacktrace NAME".  Returns the exit status. */
	int (*run)(int argc, char **argv);
	int failure_status; /* own failures and wrong usage before the command takes over */
	const char *page;   /* its manual page, in section 1 */
};

/* Ends with an entry whose name is NULL, in the order of --help. */
extern const struct command commands[];

const struct command *command_find(const char *name); /* NULL: no such command */

int cmd_run(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_attach(int argc, char **argv);
int cmd_probe(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_gc(int argc, char **argv);
int cmd_sched(int argc, char **argv);
int cmd_diagnose(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif
