/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which host name stands in the container's /etc. It is noted before it is written, and after: a start may be cut off in between,
 * and the configuration say a third name by the next one. */
#include <errno.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "rows.h"
#include "runtime/launch.h"
#include "runtime/supervise.h"

/* A disk that is full is no reason not to boot. */
static int save(struct launch *launch, const char *what, struct error *err)
{
	if (container_save_identity(launch->container, err) == 0)
		return 0;
	record_setf(&launch->state->more, MORE_NOTE, "%s: %s", what, err->message);
	*err = (struct error)ERROR_NONE;
	return -1;
}

int host_announce_hostname(struct launch *launch, struct error *err)
{
	struct record *identity = &launch->container->identity;
	const char *name = container_hostname(launch->container), *last = record_get(identity, IDENTITY_HOSTNAME);
	const char *renaming = record_get(identity, IDENTITY_RENAMING);
	auto_strings struct strings names = STRINGS_EMPTY;
	auto_free char *text = NULL;

	if (launch->config->rootfs.readonly || (!renaming && text_same(last ? last : launch->container->name, name)))
		return 0;
	strings_split(&names, renaming ? renaming : "", " ");
	if (!strings_has(&names, name)) {
		strings_add(&names, name);
		text = strings_join(&names, " ");
		record_set(identity, IDENTITY_RENAMING, text);
		if (save(launch, "its host name is not written", err) < 0)
			return 0;
	}
	launch->renamed = mmap(NULL, sizeof(*launch->renamed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (launch->renamed == MAP_FAILED) {
		launch->renamed = NULL;
		return fail(err, errno, "take memory");
	}
	return 0;
}

int host_note_hostname(struct launch *launch, struct error *err)
{
	struct record *identity = &launch->container->identity;
	const char *name = container_hostname(launch->container), *last = record_get(identity, IDENTITY_HOSTNAME);

	if (launch->config->rootfs.readonly || (!launch->renamed && (last || !text_same(launch->container->name, name))))
		return 0;
	if (launch->renamed && !*launch->renamed) {
		record_set(&launch->state->more, MORE_NOTE, "its host name could not be written, and is at the next start; its console says why");
		return 0;
	}
	record_set(identity, IDENTITY_HOSTNAME, name);
	record_set(identity, IDENTITY_RENAMING, NULL);
	save(launch, "its host name will be written once more", err);
	return 0;
}
