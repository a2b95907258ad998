/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/bus.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define MANAGER SYSTEMD ".Manager"
#define MACHINED "org.freedesktop.machine1"
#define MACHINED_PATH "/org/freedesktop/machine1"

#define CALL_TIMEOUT_MS 10000
#define EXISTS_USEC 10000000ULL	/* until the unit of before is gone */
#define CPUS 8192

struct bus {
	DBusConnection *connection;
};

static void message_done(DBusMessage **message)
{
	if (*message)
		dbus_message_unref(*message);
}
#define auto_message __attribute__((cleanup(message_done)))

/* --- connection and calls --- */

int bus_open(struct bus **ret, struct error *err)
{
	DBusError why = DBUS_ERROR_INIT;
	DBusConnection *connection = dbus_bus_get_private(DBUS_BUS_SYSTEM, &why);

	if (!connection) {
		fail(err, ENOTCONN, "reach the system bus: %s", why.message);
		dbus_error_free(&why);
		return -ENOTCONN;
	}
	dbus_connection_set_exit_on_disconnect(connection, FALSE);
	*ret = xrealloc(NULL, sizeof(**ret));
	(*ret)->connection = connection;
	return 0;
}

void bus_close(struct bus *bus)
{
	if (!bus)
		return;
	dbus_connection_close(bus->connection);
	dbus_connection_unref(bus->connection);
	free(bus);
}

/* Whether nobody has that name, and nothing can be started that would. */
static bool is_absent(const char *name)
{
	static const char *const names[] = { DBUS_ERROR_SERVICE_UNKNOWN, DBUS_ERROR_NAME_HAS_NO_OWNER };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return text_starts(name, "org.freedesktop.DBus.Error.Spawn.");
}

/* Takes the message. The answer, or NULL with err; then the error's name in *ret_name (may be NULL), which the caller
 * frees. */
static DBusMessage *call(struct bus *bus, DBusMessage *message, char **ret_name, struct error *err)
{
	auto_message DBusMessage *sent = message;
	DBusError why = DBUS_ERROR_INIT;
	DBusMessage *reply = dbus_connection_send_with_reply_and_block(bus->connection, sent, CALL_TIMEOUT_MS, &why);

	if (reply)
		return reply;
	fail(err, 0, "%s: %s", dbus_message_get_member(sent), why.message);
	err->code = is_absent(why.name) ? ENOTCONN : EIO;
	if (ret_name)
		*ret_name = xstrdup(why.name);
	dbus_error_free(&why);
	return NULL;
}

static DBusMessage *to_manager(const char *method)
{
	return dbus_message_new_method_call(SYSTEMD, SYSTEMD_PATH, MANAGER, method);
}

static DBusMessage *to_machined(const char *method)
{
	return dbus_message_new_method_call(MACHINED, MACHINED_PATH, MACHINED ".Manager", method);
}

/* --- properties --- */

/* The variant and what is in it are opened by the caller: value is what follows the '='. */
typedef int put_fn(DBusMessageIter *to, const char *value, struct error *err);

static void put_string(DBusMessageIter *to, const char *text)
{
	dbus_message_iter_append_basic(to, DBUS_TYPE_STRING, &text);
}

static int put_text(DBusMessageIter *to, const char *value, struct error *err)
{
	(void)err;
	put_string(to, value);
	return 0;
}

static int put_truth(DBusMessageIter *to, const char *value, struct error *err)
{
	dbus_bool_t truth = strcmp(value, "yes") == 0;

	(void)err;
	dbus_message_iter_append_basic(to, DBUS_TYPE_BOOLEAN, &truth);
	return 0;
}

static int read_number(const char *value, dbus_uint64_t *ret, struct error *err)
{
	uint64_t number = UINT64_MAX;

	if (strcmp(value, "infinity") != 0 && parse_u64(value, &number) < 0)
		return fail(err, 0, "\"%s\" is no number", value);
	*ret = number;
	return 0;
}

static int put_number(DBusMessageIter *to, const char *value, struct error *err)
{
	dbus_uint64_t number;

	if (read_number(value, &number, err) < 0)
		return -err->code;
	dbus_message_iter_append_basic(to, DBUS_TYPE_UINT64, &number);
	return 0;
}

/* One more of a list: systemd adds it to those that came before. */
static int put_one(DBusMessageIter *to, const char *value, struct error *err)
{
	DBusMessageIter array;

	(void)err;
	dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "s", &array);
	put_string(&array, value);
	dbus_message_iter_close_container(to, &array);
	return 0;
}

