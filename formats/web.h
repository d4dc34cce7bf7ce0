/* SPDX-License-Identifier: Apache-2.0 */
/* web.h: the files of formats/web, each as a string; web.S puts them into the program. */
#ifndef ST_FORMATS_WEB_H
#define ST_FORMATS_WEB_H

extern const char web_svg_css[], web_svg_js[];

/* The page of the format html; its script is text, flame, timeline, tables and page, in this order.
 */
extern const char web_page_html[], web_page_css[];
extern const char web_text_js[], web_flame_js[], web_timeline_js[], web_tables_js[], web_page_js[];

#endif
