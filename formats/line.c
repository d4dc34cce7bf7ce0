/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/line.h"

#include "formats/line_scan.h"

const struct line_field_info line_fields[LINE_FIELDS] = {
#define X(id, name, type, unit, what) [LINE_F_##id] = { name, unit, what, LINE_##type },
	LINE_FIELD_LIST(X)
#undef X
};

const char *line_kind_name(enum line_kind k)
{
	static const char *const names[LINE_KINDS] = {
		[LINE_NONE] = "text",
		[LINE_GC] = "gc",
		[LINE_SCHED] = "SCHED",
		[LINE_P] = "P",
		[LINE_M] = "M",
		[LINE_G] = "G",
		[LINE_SCVG] = "scvg",
		[LINE_SCAV] = "scav",
		[LINE_PACER] = "pacer",
		[LINE_FORCED] = "GC",
		[LINE_INIT] = "init",
		[LINE_SCAN] = "scan",
		[LINE_QUEUE] = "checkfinalizers",
	};

	return names[k];
}

bool line_next(const struct line_value *list, size_t *pos, int64_t *ret)
{
	const char *p = list->text;
	size_t i = *pos;
	int64_t n = 0;

	while (i < list->len && p[i] == ' ')
		i++;
	if (i == list->len)
		return false;
	for (; i < list->len && p[i] != ' '; i++)
		n = n * 10 + (p[i] - '0');
	*pos = i;
	*ret = n;
	return true;
}

bool line_parse(const char *text, size_t len, struct line *ret)
{
	struct line_scan s = { text, text + len, ret };
	bool whole;

	ret->kind = LINE_NONE;
	ret->text = text;
	ret->len = len;
	ret->good = 0;
	if (len < 3)
		return false;
	if (text[len - 1] == '\r') /* it went through a terminal */
		s.end--;
	ret->count = ret->unknown = 0;
	memset(ret->at, 0, sizeof(ret->at));
	if (text[0] == 'g')
		whole = line_parse_gc(&s);
	else if (text[0] == 'S')
		whole = line_parse_sched(&s);
	else if (text[0] == ' ')
		whole = line_parse_detail(&s);
	else
		whole = line_parse_other(&s);
	whole = whole && s.p == s.end;
	ret->good = (size_t)(s.p - text);
	return whole;
}
