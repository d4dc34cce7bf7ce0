/* SPDX-License-Identifier: Apache-2.0 */
/* user.c: the user the traced program runs as. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/parse.h"
#include "cli/launch.h"

#define MAX_ID (UINT32_MAX - 1) /* (uid_t)-1 means "leave alone" to setuid's relatives */

static void fill(struct launch_user *u, const struct passwd *pw)
{
	u->change = true;
	u->uid = pw->pw_uid;
	u->gid = pw->pw_gid;
	snprintf(u->name, sizeof(u->name), "%s", pw->pw_name);
	snprintf(u->home, sizeof(u->home), "%s", pw->pw_dir);
}

/* "UID" or "UID:GID", which need no entry in the password file. */
static int from_numbers(const char *text, struct launch_user *u)
{
	uint64_t uid, gid;
	char number[32];
	size_t n = strcspn(text, ":");
	const struct passwd *pw;

	if (n >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, n);
	number[n] = '\0';
	if (parse_u64("user", number, 0, MAX_ID, &uid, NULL))
		return -EINVAL;
	pw = getpwuid((uid_t)uid);
	if (pw)
		fill(u, pw);
	else if (!text[n])
		return -EINVAL; /* no group to be had */
	if (text[n]) {
		if (parse_u64("group", text + n + 1, 0, MAX_ID, &gid, NULL))
			return -EINVAL;
		u->gid = (gid_t)gid;
	}
	u->change = true;
	u->uid = (uid_t)uid;
	if (!pw)
		snprintf(u->name, sizeof(u->name), "%s", number);
	return 0;
}

static int from_sudo(struct launch_user *u)
{
	const char *uid = getenv("SUDO_UID"), *gid = getenv("SUDO_GID");
	char both[64];

	if (geteuid() != 0 || !uid || !gid || !strcmp(uid, "0"))
		return 0;
	snprintf(both, sizeof(both), "%s:%s", uid, gid);
	return from_numbers(both, u);
}

int launch_find_user(const char *name, struct launch_user *ret, struct err *e)
{
	struct launch_user u = { .change = false };
	const struct passwd *pw;
	int r = 0;

	if (!name) {
		if (from_sudo(&u)) {
			err_set(e, EINVAL, "SUDO_UID '%s' and SUDO_GID '%s' name no user",
				getenv("SUDO_UID"), getenv("SUDO_GID"));
			err_hint(e, "name the program's user with --user");
			return -EINVAL;
		}
	} else {
		pw = getpwnam(name);
		if (pw)
			fill(&u, pw);
		else
			r = from_numbers(name, &u);
		if (r) {
			err_set(e, EINVAL, "no user '%s'", name);
			err_hint(e, "give a name, a numeric UID of a known user, or UID:GID");
			return -EINVAL;
		}
	}
	if (u.change && u.uid == geteuid() && u.gid == getegid())
		u.change = false;
	if (u.change && geteuid() != 0)
		return err_set(e, EPERM, "cannot run the program as user '%s': needs root", u.name);
	*ret = u;
	return 0;
}
