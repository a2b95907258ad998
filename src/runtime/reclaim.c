/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/reclaim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "os/process.h"
#include "runtime/settle.h"
#include "store/create.h"
#include "store/rootfs.h"

static bool happens_by_itself(const struct container *c)
{
	return c->config.rootfs.discard == DISCARD_AUTO && !c->config.rootfs.directory && !rootfs_discards(c);
}

unsigned int reclaim_period(const struct container *container)
{
	return happens_by_itself(container) && !container->config.rootfs.readonly ? RECLAIM_SECONDS : 0;
}

/* Of a file system that is the container's own to serve, as FUSE is, nothing is asked that it could leave unanswered. */
static bool is_on(int fd, const char *device)
{
	struct statx here;
	struct stat loop;

	return stat(device, &loop) == 0 && S_ISBLK(loop.st_mode) &&
	       statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &here) == 0 &&
	       makedev(here.stx_dev_major, here.stx_dev_minor) == loop.st_rdev;
}

static int open_root(const struct container *c, const struct container_state *state, struct error *err)
{
	const char *loop = record_get(&state->more, "loop");
	auto_close int pidfd = process_open(&state->init), root = -1;
	char path[40], device[32];
	int number, fd;

	if (!loop || sscanf(loop, "%d", &number) != 1)
		return fail(err, ENOTTY, "find its image");
	snprintf(path, sizeof(path), "/proc/%d/root", (int)state->init.pid);
	snprintf(device, sizeof(device), "/dev/loop%d", number);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (pidfd < 0 || root < 0 || pidfd_wait(pidfd, 0) != 0)
		return fail(err, ESRCH, "find its root directory");
	if (!is_on(root, device)) {
		fail_status(err, STATUS_STATE, "its root directory is not on its image, so that cannot be trimmed while it runs");
		return error_hint(err, "stop it first: sysct stop %s", c->name);
	}
	fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fail(err, errno, "open its root directory") : fd;
}

int reclaim_running(const struct container *container, const struct container_state *state, uint64_t least, struct error *err)
{
	auto_close int root = open_root(container, state, err);
	uint64_t ignored;

	if (root < 0)
		return root;
	if (least && rootfs_to_give(container, root) < least)
		return 0;
	/* what was freed counts as free once the journal has it */
	if (syncfs(root) < 0)
		return fail(err, errno, "write out its file system");
	return rootfs_trim(root, &ignored, err);
}

void reclaim_stopped(struct container *container)
{
	struct error why = ERROR_NONE;
	uint64_t ignored;

	if (!happens_by_itself(container) || rootfs_to_give(container, -1) < RECLAIM_LEAST)
		return;
	if (store_trim(container, &ignored, &why) < 0)
		log_debug("%s: not trimmed: %s", container->name, why.message);
}

int reclaim_by_itself(const struct install *install, const char *name, struct error *err)
{
	auto_state struct container_state state = { 0 };
	struct container c = CONTAINER_EMPTY;
	bool left_over;
	int r;

	state_init(&state);
	if (container_open(install, name, false, true, &c, err) < 0)
		return -err->code;
	r = container_peek(&c, &state, &left_over, err);
	if (r == 0 && state.phase == PHASE_RUNNING && happens_by_itself(&c))
		r = reclaim_running(&c, &state, RECLAIM_LEAST, err);
	container_close(&c);
	return r;
}
