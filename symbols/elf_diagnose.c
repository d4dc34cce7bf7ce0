/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_diagnose.c: what a file is that cannot be traced, in words a user can act on.
 */
#include "symbols/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define HINT_REBUILD                                              \
	"stacktrace traces x86-64 Linux programs: build it with " \
	"GOOS=linux GOARCH=amd64 (Go) or for x86_64-linux-gnu (C)"

struct number_name {
	unsigned number;
	const char *name;
};

static const struct number_name machines[] = {
	{ EM_386, "i386" },
	{ EM_ARM, "ARM" },
	{ EM_AARCH64, "AArch64" },
	{ EM_RISCV, "RISC-V" },
	{ EM_PPC, "PowerPC" },
	{ EM_PPC64, "PowerPC64" },
	{ EM_S390, "S/390" },
	{ EM_MIPS, "MIPS" },
	{ EM_SPARC, "SPARC" },
	{ EM_SPARCV9, "SPARC V9" },
	{ EM_LOONGARCH, "LoongArch" },
	{ EM_IA_64, "IA-64" },
	{ EM_BPF, "BPF" },
};

static const struct number_name systems[] = {
	{ ELFOSABI_FREEBSD, "FreeBSD" },
	{ ELFOSABI_NETBSD, "NetBSD" },
	{ ELFOSABI_OPENBSD, "OpenBSD" },
	{ ELFOSABI_SOLARIS, "Solaris" },
};

static const char *name_of(const struct number_name *t, size_t count, unsigned number)
{
	for (size_t i = 0; i < count; i++)
		if (t[i].number == number)
			return t[i].name;
	return NULL;
}

/* Files that users take for programs of this machine, by how they begin. */
static const struct magic {
	const char *bytes;
	size_t len;
	const char *what;
} magics[] = {
	{ "MZ", 2, "a Windows program (PE)" },
	{ "\xcf\xfa\xed\xfe", 4, "a macOS program (Mach-O)" },
	{ "\xca\xfe\xba\xbe", 4, "a macOS universal program or a Java class" },
	{ "\0asm", 4, "a WebAssembly module" },
	{ "!<arch>\n", 8, "a static library" },
	{ "\x1f\x8b", 2, "a gzip file" },
	{ "PK\3\4", 4, "a zip file" },
};

/* Copies the next blank-separated word of a script's first line; false at the line's end. */
static bool next_word(const uint8_t *line, size_t size, size_t *at, char *ret, size_t room)
{
	size_t n = 0;

	while (*at < size && (line[*at] == ' ' || line[*at] == '\t'))
		(*at)++;
	while (*at < size && line[*at] != ' ' && line[*at] != '\t' && line[*at] != '\n' &&
	       line[*at] != '\r' && line[*at]) {
		if (n + 1 < room)
			ret[n++] = (char)line[*at];
		(*at)++;
	}
	ret[n] = '\0';
	return n > 0;
}

static int diagnose_script(const char *path, const uint8_t *data, size_t size, struct err *e)
{
	char program[256], arg[256];
	size_t at = 2;
	const char *slash;

	if (!next_word(data, size, &at, program, sizeof(program))) {
		err_set(e, ENOEXEC, "'%s' is a script that names no interpreter", path);
		err_hint(e, "name the program that it starts instead");
		return -ENOEXEC;
	}
	/* "#!/usr/bin/env python3": env only looks the interpreter up */
	slash = strrchr(program, '/');
	if (!strcmp(slash ? slash + 1 : program, "env")) {
		while (next_word(data, size, &at, arg, sizeof(arg)))
			if (arg[0] != '-' && !strchr(arg, '=')) {
				memcpy(program, arg, sizeof(program));
				break;
			}
	}
	err_set(e, ENOEXEC, "'%s' is a script for '%s', not a program", path, program);
	err_hint(e,
		 "trace the program that the script starts, or its interpreter: "
		 "stacktrace run %s %s",
		 program, path);
	return -ENOEXEC;
}

static int diagnose_foreign(const char *path, const uint8_t *data, size_t size, struct err *e)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (size < magics[i].len || memcmp(data, magics[i].bytes, magics[i].len))
			continue;
		err_set(e, ENOEXEC, "'%s' is %s, not a Linux program", path, magics[i].what);
		err_hint(e, HINT_REBUILD);
		return -ENOEXEC;
	}
	err_set(e, ENOEXEC, "'%s' is not a program: it is no ELF file", path);
	err_hint(e, "give the path of an x86-64 program");
	return -ENOEXEC;
}

static int diagnose_machine(const char *path, const Elf64_Ehdr *h, struct err *e)
{
	const unsigned char order = h->e_ident[EI_DATA];
	unsigned machine = h->e_machine;
	const char *name;
	char number[32];

	if (order == ELFDATA2MSB)
		machine = (machine >> 8 | machine << 8) & 0xffff;
	name = name_of(machines, sizeof(machines) / sizeof(machines[0]), machine);
	if (!name) {
		snprintf(number, sizeof(number), "machine %u", machine);
		name = number;
	}
	if (machine == EM_X86_64 && order == ELFDATA2LSB)
		err_set(e, ENOEXEC, "'%s' is a 32-bit program (x32)", path);
	else if (machine == EM_X86_64)
		err_set(e, ENOEXEC, "'%s' is a damaged ELF file: unknown byte order", path);
	else if (h->e_ident[EI_CLASS] == ELFCLASS32)
		err_set(e, ENOEXEC, "'%s' is a 32-bit program for %s", path, name);
	else
		err_set(e, ENOEXEC, "'%s' is a program for %s, not for x86-64", path, name);
	err_hint(e, HINT_REBUILD);
	return -ENOEXEC;
}

static int diagnose_type(const char *path, unsigned type, struct err *e)
{
	if (type == ET_REL) {
		err_set(e, ENOEXEC, "'%s' is an object file, not a program", path);
		err_hint(e, "link it first");
	} else if (type == ET_CORE) {
		err_set(e, ENOEXEC, "'%s' is a core file, not a program", path);
		err_hint(e, "give the program that left it");
	} else {
		err_set(e, ENOEXEC, "'%s' is a damaged ELF file: unknown type %u", path, type);
		err_hint(e, "build or download the program again");
	}
	return -ENOEXEC;
}

int elf_file_diagnose(const char *path, const uint8_t *data, size_t size, struct err *e)
{
	Elf64_Ehdr h;
	const char *system;

	if (size >= 2 && !memcmp(data, "#!", 2))
		return diagnose_script(path, data, size, e);
	if (size < SELFMAG || memcmp(data, ELFMAG, SELFMAG))
		return diagnose_foreign(path, data, size, e);
	if (size < sizeof(h)) {
		err_set(e, ENOEXEC, "'%s' is truncated: its ELF header is not whole", path);
		err_hint(e, "build or download the program again");
		return -ENOEXEC;
	}
	memcpy(&h, data, sizeof(h));
	if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB ||
	    h.e_machine != EM_X86_64)
		return diagnose_machine(path, &h, e);
	if (h.e_type != ET_EXEC && h.e_type != ET_DYN)
		return diagnose_type(path, h.e_type, e);
	system = name_of(systems, sizeof(systems) / sizeof(systems[0]), h.e_ident[EI_OSABI]);
	if (system) {
		err_set(e, ENOEXEC, "'%s' is a program for %s, not for Linux", path, system);
		err_hint(e, HINT_REBUILD);
		return -ENOEXEC;
	}
	return 0;
}
