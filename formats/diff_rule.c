/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/diff_rule.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* --- what users type ----------------------------------------------------------------------- */

/* A piece of a text, blanks around it left out. */
struct piece {
	const char *at;
	size_t len;
};

static struct piece piece_of(const char *begin, const char *end)
{
	while (begin < end && isblank((unsigned char)*begin))
		begin++;
	while (end > begin && isblank((unsigned char)end[-1]))
		end--;
	return (struct piece){ begin, (size_t)(end - begin) };
}

static bool piece_is(struct piece p, const char *word)
{
	return strlen(word) == p.len && !strncmp(p.at, word, p.len);
}

static int bad(struct err *e, const char *text, const char *why)
{
	return err_set(e, EINVAL, "'%s': %s", text, why);
}

static int parse_metric(const char *text, struct piece p, enum diff_metric *ret, struct err *e)
{
	char list[512] = "";
	size_t used = 0;

	for (enum diff_metric m = 0; m < DIFF_METRIC_COUNT; m++) {
		if (piece_is(p, diff_metric_name(m))) {
			*ret = m;
			return 0;
		}
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", m ? ", " : "",
					 diff_metric_name(m));
	}
	return err_set(e, EINVAL, "'%s': '%.*s' is not one of %s", text, (int)p.len, p.at, list);
}

static int parse_per(const char *text, struct piece p, enum diff_per *ret, struct err *e)
{
	for (enum diff_per per = 0; per < DIFF_PER_COUNT; per++) {
		if (piece_is(p, diff_per_names[per])) {
			*ret = per;
			return 0;
		}
	}
	return err_set(e, EINVAL, "'%s': '%.*s' is not one of run, second, coroutine, request",
		       text, (int)p.len, p.at);
}

static int parse_function(const char *text, struct piece p, struct diff_rule *ret, struct err *e)
{
	enum weight w = 0;

	while (w < WEIGHT_COUNT && diff_metric_of_weight(w) != ret->metric)
		w++;
	if (w == WEIGHT_COUNT)
		return bad(e, text,
			   "of a function there are growths, bytes_copied, copy_time and "
			   "waste_bytes");
	if (!p.len)
		return bad(e, text, "no function before ':'");
	ret->weight = w;
	ret->function = strndup(p.at, p.len);
	return ret->function ? 0 : err_sys(e, ENOMEM, "'%s'", text);
}

/* [FUNCTION:]METRIC[/PER]; functions may hold ':' and '/', metrics do not. */
static int parse_left(const char *text, struct piece p, struct diff_rule *ret, struct err *e)
{
	const char *end = p.at + p.len, *colon = memrchr(p.at, ':', p.len);
	const char *metric = colon ? colon + 1 : p.at;
	const char *slash = memchr(metric, '/', (size_t)(end - metric));
	int r = parse_metric(text, piece_of(metric, slash ? slash : end), &ret->metric, e);

	if (!r && slash) {
		r = parse_per(text, piece_of(slash + 1, end), &ret->per, e);
		if (!r && ret->per != DIFF_PER_RUN && !diff_metric_divides(ret->metric, ret->per))
			r = bad(e, text, "this metric is not divided by anything");
	}
	if (!r && colon)
		r = parse_function(text, piece_of(p.at, colon), ret, e);
	return r;
}

/* What a unit makes of a number of this metric; 0: it does not fit. */
static double unit_factor(enum diff_unit unit, struct piece p)
{
	static const struct {
		enum diff_unit unit;
		const char *name;
		double factor;
	} units[] = {
		{ DIFF_UNIT_BYTES, "B", 1 },
		{ DIFF_UNIT_BYTES, "K", 1024 },
		{ DIFF_UNIT_BYTES, "KiB", 1024 },
		{ DIFF_UNIT_BYTES, "M", 1048576 },
		{ DIFF_UNIT_BYTES, "MiB", 1048576 },
		{ DIFF_UNIT_BYTES, "G", 1073741824 },
		{ DIFF_UNIT_BYTES, "GiB", 1073741824 },
		{ DIFF_UNIT_NS, "ns", 1 },
		{ DIFF_UNIT_NS, "us", 1e3 },
		{ DIFF_UNIT_NS, "ms", 1e6 },
		{ DIFF_UNIT_NS, "s", 1e9 },
		{ DIFF_UNIT_RATIO, "%", 0.01 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].unit == unit && piece_is(p, units[i].name))
			return units[i].factor;
	return p.len || unit == DIFF_UNIT_NS ? 0 : 1;
}

