/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/capture_records.h"

#include <stdbool.h>
#include <string.h>

#define HEADER_WORDS (sizeof(struct ev_header) / 8)
#define TIME_WORD    1

enum { CODE_PLAIN = 9 };

/* Differences longer than this many bytes are of hashes and the like: the word itself repeats. */
#define DELTA_MAX 5

void capture_predictor_reset(struct capture_predictor *p)
{
	p->time = 0;
	for (unsigned k = 0; k < CAPTURE_PREDICTED; k++) {
		memset(p->word[k], 0, 8u * p->words[k]);
		p->words[k] = 0;
	}
}

/* The words that predict a record of this kind. */
static const capture_word *prediction(struct capture_predictor *p, uint64_t kind)
{
	capture_word *word = kind < CAPTURE_PREDICTED ? p->word[kind] : p->none;

	word[TIME_WORD] = p->time;
	return word;
}

static void remember(struct capture_predictor *p, uint64_t kind, const capture_word *word,
		     unsigned words)
{
	p->time = word[TIME_WORD];
	if (kind >= CAPTURE_PREDICTED)
		return;
	if (words < p->words[kind])
		memset(p->word[kind] + words, 0, 8u * (p->words[kind] - words));
	memcpy(p->word[kind], word, 8u * words);
	p->words[kind] = (uint16_t)words;
}

/* Bytes that hold v. */
static unsigned byte_length(uint64_t v)
{
	return v ? (71 - (unsigned)__builtin_clzll(v)) / 8 : 0;
}

uint8_t *capture_put_record(struct capture_predictor *p, const struct ev_header *ev, uint8_t *out)
{
	const capture_word *word = (const capture_word *)ev, *predicted = prediction(p, ev->kind);
	unsigned words = ev->size / 8;
	uint8_t *codes;

	out = capture_put_varint(out, ev->kind);
	out = capture_put_varint(out, words);
	out = capture_put_varint(out, ev->cpu);
	codes = out;
	out += words / 2;
	memset(codes, 0, words / 2);
	for (unsigned i = 1; i < words; i++) {
		uint64_t v = capture_zigzag(word[i] - predicted[i]);
		unsigned code = byte_length(v), length = code;

		if (code > DELTA_MAX) {
			code = CODE_PLAIN;
			length = 8;
			v = word[i];
		}
		memcpy(out, &v, 8);
		out += length;
		codes[(i - 1) / 2] |= (uint8_t)(code << (i - 1) % 2 * 4);
	}
	remember(p, ev->kind, word, words);
	return out;
}

/* Words 1 and up; NULL if a code is unknown or the bytes end before the words. */
static const uint8_t *get_words(const capture_word *predicted, const uint8_t *in,
				const uint8_t *end, capture_word *word, unsigned words)
{
	static const uint8_t length[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 8 };
	static const uint64_t mask[16] = {
		0,	    0xff,	  0xffff,	  0xffffff,
		0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff,
		UINT64_MAX, UINT64_MAX,
	};
	const uint8_t *codes = in;
	unsigned worst = 0;

	in += words / 2;
	for (unsigned i = 1; i < words; i++) {
		unsigned code = codes[(i - 1) / 2] >> (i - 1) % 2 * 4 & 15;
		uint64_t v;

		memcpy(&v, in, 8);
		v &= mask[code];
		word[i] = code == CODE_PLAIN ? v : predicted[i] + capture_unzigzag(v);
		in += length[code];
		worst = code > worst ? code : worst;
	}
	return worst <= CODE_PLAIN && in <= end ? in : NULL;
}

const uint8_t *capture_get_record(struct capture_predictor *p, const uint8_t *in,
				  const uint8_t *end, capture_word *ret)
{
	uint64_t kind, words, cpu;

	in = capture_get_varint(in, end, &kind);
	if (in)
		in = capture_get_varint(in, end, &words);
	if (in)
		in = capture_get_varint(in, end, &cpu);
	if (!in || kind > UINT16_MAX || words < HEADER_WORDS || words > CAPTURE_MAX_WORDS ||
	    cpu > UINT32_MAX)
		return NULL;
	in = get_words(prediction(p, kind), in, end, ret, (unsigned)words);
	if (!in)
		return NULL;
	ret[0] = kind | words << 19 | cpu << 32; /* kind, size in bytes, cpu of struct ev_header */
	remember(p, kind, ret, (unsigned)words);
	return in;
}
