/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What boxes share and somebody has taken away, such as a killed dnsmasq, is made again by the next command. A start does
 * so by itself; those that only look, or enter a box, have no time for it. */

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "command/command.h"
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
	config_init(&unused);
	host_config_init(&host_config);
	/* a broken sysct.conf is what the command itself will complain about */
	if (config_load_host(i->config, !i->config_given, &host_config, &unused, &err) == 0 &&
	    network_mend(&host, &err) < 0)
		log_warning("%s", err.message);
	host_config_done(&host_config);
	config_done(&unused);
}
