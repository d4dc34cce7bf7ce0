/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/capture_totals.h"

#include <errno.h>
#include <stdbool.h>

#include "base/sum.h"

#define SUMS 5

static void take_copystack(struct capture_totals *t, const struct ev_copystack *ev)
{
	bool growth = ev->new_size > ev->old_size;

	t->growths += growth;
	t->shrinks += !growth;
	sum_add(&t->bytes_copied, ev->used);
	sum_add(&t->copy_ns, ev->duration_ns);
}

static uint64_t lost(const struct ev_lost *ev)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < EV_LOST_LIMIT; i++)
		sum_add(&sum, ev->count[i]);
	return sum;
}

void capture_totals_add(struct capture_totals *t, const struct ev_header *ev)
{
	if (ev->kind >= EV_KIND_COUNT) {
		t->other++;
		return;
	}
	t->records[ev->kind]++;
	if (ev->kind == EV_COPYSTACK)
		take_copystack(t, (const struct ev_copystack *)ev);
	else if (ev->kind == EV_LOST)
		t->lost = lost((const struct ev_lost *)ev);
}

void capture_totals_join(struct capture_totals *t, const struct capture_totals *later)
{
	for (unsigned i = 0; i < EV_KIND_COUNT; i++)
		sum_add(&t->records[i], later->records[i]);
	sum_add(&t->other, later->other);
	sum_add(&t->growths, later->growths);
	sum_add(&t->shrinks, later->shrinks);
	sum_add(&t->bytes_copied, later->bytes_copied);
	sum_add(&t->copy_ns, later->copy_ns);
	if (later->records[EV_LOST])
		t->lost = later->lost;
}

uint64_t capture_totals_records(const struct capture_totals *t)
{
	uint64_t sum = t->other;

	for (unsigned i = 0; i < EV_KIND_COUNT; i++)
		sum_add(&sum, t->records[i]);
	return sum;
}

size_t capture_totals_put(const struct capture_totals *t, uint8_t *out)
{
	const uint64_t sums[SUMS] = { t->growths, t->shrinks, t->bytes_copied, t->copy_ns,
				      t->lost };
	uint64_t kinds = 0;
	uint8_t *p;

	for (unsigned i = 0; i < EV_KIND_COUNT; i++)
		kinds += t->records[i] != 0;
	p = capture_put_varint(out, kinds);
	for (unsigned i = 0; i < EV_KIND_COUNT; i++) {
		if (!t->records[i])
			continue;
		p = capture_put_varint(p, i);
		p = capture_put_varint(p, t->records[i]);
	}
	p = capture_put_varint(p, SUMS);
	for (unsigned i = 0; i < SUMS; i++)
		p = capture_put_varint(p, sums[i]);
	return (size_t)(p - out);
}

/* Each number takes a byte at least, so what a forged count costs is bounded by the payload. */
static const uint8_t *get_kinds(const uint8_t *p, const uint8_t *end, struct capture_totals *t)
{
	uint64_t kinds, kind, count;

	p = capture_get_varint(p, end, &kinds);
	for (; p && kinds; kinds--) {
		p = capture_get_varint(p, end, &kind);
		p = p ? capture_get_varint(p, end, &count) : NULL;
		if (p)
			sum_add(kind < EV_KIND_COUNT ? &t->records[kind] : &t->other, count);
	}
	return p;
}

int capture_totals_get(const uint8_t *payload, size_t size, struct capture_totals *ret)
{
	const uint8_t *end = payload + size, *p;
	uint64_t *const sums[SUMS] = { &ret->growths, &ret->shrinks, &ret->bytes_copied,
				       &ret->copy_ns, &ret->lost };
	uint64_t count;

	*ret = (struct capture_totals){ .other = 0 };
	p = get_kinds(payload, end, ret);
	p = p ? capture_get_varint(p, end, &count) : NULL;
	if (!p || count < SUMS)
		return -EBADMSG;
	for (unsigned i = 0; i < SUMS && p; i++)
		p = capture_get_varint(p, end, sums[i]);
	return p ? 0 : -EBADMSG;
}
