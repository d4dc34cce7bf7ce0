/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_fields.h: what the fields of each kind of record are called and where they are, for
 * whatever shows records as they are.
 */
#ifndef ST_FORMATS_EVENT_FIELDS_H
#define ST_FORMATS_EVENT_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/event.h"

enum field_type {
	FIELD_NUMBER,  /* decimal */
	FIELD_ADDRESS, /* hexadecimal for people */
	FIELD_TEXT,    /* bytes up to a zero, at most count */
};

struct event_field {
	const char *name;
	enum field_type type;
	uint8_t size;	   /* of one element: 4 or 8; of texts 1 */
	uint16_t offset;   /* in the record */
	uint16_t count;	   /* elements; 1: no array */
	uint16_t count_at; /* offset of a u32 that says how many there are, 0: count does */
};

/* "copystack"; "kind N" is the caller's business where it is NULL: a kind of a later version. */
const char *event_kind_name(unsigned kind);

/* Fields behind the header, up to one whose name is NULL; none for unknown kinds. */
const struct event_field *event_fields(unsigned kind);

/* How many elements of a field are really in the record. */
size_t event_field_count(const struct event_field *f, const struct ev_header *ev);

/* Element i of a field that is no text. */
uint64_t event_field_value(const struct event_field *f, const struct ev_header *ev, size_t i);

#endif
