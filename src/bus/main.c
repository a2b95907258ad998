/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysct-bus - says something to systemd or to machined over the system bus, so that sysct itself never loads libdbus.
 *
 *	sysct-bus start UNIT PROPERTY...		until it is started; see os/bus.h for the properties
 *	sysct-bus set UNIT PROPERTY...
 *	sysct-bus register MACHINE UUID PID [LINK...]	LINK: an interface's number
 *	sysct-bus unregister MACHINE
 *
 * A failure is a line on standard error. Exit status: 0, 1, 2 (usage), or SYSTEMD_ABSENT: there is nobody to speak with. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "os/bus.h"
#include "os/systemd.h"

#define MOST_LINKS 64

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_uuid(const char *text, uint8_t ret[16], struct error *err)
{
	size_t n = 0;

	for (const char *p = text; *p && n < 32; p++) {
		if (*p == '-')
			continue;
		if (hex(*p) < 0)
			return fail(err, 0, "\"%s\" is no uuid", text);
		ret[n / 2] = (uint8_t)(n % 2 ? ret[n / 2] | hex(*p) : hex(*p) << 4);
		n++;
	}
	return n == 32 ? 0 : fail(err, 0, "\"%s\" is no uuid", text);
}

static int register_machine(struct bus *bus, char **words, struct error *err)
{
	int32_t links[MOST_LINKS];
	uint8_t id[16];
	int n = 0;

	if (!words[0] || !words[1] || read_uuid(words[1], id, err) < 0 || !words[2])
		return fail(err, 0, "a machine's name, uuid and leader are needed");
	for (char **word = words + 3; *word && n < MOST_LINKS; word++)
		links[n++] = atoi(*word);
	return bus_register_machine(bus, words[0], id, atoi(words[2]), links, n, err);
}

static int run(const char *verb, char **words, struct error *err)
{
	struct bus *bus = NULL;
	int r;

	if (bus_open(&bus, err) < 0)
		return -err->code;
	if (strcmp(verb, "start") == 0)
		r = bus_start_unit(bus, words[0], (const char *const *)words + 1, SYSTEMD_START_MS, err);
	else if (strcmp(verb, "set") == 0)
		r = bus_set_properties(bus, words[0], (const char *const *)words + 1, err);
	else if (strcmp(verb, "register") == 0)
		r = register_machine(bus, words, err);
	else if (strcmp(verb, "unregister") == 0)
		r = bus_unregister_machine(bus, words[0], err);
	else
		r = fail_status(err, STATUS_USAGE, "there is no \"%s\"", verb);
	bus_close(bus);
	return r;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_NONE;

	if (argc < 3) {
		fprintf(stderr, "sysct-bus is for sysct's own use\n");
		return 2;
	}
	if (run(argv[1], argv + 2, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.message);
	return err.code == ENOTCONN ? SYSTEMD_ABSENT : err.status == STATUS_USAGE ? 2 : 1;
}
