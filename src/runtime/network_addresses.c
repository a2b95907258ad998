/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The addresses of a container's links on sysct's own bridge, given or from the configuration: no two containers have one. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "network_links.h"
#include "store/network.h"

/* --- leases --- */

#define IDENTITY_BYTES 65536

/* What the text of an identity says about IPv4 addresses: "ipv4.LINK", given by us, and "static4.LINK", from the configuration. A
 * first start reads those of all containers, and wants no more of them. False: it is damaged. */
static bool addresses_in(const char *text, size_t n, const char *except, struct strings *ret)
{
	const char *all = text + n, *end;

	for (; text < all; text = end + 1) {
		const char *equals;

		end = memchr(text, '\n', (size_t)(all - text));
		equals = end ? memchr(text, '=', (size_t)(end - text)) : NULL;
		if (!equals)
			return false;
		if ((text_starts(text, "ipv4.") || text_starts(text, "static4.")) &&
		    (strlen(except) != (size_t)(equals - text) || strncmp(text, except, strlen(except)) != 0)) {
			auto_free char *value = xstrndup(equals + 1, (size_t)(end - equals - 1));

			strings_split(ret, value, " ");
		}
	}
	return n > 0;
}

/* Of one that cannot be read the addresses are unknown, and it may run. */
static int read_addresses(const struct container *c, const char *name, const char *except, struct strings *ret, struct error *err)
{
	auto_free char *path = xasprintf("%s/containers/%s/identity", c->install->state_dir, name), *text = NULL;
	size_t n;
	int r = read_file_at(AT_FDCWD, path, IDENTITY_BYTES, &text, &n);

	if (r == -ENOENT || r == -ENOTDIR)	/* just destroyed */
		return 0;
	if (r < 0) {
		fail(err, -r, "read %s", path);
		return error_hint(err, "addresses are given out when it can be read: it tells which ones that container has");
	}
	if (addresses_in(text, n, except, ret))
		return 0;
	fail(err, 0, "read %s: it is damaged", path);
	return error_hint(err, "mend it, or let go of that container: sysct destroy --force %s", name);
}

/* Whose an address is; *ret_owner NULL: nobody's. Caller frees. settled: it is ours since an earlier start, so a
 * container that cannot be read has another one; or it is one that nobody notes. */
static int find_owner(const struct container *c, const char *address, bool settled, char **ret_owner, struct error *err)
{
	auto_strings struct strings names = STRINGS_EMPTY;

	*ret_owner = NULL;
	if (container_names(c->install, &names, err) < 0)
		return -err->code;
	for (size_t i = 0; i < names.n && !*ret_owner; i++) {
		auto_strings struct strings addresses = STRINGS_EMPTY;
		struct error why = ERROR_NONE;

		if (strcmp(names.items[i], c->name) == 0)
			continue;
		if (read_addresses(c, names.items[i], "", &addresses, &why) < 0 && !settled) {
			*err = why;
			return -err->code;
		}
		if (strings_has(&addresses, address))
			*ret_owner = xstrdup(names.items[i]);
	}
	return 0;
}

/* The IPv4 addresses of every other container, and of this one's other links. */
static int taken_addresses(const struct container *c, const char *own_key, struct strings *taken,
			   struct error *err)
{
	auto_strings struct strings names = STRINGS_EMPTY;

	if (container_names(c->install, &names, err) < 0)
		return -err->code;
	for (size_t i = 0; i < names.n; i++)
		if (read_addresses(c, names.items[i], strcmp(names.items[i], c->name) == 0 ? own_key : "", taken, err) < 0)
			return -err->code;
	return 0;
}

static const char *stored(const struct container *c, const char *what, const char *link, char *buf, size_t room)
{
	auto_free char *key = xasprintf("%s.%s", what, link);
	const char *value = record_get(&c->identity, key);

	snprintf(buf, room, "%s", value ? value : "");
	return buf;
}

static void store(struct container *c, const char *what, const char *link, const char *value)
{
	auto_free char *key = xasprintf("%s.%s", what, link);

	record_set(&c->identity, key, *value ? value : NULL);
}

