/* SPDX-License-Identifier: Apache-2.0 */
/* web.h: the files of formats/web, each as a string; web.S puts them into the program. */
#ifndef ST_FORMATS_WEB_H
#define ST_FORMATS_WEB_H

extern const char web_svg_css[], web_svg_js[];

#endif
