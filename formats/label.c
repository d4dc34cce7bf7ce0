/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/label.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "formats/aggregate.h"

const char *label_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *label_site(const struct site *s, bool utf8)
{
	const char *file = label_base_name(s->file);
	char *raw, *r;
	int n;

	if (*file && s->line)
		n = asprintf(&raw, "%s %s:%" PRIu32, s->function, file, s->line);
	else
		n = asprintf(&raw, "%s%s%s", s->function, *file ? " " : "", file);
	if (n < 0)
		return NULL;
	r = escape_dup(raw, utf8 ? ESCAPE_TEXT : ESCAPE_ASCII);
	free(raw);
	return r;
}

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

size_t label_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += begins_character(*s);
	return n;
}

/* Behind the package's directories: the last slash before type arguments, receiver or file. */
static const char *skip_directories(const char *label)
{
	size_t end = strcspn(label, "[( ");
	const char *r = label;

	for (size_t i = 0; i < end; i++)
		if (label[i] == '/')
			r = label + i + 1;
	return r;
}

char *label_fit(char *label, size_t columns, bool utf8)
{
	const char *dots = utf8 ? "…" : "...", *tail = label;
	size_t width, dots_width = label_width(dots);
	char *r;

	if (!label || label_width(label) <= columns)
		return label;
	tail = skip_directories(label);
	width = label_width(tail);
	if (width <= columns || columns < dots_width) {
		dots = "";
		dots_width = 0;
	}
	for (; *tail && width + dots_width > columns; width--)
		do {
			tail++;
		} while (!begins_character(*tail));
	if (*dots)
		tail += strspn(tail, "./"); /* "...deep", not "....deep" */
	if (asprintf(&r, "%s%s", dots, tail) < 0)
		r = NULL;
	free(label);
	return r;
}