int network_lease_link(struct container *c, const struct network_host *host, const struct network_bridge *bridge,
		       struct prepared_link *link, struct error *err)
{
	const char *name = link->config->name;
	auto_free char *own_key = xasprintf("ipv4.%s", name);
	/* a second link is another neighbour on the same wire: not the MAC of the first */
	auto_free char *seed = strcmp(name, c->config.networks[0].name) == 0 ? xstrdup(c->uuid) :
										xasprintf("%s/%s", c->uuid, name);
	auto_strings struct strings taken = STRINGS_EMPTY;
	struct network_lease *lease = &link->lease;
	auto_close int lock = -1;

	stored(c, "hwaddr", name, lease->hwaddr, sizeof(lease->hwaddr));
	stored(c, "ipv4", name, lease->v4, sizeof(lease->v4));
	stored(c, "ipv6", name, lease->v6, sizeof(lease->v6));
	if (*lease->v4 && *lease->hwaddr && subnet4_number(&bridge->subnet4, lease->v4) &&
	    !*lease->v6 == (bridge->subnet6.prefix == 0))
		return 0;
	link->fresh = true;
	lock = network_lock(host, err);
	if (lock < 0 || taken_addresses(c, own_key, &taken, err) < 0 ||
	    network_lease(bridge, seed, &taken, lease, err) < 0)
		return -err->code;
	store(c, "hwaddr", name, lease->hwaddr);
	store(c, "ipv4", name, lease->v4);
	store(c, "ipv6", name, lease->v6);
	return container_save_identity(c, err);
}

/* --- addresses of the configuration --- */

/* "10.3.4.7/24" -> "10.3.4.7" into buf of INET6_ADDRSTRLEN; false: auto, dhcp, none. */
static bool bare_address(const char *text, char *buf)
{
	size_t n = strcspn(text, "/");

	if (!text[n] || n >= INET6_ADDRSTRLEN)
		return false;
	snprintf(buf, INET6_ADDRSTRLEN, "%.*s", (int)n, text);
	return true;
}

static int refuse_address(const struct prepared_link *link, const char *address, const char *whose, struct error *err)
{
	fail_status(err, STATUS_STATE, "[network \"%s\"] address: %s is that of %s", link->config->name, address, whose);
	err->code = EADDRINUSE;
	return error_hint(err, "give another one, or address = auto");
}

/* Two with one address would both be unreachable by turns. */
static int check_address_free(const struct container *c, const struct network_bridge *bridge,
			      const struct prepared_link *link, const char *address, bool settled, struct error *err)
{
	auto_free char *owner = NULL, *whose = NULL;

	if (strcmp(address, bridge->gateway4) == 0 || strcmp(address, bridge->gateway6) == 0)
		return refuse_address(link, address, "the host", err);
	if (find_owner(c, address, settled, &owner, err) < 0)
		return -err->code;
	if (!owner)
		return 0;
	whose = xasprintf("container \"%s\"", owner);
	return refuse_address(link, address, whose, err);
}

int network_claim_static(struct container *c, const struct network_host *host, const struct network_bridge *bridge,
			 struct prepared_link *link, struct error *err)
{
	const struct network_config *config = link->config;
	auto_free char *key = xasprintf("static4.%s", config->name), *claimed = NULL;
	auto_strings struct strings claims = STRINGS_EMPTY, held = STRINGS_EMPTY;
	const char *before = record_get(&c->identity, key);
	auto_close int lock = -1;

	strings_split(&held, before ? before : "", " ");
	for (size_t i = 0; i < config->address.n; i++) {
		char address[INET6_ADDRSTRLEN];
		bool settled;

		if (!bare_address(config->address.items[i], address))
			continue;
		/* ours already; or not in our subnet, and so noted by nobody */
		settled = strings_has(&held, address) || !subnet4_number(&bridge->subnet4, address);
		if (lock < 0)
			lock = network_lock(host, err);
		if (lock < 0 || check_address_free(c, bridge, link, address, settled, err) < 0)
			return -err->code;
		if (strchr(address, ':')) {
			if (!*link->lease.v6)
				snprintf(link->lease.v6, sizeof(link->lease.v6), "%s", address);
			continue;
		}
		if (subnet4_number(&bridge->subnet4, address))
			strings_add(&claims, address);
		if (!*link->lease.v4 && strlen(address) < sizeof(link->lease.v4))
			memcpy(link->lease.v4, address, strlen(address) + 1);
	}
	claimed = strings_join(&claims, " ");
	if (strcmp(before ? before : "", claims.n ? claimed : "") == 0)
		return 0;
	record_set(&c->identity, key, claims.n ? claimed : NULL);
	return container_save_identity(c, err);
}
