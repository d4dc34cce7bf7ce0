/* SPDX-License-Identifier: Apache-2.0 */
/* lifecycle.h: coroutines from birth to end: how long, how large, how many, and which stayed. */
#ifndef ST_FORMATS_LIFECYCLE_H
#define ST_FORMATS_LIFECYCLE_H

#include "formats/section.h"

extern const struct section section_lifecycle;

#endif
