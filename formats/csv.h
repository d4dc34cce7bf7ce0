/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h: a name as a cell of comma-separated values, as csv.c says. */
#ifndef ST_FORMATS_CSV_H
#define ST_FORMATS_CSV_H

#include <stdio.h>

void csv_put_text(FILE *out, const char *text);

#endif
