/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "command/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "command/output.h"
#include "config/edit.h"
#include "config/options.h"
#include "runtime/limits.h"
#include "runtime/mounts.h"
#include "runtime/network.h"
#include "runtime/settle.h"
#include "runtime/started.h"
#include "store/syscalls.h"

/* --- get --- */

static struct value *number_json(const struct option *option, const char *text)
{
	uint64_t number = 0;

	switch (option->type) {
	case OPTION_BOOL:
		return value_bool(strcmp(text, "yes") == 0);
	case OPTION_NUMBER:
		return parse_u64(text, &number) < 0 ? NULL : value_uint(number);
	case OPTION_SIZE:
		return parse_size(text, &number) < 0 ? NULL : value_uint(number);
	case OPTION_DURATION:	/* microseconds */
		if (parse_duration(text, &number) < 0)
			return NULL;
		return number % 1000000 ? value_thousandths(number / 1000) :
					  value_uint(number / 1000000);
	case OPTION_THOUSANDTHS:
		return strcmp(text, "none") == 0 ? NULL : value_real(text);
	default:
		return value_string(text);
	}
}

static struct value *value_json(const struct option *option, const struct strings *values)
{
	if (option->type == OPTION_LIST)
		return value_strings(values);
	return values->n ? number_json(option, values->items[0]) : NULL;
}

struct get {
	enum format format;
	bool changed;
	struct value *object, *rows;
};

static int get_each(const char *key, const struct option *option, const struct strings *values, bool is_default,
		    void *arg)
{
	struct get *get = arg;

	if (get->changed && is_default)
		return 0;
	if (get->format == FORMAT_JSON)
		value_set(get->object, key, value_json(option, values));
	for (size_t i = 0; get->format != FORMAT_JSON && i < values->n; i++) {
		struct value *row = value_object();

		if (get->format == FORMAT_TABLE)
			printf("%s = %s\n", key, values->items[i]);
		value_set(row, "key", value_string(key));
		value_set(row, "value", value_string(values->items[i]));
		value_append(get->rows, row);
	}
	return 0;
}

static void get_all(const struct container *c, struct get *get)
{
	static const char *const keys[] = { "key", "value" };

	get->object = value_object();
	get->rows = value_array();
	config_each(&c->config, get_each, get);
	if (get->format == FORMAT_JSON)
		value_print_take(get->object);
	else
		value_put(get->object);
	if (get->format == FORMAT_CSV)
		csv_print_take(get->rows, keys, ARRAY_SIZE(keys));
	else
		value_put(get->rows);
}

static int get_one(const struct container *c, const char *text, enum format format, struct error *err)
{
	auto_option_key struct option_key key = OPTION_KEY_EMPTY;
	auto_strings struct strings values = STRINGS_EMPTY;
	bool host = text_starts(text, "host.");
	int r = host ? host_config_get_option(&c->host, text, &values, err) :
		       config_get_option(&c->config, text, &values, err);

	if (r < 0 || option_key_parse(text, false, &key, err) < 0)
		return -err->code;
	if (format == FORMAT_JSON) {
		value_print_take(value_json(key.option, &values));
		return 0;
	}
	for (size_t i = 0; i < values.n; i++) {
		auto_text struct text line = TEXT_EMPTY;

		if (format == FORMAT_CSV)
			csv_add(&line, true, values.items[i]);
		else
			text_add(&line, "%s", values.items[i]);
		printf("%s\n", line.data ? line.data : "");
	}
	return 0;
}

int settings_print(const struct container *container, const char *key, enum format format, bool changed,
		   struct error *err)
{
	struct get get = { .format = format, .changed = changed };

	if (key)
		return get_one(container, key, format, err);
	get_all(container, &get);
	return 0;
}

