/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h: the object that corun-cc --stack-policy links, one for each policy.  In the program it
 * is found by its weak name; without it the policy is copy.
 */
#ifndef ST_RUNTIME_POLICY_H
#define ST_RUNTIME_POLICY_H

extern const unsigned char __corun_policy __attribute__((weak, visibility("default")));

#endif
