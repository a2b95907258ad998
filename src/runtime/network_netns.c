/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Into a network namespace and back: one that is joined, around the clone; the container's own, for a socket that stays there. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "network_links.h"
#include "os/mount.h"
#include "os/netlink.h"
#include "rows.h"
#include "runtime/launch.h"

static int enter_netns(int netns, int *ret_back, struct error *err)
{
	*ret_back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (*ret_back < 0)
		return fail(err, errno, "open the own network namespace");
	if (setns(netns, CLONE_NEWNET) == 0)
		return 0;
	fail(err, errno, "enter the network namespace");
	close_fd(ret_back);
	return -err->code;
}

int network_enter(struct launch *launch, int *ret_back, struct error *err)
{
	int join = launch->network->join;

	*ret_back = -1;
	if (join < 0)
		return 0;
	if (enter_netns(join, ret_back, err) < 0)
		return -err->code;
	/* The namespace is not the container's own, whose root may not mount its sysfs: it gets one from here, with
	 * the links of that namespace, whose files it cannot write. */
	if (launch->userns >= 0)
		launch->sys = mount_new("sysfs", "sysfs", NULL,
					MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
	if (launch->userns >= 0 && launch->sys < 0) {
		network_return(ret_back);
		return -err->code;
	}
	return 0;
}

/* To go on in somebody else's namespace would do the host's work there: never. */
void network_return(int *back)
{
	if (*back >= 0 && setns(*back, CLONE_NEWNET) < 0)
		end_here("return to the host's network namespace");
	close_fd(back);
}

struct netlink *network_open_inside(const struct launch *launch, struct error *err)
{
	struct netlink *inside;
	int back;

	if (enter_netns(launch->netns, &back, err) < 0)
		return NULL;
	inside = netlink_open(err);
	network_return(&back);
	return inside;
}