void settings_keys(struct strings *ret)
{
	size_t n;
	const struct option *options = options_all(&n);

	for (size_t i = 0; i < n; i++) {
		const struct section *section = section_find(options[i].section);
		auto_free char *key = NULL;

		if (!options[i].built || !section->built || section->not_in_container)
			continue;
		key = xasprintf("%s.%s", options[i].section,
				options[i].type == OPTION_PAIRS ? "" : options[i].key);
		strings_add(ret, key);
	}
}

void settings_values(const char *name, struct strings *ret)
{
	static const char *const yes_no[] = { "yes", "no", NULL };
	auto_option_key struct option_key key = OPTION_KEY_EMPTY;
	struct error ignored = ERROR_NONE;
	const char *const *values;

	if (option_key_parse(name, false, &key, &ignored) < 0)
		return;
	values = key.option->type == OPTION_BOOL ? yes_no : key.option->words;
	for (size_t i = 0; values && values[i]; i++)
		strings_add(ret, values[i]);
}

/* --- what is applied at once --- */

struct compare {
	const struct container_config *before, *running, *after;
	struct strings *later;	/* takes a start */
	struct strings *never;	/* counted when it was created */
};

/* -1: that section is not there. */
static int has_values(const struct container_config *config, const char *key, const struct strings *values)
{
	auto_strings struct strings others = STRINGS_EMPTY;
	auto_free char *mine = strings_join(values, "\n"), *theirs = NULL;
	struct error ignored = ERROR_NONE;

	if (config_get_option(config, key, &others, &ignored) < 0)
		return -1;
	theirs = strings_join(&others, "\n");
	return strcmp(mine, theirs) == 0;
}

/* A section that one of them has not is named as a whole. */
static void add_key(struct strings *list, const char *key, bool whole)
{
	const char *dot = strrchr(key, '.');
	auto_free char *name = xstrndup(key, whole ? (size_t)(dot - key) : strlen(key));

	if (!strings_has(list, name))
		strings_add(list, name);
}

static int compare_each(const char *key, const struct option *option, const struct strings *values, bool is_default,
			void *arg)
{
	const struct compare *compare = arg;
	auto_strings struct strings after = STRINGS_EMPTY;
	struct error ignored = ERROR_NONE;
	int now, run;

	bool to_come = option->base == BASE_NETWORK && has_values(compare->running, key, values) < 0;

	(void)is_default;
	if ((option->live && !to_come) || has_values(compare->before, key, values) == has_values(compare->after, key, values))
		return 0;
	if (option->at_create) {
		add_key(compare->never, key, false);
		return 0;
	}
	now = config_get_option(compare->after, key, &after, &ignored);
	run = has_values(compare->running, key, &after);
	if (run == 0 || (run < 0) != (now < 0))
		add_key(compare->later, key, option->type != OPTION_PAIRS && (run < 0 || now < 0));
	return 0;
}

/* What is changed and has no effect at once; both ways, since a section may be only in one of them. Who takes a change
 * back before the next start has changed nothing. */
static void find_later(const struct container_config *before, const struct container_config *running,
		       const struct container_config *after, struct strings *later, struct strings *never)
{
	struct compare compare = { before, running, after, later, never };

	config_each(after, compare_each, &compare);
	config_each(before, compare_each, &compare);
}

/* Of links that it was started with: another one comes at the next start. */
static bool network_differs(const struct container_config *before, const struct container_config *after)
{
	for (size_t i = 0; i < after->n_networks; i++) {
		const struct network_config *now = &after->networks[i], *then = config_network(before, now->name);

		if (then ? !strings_same(&now->publish, &then->publish) || now->isolated != then->isolated ||
				   now->host_access != then->host_access :
			   now->publish.n > 0)
			return true;
	}
	return before->n_networks > after->n_networks;
}

