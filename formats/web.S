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

	.section .note.GNU-stack, "", %progbits
