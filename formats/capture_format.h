/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_format.h: the bytes of a capture file, shared by its writer and its reader.
 * stacktrace-capture(5) says the same in words; change both.
 *
 * Little-endian throughout.  What may change within a major version: new block kinds, new keys in
 * info, new record kinds, longer records, bits 8 to 15 of a block's flags.  Everything else needs a
 * new major version, which older readers refuse.
 */
#ifndef ST_FORMATS_CAPTURE_FORMAT_H
#define ST_FORMATS_CAPTURE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structs are copied to the file as is");

/* As PNG's: not text, damaged by transfers that strip the eighth bit or translate line ends. */
#define CAPTURE_MAGIC	   "\211STC\r\n\032\n"
#define CAPTURE_MAJOR	   1
#define CAPTURE_MINOR	   2
#define CAPTURE_BYTE_ORDER 0x01020304u

struct capture_file_header {
	char magic[8];
	uint32_t byte_order; /* CAPTURE_BYTE_ORDER as the writer's machine stores it */
	uint16_t major;
	uint16_t minor;
	uint32_t header_size; /* of this header: where the first block is */
	uint32_t reserved[2];
	uint32_t crc; /* of all bytes before */
};
_Static_assert(sizeof(struct capture_file_header) == 32, "file format");

#define CAPTURE_MARKER "\263STblk\r\n" /* what a reader looks for behind damage */

enum capture_block_kind {
	CAPTURE_INFO = 1,
	CAPTURE_EVENTS,
	CAPTURE_NAMES,
	CAPTURE_END,
	CAPTURE_INDEX,	/* since 1.1 */
	CAPTURE_TOTALS, /* of the block behind it; since 1.2 */
};

enum capture_block_flags {
	CAPTURE_ZSTD = 1 << 0,		  /* the payload is one zstd frame */
	CAPTURE_MUST_UNDERSTAND = 0x00ff, /* a block with one of these unknown is skipped */
};

struct capture_block_header {
	char marker[8];
	uint16_t kind;
	uint16_t flags;
	uint32_t number;	    /* of the block: 0, 1, 2 ... */
	uint32_t stored_size;	    /* bytes of payload that follow */
	uint32_t raw_size;	    /* bytes of payload when decompressed */
	uint32_t records;	    /* event records in it */
	uint32_t payload_crc;	    /* of the payload as stored */
	uint64_t records_before;    /* event records in all blocks before */
	uint64_t first_ns, last_ns; /* lowest and highest time of its records, else 0 */
	uint32_t reserved;
	uint32_t crc; /* of all bytes of the header before */
};
_Static_assert(sizeof(struct capture_block_header) == 64, "file format");

/* Limits that make a hostile file cheap to read. */
#define CAPTURE_MAX_RAW	   (1u << 20) /* raw_size */
#define CAPTURE_MAX_RATIO  64	      /* raw_size / stored_size; real records reach 4 */
#define CAPTURE_MAX_RECORD 4096	      /* bytes of one record */

/* Payload of CAPTURE_END. */
struct capture_end {
	uint64_t records; /* event records in the file */
	uint64_t blocks;  /* blocks before this one */
	uint64_t bytes;	  /* of the file before this block */
	uint64_t end_realtime_ns;
	uint64_t index; /* offset of the index block, 0: there is none; since 1.1 */
};
_Static_assert(sizeof(struct capture_end) == 40, "file format");
#define CAPTURE_END_SIZE_1_0 32

/* --- variable-length numbers (LEB128) ------------------------------------------------------ */

#define CAPTURE_VARINT_MAX 10

static inline uint8_t *capture_put_varint(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

/* The byte behind the number, or NULL if it does not end before end or is over 64 bits. */
static inline const uint8_t *capture_get_varint(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
		uint8_t b = *p++;

		if (shift == 63 && b > 1)
			return NULL;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			*ret = v;
			return p;
		}
	}
	return NULL;
}

/* Signed differences of 64-bit words, small ones small whatever their sign. */
static inline uint64_t capture_zigzag(uint64_t delta)
{
	return delta << 1 ^ -(delta >> 63);
}

static inline uint64_t capture_unzigzag(uint64_t v)
{
	return v >> 1 ^ -(v & 1);
}

#endif
