/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What others know a container by: its links are admitted by the rules, and its name is told to the name server and to the other
 * containers; and the end of both. */
#include <string.h>

#include "base/cleanup.h"
#include "network_links.h"
#include "rows.h"
#include "runtime/hosts.h"
#include "runtime/launch.h"
#include "runtime/supervise.h"
#include "store/network.h"

int network_register_links(const struct network_host *host, const struct container *c, const struct prepared_network *net,
			   struct error *err)
{
	bool named = false;
	int r = 0;

	for (size_t i = 0; i < net->n && r == 0; i++) {
		const struct prepared_link *link = &net->links[i];

		if (!link->own || !*link->lease.v4)
			continue;
		r = named ? network_register_link(host, c->uuid, &link->lease, err) :
			    network_register(host, c->name, c->uuid, &link->lease, err);
		named = true;
	}
	return r;
}

/* An init may ask the server for its address at once. */
static bool asks_the_server(const struct prepared_network *net)
{
	for (size_t i = 0; i < net->n; i++)
		if (net->links[i].own && !network_wants_auto(net->links[i].config))
			return true;
	return false;
}

static const struct prepared_link *named_link(const struct prepared_network *net)
{
	for (size_t i = 0; i < net->n; i++)
		if (net->links[i].own && *net->links[i].lease.v4)
			return &net->links[i];
	return NULL;
}

int host_admit_links(struct launch *launch, struct error *err)
{
	const struct container *c = launch->container;
	struct prepared_network *net = launch->network;
	const struct prepared_link *named = named_link(net);
	struct network_host host;
	char suffix[16];

	network_host_of(c, &host, suffix);
	if (net->bridge.dns && named && (asks_the_server(net) ? network_register_links(&host, c, net, err) :
				 network_claim(&host, c->name, c->uuid, named->lease.v4, err)) < 0)
		return -err->code;
	return network_admit_links(c, net, err);
}

/* As late as can be: the server reads the names of all containers anew, on a processor that others want. Init runs by now, and goes
 * on without a name. */
int host_register_names(struct launch *launch, struct error *err)
{
	const struct container *c = launch->container;
	struct prepared_network *net = launch->network;
	struct network_host host;
	char suffix[16];

	network_announce6(net);
	network_host_of(c, &host, suffix);
	if (!net->bridge.dns || asks_the_server(net) || network_register_links(&host, c, net, err) == 0)
		return 0;
	record_setf(&launch->state->more, MORE_NOTE, "its name is not known to others: %s", err->message);
	*err = (struct error)ERROR_NONE;
	return 0;
}

int host_release_network(const struct container *container, const struct container_state *state,
			 struct error *err)
{
	const char *names = record_get(&state->more, "names");
	struct network_host host;
	char suffix[16];
	int r;

	network_host_of(container, &host, suffix);
	r = network_leave(&host, container->uuid, err);
	if (r == 0)
		r = network_unregister(&host, container->uuid, err);
	if (r >= 0 && names && strcmp(names, "hosts") == 0) {
		auto_free char *block = network_hosts_block(&host);

		hosts_tell_others(container->install, container->name, block ? block : "");
	}
	return r;
}

/* Where no name server does it, those who run already learn the new name by their /etc/hosts. */
int host_tell_others(struct launch *launch, struct error *err)
{
	(void)err;
	if (launch->hosts_block && *launch->hosts_block)
		hosts_tell_others(launch->container->install, launch->container->name, launch->hosts_block);
	return 0;
}