/* The processes of a scope: one. */
static int put_process(DBusMessageIter *to, const char *value, struct error *err)
{
	dbus_uint32_t pid = (dbus_uint32_t)atoi(value);
	DBusMessageIter array;

	(void)err;
	dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "u", &array);
	dbus_message_iter_append_basic(&array, DBUS_TYPE_UINT32, &pid);
	dbus_message_iter_close_container(to, &array);
	return 0;
}

/* systemd puts variables into arguments; "$$" is a dollar (systemd.service(5)). */
static void put_argument(DBusMessageIter *to, const char *word)
{
	auto_text struct text text = TEXT_EMPTY;

	text_append(&text, "", 0);
	for (; *word; word++) {
		if (*word == '$')
			text_append(&text, word, 1);
		text_append(&text, word, 1);
	}
	put_string(to, text.data);
}

/* a(sasb): the program, its arguments with the name first, whether its failure is none. */
static int put_command(DBusMessageIter *to, const char *value, struct error *err)
{
	auto_strings struct strings words = STRINGS_EMPTY;
	DBusMessageIter array, command, list;
	dbus_bool_t tolerant = FALSE;

	strings_split(&words, value, BUS_WORD);
	if (words.n == 0)
		return fail(err, 0, "an empty command");
	dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "(sasb)", &array);
	dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &command);
	put_string(&command, words.items[0]);
	dbus_message_iter_open_container(&command, DBUS_TYPE_ARRAY, "s", &list);
	for (size_t i = 0; i < words.n; i++)
		put_argument(&list, words.items[i]);
	dbus_message_iter_close_container(&command, &list);
	dbus_message_iter_append_basic(&command, DBUS_TYPE_BOOLEAN, &tolerant);
	dbus_message_iter_close_container(&array, &command);
	dbus_message_iter_close_container(to, &array);
	return 0;
}

/* (aiai): exit statuses, and the one signal that is named. */
static int put_success(DBusMessageIter *to, const char *value, struct error *err)
{
	DBusMessageIter both, list;
	dbus_int32_t signal = atoi(value);

	(void)err;
	dbus_message_iter_open_container(to, DBUS_TYPE_STRUCT, NULL, &both);
	dbus_message_iter_open_container(&both, DBUS_TYPE_ARRAY, "i", &list);
	dbus_message_iter_close_container(&both, &list);
	dbus_message_iter_open_container(&both, DBUS_TYPE_ARRAY, "i", &list);
	dbus_message_iter_append_basic(&list, DBUS_TYPE_INT32, &signal);
	dbus_message_iter_close_container(&both, &list);
	dbus_message_iter_close_container(to, &both);
	return 0;
}

/* A bitmap, the lowest CPU first; empty: all. */
static int put_cpus(DBusMessageIter *to, const char *value, struct error *err)
{
	auto_strings struct strings ranges = STRINGS_EMPTY;
	uint8_t set[CPUS / 8] = { 0 };
	const uint8_t *start = set;
	unsigned int last = 0;
	DBusMessageIter array;

	strings_split(&ranges, value, ",");
	for (size_t i = 0; i < ranges.n; i++) {
		unsigned int from, to_cpu;
		int n = sscanf(ranges.items[i], "%u-%u", &from, &to_cpu);

		if (n < 1 || (n == 1 ? from : to_cpu) >= CPUS)
			return fail(err, 0, "\"%s\" is no list of CPUs", value);
		if (n == 1)
			to_cpu = from;
		for (unsigned int cpu = from; cpu <= to_cpu; cpu++)
			set[cpu / 8] = (uint8_t)(set[cpu / 8] | 1U << cpu % 8);
		last = to_cpu / 8 + 1 > last ? to_cpu / 8 + 1 : last;
	}
	dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "y", &array);
	dbus_message_iter_append_fixed_array(&array, DBUS_TYPE_BYTE, &start, (int)last);
	dbus_message_iter_close_container(to, &array);
	return 0;
}