/* Before the file is written: a port that somebody else has is refused, and nothing is changed. */
static int apply_network(const struct container *c, const struct container_config *before,
			 const struct container_config *after, struct error *err)
{
	auto_state struct container_state state = { 0 };
	struct container running = *c;
	bool left_over;
	int r;

	state_init(&state);
	if (c->broken || !network_differs(before, after))
		return 0;
	if (container_peek(c, &state, &left_over, err) < 0)
		return -err->code;
	if (state.phase == PHASE_STOPPED)
		return 0;
	config_init(&running.config);
	config_copy(&running.config, &c->config);
	running.config.source = c->config.source;
	r = started_load(&running, &state, err);
	if (r == 0)
		r = network_change(c, &state, &running.config, after, err);
	config_done(&running.config);
	return r;
}

static void tell(const struct container *c, const struct strings *keys, const char *what)
{
	for (size_t i = 0; i < keys->n; i++)
		log_note("%s: %s: %s", c->name, keys->items[i], what);
}

/* c becomes what it was started with. */
static int apply_running(struct container *c, const struct container_state *state, const struct container_config *before,
			 const struct container_config *after, struct strings *later, struct error *err)
{
	int r = started_load(c, state, err);

	if (r == 0)
		r = limits_change(c, state, &c->config, after, err);
	if (r == 0 && !c->broken)
		r = mounts_change(c, state, before, after, later, err);
	return r;
}

static int apply(struct container *c, const struct container_config *after, struct error *err)
{
	auto_state struct container_state state = { 0 };
	auto_strings struct strings later = STRINGS_EMPTY, never = STRINGS_EMPTY;
	struct container_config before;
	bool left_over;
	int r;

	state_init(&state);
	if (container_peek(c, &state, &left_over, err) < 0)
		return error_prefix(err, "written, but not applied");
	config_init(&before);
	config_copy(&before, &c->config);
	r = state.phase == PHASE_STOPPED ? 0 : apply_running(c, &state, &before, after, &later, err);
	/* of what it was started with nothing is known when its configuration could not be read */
	if (!c->broken)
		find_later(&before, &c->config, after, &later, &never);
	else if (state.phase != PHASE_STOPPED)
		log_note("%s: what was changed counts at the next start", c->name);
	config_done(&before);
	if (state.phase != PHASE_STOPPED)
		tell(c, &later, "at the next start");
	tell(c, &never, "counts when a container is created: this one stays as it is");
	if (r < 0) {
		error_prefix(err, "written, but not applied to what runs");
		return *err->hint ? -err->code :
				    error_hint(err, "it counts from the next start: sysct restart %s", c->name);
	}
	return 0;
}

/* Before the file is written: with other names of its cgroup and links nothing of what runs would be found. */
static int check_run(const struct container *c, struct error *err)
{
	auto_state struct container_state state = { 0 };
	bool left_over;

	state_init(&state);
	return container_peek(c, &state, &left_over, err) < 0 ? -err->code : state_check_install(&state, c->install, err);
}

/* --- reading and replacing the file --- */

/* Links and the like are refused: the result would take their place. */
int settings_read(const struct container *c, char **ret, mode_t *ret_mode, struct error *err)
{
	auto_close int fd = openat(c->dir_fd, "config", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	size_t len;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, errno, "read %s/config", c->dir);
	if (!S_ISREG(st.st_mode))
		return fail_status(err, STATUS_USAGE, "%s/config is not a regular file", c->dir);
	r = read_fd(fd, 1 << 20, ret, &len);
	if (r < 0)
		return fail(err, -r, "read %s/config", c->dir);
	if (strlen(*ret) != len) {
		free(*ret);
		*ret = NULL;
		return fail_status(err, STATUS_USAGE, "%s/config holds a byte 0: it is no text", c->dir);
	}
	*ret_mode = st.st_mode & 0700;
	return 0;
}

int settings_check(const struct install *install, const char *text, const char *shown,
		   struct container_config *ret, struct error *err)
{
	struct host_config host;
	int r;

