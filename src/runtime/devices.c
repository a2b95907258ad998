/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "config/mount_options.h"

/* Those with a key of their own; everybody may open them, as on most hosts. */
static const struct {
	const char *name;
	unsigned int major, minor;
	const char *driver;
} known[] = {
	{ "fuse", 10, 229, "fuse" },
	{ "net/tun", 10, 200, "tun" },
	{ "kvm", 10, 232, "kvm_intel or kvm_amd" },
};

void devices_done(struct devices *devices)
{
	for (size_t i = 0; i < devices->n; i++) {
		free(devices->items[i].name);
		free(devices->items[i].rights);
	}
	free(devices->items);
	*devices = (struct devices)DEVICES_EMPTY;
}

static void add(struct devices *devices, const char *name, const char *rights, mode_t mode, dev_t number)
{
	devices->items = xrealloc(devices->items, (devices->n + 1) * sizeof(struct device));
	devices->items[devices->n++] = (struct device){ xstrdup(name), xstrdup(rights), mode, number };
}

static int add_known(struct devices *ret, size_t i, struct error *err)
{
	auto_free char *sys = xasprintf("/sys/dev/char/%u:%u", known[i].major, known[i].minor);
	auto_free char *node = xasprintf("/dev/%s", known[i].name);

	if (access(sys, F_OK) < 0 && access(node, F_OK) < 0) {
		fail(err, 0, "the host has no %s", node);
		return error_hint(err, "load its driver: modprobe %s", known[i].driver);
	}
	add(ret, known[i].name, "rwm", S_IFCHR | 0666, makedev(known[i].major, known[i].minor));
	return 0;
}

static int add_allowed(struct devices *ret, const char *line, struct error *err)
{
	auto_free char *name = NULL, *rights = NULL;
	auto_close int dev = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	struct stat st;

	if (!device_allow_parse(line, &name, &rights))
		return fail_status(err, STATUS_USAGE, "[device] allow: \"%s\" is not valid", line);
	fd = open_beneath(dev, name, O_PATH, 0);
	if (fd < 0 || fstat(fd, &st) < 0) {
		fail(err, fd < 0 ? -fd : errno, "find the device /dev/%s on the host", name);
		return fd == -ELOOP ? error_hint(err, "it is a link: name the node that it leads to") :
				      error_hint(err, "is its driver loaded?");
	}
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)) {
		fail(err, 0, "/dev/%s is not a device", name);
		return error_hint(err, "a directory or file of the host is a [mount]");
	}
	/* for root inside, and for the group that root inside gives it to */
	add(ret, name, rights, (st.st_mode & S_IFMT) | 0660, st.st_rdev);
	return 0;
}

void devices_wanted(const struct container_config *config, struct strings *ret)
{
	const bool needed[] = { config->device.fuse, config->device.tun, config->device.kvm };
	const bool nesting[] = { true, true, false };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		auto_free char *node = xasprintf("/dev/%s", known[i].name);

		if (needed[i] || (config->security.nesting && nesting[i] && access(node, F_OK) == 0))
			strings_add(ret, known[i].name);
	}
	for (size_t i = 0; i < config->device.allow.n; i++) {
		auto_free char *name = NULL, *rights = NULL;

		if (device_allow_parse(config->device.allow.items[i], &name, &rights))
			strings_add_take(ret, xasprintf("/dev/%s %s", name, rights));
		else
			strings_add(ret, config->device.allow.items[i]);
	}
}

int device_find(const char *wanted, struct devices *ret, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(wanted, known[i].name) == 0)
			return add_known(ret, i, err);
	return add_allowed(ret, wanted, err);
}

int devices_find(const struct container_config *config, struct devices *ret, struct error *err)
{
	auto_strings struct strings wanted = STRINGS_EMPTY;

	devices_wanted(config, &wanted);
	for (size_t i = 0; i < wanted.n; i++)
		if (device_find(wanted.items[i], ret, err) < 0)
			return -err->code;
	return 0;
}

/* What is open to every container. */
static const char *const always[] = {
	"c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 5:1 rw", "c 136:* rw",
};

void devices_rules(const struct devices *devices, struct strings *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		strings_add(ret, always[i]);
	for (size_t i = 0; i < devices->n; i++) {
		const struct device *device = &devices->items[i];

		strings_add_take(ret, xasprintf("%c %u:%u %s", S_ISBLK(device->mode) ? 'b' : 'c', major(device->number),
						minor(device->number), device->rights));
	}
}

/* The mode after the fact: the umask is all threads'. */
static int own(int dir, const char *name, mode_t mode, uid_t owner)
{
	if (fchmodat(dir, name, mode & 07777, 0) < 0)
		return -errno;
	return fchownat(dir, name, owner, owner, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int device_make(int dir, const struct device *device, uid_t owner)
{
	auto_free char *path = xstrdup(device->name);
	int r = 0;

	for (char *slash = strchr(path, '/'); slash && r == 0; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(dir, path, 0755) == 0)
			r = own(dir, path, 0755, owner);
		else if (errno != EEXIST)
			r = -errno;
		*slash = '/';
	}
	if (r == 0 && mknodat(dir, device->name, device->mode, device->number) == 0)
		r = own(dir, device->name, device->mode, owner);
	else if (r == 0 && errno != EEXIST)
		r = -errno;
	return r;
}
