/* SPDX-License-Identifier: Apache-2.0 */
/* table_by.h: a breakdown as an aligned table. */
#ifndef ST_FORMATS_TABLE_BY_H
#define ST_FORMATS_TABLE_BY_H

struct render_context;

/* 0 or -ENOMEM. */
int table_by(const struct render_context *c);

#endif
