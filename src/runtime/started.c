/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/started.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "runtime/launch.h"

#define UNPLACED "unplaced"	/* beside it, a path a line, or a device */
#define DEVICE "device "	/* such a line begins with it, which no path does */
#define MORE_SOURCE "source"	/* of container_state.more: of which texts its configuration is */
#define CONFIG_MOST (1U << 20)	/* what config_parse_text() takes */

static char *path_of(const struct container *container, const char *name)
{
	auto_free char *dir = launch_run_dir(container);

	return xasprintf("%s/%s", dir, name);
}

void started_note(const struct container *container, struct container_state *state)
{
	char map[40], source[HASH_TEXT];

	record_set(&state->more, MORE_IDMAP, idmap_format(&container->idmap, map, sizeof(map)));
	record_set(&state->more, MORE_SOURCE, hash_format(&container->config.source, source));
}

int started_save(const struct container *container, struct error *err)
{
	auto_free char *path = path_of(container, "config"), *text = config_format(&container->config, NULL);
	const struct unplaced none = UNPLACED_EMPTY;
	struct container_config again;
	int r;

	/* with the defaults of sysct.conf it may be too much to be read again: better to hear of that now */
	config_init(&again);
	r = config_parse_text(text, strlen(text), "the configuration with its defaults", &again, NULL, err);
	config_done(&again);
	if (r < 0 || started_note_unplaced(container, &none, err) < 0)	/* a reboot has tried again */
		return -err->code;
	return replace_file_at(AT_FDCWD, path, text, strlen(text), 0600, false, err);
}

void unplaced_done(struct unplaced *unplaced)
{
	strings_clear(&unplaced->mounts);
	strings_clear(&unplaced->devices);
}

void started_unplaced(const struct container *container, struct unplaced *ret)
{
	auto_free char *path = path_of(container, UNPLACED), *text = NULL;
	auto_strings struct strings lines = STRINGS_EMPTY;

	if (read_file_at(AT_FDCWD, path, CONFIG_MOST, &text, NULL) == 0)
		strings_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		if (text_starts(lines.items[i], DEVICE))
			strings_add(&ret->devices, lines.items[i] + strlen(DEVICE));
		else
			strings_add(&ret->mounts, lines.items[i]);
	}
}

int started_note_unplaced(const struct container *container, const struct unplaced *unplaced, struct error *err)
{
	auto_free char *path = path_of(container, UNPLACED), *text = NULL;
	auto_strings struct strings lines = STRINGS_EMPTY;

	strings_copy(&lines, &unplaced->mounts);
	for (size_t i = 0; i < unplaced->devices.n; i++)
		strings_add_take(&lines, xasprintf(DEVICE "%s", unplaced->devices.items[i]));
	text = strings_join(&lines, "\n");
	if (lines.n)
		return replace_file_at(AT_FDCWD, path, text, strlen(text), 0600, false, err);
	return unlink(path) < 0 && errno != ENOENT ? fail(err, errno, "remove %s", path) : 0;
}

static int read_config(const char *path, struct container_config *ret, struct error *err)
{
	auto_free char *text = NULL;
	size_t len;
	int r = read_file_at(AT_FDCWD, path, CONFIG_MOST, &text, &len);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return fail(err, -r, "read %s", path);
	return config_parse_text(text, len, path, ret, NULL, err) < 0 ? -err->code : 1;
}

/* Nobody has changed a file since then, so nothing is to be read again. A privileged container's map is not a file's. */
static bool is_unchanged(const struct container *container, const struct container_state *state)
{
	const char *then = record_get(&state->more, MORE_SOURCE), *map = record_get(&state->more, MORE_IDMAP);
	char source[HASH_TEXT], now[40];

	return then && map && strcmp(then, hash_format(&container->config.source, source)) == 0 &&
	       strcmp(map, idmap_format(&container->idmap, now, sizeof(now))) == 0;
}

static void forget_unplaced(const struct container *container, struct container_config *config)
{
	auto_unplaced struct unplaced unplaced = UNPLACED_EMPTY;

	started_unplaced(container, &unplaced);
	for (size_t i = 0; i < unplaced.mounts.n; i++)
		config_drop_mount(config, unplaced.mounts.items[i]);
}

int started_load(struct container *container, const struct container_state *state, struct error *err)
{
	const char *map = record_get(&state->more, MORE_IDMAP);
	struct container_config config;
	struct idmap idmap = container->idmap;
	auto_free char *path = NULL;
	int r;

	if (container->broken || is_unchanged(container, state))
		return 0;
	path = path_of(container, "config");
	config_init(&config);
	r = read_config(path, &config, err);
	if (r > 0 && config.security.privileged)
		r = idmap_identity(&idmap, err) < 0 ? -err->code : 1;
	else if (r > 0 && map && idmap_parse(map, &idmap, err) < 0)
		r = error_prefix(err, "read the state");
	if (r > 0) {
		config_take_live(&config, &container->config);
		forget_unplaced(container, &config);
		config_done(&container->config);
		container->config = config;
		container->idmap = idmap;
		return 0;
	}
	config_done(&config);
	return r;
}
