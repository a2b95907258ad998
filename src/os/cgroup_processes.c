/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes of a group: frozen, killed, waited for. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cgroup_parts.h"

/* Whether a line "key 1" stands in cgroup.events. */
static int event_is_set(int dir, const char *key)
{
	auto_free char *text = NULL;
	const char *at;
	int r = read_file_at(dir, "cgroup.events", 4096, &text, NULL);

	if (r < 0)
		return r;
	at = strstr(text, key);
	return at && at[strlen(key)] == ' ' && at[strlen(key) + 1] == '1';
}

/* Wait for an event; the kernel signals POLLPRI on cgroup.events when one changes. */
static int wait_event(int dir, const char *key, bool set, int timeout_ms)
{
	auto_close int fd = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	uint64_t end = now_usec() + (uint64_t)timeout_ms * 1000;

	if (fd < 0)
		return -errno;
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLPRI };
		char buf[256];
		int r = event_is_set(dir, key);
		uint64_t now = now_usec();

		if (r < 0)
			return r;
		if ((r > 0) == set)
			return 0;
		if (now >= end)
			return -ETIMEDOUT;
		if (pread(fd, buf, sizeof(buf), 0) < 0)
			return -errno;
		poll(&poll_fd, 1, (int)((end - now) / 1000) < 20 ? (int)((end - now) / 1000) + 1 : 20);
	}
}

int cgroup_freeze(const char *group, bool freeze, int timeout_ms, struct error *err)
{
	auto_close int dir = cgroup_open(group, "payload", err);
	int r;

	if (dir < 0)
		return dir;
	r = write_value_at(dir, "cgroup.freeze", freeze ? "1" : "0");
	if (r < 0)
		return fail(err, -r, "write cgroup.freeze");
	r = wait_event(dir, "frozen", freeze, timeout_ms);
	if (r == -ETIMEDOUT) {
		fail(err, ETIMEDOUT, "wait until all processes are %s", freeze ? "frozen" : "thawed");
		return error_status(err, STATUS_TIMEOUT);
	}
	return r < 0 ? fail(err, -r, "read cgroup.events") : 0;
}

bool cgroup_frozen(const char *group)
{
	auto_free char *path = xasprintf("%s/payload/cgroup.freeze", group), *text = NULL;
	struct error ignored = ERROR_NONE;
	const struct cgroup_layout *layout = cgroup_layout(&ignored);

	return layout && read_file_at(layout->root, path, 16, &text, NULL) == 0 && text[0] == '1';
}

/* 0: it is gone. */
static int open_payload(const char *group, int *ret, struct error *err)
{
	struct error why = ERROR_NONE;

	*ret = cgroup_open(group, "payload", &why);
	if (*ret >= 0)
		return 1;
	if (*ret == -ENOENT)
		return 0;
	*err = why;
	return *ret;
}

/* Removed since it was opened, by who had nothing to wait for any more; before Linux 5.14 there is no cgroup.kill either. */
static bool is_gone(int dir)
{
	return faccessat(dir, "cgroup.procs", F_OK, 0) < 0 && (errno == ENOENT || errno == ENODEV);
}

int cgroup_kill(const char *group, struct error *err)
{
	auto_close int dir = -1;
	int r = open_payload(group, &dir, err);

	if (r <= 0)
		return r;
	write_value_at(dir, "cgroup.freeze", "0");
	r = write_value_at(dir, "cgroup.kill", "1");
	return r < 0 && !is_gone(dir) ? fail(err, -r, "write cgroup.kill") : 0;
}

int cgroup_wait_empty(const char *group, int timeout_ms, struct error *err)
{
	auto_close int dir = -1;
	int r = open_payload(group, &dir, err);

	if (r <= 0)
		return r;
	r = wait_event(dir, "populated", false, timeout_ms);
	if (r == -ETIMEDOUT) {
		fail(err, ETIMEDOUT, "wait until the container's processes are gone");
		return error_status(err, STATUS_TIMEOUT);
	}
	return r < 0 && !is_gone(dir) ? fail(err, -r, "read cgroup.events") : 0;
}