	host_config_init(&host);
	r = config_load_host(install->config, !install->config_given, &host, ret, err);
	host_config_done(&host);
	if (r == 0)
		r = config_parse_text(text, strlen(text), shown, ret, NULL, err);
	if (r == 0)
		r = syscalls_check(install, ret, err);
	return r;
}

int settings_replace(struct container *c, const char *text, mode_t mode, struct error *err)
{
	/* its lines are not those of the file as it is */
	auto_free char *shown = xasprintf("the changed text of %s/config", c->dir);
	struct error ignored = ERROR_NONE;
	struct container_config after;
	int r;

	config_init(&after);
	r = settings_check(c->install, text, shown, &after, err);
	if (r == 0)
		r = container_await_start(c, err);
	if (r == 0)
		r = check_run(c, err);
	if (r == 0)
		r = apply_network(c, &c->config, &after, err);
	if (r == 0) {
		r = replace_file_at(c->dir_fd, "config", text, strlen(text), mode, true, err);
		if (r < 0)
			apply_network(c, &after, &c->config, &ignored);
	}
	if (r == 0)
		r = apply(c, &after, err);
	config_done(&after);
	return r;
}

/* It says already what is wanted; the command that wrote it may have been killed before the limits were set or a mount was made,
 * or have failed to do that. */
static int apply_unchanged(struct container *c, struct error *err)
{
	auto_state struct container_state state = { 0 };
	auto_strings struct strings later = STRINGS_EMPTY;
	struct container_config none, wanted;
	bool left_over;
	int r;

	state_init(&state);
	if (c->broken || container_peek(c, &state, &left_over, err) < 0 ||
	    state_check_install(&state, c->install, err) < 0)
		return -err->code;
	if (state.phase == PHASE_STOPPED)
		return 0;
	config_init(&none);
	config_init(&wanted);
	config_copy(&wanted, &c->config);
	r = limits_change(c, &state, &none, &wanted, err);
	if (r == 0)
		r = started_load(c, &state, err);
	if (r == 0)
		r = mounts_change(c, &state, NULL, &wanted, &later, err);
	config_done(&none);
	config_done(&wanted);
	return r < 0 ? error_prefix(err, "apply to what runs") : 0;
}

/* A list key that is given again appends to what it was given before. */
static int set_text(const struct setting *changes, size_t i, const char *text, char **ret, struct error *err)
{
	const struct setting *change = &changes[i];
	auto_free char *append = NULL;

	for (size_t j = 0; j < i; j++) {
		int r = option_key_again(change->key, changes[j].key, err);

		if (r < 0)
			return r;
		if (r > 0 && !append && !text_ends(change->key, "+"))
			append = xasprintf("%s+", change->key);
	}
	return config_edit_set(text, append ? append : change->key, change->value, ret, err);
}

static int edit_text(const struct setting *changes, size_t n, char **text, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		char *edited = NULL;
		int r = changes[i].value ? set_text(changes, i, *text, &edited, err) :
					   config_edit_unset(*text, changes[i].key, &edited, err);

		if (r < 0)
			return r;
		free(*text);
		*text = edited;
	}
	return 0;
}

int settings_change(const struct install *install, const char *name, const struct setting *changes, size_t n,
		    struct error *err)
{
	struct container c = CONTAINER_EMPTY;
	auto_free char *text = NULL, *before = NULL;
	mode_t mode = 0600;
	int r;

	container_adopt(install, name);
	/* a broken one may be mended by what is changed */
	if (container_open(install, name, true, true, &c, err) < 0)
		return -err->code;
	r = settings_read(&c, &text, &mode, err);
	if (r == 0) {
		before = xstrdup(text);
		r = edit_text(changes, n, &text, err);
	}
	if (r == 0 && strcmp(text, before) != 0)
		r = settings_replace(&c, text, mode, err);
	else if (r == 0)
		r = apply_unchanged(&c, err);
	container_close(&c);
	return r;
}
