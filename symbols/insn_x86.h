/* SPDX-License-Identifier: Apache-2.0 */
/*
 * insn_x86.h: x86-64 instructions of one function, one after the other.
 *
 * A thin cover over Capstone that speaks of what the planner and the inference ask: what kind of
 * branch, which memory at which offset off which register, which registers change.  Nothing else
 * includes Capstone's headers.
 */
#ifndef ST_SYMBOLS_INSN_X86_H
#define ST_SYMBOLS_INSN_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/target.h"

enum insn_kind {
	INSN_OTHER,
	INSN_NOP5,	    /* exactly 0f 1f 44 00 00, the one the kernel optimises */
	INSN_NOP,	    /* every other no-operation, one byte or many */
	INSN_CALL,	    /* call rel32: target is set */
	INSN_CALL_INDIRECT, /* call through a register or memory */
	INSN_JMP,	    /* jmp rel8 or rel32: target is set */
	INSN_JMP_INDIRECT,
	INSN_JCC,    /* conditional jump rel8 or rel32: target is set; not jrcxz, not loop */
	INSN_PUSH,   /* push of a 64-bit general register */
	INSN_RETURN, /* ret, with or without an immediate */
};

enum insn_operand_type { INSN_OPERAND_NONE, INSN_OPERAND_REG, INSN_OPERAND_IMM, INSN_OPERAND_MEM };

struct insn_operand {
	enum insn_operand_type type;
	uint8_t size; /* bytes; of what is accessed, for memory */
	bool is_read, is_write;
	/* REG: the register.  MEM: the base.  REG_NONE: not a general register, or no base. */
	enum target_reg reg;
	enum target_reg index; /* MEM */
	uint8_t scale;	       /* MEM, with an index */
	bool rip_relative;     /* MEM: address is set */
	bool segment;	       /* MEM: off %fs or %gs */
	int64_t value;	       /* IMM: the value.  MEM: the displacement */
	uint64_t address;      /* MEM: target of a rip-relative access */
};

#define INSN_MAX_OPERANDS 4

struct insn_x86 {
	uint64_t vaddr;
	const uint8_t *bytes; /* inside the code that was handed in */
	uint8_t length;
	enum insn_kind kind;
	uint64_t target;       /* of INSN_CALL, INSN_JMP, INSN_JCC; else 0 */
	bool lock;	       /* lock prefix */
	bool operand_size_16;  /* 66 prefix: the kernel does not emulate such branches */
	uint16_t regs_read;    /* general registers by 1 << enum target_reg, implicit ones too; */
	uint16_t regs_written; /* any part of the register counts.  A call's callee is not seen */
	uint8_t operand_count; /* Intel order: destination first */
	struct insn_operand operand[INSN_MAX_OPERANDS];
	char mnemonic[32]; /* "jbe"; prefixes such as lock are not in it */
	char text[200];	   /* "jbe 0x4010f0", Intel syntax, for users */
};

struct insn_decoder;

/* -ENOMEM, or -ENOTSUP if the installed Capstone has no x86. */
int insn_decoder_new(struct insn_decoder **ret);
void insn_decoder_free(struct insn_decoder *d); /* NULL-safe */

/* The version of Capstone in use. */
void insn_decoder_version(int *ret_major, int *ret_minor);

/* Starts over with the code at vaddr.  code is not copied and must stay. */
void insn_decoder_set(struct insn_decoder *d, const uint8_t *code, size_t len, uint64_t vaddr);

/*
 * Decodes the next instruction: 1.  0 at the end of the code.  -EILSEQ at bytes that are no whole
 * instruction; as it is unknown where the next one would begin, every later call says so too.  *ret
 * is then untouched.
 */
int insn_decoder_next(struct insn_decoder *d, struct insn_x86 *ret);

/* Where the next instruction is, or the undecodable bytes. */
uint64_t insn_decoder_vaddr(const struct insn_decoder *d);

/* The i-th operand if it is memory, else NULL; with i -1 the first memory operand. */
const struct insn_operand *insn_memory(const struct insn_x86 *insn, int i);

/*
 * A nop, jmp, jcc or call that the kernel does not single-step when a probe sits on it.  (It
 * emulates push too, which costs more.)
 */
bool insn_is_emulated(const struct insn_x86 *insn);

/* Exact mnemonic. */
bool insn_is(const struct insn_x86 *insn, const char *mnemonic);

const char *target_reg_name(enum target_reg r); /* "rax"; "none" */

#endif
