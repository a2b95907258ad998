/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What boxes share. When somebody has taken it away, such as a killed dnsmasq, the next command makes it again: a start does
 * so by itself; those that only look, or enter a box, have no time for it. And it goes before sysct itself goes. */

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "command/command.h"
#include "runtime/launch.h"
#include "store/leftovers.h"
#include "store/network.h"

void command_mend(const struct command *command, const struct context *context)
{
	static const char *const mending[] = { "create", "launch", "stop", "config", "wait", "destroy" };
	const struct install *i = &context->install;
	auto_free char *suffix = xasprintf("%s%s", *i->suffix ? "-" : "", i->suffix);
	struct host_config host_config;
	struct container_config unused;
	struct network_host host = { i->run_dir, i->state_dir, suffix, &host_config, i->libexec_dir };
	struct error err = ERROR_NONE;
	bool mends = false;

	for (size_t n = 0; n < ARRAY_SIZE(mending); n++)
		mends = mends || strcmp(command->name, mending[n]) == 0;
	if (!mends)
		return;
	leftovers_tidy(i);
	config_init(&unused);
	host_config_init(&host_config);
	/* A broken sysct.conf is what the command itself will complain about. What the last one that runs had of it, a stop need
	 * not mend. */
	if (config_load_host(i->config, !i->config_given, &host_config, &unused, &err) == 0 &&
	    network_mend(&host, strcmp(command->name, "stop") == 0 ? 2 : 0, &err) < 0)
		log_warning("%s", err.message);
	host_config_done(&host_config);
	config_done(&unused);
}

/* `sysct .down`, for the removal of the package: no bridge, no rule, no name server, no kept mount namespace and no directory
 * of cgroups is left by a sysct that is gone. The containers stay, with their addresses. One that runs needs all of it. */
int command_down(struct context *context, int argc, char **argv, struct error *err)
{
	const struct install *i = &context->install;
	auto_free char *suffix = xasprintf("%s%s", *i->suffix ? "-" : "", i->suffix);
	auto_netlink struct netlink *netlink = netlink_open(err);
	struct container_config unused;
	struct host_config host_config;
	struct error broken = ERROR_NONE;
	struct network_host host = { i->run_dir, i->state_dir, suffix, &host_config, i->libexec_dir };
	int r = 0;

	(void)argc, (void)argv;
	if (!netlink)
		return -err->code;
	config_init(&unused);
	host_config_init(&host_config);
	config_load_host(i->config, true, &host_config, &unused, &broken);
	/* links of what was stopped just now die a moment after it */
	for (int n = 0; r == 0 && n < 100; n++) {
		r = network_down(&host, netlink, n >= 10, err);
		if (r == 0)
			usleep(20000);
	}
	host_config_done(&host_config);
	config_done(&unused);
	if (r == 0) {
		fail_status(err, STATUS_STATE, "take the network down: containers run");
		return error_hint(err, "sysct stop --all");
	}
	if (r > 0)
		r = launch_drop_shared(i, err);
	return r < 0 ? r : 0;
}
