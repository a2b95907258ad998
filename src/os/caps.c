/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/caps.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>

#include "base/cleanup.h"

#define CAP(name) (1ULL << (name))
#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

/* No namespaced use, so nothing inside needs them, and systemd skips units by their absence: sys_module,
 * sys_rawio, sys_time, mac_admin, mac_override, syslog, audit_control, audit_read, sys_pacct, block_suspend,
 * wake_alarm, bpf, perfmon. */
#define DEFAULT_KEPT                                                                               \
	(CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_FOWNER) |     \
	 CAP(CAP_FSETID) | CAP(CAP_KILL) | CAP(CAP_SETGID) | CAP(CAP_SETUID) | CAP(CAP_SETPCAP) |  \
	 CAP(CAP_LINUX_IMMUTABLE) | CAP(CAP_NET_BIND_SERVICE) | CAP(CAP_NET_BROADCAST) |           \
	 CAP(CAP_NET_ADMIN) | CAP(CAP_NET_RAW) | CAP(CAP_IPC_LOCK) | CAP(CAP_IPC_OWNER) |          \
	 CAP(CAP_SYS_CHROOT) | CAP(CAP_SYS_PTRACE) | CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_BOOT) |      \
	 CAP(CAP_SYS_NICE) | CAP(CAP_SYS_RESOURCE) | CAP(CAP_SYS_TTY_CONFIG) | CAP(CAP_MKNOD) |    \
	 CAP(CAP_LEASE) | CAP(CAP_AUDIT_WRITE) | CAP(CAP_SETFCAP) | CAP(CAP_CHECKPOINT_RESTORE))

uint64_t caps_default(bool privileged)
{
	return privileged ? DEFAULT_KEPT & ~(CAP(CAP_IPC_LOCK) | CAP(CAP_CHECKPOINT_RESTORE)) : DEFAULT_KEPT;
}

uint64_t caps_all(void)
{
	return UINT64_MAX;
}

int caps_parse(const char *name)
{
	char full[40];
	cap_value_t value;
	size_t n;

	n = (size_t)snprintf(full, sizeof(full), "%s%s",
			     strncasecmp(name, "cap_", 4) == 0 ? "" : "cap_", name);
	if (n >= sizeof(full))
		return -EINVAL;
	for (char *p = full; *p; p++) {
		*p = (char)tolower((unsigned char)*p);
		if (!islower((unsigned char)*p) && *p != '_')
			return -EINVAL;
	}
	return cap_from_name(full, &value) == 0 ? (int)value : -EINVAL;
}

const char *caps_name(int capability, char *buf, unsigned long room)
{
	char *name = cap_to_name(capability);

	snprintf(buf, room, "%s", name && text_starts(name, "cap_") ? name + 4 : "unknown");
	cap_free(name);
	return buf;
}

static const char *candidate(size_t i, const void *arg)
{
	static char names[64][32];	/* the nearest is kept while others are asked for */

	(void)arg;
	if (i >= (size_t)cap_max_bits() || i >= ARRAY_SIZE(names))
		return NULL;
	return caps_name((int)i, names[i], sizeof(names[i]));
}

const char *caps_nearest(const char *name)
{
	auto_free char *lower = xstrdup(strncasecmp(name, "cap_", 4) == 0 ? name + 4 : name);

	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return nearest(lower, candidate, NULL);
}

static int change(uint64_t *mask, const struct strings *names, bool add, struct error *err)
{
	for (size_t i = 0; i < names->n; i++) {
		int value = caps_parse(names->items[i]);

		if (value < 0) {
			const char *near = caps_nearest(names->items[i]);

			fail(err, 0, "there is no capability \"%s\"", names->items[i]);
			error_status(err, STATUS_USAGE);
			if (near)
				error_hint(err, "did you mean \"%s\"?", near);
			return -err->code;
		}
		*mask = add ? *mask | CAP(value) : *mask & ~CAP(value);
	}
	return 0;
}

int caps_select(uint64_t defaults, const struct strings *keep, const struct strings *drop, uint64_t *ret,
		struct error *err)
{
	uint64_t mask = defaults;

	if (change(&mask, keep, true, err) < 0 || change(&mask, drop, false, err) < 0)
		return -err->code;
	*ret = mask;
	return 0;
}
