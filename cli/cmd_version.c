/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_version.c: stacktrace version, and with -v what this build was linked with. */
#include <argp.h>
#include <bpf/libbpf.h>
#include <elfutils/version.h>
#include <jansson.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <zlib.h>
#include <zstd.h>

#include "base/event.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/options.h"
#include "symbols/insn_x86.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	bool *verbose = state->input;

	(void)arg;
	if (key != 'v')
		return ARGP_ERR_UNKNOWN;
	*verbose = true;
	return 0;
}

static const struct argp_option options[] = {
	{ "verbose", 'v', 0, 0, "Also print the versions of the libraries and of the kernel", 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Print the version of stacktrace.",
};

static void print_libraries(void)
{
	struct utsname un;
	unsigned major, minor;
	int cs_major, cs_minor;
	const char *smartcols;

	insn_decoder_version(&cs_major, &cs_minor);
	scols_get_library_version(&smartcols);
	major = libbpf_major_version();
	minor = libbpf_minor_version();
	printf("libbpf %u.%u\n", major, minor);
	printf("elfutils %d.%d\n", _ELFUTILS_VERSION / 1000, _ELFUTILS_VERSION % 1000);
	printf("capstone %d.%d\n", cs_major, cs_minor);
	printf("zstd %s\n", ZSTD_versionString());
	printf("zlib %s\n", zlibVersion());
	printf("jansson %s\n", JANSSON_VERSION);
	printf("libsmartcols %s\n", smartcols);
	printf("ring ABI %d\n", EV_RING_ABI);
	if (!uname(&un))
		printf("kernel %s %s\n", un.release, un.machine);
}

int cmd_version(int argc, char **argv)
{
	bool verbose = false;

	options_parse(&argp, argc, argv, 0, &verbose);
	puts(argp_program_version);
	if (verbose)
		print_libraries();
	return EXIT_OK;
}
