/* SPDX-License-Identifier: Apache-2.0 */
/* linkcheck.h: two functions that are only looked at, see linkcheck.c. */
#ifndef ST_RUNTIME_LINKCHECK_H
#define ST_RUNTIME_LINKCHECK_H

void __corun_plain(void);
void __corun_split(void);

#endif
