/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linkcheck.c: was this program compiled and linked as its stacks need it?
 *
 * A program linked by a linker that does not know split stacks, or with lazy binding, works until
 * some library function uses more than the hundreds of bytes that are left, and then overwrites the
 * neighbour's stack.  The signs are in the program's own code, so they are looked at once.
 */
#include <link.h>
#include <string.h>

#include "runtime/linkcheck.h"
#include "runtime/runtime.h"

extern ElfW(Dyn) _DYNAMIC[] __attribute__((weak, visibility("hidden")));

static const uint8_t cmp_rsp[] = { 0x64, 0x48, 0x3b, 0x24, 0x25 };
static const uint8_t cmp_r11[] = { 0x64, 0x4c, 0x3b, 0x1c, 0x25 };
static const uint8_t always_grow[] = { 0xf9, 0x0f, 0x1f, 0x84 }; /* stc; nopl: the linker's work */
static const uint8_t lea8[] = { 0x4c, 0x8d, 0x5c, 0x24 };	 /* lea disp8(%rsp),%r11 */
static const uint8_t lea32[] = { 0x4c, 0x8d, 0x9c, 0x24 };
static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
static const uint8_t jmp_got[] = { 0xff, 0x25 };

#define STARTS_WITH(code, bytes) (!memcmp((code), (bytes), sizeof(bytes)))

bool is_split(co_fn *fn)
{
	const uint8_t *code = (const uint8_t *)fn;

	if (STARTS_WITH(code, endbr))
		code += sizeof(endbr);
	if (STARTS_WITH(code, jmp_got)) {
		/* The program's PLT stands for a function of a shared library. */
		int32_t distance;

		memcpy(&distance, code + sizeof(jmp_got), sizeof(distance));
		memcpy(&code, code + sizeof(jmp_got) + sizeof(distance) + distance, sizeof(code));
	}
	if (STARTS_WITH(code, lea8))
		return STARTS_WITH(code + 5, cmp_r11);
	if (STARTS_WITH(code, lea32))
		return STARTS_WITH(code + 8, cmp_r11);
	return STARTS_WITH(code, cmp_rsp) || STARTS_WITH(code, always_grow);
}

static bool binds_now(void)
{
	const ElfW(Dyn) *d = _DYNAMIC;

	if (!d)
		return true; /* static */
	for (; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_BIND_NOW ||
		    (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_BIND_NOW) ||
		    (d->d_tag == DT_FLAGS_1 && d->d_un.d_val & DF_1_NOW))
			return true;
	return false;
}

/* Before anything of ours is called: a guard on an ordinary thread was set by libgcc's runtime. */
static __attribute__((constructor(101))) void check_guard(void)
{
	if (!tls_guard())
		return;
	tls_set_guard(0);
	fatal("a shared library of this program brings the split stacks of libgcc; link it with "
	      "corun-cc -shared");
}

void check_link(void)
{
	if (!STARTS_WITH((const uint8_t *)__corun_split, always_grow))
		fatal("this program was linked by a linker that does not know split stacks; link "
		      "it with corun-cc (gold or lld)");
	if (!binds_now())
		fatal("this program was linked for lazy binding, which needs more stack than a "
		      "coroutine has; link it with corun-cc, or with -Wl,-z,now");
}
