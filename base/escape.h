/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape.h: text from the traced world made safe to print.
 *
 * Function names, paths and command lines come from files and processes that nobody vouches for.
 * In every style, what is not valid UTF-8 and what could move a cursor, reorder a line or hide in
 * it (control characters, bidirectional controls, zero-width and tag characters) comes out as \xNN,
 * byte by byte.
 */
#ifndef ST_BASE_ESCAPE_H
#define ST_BASE_ESCAPE_H

#include <stdio.h>

enum escape_style {
	ESCAPE_TEXT,  /* nothing more */
	ESCAPE_ASCII, /* also everything beyond ASCII */
	ESCAPE_FIELD, /* also quotes, commas, backslashes: stands in CSV and JSON as it is */
	ESCAPE_XML,   /* also & < > and quotes as entities: text and attributes of XML and HTML */
	ESCAPE_FRAME, /* a frame of a folded stack: ";" becomes ":", a space "_" */
	ESCAPE_JSON,  /* between the quotes of a JSON string, also of one inside HTML's <script> */
};

/* A copy, the caller's to free; NULL: no memory. */
char *escape_dup(const char *s, enum escape_style style);

void escape_put(FILE *out, const char *s, enum escape_style style);

#endif
