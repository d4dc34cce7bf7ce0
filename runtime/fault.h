/* SPDX-License-Identifier: Apache-2.0 */
/* fault.h: what a SIGSEGV means: a stack that grows, one that is full, one that is gone, or a bug.
 */
#ifndef ST_RUNTIME_FAULT_H
#define ST_RUNTIME_FAULT_H

/* Handles SIGSEGV and SIGBUS from now on if the policy of stacks needs that. */
void fault_install(void);
void fault_remove(void);

#endif
