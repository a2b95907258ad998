/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/namespace.h"
#include "store/configure.h"
#include "store/container.h"
#include "store/state.h"

#define HOSTS_BYTES (1 << 20)

/* Is the line that begins at `at` this marker? Returns the length of the line with its end, 0: no. */
static size_t marker_line(const char *at, const char *marker)
{
	size_t n = strlen(marker);

	if (strncmp(at, marker, n) != 0 || (at[n] != '\n' && at[n] != '\0'))
		return 0;
	return n + (at[n] == '\n');
}

static const char *next_line(const char *at)
{
	at += strcspn(at, "\n");
	return *at ? at + 1 : at;
}

/* Find our block: a begin marker whose next marker is an end. A half one is the container's own text. */
static bool find_block(const char *text, const char **ret_begin, const char **ret_rest)
{
	const char *begin = NULL;

	for (const char *at = text; *at; at = next_line(at)) {
		size_t n = marker_line(at, HOSTS_END);

		if (n && begin) {
			*ret_begin = begin;
			*ret_rest = at + n;
			return true;
		}
		if (n)
			begin = NULL;
		if (marker_line(at, HOSTS_BEGIN))
			begin = at;
	}
	return false;
}

char *hosts_with_block(const char *text, const char *block)
{
	struct text out = TEXT_EMPTY;
	const char *begin, *rest = "";

	if (!find_block(text, &begin, &rest)) {
		if (!*block)
			return xstrdup(text);
		begin = text + strlen(text);
	}
	text_append(&out, text, (size_t)(begin - text));
	if (*block) {
		if (out.len && out.data[out.len - 1] != '\n')
			text_add(&out, "\n");
		text_add(&out, HOSTS_BEGIN "\n%s" HOSTS_END "\n", block);
	}
	text_add(&out, "%s", rest);
	return out.data;
}

int hosts_write_block(int root_fd, const char *block, struct error *err)
{
	auto_close int etc = open_beneath(root_fd, "etc", O_RDONLY | O_DIRECTORY, 0);
	auto_close int fd = -1;
	auto_free char *text = NULL, *wanted = NULL;
	struct stat st;

	if (etc < 0)
		return 0;	/* a rootfs without /etc has no names to know */
	fd = open_beneath(etc, "hosts", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || read_fd(fd, HOSTS_BYTES, &text, NULL) < 0)
		return 0;	/* missing, or the container's own idea of one: left alone */
	wanted = hosts_with_block(text, block);
	if (strcmp(wanted, text) == 0)
		return 0;
	return replace_file_at(etc, "hosts", wanted, strlen(wanted), 0644, false, err);
}

#define ENTER_TIMEOUT_MS 2000

static int write_inside(int root, void *block, struct error *err)
{
	return hosts_write_block(root, block, err);
}

void hosts_tell_others(const struct install *install, const char *except, const char *block)
{
	auto_strings struct strings names = STRINGS_EMPTY;
	struct error ignored = ERROR_NONE;

	if (container_names(install, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		auto_state struct container_state state = { 0 };

		ignored = (struct error)ERROR_NONE;
		state_init(&state);
		if (strcmp(names.items[i], except) != 0 &&
		    state_load(install->run_dir, names.items[i], &state, NULL, &ignored) == 0 &&
		    state.phase == PHASE_RUNNING && state_check_install(&state, install, &ignored) == 0)
			ns_visit(&(struct ns_visit){ &state.init, NULL, 0, ENTER_TIMEOUT_MS, write_inside, (void *)block }, &ignored);
	}
}