/* a(st) */
static int put_disk(DBusMessageIter *to, const char *value, struct error *err)
{
	auto_free char *path = xstrdup(value);
	char *blank = strrchr(path, ' ');
	DBusMessageIter array, pair;
	dbus_uint64_t number;

	dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "(st)", &array);
	if (blank) {
		*blank++ = '\0';
		if (read_number(blank, &number, err) < 0)
			return -err->code;
		dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &pair);
		put_string(&pair, path);
		dbus_message_iter_append_basic(&pair, DBUS_TYPE_UINT64, &number);
		dbus_message_iter_close_container(&array, &pair);
	}
	dbus_message_iter_close_container(to, &array);
	return 0;
}

/* In the order in which they are looked for; the type is that of the variant. */
static const struct {
	const char *name, *type;
	put_fn *put;
} kinds[] = {
	{ "After", "as", put_one },
	{ "AllowedCPUs", "ay", put_cpus },
	{ "Before", "as", put_one },
	{ "CPUQuotaPerSecUSec", "t", put_number },
	{ "CPUWeight", "t", put_number },
	{ "CollectMode", "s", put_text },
	{ "Delegate", "b", put_truth },
	{ "Description", "s", put_text },
	{ "Environment", "as", put_one },
	{ "ExecStart", "a(sasb)", put_command },
	{ "ExecStop", "a(sasb)", put_command },
	{ "ExitType", "s", put_text },
	{ "IOReadBandwidthMax", "a(st)", put_disk },
	{ "IOWeight", "t", put_number },
	{ "IOWriteBandwidthMax", "a(st)", put_disk },
	{ "KillMode", "s", put_text },
	{ "MemoryMax", "t", put_number },
	{ "MemorySwapMax", "t", put_number },
	{ "NotifyAccess", "s", put_text },
	{ "OOMPolicy", "s", put_text },
	{ "PIDs", "au", put_process },
	{ "Slice", "s", put_text },
	{ "SuccessExitStatus", "(aiai)", put_success },
	{ "TasksMax", "t", put_number },
	{ "TimeoutStartUSec", "t", put_number },
	{ "TimeoutStopUSec", "t", put_number },
	{ "Type", "s", put_text },
};

static int put_property(DBusMessageIter *array, const char *text, struct error *err)
{
	const char *equals = strchr(text, '=');
	auto_free char *name = xstrndup(text, equals ? (size_t)(equals - text) : 0);
	DBusMessageIter pair, variant;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].name, name) != 0)
			continue;
		dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &pair);
		put_string(&pair, name);
		dbus_message_iter_open_container(&pair, DBUS_TYPE_VARIANT, kinds[i].type, &variant);
		if (kinds[i].put(&variant, equals + 1, err) < 0)
			return error_prefix(err, "property %s", name);
		dbus_message_iter_close_container(&pair, &variant);
		dbus_message_iter_close_container(array, &pair);
		return 0;
	}
	return fail(err, 0, "there is no property \"%s\"", text);
}

/* all: also those that only a new unit can have; else the others, which begin with '+'. */
static int put_properties(DBusMessageIter *to, const char *const *properties, bool all, struct error *err)
{
	DBusMessageIter array;
	int r = 0;

	dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "(sv)", &array);
	for (; *properties && r == 0; properties++)
		if (all || **properties == '+')
			r = put_property(&array, *properties + (**properties == '+'), err);
	if (r == 0)
		dbus_message_iter_close_container(to, &array);
	return r;
}

static int set_properties(struct bus *bus, const char *unit, const char *const *properties, bool all, char **ret_name,
			  struct error *err)
{
	DBusMessage *message = to_manager("SetUnitProperties");
	auto_message DBusMessage *reply = NULL;
	dbus_bool_t runtime = TRUE;
	DBusMessageIter iter;

	dbus_message_iter_init_append(message, &iter);
	put_string(&iter, unit);
	dbus_message_iter_append_basic(&iter, DBUS_TYPE_BOOLEAN, &runtime);
	if (put_properties(&iter, properties, all, err) < 0)
		return -err->code;	/* the message cannot be freed half made; we end */
	reply = call(bus, message, ret_name, err);
	return reply ? 0 : -err->code;
}

int bus_set_properties(struct bus *bus, const char *unit, const char *const *properties, struct error *err)
{
	return set_properties(bus, unit, properties, true, NULL, err);
}

/* --- starting --- */

/* Neither is waited for: what is sent later is answered later. That we are subscribed already is no error: a new bus gives
 * names anew. */
static void subscribe(struct bus *bus)
{
	static const char match[] = "type='signal',sender='" SYSTEMD "',interface='" MANAGER "',member='JobRemoved'";
	auto_message DBusMessage *message = to_manager("Subscribe");

	dbus_bus_add_match(bus->connection, match, NULL);
	dbus_message_set_no_reply(message, TRUE);
	dbus_connection_send(bus->connection, message, NULL);
}

