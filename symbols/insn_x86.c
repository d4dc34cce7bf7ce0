/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instruction decoder.  Branches are told by their opcode bytes rather than by Capstone's
 * groups, which also hold jrcxz, loop and xbegin: the kernel emulates by opcode.
 */
#include "symbols/insn_x86.h"

#include <capstone/capstone.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct insn_decoder {
	csh handle;
	cs_insn *insn;
	const uint8_t *code;
	size_t left;
	uint64_t vaddr;
	bool stuck;
};

#define FAMILY(full, half, word, low, reg) \
	case X86_REG_##full:               \
	case X86_REG_##half:               \
	case X86_REG_##word:               \
	case X86_REG_##low:                \
		return reg

static enum target_reg general_register(unsigned r)
{
	switch (r) {
		FAMILY(RAX, EAX, AX, AL, REG_AX);
		FAMILY(RCX, ECX, CX, CL, REG_CX);
		FAMILY(RDX, EDX, DX, DL, REG_DX);
		FAMILY(RBX, EBX, BX, BL, REG_BX);
		FAMILY(RSP, ESP, SP, SPL, REG_SP);
		FAMILY(RBP, EBP, BP, BPL, REG_BP);
		FAMILY(RSI, ESI, SI, SIL, REG_SI);
		FAMILY(RDI, EDI, DI, DIL, REG_DI);
		FAMILY(R8, R8D, R8W, R8B, REG_8);
		FAMILY(R9, R9D, R9W, R9B, REG_9);
		FAMILY(R10, R10D, R10W, R10B, REG_10);
		FAMILY(R11, R11D, R11W, R11B, REG_11);
		FAMILY(R12, R12D, R12W, R12B, REG_12);
		FAMILY(R13, R13D, R13W, R13B, REG_13);
		FAMILY(R14, R14D, R14W, R14B, REG_14);
		FAMILY(R15, R15D, R15W, R15B, REG_15);
	case X86_REG_AH:
		return REG_AX;
	case X86_REG_CH:
		return REG_CX;
	case X86_REG_DH:
		return REG_DX;
	case X86_REG_BH:
		return REG_BX;
	default:
		return REG_NONE;
	}
}

int insn_decoder_new(struct insn_decoder **ret)
{
	struct insn_decoder *d = calloc(1, sizeof(*d));
	cs_err code;

	if (!d)
		return -ENOMEM;
	code = cs_open(CS_ARCH_X86, CS_MODE_64, &d->handle);
	if (code != CS_ERR_OK) {
		free(d);
		return code == CS_ERR_MEM ? -ENOMEM : -ENOTSUP;
	}
	cs_option(d->handle, CS_OPT_DETAIL, CS_OPT_ON);
	d->insn = cs_malloc(d->handle);
	if (!d->insn) {
		cs_close(&d->handle);
		free(d);
		return -ENOMEM;
	}
	*ret = d;
	return 0;
}

void insn_decoder_free(struct insn_decoder *d)
{
	if (!d)
		return;
	cs_free(d->insn, 1);
	cs_close(&d->handle);
	free(d);
}

void insn_decoder_set(struct insn_decoder *d, const uint8_t *code, size_t len, uint64_t vaddr)
{
	d->code = code;
	d->left = len;
	d->vaddr = vaddr;
	d->stuck = false;
}

uint64_t insn_decoder_vaddr(const struct insn_decoder *d)
{
	return d->vaddr;
}

static enum insn_kind kind_of(const cs_insn *in)
{
	static const uint8_t nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	const cs_x86 *x = &in->detail->x86;
	const uint8_t op0 = x->opcode[0], op1 = x->opcode[1];

	switch (in->id) {
	case X86_INS_NOP:
		return in->size == sizeof(nop5) && !memcmp(in->bytes, nop5, sizeof(nop5))
			       ? INSN_NOP5
			       : INSN_NOP;
	case X86_INS_CALL:
		return op0 == 0xe8 ? INSN_CALL : INSN_CALL_INDIRECT;
	case X86_INS_LCALL:
		return INSN_CALL_INDIRECT;
	case X86_INS_JMP:
		return op0 == 0xe9 || op0 == 0xeb ? INSN_JMP : INSN_JMP_INDIRECT;
	case X86_INS_LJMP:
		return INSN_JMP_INDIRECT;
	case X86_INS_PUSH:
		return op0 >= 0x50 && op0 <= 0x57 ? INSN_PUSH : INSN_OTHER;
	case X86_INS_RET:
		return INSN_RETURN;
	default:
		break;
	}
	if ((op0 >= 0x70 && op0 <= 0x7f) || (op0 == 0x0f && op1 >= 0x80 && op1 <= 0x8f))
		return INSN_JCC;
	return INSN_OTHER;
}

static void copy_operand(const cs_insn *in, const cs_x86_op *from, struct insn_operand *to)
{
	*to = (struct insn_operand){ .size = from->size,
				     .is_read = from->access & CS_AC_READ,
				     .is_write = from->access & CS_AC_WRITE,
				     .reg = REG_NONE,
				     .index = REG_NONE };
	switch (from->type) {
	case X86_OP_REG:
		to->type = INSN_OPERAND_REG;
		to->reg = general_register(from->reg);
		break;
	case X86_OP_IMM:
		to->type = INSN_OPERAND_IMM;
		to->value = from->imm;
		break;
	case X86_OP_MEM:
		to->type = INSN_OPERAND_MEM;
		to->reg = general_register(from->mem.base);
		to->index = general_register(from->mem.index);
		to->scale = (uint8_t)from->mem.scale;
		to->value = from->mem.disp;
		to->segment = from->mem.segment == X86_REG_FS || from->mem.segment == X86_REG_GS;
		if (from->mem.base == X86_REG_RIP) {
			to->rip_relative = true;
			to->address = in->address + in->size + (uint64_t)from->mem.disp;
		}
		break;
	default:
		break;
	}
}

