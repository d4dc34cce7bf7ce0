/* SPDX-License-Identifier: Apache-2.0 */
/* web.S: formats/web as data of the program; paths are relative to the sources' root. */
.macro	file name, path
	.globl	\name
	.type	\name, %object
\name:
	.incbin	"\path"
	.byte	0
	.size	\name, . - \name
.endm

	.section .rodata
	file	web_svg_css, "formats/web/svg.css"
	file	web_svg_js, "formats/web/svg.js"
	file	web_page_html, "formats/web/page.html"
	file	web_page_css, "formats/web/page.css"
	file	web_text_js, "formats/web/text.js"
	file	web_flame_js, "formats/web/flame.js"
	file	web_timeline_js, "formats/web/timeline.js"
	file	web_tables_js, "formats/web/tables.js"
	file	web_page_js, "formats/web/page.js"

	.section .note.GNU-stack, "", %progbits
