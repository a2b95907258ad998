/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "command/command.h"
#include "runtime/kept.h"
#include "runtime/launch.h"
#include "runtime/init.h"
#include "runtime/network.h"
#include "runtime/settle.h"
#include "runtime/start.h"
#include "runtime/stop.h"
#include "store/create.h"
#include "store/dns.h"
#include "store/network.h"

#define LAUNCH_TIMEOUT_MS 120000

enum {
	O_TEMPLATE = 256, O_RELEASE, O_ARCH, O_VARIANT, O_MIRROR, O_SIZE, O_PACKAGES, O_SOURCE, O_SET, O_START,
	O_NO_VERIFY, O_OFFLINE, O_REFRESH, O_GUEST_MIRROR, O_KEYRING, O_FORCE, O_ALL, O_USER, O_LINKED
};

/* --- progress: a line that is written over on a terminal, nothing elsewhere --- */

static void show(void *arg, enum progress_kind kind, int percent, const char *text)
{
	bool *dirty = arg;

	if (kind == PROGRESS_NOTE) {
		if (*dirty)
			fprintf(stderr, "\r\033[K");
		*dirty = false;
		log_note("%s", text);
		return;
	}
	if (!isatty(2) || log_level() == LOG_QUIET)
		return;
	if (kind == PROGRESS_PERCENT)
		fprintf(stderr, "\r\033[K%3d%% %.70s", percent, text);
	else
		fprintf(stderr, "\r\033[K%.76s", text);
	*dirty = true;
}