static uint16_t register_set(const cs_regs regs, unsigned count)
{
	uint16_t set = 0;
	unsigned i;

	for (i = 0; i < count; i++) {
		enum target_reg r = general_register(regs[i]);

		if (r != REG_NONE)
			set |= (uint16_t)(1u << r);
	}
	return set;
}

/*
 * Capstone 4 takes SSE stores for loads and does not know that cmpxchg writes its memory and rax.
 * What is said here is right for every version.
 */
static void correct_access(const cs_insn *in, struct insn_x86 *ret)
{
	struct insn_operand *op = &ret->operand[0];

	if (!strncmp(in->mnemonic, "mov", 3) || !strncmp(in->mnemonic, "vmov", 4)) {
		if (op->type == INSN_OPERAND_MEM) {
			op->is_read = false;
			op->is_write = true;
		}
	} else if (!strncmp(ret->mnemonic, "cmpxchg", 7)) {
		op->is_read = op->is_write = true;
		ret->regs_written |= 1u << REG_AX;
		if (strcmp(ret->mnemonic, "cmpxchg"))
			ret->regs_written |= 1u << REG_DX;
		else if (op->type == INSN_OPERAND_REG && op->reg != REG_NONE)
			ret->regs_written |= (uint16_t)(1u << op->reg);
	} else if (in->id == X86_INS_SYSCALL) {
		ret->regs_written |= 1u << REG_AX | 1u << REG_CX | 1u << REG_11;
	}
}

static void fill(const struct insn_decoder *d, const uint8_t *bytes, struct insn_x86 *ret)
{
	const cs_insn *in = d->insn;
	const cs_x86 *x = &in->detail->x86;
	uint8_t n_read, n_written, i;
	cs_regs read, written;

	memset(ret, 0, sizeof(*ret));
	ret->vaddr = in->address;
	ret->bytes = bytes;
	ret->length = (uint8_t)in->size;
	ret->kind = kind_of(in);
	ret->lock = x->prefix[0] == X86_PREFIX_LOCK;
	ret->operand_size_16 = x->prefix[2] == X86_PREFIX_OPSIZE;
	if (ret->kind == INSN_CALL || ret->kind == INSN_JMP || ret->kind == INSN_JCC)
		ret->target = (uint64_t)x->operands[0].imm;
	snprintf(ret->mnemonic, sizeof(ret->mnemonic), "%s",
		 strncmp(in->mnemonic, "lock ", 5) ? in->mnemonic : in->mnemonic + 5);
	snprintf(ret->text, sizeof(ret->text), "%s%s%s", in->mnemonic, in->op_str[0] ? " " : "",
		 in->op_str);
	/* The operands of a long NOP are padding: nothing is read there. */
	if (ret->kind == INSN_NOP || ret->kind == INSN_NOP5)
		return;
	for (i = 0; i < x->op_count && i < INSN_MAX_OPERANDS; i++)
		copy_operand(in, &x->operands[i], &ret->operand[i]);
	ret->operand_count = i;
	if (cs_regs_access(d->handle, in, read, &n_read, written, &n_written) == CS_ERR_OK) {
		ret->regs_read = register_set(read, n_read);
		ret->regs_written = register_set(written, n_written);
	} else {
		/* Nothing known of its effects: every register may have changed. */
		ret->regs_read = ret->regs_written = UINT16_MAX;
	}
	correct_access(in, ret);
}

int insn_decoder_next(struct insn_decoder *d, struct insn_x86 *ret)
{
	const uint8_t *at = d->code;

	if (d->stuck)
		return -EILSEQ;
	if (!d->left)
		return 0;
	if (!cs_disasm_iter(d->handle, &d->code, &d->left, &d->vaddr, d->insn)) {
		d->stuck = true;
		return -EILSEQ;
	}
	fill(d, at, ret);
	return 1;
}

const struct insn_operand *insn_memory(const struct insn_x86 *insn, int i)
{
	unsigned k;

	if (i >= 0)
		return (unsigned)i < insn->operand_count &&
				       insn->operand[i].type == INSN_OPERAND_MEM
			       ? &insn->operand[i]
			       : NULL;
	for (k = 0; k < insn->operand_count; k++)
		if (insn->operand[k].type == INSN_OPERAND_MEM)
			return &insn->operand[k];
	return NULL;
}

bool insn_is_emulated(const struct insn_x86 *insn)
{
	switch (insn->kind) {
	case INSN_NOP5:
	case INSN_NOP:
		return true;
	case INSN_CALL:
	case INSN_JMP:
	case INSN_JCC:
		return !insn->operand_size_16;
	default:
		return false;
	}
}

bool insn_is(const struct insn_x86 *insn, const char *mnemonic)
{
	return !strcmp(insn->mnemonic, mnemonic);
}

const char *target_reg_name(enum target_reg r)
{
	static const char *const name[] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"
	};

	return (unsigned)r < sizeof(name) / sizeof(name[0]) ? name[r] : "none";
}

void insn_decoder_version(int *ret_major, int *ret_minor)
{
	cs_version(ret_major, ret_minor);
}
