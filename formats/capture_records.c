/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/capture_records.h"

#include <stdbool.h>
#include <string.h>

#define HEADER_WORDS (sizeof(struct ev_header) / 8)
#define TIME_WORD    1

enum { CODE_TABLED = 2, CODE_PLAIN = 9, CODE_TABLE = 10 };

/* Differences longer than this many bytes are of hashes and the like: the word itself repeats. */
#define DELTA_MAX 5

void capture_predictor_reset(struct capture_predictor *p)
{
	p->time = 0;
	for (unsigned k = 0; k < CAPTURE_PREDICTED; k++) {
		memset(p->word[k], 0, 8u * p->words[k]);
		p->words[k] = 0;
	}
	memset(p->next, 0, sizeof(p->next));
	memset(p->table, 0, sizeof(p->table));
}

void capture_encoder_reset(struct capture_encoder *e)
{
	capture_predictor_reset(&e->p);
	memset(e->position, 0, sizeof(e->position));
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

/* --- writing ------------------------------------------------------------------------------- */

/* Bytes that hold v. */
static unsigned byte_length(uint64_t v)
{
	return v ? (71 - (unsigned)__builtin_clzll(v)) / 8 : 0;
}

static uint16_t *position_of(struct capture_encoder *e, unsigned i, uint64_t value)
{
	return &e->position[i][value * UINT64_C(0x9e3779b97f4a7c15) >> 54];
}

/* Whether word i is in its table; if not, it enters. */
static bool find_in_table(struct capture_encoder *e, unsigned i, uint64_t value, uint8_t *ret)
{
	uint16_t *position = position_of(e, i, value);

	if (*position && e->p.table[i][*position - 1] == value) {
		*ret = (uint8_t)(*position - 1);
		return true;
	}
	*position = (uint16_t)(e->p.next[i] + 1);
	e->p.table[i][e->p.next[i]++] = value;
	return false;
}

/* Writes one word if it is not as predicted; returns its code. */
static unsigned put_word(struct capture_encoder *e, unsigned i, uint64_t word, uint64_t predicted,
			 uint8_t **out)
{
	uint64_t v = capture_zigzag(word - predicted);
	unsigned code = byte_length(v), length = code;
	uint8_t at;

	if (code >= CODE_TABLED && i > TIME_WORD && i < CAPTURE_TABLES &&
	    find_in_table(e, i, word, &at)) {
		code = CODE_TABLE;
		length = 1;
		v = at;
	} else if (code > DELTA_MAX) {
		code = CODE_PLAIN;
		length = 8;
		v = word;
	}
	memcpy(*out, &v, 8);
	*out += length;
	return code;
}

uint8_t *capture_put_record(struct capture_encoder *e, const struct ev_header *ev, uint8_t *out)
{
	const capture_word *word = (const capture_word *)ev;
	const capture_word *predicted = prediction(&e->p, ev->kind);
	unsigned words = ev->size / 8;
	uint8_t *codes;

	out = capture_put_varint(out, ev->kind);
	out = capture_put_varint(out, words);
	out = capture_put_varint(out, ev->cpu);
	codes = out;
	out += words / 2;
	memset(codes, 0, words / 2);
	for (unsigned i = 1; i < words; i++) {
		unsigned code = put_word(e, i, word[i], predicted[i], &out);

		codes[(i - 1) / 2] |= (uint8_t)(code << (i - 1) % 2 * 4);
	}
	remember(&e->p, ev->kind, word, words);
	return out;
}

/* --- reading ------------------------------------------------------------------------------- */

/* Moves *in over the bytes of a code and returns them, lowest first. */
static inline uint64_t get_bytes(const uint8_t **in, unsigned code)
{
	static const uint8_t length[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 1 };
	static const uint64_t mask[16] = {
		0,	    0xff,	  0xffff,	  0xffffff,
		0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff,
		UINT64_MAX, UINT64_MAX,	  0xff,
	};
	uint64_t v;

	memcpy(&v, *in, 8);
	*in += length[code];
	return v & mask[code];
}

/* A word without a table. */
static inline uint64_t get_word(const uint8_t **in, unsigned code, uint64_t predicted)
{
	uint64_t v = get_bytes(in, code);

	return code == CODE_PLAIN ? v : predicted + capture_unzigzag(v);
}

static inline uint64_t get_tabled_word(struct capture_predictor *p, unsigned i, const uint8_t **in,
				       unsigned code, uint64_t predicted)
{
	uint64_t v;

	if (!code)
		return predicted;
	if (code == CODE_TABLE)
		return p->table[i][get_bytes(in, code)];
	v = get_word(in, code, predicted);
	if (code >= CODE_TABLED)
		p->table[i][p->next[i]++] = v;
	return v;
}

/*
 * Words 1 and up, each in the place of its prediction; NULL if a code is unknown or the bytes end
 * before the words.
 */
static const uint8_t *get_words(struct capture_predictor *p, const uint8_t *in, const uint8_t *end,
				capture_word *word, unsigned words)
{
	const uint8_t *codes = in;
	unsigned tabled = words < CAPTURE_TABLES ? words : CAPTURE_TABLES, code, worst;
	uint64_t first; /* the codes of the words with tables, and of word 1, in one */

	_Static_assert(CAPTURE_TABLES <= 17, "their codes fit 64 bits");
	memcpy(&first, codes, 8);
	in += words / 2;
	code = first & 15;
	worst = code == CODE_TABLE ? 15 : code; /* the time has no table */
	word[TIME_WORD] = get_word(&in, code, p->time);
	for (unsigned i = 2; i < tabled; i++) {
		first >>= 4;
		code = first & 15;
		worst = code > worst ? code : worst;
		word[i] = get_tabled_word(p, i, &in, code, word[i]);
	}
	for (unsigned i = CAPTURE_TABLES; i < words; i++) {
		code = codes[(i - 1) / 2] >> (i - 1) % 2 * 4 & 15;
		worst = code >= CODE_TABLE ? 15 : code > worst ? code : worst;
		word[i] = get_word(&in, code, word[i]);
	}
	return worst <= CODE_TABLE && in <= end ? in : NULL;
}

/* Kind, number of words and CPU: mostly a byte each. */
static const uint8_t *get_head(const uint8_t *in, const uint8_t *end, uint64_t head[3])
{
	if ((in[0] | in[1] | in[2]) < 0x80 && end - in >= 3) {
		for (unsigned i = 0; i < 3; i++)
			head[i] = in[i];
		return in + 3;
	}
	for (unsigned i = 0; i < 3 && in; i++)
		in = capture_get_varint(in, end, &head[i]);
	return in;
}

const uint8_t *capture_get_record(struct capture_predictor *p, const uint8_t *in,
				  const uint8_t *end, const struct ev_header **ret)
{
	uint64_t head[3], kind, words, cpu;
	capture_word *word;

	in = get_head(in, end, head);
	if (!in)
		return NULL;
	kind = head[0];
	words = head[1];
	cpu = head[2];
	if (kind > UINT16_MAX || words < HEADER_WORDS || words > CAPTURE_MAX_WORDS ||
	    cpu > UINT32_MAX)
		return NULL;
	if (kind < CAPTURE_PREDICTED) {
		word = p->word[kind];
		if (words < p->words[kind])
			memset(word + words, 0, 8u * (p->words[kind] - words));
		p->words[kind] = (uint16_t)words;
	} else {
		word = p->none;
		memset(word, 0, 8u * words);
	}
	in = get_words(p, in, end, word, (unsigned)words);
	if (!in)
		return NULL;
	word[0] = kind | words << 19 | cpu << 32; /* kind, size in bytes, cpu of struct ev_header */
	p->time = word[TIME_WORD];
	*ret = (const struct ev_header *)word;
	return in;
}