/* How the job ended: "done", "failed" and so on; caller frees. */
static int await_job(struct bus *bus, const char *job, int timeout_ms, char **ret, struct error *err)
{
	uint64_t end = now_usec() + (uint64_t)timeout_ms * 1000;

	while (now_usec() < end) {
		auto_message DBusMessage *message = dbus_connection_pop_message(bus->connection);
		const char *path, *unit, *result;
		dbus_uint32_t id;

		if (!message) {
			if (!dbus_connection_read_write(bus->connection, 1000))
				return fail(err, ENOTCONN, "wait for systemd: the bus is gone");
			continue;
		}
		if (dbus_message_is_signal(message, MANAGER, "JobRemoved") &&
		    dbus_message_get_args(message, NULL, DBUS_TYPE_UINT32, &id, DBUS_TYPE_OBJECT_PATH, &path,
					  DBUS_TYPE_STRING, &unit, DBUS_TYPE_STRING, &result, DBUS_TYPE_INVALID) &&
		    strcmp(path, job) == 0) {
			*ret = xstrdup(result);
			return 0;
		}
	}
	return fail(err, ETIMEDOUT, "wait until systemd has started it");
}

static DBusMessage *ask_start(struct bus *bus, const char *unit, const char *mode, char **ret_name, struct error *err)
{
	DBusMessage *message = to_manager("StartUnit");

	dbus_message_append_args(message, DBUS_TYPE_STRING, &unit, DBUS_TYPE_STRING, &mode, DBUS_TYPE_INVALID);
	return call(bus, message, ret_name, err);
}

static DBusMessage *ask_transient(struct bus *bus, const char *unit, const char *const *properties, char **ret_name,
				  struct error *err)
{
	DBusMessage *message = to_manager("StartTransientUnit");
	DBusMessageIter iter, array;

	dbus_message_iter_init_append(message, &iter);
	put_string(&iter, unit);
	put_string(&iter, "fail");
	if (put_properties(&iter, properties, true, err) < 0)
		return NULL;
	dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(sa(sv))", &array);
	dbus_message_iter_close_container(&iter, &array);
	return call(bus, message, ret_name, err);
}

/* A file describes it: then that counts. */
static DBusMessage *ask_described(struct bus *bus, const char *unit, const char *const *properties, char **ret_name,
				  struct error *err)
{
	if (set_properties(bus, unit, properties, false, ret_name, err) < 0)
		return NULL;
	return ask_start(bus, unit, "replace", ret_name, err);
}

/* Of a unit that was loaded just now; one that is gone meanwhile can only have been. */
static bool is_transient(struct bus *bus, const char *unit)
{
	static const char *const interface = SYSTEMD ".Unit", *const property = "Transient";
	DBusMessage *message = to_manager("GetUnit");
	auto_message DBusMessage *found = NULL, *reply = NULL;
	struct error ignored = ERROR_NONE;
	DBusMessageIter iter, variant;
	dbus_bool_t transient = FALSE;
	const char *path;

	dbus_message_append_args(message, DBUS_TYPE_STRING, &unit, DBUS_TYPE_INVALID);
	found = call(bus, message, NULL, &ignored);
	if (!found || !dbus_message_get_args(found, NULL, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID))
		return true;
	message = dbus_message_new_method_call(SYSTEMD, path, "org.freedesktop.DBus.Properties", "Get");
	dbus_message_append_args(message, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING, &property, DBUS_TYPE_INVALID);
	reply = call(bus, message, NULL, &ignored);
	if (!reply || !dbus_message_iter_init(reply, &iter) || dbus_message_iter_get_arg_type(&iter) != DBUS_TYPE_VARIANT)
		return false;
	dbus_message_iter_recurse(&iter, &variant);
	if (dbus_message_iter_get_arg_type(&variant) == DBUS_TYPE_BOOLEAN)
		dbus_message_iter_get_basic(&variant, &transient);
	return transient;
}

static bool is_named(const char *name, const char *last)
{
	return name && text_starts(name, SYSTEMD ".") && strcmp(name + strlen(SYSTEMD "."), last) == 0;
}

