/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * regs_x86.bpf.h: registers of the traced thread, by the number the instruction encoding gives
 * them (enum target_reg of symbols/target.h).
 */
#ifndef ST_BPF_REGS_X86_BPF_H
#define ST_BPF_REGS_X86_BPF_H

#include <linux/types.h>

#include <asm/ptrace.h>

#include <bpf/bpf_helpers.h>

/*
 * The verifier lets a context be read at constant offsets only.  Written in C, the compiler merges
 * the loads of a switch into one at a computed offset, so each is spelt out.
 */
#define REG_LOAD(ctx, member)                                                              \
	({                                                                                 \
		__u64 value_;                                                              \
		asm volatile("%0 = *(u64 *)(%1 + %2)"                                      \
			     : "=r"(value_)                                                \
			     : "r"(ctx), "i"(__builtin_offsetof(struct pt_regs, member))); \
		value_;                                                                    \
	})

static __always_inline __u64 reg_read(struct pt_regs *ctx, __u8 number)
{
	switch (number) {
	case 0:
		return REG_LOAD(ctx, rax);
	case 1:
		return REG_LOAD(ctx, rcx);
	case 2:
		return REG_LOAD(ctx, rdx);
	case 3:
		return REG_LOAD(ctx, rbx);
	case 4:
		return REG_LOAD(ctx, rsp);
	case 5:
		return REG_LOAD(ctx, rbp);
	case 6:
		return REG_LOAD(ctx, rsi);
	case 7:
		return REG_LOAD(ctx, rdi);
	case 8:
		return REG_LOAD(ctx, r8);
	case 9:
		return REG_LOAD(ctx, r9);
	case 10:
		return REG_LOAD(ctx, r10);
	case 11:
		return REG_LOAD(ctx, r11);
	case 12:
		return REG_LOAD(ctx, r12);
	case 13:
		return REG_LOAD(ctx, r13);
	case 14:
		return REG_LOAD(ctx, r14);
	case 15:
		return REG_LOAD(ctx, r15);
	}
	return 0;
}

static __always_inline __u64 reg_ip(struct pt_regs *ctx)
{
	return REG_LOAD(ctx, rip);
}

static __always_inline __u64 reg_sp(struct pt_regs *ctx)
{
	return REG_LOAD(ctx, rsp);
}

/* A stack check is "cmp sp, limit; jbe more": carry or zero means the branch will be taken. */
static __always_inline int reg_branch_taken(struct pt_regs *ctx)
{
	return (REG_LOAD(ctx, eflags) & 0x41) != 0;
}

#endif
