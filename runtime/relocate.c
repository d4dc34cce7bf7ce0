/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relocate.c: copies the used part of a stack and moves what points into the stack.
 *
 * One pass that compares each word costs little more than memcpy when four words go through one
 * vector register.  A stack's size is a power of two, so a word w points into it if and only if
 * (w - lo) >> log2(size) is 0: there is no unsigned vector comparison to miss.
 */
#include <immintrin.h>

#include "runtime/runtime.h"

typedef void relocate_fn(uint64_t *to, const uint64_t *from, size_t words, struct stack old,
			 uint64_t delta);

static void relocate_plain(uint64_t *to, const uint64_t *from, size_t words, struct stack old,
			   uint64_t delta)
{
	uint64_t size = old.hi - old.lo;
	size_t i;

	for (i = 0; i < words; i++)
		to[i] = from[i] + (from[i] - old.lo < size ? delta : 0);
}

__attribute__((target("avx2"))) static void relocate_avx2(uint64_t *to, const uint64_t *from,
							  size_t words, struct stack old,
							  uint64_t delta)
{
	const __m256i lo = _mm256_set1_epi64x((int64_t)old.lo);
	const __m256i add = _mm256_set1_epi64x((int64_t)delta);
	const __m128i shift = _mm_cvtsi32_si128(__builtin_ctzll(old.hi - old.lo));
	const __m256i zero = _mm256_setzero_si256();
	size_t i;

	for (i = 0; i + 4 <= words; i += 4) {
		__m256i w = _mm256_loadu_si256((const __m256i *)(from + i));
		__m256i block = _mm256_srl_epi64(_mm256_sub_epi64(w, lo), shift);
		__m256i inside = _mm256_cmpeq_epi64(block, zero);

		w = _mm256_add_epi64(w, _mm256_and_si256(inside, add));
		_mm256_storeu_si256((__m256i *)(to + i), w);
	}
	relocate_plain(to + i, from + i, words - i, old, delta);
}

static relocate_fn *best = relocate_plain;
uint32_t vector_level;

void relocate(uint64_t *to, const uint64_t *from, size_t words, struct stack old, uint64_t delta)
{
	best(to, from, words, old, delta);
}

/* What the processor and the kernel support, also for the registers that __morestack saves. */
void relocate_init(void)
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2"))
		best = relocate_avx2;
	if (__builtin_cpu_supports("avx512f"))
		vector_level = VECTOR_ZMM;
	else if (__builtin_cpu_supports("avx"))
		vector_level = VECTOR_YMM;
}