/* A file that describes the unit, itself or all of its template, where systemd looks (systemd.unit(5)). */
static bool has_file(const char *unit)
{
	static const char *const dirs[] = { "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
					    "/usr/lib/systemd/system", "/lib/systemd/system" };
	const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');

	for (size_t i = 0; i < ARRAY_SIZE(dirs) && dot; i++) {
		auto_free char *own = xasprintf("%s/%s", dirs[i], unit);
		auto_free char *template = xasprintf("%s/%.*s%s", dirs[i], at ? (int)(at - unit) + 1 : 0, unit, dot);

		if (access(own, F_OK) == 0 || (at && access(template, F_OK) == 0))
			return true;
	}
	return false;
}

/* 1: what is loaded of that name is about to go. */
static int start_once(struct bus *bus, const char *unit, const char *const *properties, DBusMessage **ret, struct error *err)
{
	auto_free char *why = NULL, *again = NULL;

	if (has_file(unit))
		*ret = ask_described(bus, unit, properties, &why, err);
	if (*ret || (why && !is_named(why, "NoSuchUnit")))
		return *ret ? 0 : -err->code;
	*err = (struct error)ERROR_NONE;
	*ret = ask_transient(bus, unit, properties, &again, err);
	if (*ret || !is_named(again, "UnitExists"))
		return *ret ? 0 : -err->code;
	return is_transient(bus, unit) ? 1 : -err->code;
}

int bus_start_unit(struct bus *bus, const char *unit, const char *const *properties, int timeout_ms, struct error *err)
{
	static const struct timespec pause = { .tv_nsec = 10000000 };
	uint64_t end = now_usec() + EXISTS_USEC;
	auto_message DBusMessage *reply = NULL;
	auto_free char *result = NULL;
	const char *job = NULL;
	int r;

	subscribe(bus);
	while ((r = start_once(bus, unit, properties, &reply, err)) == 1 && now_usec() < end)
		nanosleep(&pause, NULL);
	if (r != 0)
		return -err->code;
	if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_OBJECT_PATH, &job, DBUS_TYPE_INVALID))
		return fail(err, EPROTO, "understand systemd");
	if (await_job(bus, job, timeout_ms, &result, err) < 0)
		return -err->code;
	return strcmp(result, "done") == 0 ? 0 : fail(err, EIO, "start %s: systemd says \"%s\"", unit, result);
}

/* --- machined --- */

static DBusMessage *ask_register(struct bus *bus, const char *name, const uint8_t *id, pid_t leader, const int32_t *links,
				 int n_links, char **ret_name, struct error *err)
{
	static const char *const service = "sysct", *const class = "container", *const root = "";
	DBusMessage *message = to_machined("RegisterMachineWithNetwork");
	dbus_uint32_t pid = (dbus_uint32_t)leader;

	dbus_message_append_args(message, DBUS_TYPE_STRING, &name, DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &id, 16, DBUS_TYPE_STRING,
				 &service, DBUS_TYPE_STRING, &class, DBUS_TYPE_UINT32, &pid, DBUS_TYPE_STRING, &root,
				 DBUS_TYPE_ARRAY, DBUS_TYPE_INT32, &links, n_links, DBUS_TYPE_INVALID);
	return call(bus, message, ret_name, err);
}

int bus_register_machine(struct bus *bus, const char *name, const uint8_t *id, pid_t leader, const int32_t *links,
			 int n_links, struct error *err)
{
	auto_free char *why = NULL;
	auto_message DBusMessage *reply = ask_register(bus, name, id, leader, links, n_links, &why, err);
	struct error ignored = ERROR_NONE;

	if (reply)
		return 0;
	if (strcmp(why, MACHINED ".MachineExists") != 0)
		return -err->code;
	/* the last boot's */
	*err = (struct error)ERROR_NONE;
	bus_unregister_machine(bus, name, &ignored);
	reply = ask_register(bus, name, id, leader, links, n_links, NULL, err);
	return reply ? 0 : -err->code;
}

int bus_unregister_machine(struct bus *bus, const char *name, struct error *err)
{
	DBusMessage *message = to_machined("UnregisterMachine");
	struct error refusal = ERROR_NONE;
	auto_message DBusMessage *reply = NULL;
	auto_free char *why = NULL;

	dbus_message_append_args(message, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
	reply = call(bus, message, &why, &refusal);
	if (reply || refusal.code == ENOTCONN || strcmp(why, MACHINED ".NoSuchMachine") == 0)
		return 0;
	*err = refusal;
	return -err->code;
}
