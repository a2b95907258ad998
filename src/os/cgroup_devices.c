/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which devices a group may use. Where no v1 hierarchy has the devices controller, in cgroup2, that is a program which the
 * kernel asks at each open and mknod (Documentation/admin-guide/cgroup-v2.rst, bpf(2)). It is written here, one rule
 * after another, as instructions; nothing is compiled.
 *
 * The kernel asks the programs of all groups above too, and all must say yes: nobody gets more than the group that sysct
 * itself runs in. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "cgroup_parts.h"
#include "os/namespace.h"

#define NAME "sysct_devices"
#define MOST_PROGRAMS 64	/* the kernel's limit for one group */
#define INITIAL_USERNS 0xEFFFFFFDULL	/* the kernel's PROC_USER_INIT_INO */

/* --- rules --- */

struct rule {
	uint32_t type;		/* BPF_DEVCG_DEV_* */
	uint32_t rights;	/* BPF_DEVCG_ACC_* */
	uint32_t major, minor;
	bool any_minor;
};

static bool parse_rights(const char *text, uint32_t *ret)
{
	*ret = 0;
	for (; *text; text++) {
		uint32_t right = *text == 'r' ? BPF_DEVCG_ACC_READ :
				 *text == 'w' ? BPF_DEVCG_ACC_WRITE :
				 *text == 'm' ? BPF_DEVCG_ACC_MKNOD : 0;

		if (!right)
			return false;
		*ret |= right;
	}
	return *ret != 0;
}

/* "c 1:3 rwm", "c 136:* rw": the words of v1's devices.allow. */
static bool parse_rule(const char *text, struct rule *ret)
{
	char minor[16], rights[16], major[16];
	char type;
	int end = 0;

	*ret = (struct rule){ .type = 0 };
	if (sscanf(text, "%c %15[0-9]:%15[0-9*] %15s%n", &type, major, minor, rights, &end) != 4 || text[end])
		return false;
	ret->type = type == 'c' ? BPF_DEVCG_DEV_CHAR : type == 'b' ? BPF_DEVCG_DEV_BLOCK : 0;
	ret->any_minor = strcmp(minor, "*") == 0;
	return ret->type && parse_u32(major, &ret->major) == 0 &&
	       (ret->any_minor || parse_u32(minor, &ret->minor) == 0) && parse_rights(rights, &ret->rights);
}

/* --- the program --- */

struct program {
	struct bpf_insn *insns;
	size_t n;
};

static void program_done(struct program *program)
{
	free(program->insns);
}

/* What the registers hold: 1 the question (then a scratch), 2 the rights that are asked for, 3 the type, 4 and 5 the
 * numbers. 0 is the answer. */
enum reg { ANSWER, SCRATCH, RIGHTS, TYPE, MAJOR, MINOR };

static struct bpf_insn *put(struct program *p, unsigned int code, enum reg reg, uint32_t value)
{
	struct bpf_insn *insn;

	p->insns = xrealloc(p->insns, (p->n + 1) * sizeof(*p->insns));
	insn = &p->insns[p->n++];
	*insn = (struct bpf_insn){ .code = (uint8_t)code, .imm = (int32_t)value };
	insn->dst_reg = reg & 15U;
	return insn;
}

static void put_load(struct program *p, enum reg to, size_t offset)
{
	struct bpf_insn *insn = put(p, BPF_LDX | BPF_MEM | BPF_W, to, 0);

	insn->src_reg = SCRATCH;
	insn->off = (int16_t)offset;
}

static void put_compute(struct program *p, unsigned int operation, enum reg to, uint32_t value)
{
	put(p, BPF_ALU | operation | BPF_K, to, value);
}

static void put_copy(struct program *p, enum reg to, enum reg from)
{
	put(p, BPF_ALU | BPF_MOV | BPF_X, to, 0)->src_reg = from & 15U;
}

/* To the next rule, whose place is not known yet. */
#define UNLESS (BPF_JMP32 | BPF_JNE | BPF_K)

static void put_unless(struct program *p, enum reg reg, uint32_t value)
{
	put(p, UNLESS, reg, value);
}

static void put_answer(struct program *p, bool yes)
{
	put_compute(p, BPF_MOV, ANSWER, yes);
	put(p, BPF_JMP | BPF_EXIT, ANSWER, 0);
}

static void put_rule(struct program *p, const struct rule *rule)
{
	uint32_t all = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD;
	size_t begin = p->n;

	put_unless(p, TYPE, rule->type);
	put_unless(p, MAJOR, rule->major);
	if (!rule->any_minor)
		put_unless(p, MINOR, rule->minor);
	if (rule->rights != all) {
		put_copy(p, SCRATCH, RIGHTS);
		put_compute(p, BPF_AND, SCRATCH, all & ~rule->rights);
		put_unless(p, SCRATCH, 0);
	}
	put_answer(p, true);
	for (size_t i = begin; i < p->n; i++)
		if (p->insns[i].code == UNLESS)
			p->insns[i].off = (int16_t)(p->n - i - 1);
}

