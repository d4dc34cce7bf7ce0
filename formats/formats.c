/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "formats/render.h"

/* In the order of --help; one a line. */
/* clang-format off */
static const struct format *const formats[] = {
	&format_table,
	&format_tree,
	&format_histogram,
	&format_csv,
	&format_trace,
	&format_lines,
	&format_folded,
	&format_json,
	&format_pprof,
	&format_speedscope,
	&format_prom,
	&format_svg,
	&format_html,
	&format_chrome,
	&format_perfetto,
};
/* clang-format on */

const struct format *const *formats_all(size_t *ret_count)
{
	*ret_count = sizeof(formats) / sizeof(formats[0]);
	return formats;
}

const struct format *format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(formats[i]->name, name))
			return formats[i];
	return NULL;
}
