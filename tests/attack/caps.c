/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Capabilities: which ones there are, and attempts to get others back. */
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CAP(n) (1ULL << (n))

/* What no container needs: they have no namespaced use. */
static const uint64_t never = CAP(CAP_SYS_MODULE) | CAP(CAP_SYS_RAWIO) | CAP(CAP_SYS_TIME) | CAP(CAP_MAC_ADMIN) |
			      CAP(CAP_MAC_OVERRIDE) | CAP(CAP_SYSLOG) | CAP(CAP_AUDIT_CONTROL) | CAP(CAP_AUDIT_READ) |
			      CAP(CAP_SYS_PACCT) | CAP(CAP_BLOCK_SUSPEND) | CAP(CAP_WAKE_ALARM) | CAP(CAP_BPF) |
			      CAP(CAP_PERFMON);

static uint64_t mask_of(const char *file, const char *key)
{
	const char *status = slurp(file), *at = status ? strstr(status, key) : NULL;

	if (!at)
		broken("no %s in %s", key + 1, file);
	return strtoull(at + strlen(key), NULL, 16);
}

static void bounding(const void *arg)
{
	uint64_t mask = mask_of(arg, "\nCapBnd:");

	if (mask & never)
		breach("CapBnd %llx of %s has %llx too many", (unsigned long long)mask, (const char *)arg,
		       (unsigned long long)(mask & never));
	pass("CapBnd %llx", (unsigned long long)mask);
}

static void inheritable(const void *arg)
{
	static const char *const files[] = { "/proc/1/status", "/proc/self/status" };

	(void)arg;
	for (size_t i = 0; i < COUNT(files); i++)
		if (mask_of(files[i], "\nCapInh:") || mask_of(files[i], "\nCapAmb:"))
			breach("CapInh or CapAmb of %s is not empty", files[i]);
	pass("CapInh and CapAmb are empty");
}

/* capset(2) with one more. */
static void raise_own(const void *arg)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	(void)arg;
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (!(never & CAP(cap)))
			continue;
		if (syscall(SYS_capget, &header, data) < 0)
			broken("capget: %s", errno_name(errno));
		data[cap / 32].permitted |= 1U << cap % 32;
		data[cap / 32].effective |= 1U << cap % 32;
		if (syscall(SYS_capset, &header, data) == 0)
			breach("capability %d can be had again", cap);
	}
	pass("EPERM");
}

/* A program file that gives all of them. */
struct file_caps {
	uint32_t magic;
	struct {
		uint32_t permitted, inheritable;
	} data[2];
};

#define HAS_NONE 0
#define HAS_SOME 55
#define NOT_ALLOWED 56
#define NOT_EXECUTED 57

static int exec_file(void *arg)
{
	char *argv[] = { arg, "capabilities", NULL };

	execv(arg, argv);
	return errno == EPERM ? NOT_ALLOWED : NOT_EXECUTED;
}

int capabilities_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return mask_of("/proc/self/status", "\nCapPrm:") & never ? HAS_SOME : HAS_NONE;
}

static int copy_self(const char *to)
{
	static char data[1 << 16];
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n = in < 0 || out < 0 ? -1 : 1;

	while (n > 0) {
		n = read(in, data, sizeof(data));
		if (n > 0 && write(out, data, (size_t)n) != n)
			n = -1;
	}
	close(in);
	return close(out) < 0 || n < 0 ? -1 : 0;
}

static void file_caps(const void *arg)
{
	struct file_caps caps = { .magic = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE };
	const char *dir = scratch();
	char path[100];
	int r, code = 0;

	(void)arg;
	snprintf(path, sizeof(path), "%s/program", dir);
	caps.data[0].permitted = (uint32_t)never;
	caps.data[1].permitted = (uint32_t)(never >> 32);
	if (copy_self(path) < 0)
		broken("cannot copy this program to %s: %s", path, errno_name(errno));
	if (setxattr(path, "security.capability", &caps, sizeof(caps), 0) < 0)
		code = errno;
	r = in_child(exec_file, path);
	unlink(path);
	rmdir(dir);
	if (r == HAS_SOME)
		breach("a file with capabilities gives them");
	if (r == NOT_ALLOWED)
		pass("it may not be executed");
	if (r != HAS_NONE)
		broken("the file could not be executed: %d", r);
	if (code)
		pass("files cannot have capabilities: %s", errno_name(code));
	pass("it is executed without them");
}

/* In a new user namespace there are all capabilities, over what belongs to it. What belongs to the host must not. */
static const char *const tries[] = { "delete_module", "syslog", "settimeofday", "mknod", "mount" };

static int use_new_userns(void *arg)
{
	static char buffer[16];

	(void)arg;
	if (unshare(CLONE_NEWUSER) < 0)
		return 1;
	if (syscall(SYS_delete_module, "sysct-attack", 0x800) == 0 || !refused(errno))
		return 10;
	if (syscall(SYS_syslog, 9, buffer, 0) >= 0 || !refused(errno))
		return 11;
	if (syscall(SYS_settimeofday, NULL, NULL) == 0 || !refused(errno))
		return 12;
	if (mknod("/tmp/sysct-attack-node", S_IFBLK | 0600, 0x700) == 0) {
		unlink("/tmp/sysct-attack-node");
		return 13;
	}
	if (mount("none", "/tmp", "tmpfs", 0, NULL) == 0) {
		umount("/tmp");
		return 14;
	}
	return 0;
}

static void new_userns(const void *arg)
{
	int r = in_child(use_new_userns, NULL);

	(void)arg;
	if (r == 1)
		pass("no user namespaces inside");
	if (r >= 10 && r < 10 + (int)COUNT(tries))
		breach("the capabilities of a new user namespace count outside of it: %s", tries[r - 10]);
	if (r != 0)
		broken("the attempt ended with %d", r);
	pass("they count for nothing outside");
}

static void init_has_no_more(const void *arg)
{
	static const char *const keys[] = { "\nCapPrm:", "\nCapEff:", "\nCapBnd:" };

	(void)arg;
	for (size_t i = 0; i < COUNT(keys); i++) {
		uint64_t init = mask_of("/proc/1/status", keys[i]), own = mask_of("/proc/self/status", keys[i]);

		if (own & ~init)
			breach("attached, one has %s %llx more than PID 1", keys[i] + 1,
			       (unsigned long long)(own & ~init));
	}
	pass("no more than PID 1");
}

static const struct check items[] = {
	{ "CAP-bounding-init", bounding, "/proc/1/status" },
	{ "CAP-bounding", bounding, "/proc/self/status" },
	{ "CAP-capset", raise_own, NULL },
	{ "CAP-file", file_caps, NULL },
	{ "CAP-userns", new_userns, NULL },
	{ "A8-caps", init_has_no_more, NULL },
	{ "A9-inheritable", inheritable, NULL },
};
const struct checks caps_checks = CHECKS(items);