static const struct option create_options[] = {
	{ "template", required_argument, NULL, O_TEMPLATE },
	{ "release", required_argument, NULL, O_RELEASE },
	{ "arch", required_argument, NULL, O_ARCH },
	{ "variant", required_argument, NULL, O_VARIANT },
	{ "mirror", required_argument, NULL, O_MIRROR },
	{ "guest-mirror", required_argument, NULL, O_GUEST_MIRROR },
	{ "keyring", required_argument, NULL, O_KEYRING },
	{ "size", required_argument, NULL, O_SIZE },
	{ "packages", required_argument, NULL, O_PACKAGES },
	{ "source", required_argument, NULL, O_SOURCE },
	{ "set", required_argument, NULL, O_SET },
	{ "start", no_argument, NULL, O_START },
	{ "user", required_argument, NULL, O_USER },
	{ "linked", no_argument, NULL, O_LINKED },
	{ "no-verify", no_argument, NULL, O_NO_VERIFY },
	{ "offline", no_argument, NULL, O_OFFLINE },
	{ "refresh", no_argument, NULL, O_REFRESH },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void take_option(int c, struct create_request *request, bool *start)
{
	switch (c) {
	case O_TEMPLATE:
		request->template = optarg;
		break;
	case O_RELEASE:
		request->release = optarg;
		break;
	case O_ARCH:
		request->arch = optarg;
		break;
	case O_VARIANT:
		request->variant = optarg;
		break;
	case O_MIRROR:
		request->mirror = optarg;
		break;
	case O_GUEST_MIRROR:
		request->guest_mirror = optarg;
		break;
	case O_KEYRING:
		request->keyring = optarg;
		break;
	case O_SIZE:
		request->size = optarg;
		break;
	case O_PACKAGES:
		strings_split(&request->packages, optarg, ", ");
		break;
	case O_SOURCE:
		request->source = optarg;
		break;
	case O_SET:
		strings_add(&request->settings, optarg);
		break;
	case O_USER:
		request->user = optarg;
		break;
	case O_LINKED:
		request->linked = true;
		break;
	case O_START:
		*start = true;
		break;
	case O_NO_VERIFY:
		request->no_verify = true;
		break;
	case O_OFFLINE:
		request->offline = true;
		break;
	case O_REFRESH:
		request->refresh = true;
		break;
	}
}

static int start_created(struct context *context, const char *name, struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	int r;

	if (container_open(&context->install, name, true, false, &c, err) < 0)
		return -err->code;
	r = container_start(&c, NULL, err);
	container_close(&c);
	return r < 0 ? error_prefix(err, "%s is made, but not started", name) : 0;
}

/* The options of both, and what else stands there. */
static int read_request(const struct command *self, int argc, char **argv, struct create_request *request,
			bool *start, struct error *err)
{
	int c;

	while ((c = command_option(self, argc, argv, "h", create_options, err)) >= 0)
		take_option(c, request, start);
	return c == -1 ? 0 : c;
}

/* Make it, and print its name. *ret_name: caller frees. */
static int make(struct context *context, struct create_request *request, char **ret_name, struct error *err)
{
	bool dirty = false;
	const struct progress progress = { show, &dirty };
	int r;

	request->progress = &progress;
	context->name = request->name;
	if (install_make_dirs(&context->install, err) < 0)
		return -err->code;
	r = store_create(&context->install, request, ret_name, err);
	if (dirty)
		fprintf(stderr, "\r\033[K");
	request->progress = NULL;
	if (r < 0)
		return r;
	printf("%s\n", *ret_name);
	if (fflush(stdout) == 0 || errno == EPIPE)
		return 0;
	fail(err, errno, "write the result");
	return error_hint(err, "%s is made all the same: sysct destroy %s removes it", *ret_name, *ret_name);
}

int command_create(struct context *context, int argc, char **argv, struct error *err)
{
	const struct command *self = command_find("create");
	struct create_request request = { .name = NULL };
	auto_free char *name = NULL;
	bool start = false;
	int r = read_request(self, argc, argv, &request, &start, err);

	if (r == 0 && argc - optind > 1)
		r = command_usage(self, err, "one name, not \"%s\" and \"%s\"", argv[optind], argv[optind + 1]);
	if (r == 0 && optind < argc)
		request.name = argv[optind];
	if (r == 0 && !request.template)
		r = command_usage(self, err, "no --template given; sysct template list shows what there is");
	if (r == 0)
		r = make(context, &request, &name, err);
	if (r == 0 && start)
		r = start_created(context, name, err);
	strings_clear(&request.packages);
	strings_clear(&request.settings);
	return r < 0 ? r : 0;
}

/* --- launch --- */

static int boot_created(struct context *context, const char *name, struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	int r = start_created(context, name, err);

	if (r < 0 || container_open(&context->install, name, false, false, &c, err) < 0)
		return -err->code;
	r = init_wait_booted(&c, LAUNCH_TIMEOUT_MS, NULL, NULL, err);
	container_close(&c);
	return r < 0 ? error_prefix(err, "%s is made and started", name) : 0;
}

/* By name where the ssh client of the host knows all containers, else by the file that says where this one is. */
static void tell_how_to_enter(struct context *context, const char *name, const struct create_request *request)
{
	const struct install *install = &context->install;
	struct container c = CONTAINER_EMPTY;
	struct error ignored = ERROR_NONE;
	auto_free char *as = request->user ? xasprintf(" as %s", request->user) : xstrdup("");
	auto_free char *ssh = NULL;

	if (request->ret_ssh && container_open(install, name, false, false, &c, &ignored) == 0) {
		ssh = dns_ssh_config(install->run_dir, c.uuid);
		container_close(&c);
	}
	if (!ssh || access(ssh, F_OK) < 0)
		log_note("%s has booted; sysct attach %s enters it%s", name, name, as);
	else if (!*install->suffix && access(SYSCT_SSH_CONFIG, F_OK) == 0)
		log_note("%s has booted; sysct attach %s enters it%s, and so does ssh %s@%s." DNS_DOMAIN, name, name, as,
			 request->user, name);
	else
		log_note("%s has booted; sysct attach %s enters it%s, and so does ssh -F %s %s@%s." DNS_DOMAIN, name, name,
			 as, ssh, request->user, name);
}

static int take_template(const struct command *self, int argc, char **argv, struct create_request *request,
			 struct error *err)
{
	if (!request->template && optind < argc)
		request->template = argv[optind++];
	if (!request->template)
		return command_usage(self, err, "which template? sysct template list shows what there is");
	if (optind < argc)
		request->name = argv[optind++];
	if (optind < argc)
		return command_usage(self, err, "a template and one name; \"%s\" is too much", argv[optind]);
	return 0;
}

int command_launch(struct context *context, int argc, char **argv, struct error *err)
{
	const struct command *self = command_find("launch");
	struct create_request request = { .name = NULL };
	auto_free char *name = NULL;
	bool start = true;
	int r = read_request(self, argc, argv, &request, &start, err);

	if (r == 0)
		r = take_template(self, argc, argv, &request, err);
	if (r == 0)
		r = make(context, &request, &name, err);
	if (r == 0)
		r = boot_created(context, name, err);
	if (r == 0)
		tell_how_to_enter(context, name, &request);
	strings_clear(&request.packages);
	strings_clear(&request.settings);
	return r < 0 ? r : 0;
}

/* --- destroy --- */

/* The last container takes what all shared with it: bridge, firewall table, name server. The links of what ran just
 * now die a moment after their namespaces. */
static int remove_shared(struct context *context, struct error *err)
{
	auto_strings struct strings left = STRINGS_EMPTY;
	auto_netlink struct netlink *netlink = NULL;
	const struct install *i = &context->install;
	auto_free char *suffix = xasprintf("%s%s", *i->suffix ? "-" : "", i->suffix);
	struct container_config unused;
	struct host_config host_config;
	struct error broken = ERROR_NONE, first = ERROR_NONE, other = ERROR_NONE;
	struct network_host host = { i->run_dir, i->state_dir, suffix, &host_config, i->libexec_dir };
	int r = container_names(i, &left, err);

	if (r < 0 || left.n)
		return r;
	config_init(&unused);
	host_config_init(&host_config);
	config_load_host(i->config, true, &host_config, &unused, &broken);
	netlink = netlink_open(&first);
	for (int n = 0; netlink && r == 0 && n < 100; n++) {
		r = network_remove(&host, netlink, n >= 10, &first);
		if (r == 0)
			usleep(20000);
	}
	host_config_done(&host_config);
	config_done(&unused);
	if (launch_drop_shared(i, &other) < 0 && !first.code)
		first = other;
	if (!first.code)
		return 0;
	*err = first;
	error_prefix(err, "what the containers had in common is not all gone");
	return error_hint(err, "the next one that is destroyed takes it along");
}

static int destroy_one(struct context *context, const char *name, void *arg, struct error *err)
{
	const bool *force = arg;
	auto_state struct container_state state = { 0 };
	struct container c = CONTAINER_EMPTY;
	int r;

	state_init(&state);
	if (*force)
		container_hasten(&context->install, name);
	if (container_open(&context->install, name, true, true, &c, err) < 0)
		return -err->code;
	r = container_settle(&c, &state, err);
	if (r == 0 && state.phase != PHASE_STOPPED) {
		if (*force) {
			const struct stop_options options = { .now = true, .for_a_moment = true };

			r = container_stop(&c, &options, err);
		} else {
			fail_status(err, STATUS_STATE, "it is %s", phase_name(state.phase));
			r = error_hint(err, "stop it first: sysct stop %s; or: sysct destroy --force %s", name, name);
		}
	}
	interrupt_hold(true);	/* what follows leaves no container to begin with again */
	if (r >= 0)
		r = store_destroy(&c, err);
	if (r >= 0 && *c.uuid)
		r = kept_drop(&c, err) < 0 ? -err->code : r;
	if (r >= 0 && *c.uuid)
		r = network_destroyed(&c, err) < 0 ? -err->code : r;
	interrupt_hold(false);
	container_close(&c);
	return r;
}

int command_destroy(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "all", no_argument, NULL, O_ALL },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *self = command_find("destroy");
	auto_strings struct strings names = STRINGS_EMPTY;
	struct error why = ERROR_NONE;
	bool force = false, all = false;
	int c, shared;

	while ((c = command_option(self, argc, argv, "hf", options, err)) >= 0) {
		force |= c == 'f';
		all |= c == O_ALL;
	}
	if (c != -1 || command_names(self, context, all, argc - optind, argv + optind, &names, err) < 0)
		return -err->code;
	c = command_each(self, context, &names, destroy_one, &force);
	interrupt_hold(true);	/* nobody would know that it is left */
	shared = remove_shared(context, c == 0 ? err : &why);
	interrupt_hold(false);
	if (shared < 0 && c != 0)
		log_warning("%s", why.message);
	if (shared >= 0 || c != 0)
		return c;
	context->name = argc - optind == 1 ? argv[optind] : NULL;
	return -err->code;
}
