/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note.h: .note.stacktrace, with which a program describes its coroutine runtime.
 *
 * The layout is a public interface, stacktrace-note(5): corun emits it, and any fiber library that
 * does the same gets every view.  It is written by foreign hands, so all of it is distrusted.
 *
 * An ELF note with the owner "stacktrace".  Type 1 is struct note_desc, then the probes; there is
 * one in a program.  Type 2 is one more probe, so that a macro can emit it beside the instruction
 * it names (.pushsection); there may be many.  Type 3 names the reasons to wait, type 4 tells where
 * the descriptors are.  Little-endian, every member aligned to its size.
 *
 * Places are given as distances from the member that holds them to the place (in assembly: .quad
 * place - .), which needs no relocation at run time and serves PIE too.  For that the note must be
 * in memory: the section must have SHF_ALLOC.
 */
#ifndef ST_SYMBOLS_NOTE_H
#define ST_SYMBOLS_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct target;

#define NOTE_SECTION ".note.stacktrace"
#define NOTE_OWNER   "stacktrace"
#define NOTE_FIELDS  16 /* room for enum target_field to grow */

enum note_type {
	NOTE_RUNTIME = 1,    /* struct note_desc and its probes */
	NOTE_PROBE = 2,	     /* one struct note_probe */
	NOTE_REASONS = 3,    /* names of wait reasons by number, each ended by a zero byte */
	NOTE_COROUTINES = 4, /* struct note_coroutines */
};

enum note_flags {
	NOTE_OWN_RING = 1 << 0, /* can write into a shared-memory ring, see base/event.h */
};

struct note_probe {
	uint32_t probe;	       /* enum ev_probe; numbers not known are left out */
	uint8_t coroutine_reg; /* enum target_reg, 0xff if in none */
	uint8_t new_size_reg;  /* size of a stack, or address of a lock; 0xff if in none */
	uint16_t zero;
	int64_t point; /* the instruction; the registers hold before it is executed */
	uint64_t reserved;
};
_Static_assert(sizeof(struct note_probe) == 24, "file format");

struct note_desc {
	uint32_t desc_size; /* this struct and the probes */
	uint32_t flags;	    /* enum note_flags */
	char runtime[16];   /* "corun", NUL-padded */
	char version[16];
	int32_t field[NOTE_FIELDS]; /* offsets in the order of enum target_field, -1 if unknown */
	int64_t coroutine_entry;    /* function at the root of each coroutine's stack, 0 if none */
	uint32_t probe_count;
	uint32_t probe_size; /* bytes from one to the next: 24, more in later minor versions */
};
_Static_assert(sizeof(struct note_desc) == 120, "file format");

/* Where the descriptors of all coroutines are: in blocks, each with the address of the next. */
struct note_coroutines {
	uint32_t next;	/* offsets in a block: of the address of the next one, 0 behind the last, */
	uint32_t used;	/* of the number of descriptors in it, 8 bytes, */
	uint32_t first; /* and of the first one */
	uint32_t size;	/* bytes from one to the next */
	int64_t head;	/* the word with the address of the first block */
};
_Static_assert(sizeof(struct note_coroutines) == 24, "file format");

/*
 * Reads notes into a target description.  Use: zero it, set path, is_code and arg, hand in every
 * note segment (or the section) of the program, then finish.
 */
struct note_reader {
	const char *path; /* for messages */
	/* Whether the address is in an executable segment of the program. */
	bool (*is_code)(void *arg, uint64_t vaddr);
	void *arg;

	/* Private from here on. */
	const uint8_t *desc; /* of the first NOTE_RUNTIME */
	uint32_t desc_size;
	uint64_t desc_vaddr;
	char other_runtime[16]; /* of a second one */
	const uint8_t *reasons; /* of the last NOTE_REASONS */
	uint32_t reasons_size;
	struct note_coroutines list;
	uint64_t list_vaddr;   /* of the last NOTE_COROUTINES, 0: none */
	uint32_t unknown_type; /* lowest type that is not known, 0: none */
	struct note_extra {
		struct note_probe probe;
		uint64_t vaddr; /* of the entry */
	} * extra;
	size_t extras;
};

/*
 * Takes the notes in len bytes that are at vaddr in the program's memory, 0 if they are not loaded.
 * data must stay until note_reader_finish.  Notes of other owners are passed over.  -EBADMSG:
 * damaged; -ENOMEM.
 */
int note_reader_add(struct note_reader *r, const uint8_t *data, size_t len, uint64_t vaddr,
		    struct err *e);

/*
 * Fills *ret.  -ENOENT without a text: there was no such note.  -ENOTSUP: only notes of types this
 * version does not know; -EBADMSG: a damaged or impossible note.
 */
int note_reader_finish(struct note_reader *r, struct target *ret, struct err *e);

void note_reader_release(struct note_reader *r);

#endif