static int bad_unit(const char *text, enum diff_metric m, struct piece unit, struct err *e)
{
	static const char *const takes[] = {
		[DIFF_UNIT_COUNT] = "a number",
		[DIFF_UNIT_BYTES] = "bytes, as in 65536, 64KiB or 1.5MiB",
		[DIFF_UNIT_NS] = "a time, as in 500us, 20ms or 1.5s",
		[DIFF_UNIT_RATIO] = "a ratio, as in 0.3 or 30%",
	};

	return err_set(e, EINVAL, "'%s': '%s' takes %s, not '%.*s' behind the number", text,
		       diff_metric_name(m), takes[diff_metric_unit(m)], (int)unit.len, unit.at);
}

/* [+-]NUMBER[UNIT] */
static int parse_right(const char *text, struct piece p, struct diff_rule *ret, struct err *e)
{
	bool sign = p.len && (*p.at == '+' || *p.at == '-');
	const char *number = p.at + sign;
	size_t digits = strspn(number, "0123456789."), behind = p.len - sign - digits;
	struct piece unit = piece_of(number + digits, number + digits + behind);
	double factor = unit_factor(diff_metric_unit(ret->metric), unit);
	char copy[64], *end;

	if (!digits || digits >= sizeof(copy))
		return bad(e, text, "no number behind the comparison");
	memcpy(copy, number, digits);
	copy[digits] = '\0';
	ret->limit = strtod(copy, &end);
	if (*end)
		return bad(e, text, "no number behind the comparison");
	ret->kind = sign ? DIFF_CHANGE : DIFF_VALUE;
	if (sign && piece_is(unit, "%")) {
		ret->kind = DIFF_PERCENT;
		factor = 1;
	} else if (piece_is(unit, "%") && !factor) {
		return bad(e, text, "a share of what it was before needs a sign, as in +10%");
	} else if (!factor) {
		return bad_unit(text, ret->metric, unit, e);
	}
	ret->limit *= sign && *p.at == '-' ? -factor : factor;
	return 0;
}

int diff_rule_parse(const char *text, enum diff_per view, struct diff_rule *ret, struct err *e)
{
	/* the last one: names of functions may hold these */
	const char *less = strrchr(text, '<'), *more = strrchr(text, '>');
	const char *op = !more || (less && less > more) ? less : more, *value;
	struct diff_rule rule = { .text = text, .per = view };
	int r;

	if (!op)
		return bad(e, text, "no comparison; write METRIC>VALUE or METRIC<VALUE");
	rule.above = *op == '>';
	rule.or_equal = op[1] == '=';
	value = op + 1 + rule.or_equal;
	r = parse_left(text, piece_of(text, op), &rule, e);
	if (!r)
		r = parse_right(text, piece_of(value, value + strlen(value)), &rule, e);
	if (r) {
		diff_rule_release(&rule);
		return r;
	}
	*ret = rule;
	return 0;
}

void diff_rule_release(struct diff_rule *r)
{
	free(r->function);
	r->function = NULL;
}

/* --- judgement ----------------------------------------------------------------------------- */

/* What the limit is compared with; a change from nothing is beyond every percentage. */
static double measured(const struct diff_rule *r, const struct diff_figure *f)
{
	if (r->kind == DIFF_VALUE)
		return f->after.median;
	if (r->kind == DIFF_CHANGE)
		return f->change;
	if (f->before.median != 0)
		return f->percent;
	return f->change == 0 ? 0 : f->change > 0 ? HUGE_VAL : -HUGE_VAL;
}

static bool is_broken(const struct diff_rule *r, const struct diff_figure *f)
{
	double v = measured(r, f);

	if (r->kind != DIFF_VALUE && f->judged && !f->significant)
		return false;
	if (r->or_equal && v == r->limit)
		return true;
	return r->above ? v > r->limit : v < r->limit;
}

int diff_rule_check(const struct diff *d, const struct diff_rule *r, double *values,
		    struct diff_verdict *ret, struct err *e)
{
	bool divides = diff_metric_divides(r->metric, r->per);
	struct diff_verdict v = { 0 };
	int code = divides ? diff_check_per(d, r->per, e) : 0;

	if (code)
		return code;
	if (r->function)
		diff_matching(d, r->function, r->weight, r->per, values, &v.figure, &v.rows);
	else
		diff_total(d, r->metric, r->per, values, &v.figure);
	if (!v.figure.after.count || (r->kind != DIFF_VALUE && !v.figure.before.count))
		return err_set(e, ENODATA, "'%s': no capture of %s knows '%s'", r->text,
			       v.figure.after.count ? "before" : "after",
			       diff_metric_name(r->metric));
	v.broken = is_broken(r, &v.figure);
	*ret = v;
	return 0;
}
