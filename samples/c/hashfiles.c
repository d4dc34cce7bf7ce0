/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hashfiles: SHA-256 of files, several at a time; prints what sha256sum does.
 *
 *	hashfiles [-v] FILE...
 *
 * A coroutine for each file, at most eight of which are at work.  Reading blocks, so it leaves its
 * processor to others (co_read of a file); the digest comes from libcrypto, which runs on the
 * coroutine's stack and asks for 16 KiB of it: that is why each of these grows, once.
 */
#include <fcntl.h>
#include <openssl/evp.h>

#include "sample.h"

#define AT_ONCE 8
#define BUFFER	65536

struct file {
	const char *name;
	int rc;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_size;
};

static struct co_sem slots = { AT_ONCE, 0, { NULL, NULL } };
static struct co_wg left;
static struct file *files;
static int count;
static unsigned long growths, bytes;

static int digest(struct file *f, EVP_MD_CTX *ctx, char *buf)
{
	co_fd fd = co_open(f->name, O_RDONLY, 0);
	ssize_t n;

	if (fd < 0)
		return (int)fd;
	EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	while ((n = co_read(fd, buf, BUFFER)) > 0) {
		EVP_DigestUpdate(ctx, buf, (size_t)n);
		__atomic_fetch_add(&bytes, (unsigned long)n, __ATOMIC_RELAXED);
	}
	co_close(fd);
	if (n < 0)
		return (int)n;
	EVP_DigestFinal_ex(ctx, f->digest, &f->digest_size);
	return 0;
}

static void hash(void *arg)
{
	struct file *f = arg;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char *buf = malloc(BUFFER);

	co_sem_wait(&slots);
	f->rc = ctx && buf ? digest(f, ctx, buf) : -12;
	co_sem_post(&slots);
	free(buf);
	EVP_MD_CTX_free(ctx);
	__atomic_fetch_add(&growths, co_stack_size() > 2048, __ATOMIC_RELAXED);
	co_wg_done(&left);
}

static void start(void *arg)
{
	int i, rc;

	(void)arg;
	for (i = 0; i < count; i++) {
		co_wg_add(&left, 1);
		rc = co_go(hash, &files[i]);
		if (rc)
			sample_fail("co_go", rc);
	}
	co_wg_wait(&left);
	co_yield();
}

int main(int argc, char **argv)
{
	int i, rc, status = 0;
	unsigned k;

	if (argc > 1 && !strcmp(argv[1], "-v")) {
		sample_verbose = 1;
		argv++;
		argc--;
	}
	count = argc - 1;
	files = calloc((size_t)count + 1, sizeof(*files));
	if (!files)
		return 1;
	for (i = 0; i < count; i++)
		files[i].name = argv[i + 1];
	rc = co_run(NULL, start, NULL);
	if (rc)
		sample_fail("co_run", rc);
	for (i = 0; i < count; i++) {
		if (files[i].rc) {
			fprintf(stderr, "hashfiles: %s: %s\n", files[i].name,
				strerror(-files[i].rc));
			status = 1;
			continue;
		}
		for (k = 0; k < files[i].digest_size; k++)
			printf("%02x", files[i].digest[k]);
		printf("  %s\n", files[i].name);
	}
	sample_say("coroutines", (unsigned long)count + 1);
	sample_say("growths", growths);
	sample_say("bytes", bytes);
	sample_say_runtime();
	free(files);
	return status;
}