static int compile(struct program *p, const char *const *allow, struct error *err)
{
	put_load(p, RIGHTS, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	put_load(p, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	put_load(p, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	put_copy(p, TYPE, RIGHTS);
	put_compute(p, BPF_AND, TYPE, 0xffff);
	put_compute(p, BPF_RSH, RIGHTS, 16);
	for (; *allow; allow++) {
		struct rule rule;

		if (!parse_rule(*allow, &rule))
			return fail(err, EINVAL, "allow the devices \"%s\"", *allow);
		put_rule(p, &rule);
	}
	put_answer(p, false);
	return 0;
}

/* --- the kernel --- */

static int bpf(int command, union bpf_attr *attr)
{
	int r = (int)syscall(SYS_bpf, command, attr, sizeof(*attr));

	return r < 0 ? -errno : r;
}

static int load(const struct program *program)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.expected_attach_type = BPF_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)program->insns;
	attr.insn_cnt = (uint32_t)program->n;
	attr.license = (uint64_t)(uintptr_t)"LGPL";
	memcpy(attr.prog_name, NAME, sizeof(NAME));
	return bpf(BPF_PROG_LOAD, &attr);
}

static bool is_ours(int fd)
{
	struct bpf_prog_info info = { .type = 0 };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uint64_t)(uintptr_t)&info;
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 && strcmp(info.name, NAME) == 0;
}

/* The program of an earlier list: a descriptor, -ENOENT, or why it cannot be known. */
static int find_attached(int dir)
{
	uint32_t ids[MOST_PROGRAMS];
	union bpf_attr attr;
	uint32_t n;
	int r;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)dir;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attr.query.prog_cnt = ARRAY_SIZE(ids);
	r = bpf(BPF_PROG_QUERY, &attr);
	if (r < 0)
		return r;
	n = attr.query.prog_cnt;
	for (uint32_t i = 0; i < n; i++) {
		auto_close int fd = -1;

		memset(&attr, 0, sizeof(attr));
		attr.prog_id = ids[i];
		fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
		if (fd < 0 && fd != -ENOENT)
			return fd;
		if (fd >= 0 && is_ours(fd))
			return take_fd(&fd);
	}
	return -ENOENT;
}

/* In the place of the one before, at once. */
static int attach(int dir, int program)
{
	auto_close int old = find_attached(dir);
	union bpf_attr attr;

	if (old < 0 && old != -ENOENT)
		return old;
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (old >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)old;
	}
	return bpf(BPF_PROG_ATTACH, &attr);
}

/* Root of a user namespace may not load programs, nor make device nodes; the host has limited its devices. */
static bool is_for_the_host_alone(int r)
{
	unsigned long long userns = ns_inode("/proc/self/ns/user");

	return (r == -EPERM || r == -EACCES || r == -ENOSYS) && userns && userns != INITIAL_USERNS;
}

static int failed(int r, struct error *err)
{
	fail(err, -r, "limit the devices of the cgroup by a BPF program");
	if (r == -EPERM || r == -EACCES)
		return error_hint(err, "it needs the capabilities bpf and net_admin, or sys_admin, of the host's root");
	if (r == -EINVAL || r == -ENOSYS)
		return error_hint(err, "the kernel needs CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF, or the devices controller "
				       "of cgroup v1");
	return -err->code;
}

int cgroup_devices_write(int dir, const char *const *allow, struct error *err)
{
	__attribute__((cleanup(program_done))) struct program program = { .insns = NULL };
	auto_close int fd = -1;
	int r;

	if (compile(&program, allow, err) < 0)
		return -err->code;
	fd = load(&program);
	if (is_for_the_host_alone(fd))
		return 1;
	r = fd < 0 ? fd : attach(dir, fd);
	return r < 0 ? failed(r, err) : 0;
}

static int write_limit(const char *path, int dirfd, const char *value, struct error *err)
{
	int r = write_value_at(dirfd, path, value);

	return r < 0 ? fail(err, -r, "write \"%s\" to %s", value, path) : 0;
}

static int set_devices_v1(const char *hierarchy, const char *group, bool deny, const char *const *allow, struct error *err)
{
	auto_free char *path = xasprintf("%s/%s", hierarchy, group);
	auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), file = -1;

	if (dir < 0)
		return fail(err, errno, "open %s", path);
	if (deny && write_limit("devices.deny", dir, "a", err) < 0)
		return error_prefix(err, "%s", path);
	file = openat(dir, "devices.allow", O_WRONLY | O_NOCTTY | O_CLOEXEC);
	for (; *allow; allow++) {	/* each write is one rule */
		int r = file < 0 ? -errno : write_all(file, *allow, strlen(*allow));

		if (r < 0) {
			fail(err, -r, "write \"%s\" to devices.allow", *allow);
			return error_prefix(err, "%s", path);
		}
	}
	return 0;
}

static int write_devices(const char *group, bool deny, const char *const *allow, struct error *err)
{
	const struct hierarchy *v1;
	auto_close int dir = -1;

	if (!cgroup_layout(err))
		return -err->code;
	v1 = cgroup_find_v1("devices");
	if (v1)
		return set_devices_v1(v1->path, group, deny, allow, err);
	/* not the payload, which is made anew for each boot; but whoever is beside it in a unit has devices to open */
	dir = cgroup_open(group, cgroup_is_unit(group) ? "payload" : ".", err);
	return dir < 0 ? dir : cgroup_devices_write(dir, allow, err);
}

int cgroup_set_devices(const char *group, const char *const *allow, struct error *err)
{
	return write_devices(group, true, allow, err);
}

int cgroup_extend_devices(const char *group, const char *const *allow, struct error *err)
{
	return write_devices(group, false, allow, err);
}
