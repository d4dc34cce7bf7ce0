/* SPDX-License-Identifier: Apache-2.0 */
/* diagnose_print.h: what comes of the rules, as formats and as a section of the report. */
#ifndef ST_FORMATS_DIAGNOSE_PRINT_H
#define ST_FORMATS_DIAGNOSE_PRINT_H

#include "formats/render.h"

extern const struct format format_diagnose, format_diagnose_json;
extern const struct section section_diagnosis;

#endif
