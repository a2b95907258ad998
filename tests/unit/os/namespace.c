/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each test has a mount namespace of its own, with a /run of its own. */
#include "testing.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "os/bare_mounts.h"
#include "os/idmap.h"
#include "os/mount.h"
#include "os/namespace.h"
#include "os/process.h"

#define SOURCE "sysct-rootfs"
#define NSFS_MAGIC 0x6e736673

static const struct idmap map = { 0, 700000, 65536 };
static struct error err;

/* What the new process found, in memory that both see. */
struct found {
	volatile int ready;
	pid_t pid, parent;
	uid_t uid;
	char cwd[256];
	int cwd_has_only, remount_dev, remount_rw, umount_rootfs, own_remount, open_null;
	unsigned long flags;
};
static struct found *found;

/* On one CPU: see pins_do_not_depend_on_the_cpu. */
static void setup(void)
{
	err = (struct error)ERROR_NONE;
	stay_on_this_cpu();
	mounts_setup();
	ck_assert_int_eq(mount("sysct-test-run", "/run", "tmpfs", 0, NULL), 0);
	found = shared_memory(sizeof(*found));
}

static void teardown(void)
{
	munmap(found, sizeof(*found));
	ck_assert_int_eq(umount2("/run", MNT_DETACH), 0);
	mounts_teardown();
}

/* The rootfs is our working directory. */
static int change(unsigned long flags)
{
	return mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | flags, NULL) == 0 ? 0 : errno;
}

static void look_around(void *arg)
{
	struct statvfs st;
	int fd;

	(void)arg;
	syscall(SYS_setresgid, 0, 0, 0);
	syscall(SYS_setresuid, 0, 0, 0);
	found->pid = getpid();
	found->parent = getppid();
	found->uid = getuid();
	found->cwd_has_only = access("only", F_OK) == 0;
	found->flags = fstatvfs(open(".", O_RDONLY | O_CLOEXEC), &st) == 0 ? st.f_flag : 0;
	found->remount_dev = change(MS_NOSUID | MS_RDONLY);
	found->remount_rw = change(MS_NOSUID | MS_NODEV);
	fd = open("null", O_RDONLY | O_CLOEXEC);
	found->open_null = fd >= 0 ? 0 : errno;
	found->umount_rootfs = umount2(".", MNT_DETACH) == 0 ? 0 : errno;
	/* a mount of its own it may change as it likes */
	if (mount("own", "only", "tmpfs", MS_NODEV, NULL) == 0)
		found->own_remount = mount(NULL, "only", NULL, MS_REMOUNT | MS_BIND, NULL) == 0 ? 0 : errno;
	else
		found->own_remount = -1;
	found->ready = 1;
	for (;;)
		pause();
}

static void die(void *arg)
{
	(void)arg;
	raise(SIGKILL);
}

static void come_back(void *arg)
{
	(void)arg;
}

static int bare = -1;	/* the mounts to begin with; -1: our own */

static struct ns_launch launch_of(int userns, int rootfs)
{
	return (struct ns_launch){
		.flags = CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET,
		.userns_fd = userns,
		.owner = userns >= 0 ? map.outside : 0,
		.cgroup_fd = -1,
		.rootfs_fd = rootfs,
		.mounts_fd = bare,
		.rootfs_at = bare >= 0 ? BARE_MOUNTS_ROOT : in_dir("root"),
		.child = look_around,
	};
}

static int make_rootfs(unsigned int attributes)
{
	int fd = must(mount_new("tmpfs", SOURCE, NULL, 0, &err));

	ck_assert_int_eq(mkdirat(fd, "only", 0777), 0);
	ck_assert_int_eq(fchmodat(fd, "only", 0777, 0), 0);
	ck_assert_int_eq(mknodat(fd, "null", S_IFCHR | 0666, 0x103), 0);
	ck_assert_int_eq(fchmodat(fd, "null", 0666, 0), 0);
	must(mount_set(fd, attributes, false, &err));
	ck_assert_int_eq(mkdir(in_dir("root"), 0700), 0);
	return fd;
}

static void wait_ready(const struct ns_launch *launch)
{
	for (int i = 0; i < 20000 && !found->ready && pidfd_wait(launch->ret_pidfd, 0) == 0; i++)
		usleep(1000);
	ck_assert(found->ready);
}

static void end(struct ns_launch *launch)
{
	int status;

	ck_assert_int_eq(pidfd_signal(launch->ret_pidfd, SIGKILL), 0);
	ck_assert_int_eq(waitpid(launch->ret_pid, &status, 0), launch->ret_pid);
	close(launch->ret_pidfd);
}

static unsigned long long ns_of(pid_t pid, enum ns_kind kind)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, ns_name(kind));
	return ns_inode(path);
}

START_TEST(kinds_are_named_as_in_proc)
{
	int all = 0;

	for (int kind = 0; kind < NS_KINDS; kind++) {
		ck_assert_msg(ns_of(getpid(), (enum ns_kind)kind), "%s", ns_name((enum ns_kind)kind));
		ck_assert_int_eq(all & ns_flag((enum ns_kind)kind), 0);
		all |= ns_flag((enum ns_kind)kind);
	}
	ck_assert_uint_eq(ns_inode("/proc/self/ns/none"), 0);
}
END_TEST

START_TEST(the_first_process_is_our_child_in_new_namespaces)
{
	auto_close int userns = must(userns_create(&map, &err)), rootfs = make_rootfs(MOUNT_ATTR_NODEV);
	struct ns_launch launch = launch_of(userns, rootfs);
	struct stat st;

	must(ns_launch(&launch, &err));
	wait_ready(&launch);
	ck_assert_int_eq(found->pid, 1);
	ck_assert_int_eq(found->parent, 0);
	ck_assert_uint_eq(found->uid, 0);
	ck_assert(found->cwd_has_only);
	for (int i = 0; i < NS_KINDS; i++) {
		enum ns_kind kind = (enum ns_kind)i;
		bool own = kind == NS_CGROUP || kind == NS_TIME;	/* made later, or not at all */

		ck_assert_msg((ns_of(launch.ret_pid, kind) == ns_of(getpid(), kind)) == own, "%s", ns_name(kind));
	}
	ck_assert_int_eq(fstat(userns, &st), 0);
	ck_assert_uint_eq(ns_of(launch.ret_pid, NS_USER), st.st_ino);
	ck_assert_int_eq(fcntl(launch.ret_pidfd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(pidfd_wait(launch.ret_pidfd, 0), 0);
	end(&launch);
	no_child_is_left();
}
END_TEST

START_TEST(what_the_host_mounted_stays_as_the_host_mounted_it)
{
	auto_close int userns = must(userns_create(&map, &err));
	auto_close int rootfs = make_rootfs(MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY);
	struct ns_launch launch = launch_of(userns, rootfs);

	must(ns_launch(&launch, &err));
	wait_ready(&launch);
	ck_assert_uint_eq(found->flags & (ST_NODEV | ST_RDONLY), ST_NODEV | ST_RDONLY);
	ck_assert_int_eq(found->remount_dev, EPERM);
	ck_assert_int_eq(found->remount_rw, EPERM);
	ck_assert_int_eq(found->open_null, EACCES);
	ck_assert_int_ne(found->umount_rootfs, 0);
	ck_assert_int_eq(found->own_remount, 0);	/* so these were no rights that it lacks */
	end(&launch);
}
END_TEST

START_TEST(nothing_of_it_is_seen_in_our_mounts)
{
	auto_close int userns = must(userns_create(&map, &err)), rootfs = make_rootfs(MOUNT_ATTR_NODEV);
	struct ns_launch launch = launch_of(userns, rootfs);

	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL), 0);	/* the worst case */
	must(ns_launch(&launch, &err));
	wait_ready(&launch);
	ck_assert(!in_mount_table(SOURCE));
	ck_assert(!in_mount_table(" own "));
	end(&launch);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}
END_TEST

START_TEST(a_privileged_one_has_our_user_namespace)
{
	auto_close int rootfs = make_rootfs(MOUNT_ATTR_NODEV);
	struct ns_launch launch = launch_of(-1, rootfs);

	must(ns_launch(&launch, &err));
	wait_ready(&launch);
	ck_assert_int_eq(found->pid, 1);
	ck_assert_uint_eq(ns_of(launch.ret_pid, NS_USER), ns_of(getpid(), NS_USER));
	ck_assert_uint_ne(ns_of(launch.ret_pid, NS_MNT), ns_of(getpid(), NS_MNT));
	end(&launch);
}
END_TEST

START_TEST(a_rootfs_is_not_needed)
{
	struct ns_launch launch = launch_of(-1, -1);

	launch.flags = 0;
	must(ns_launch(&launch, &err));
	wait_ready(&launch);
	ck_assert_uint_ne(ns_of(launch.ret_pid, NS_MNT), ns_of(getpid(), NS_MNT));	/* always */
	ck_assert_uint_eq(ns_of(launch.ret_pid, NS_NET), ns_of(getpid(), NS_NET));
	end(&launch);
}
END_TEST

START_TEST(our_own_rights_and_descriptors_are_as_before)
{
	auto_close int userns = must(userns_create(&map, &err)), rootfs = make_rootfs(0);
	struct ns_launch launch = launch_of(userns, rootfs);
	unsigned long long mnt = ns_of(getpid(), NS_MNT), user = ns_of(getpid(), NS_USER);
	char before[4096], after[4096];
	int fds = count_fds();

	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	must(ns_launch(&launch, &err));
	ck_assert_int_eq(count_fds(), fds + 1);
	ck_assert_ptr_nonnull(getcwd(after, sizeof(after)));
	ck_assert_str_eq(before, after);
	ck_assert_uint_eq(geteuid(), 0);
	ck_assert_int_eq(prctl(PR_GET_SECUREBITS), 0);
	ck_assert_uint_eq(ns_of(getpid(), NS_MNT), mnt);
	ck_assert_uint_eq(ns_of(getpid(), NS_USER), user);
	end(&launch);
}
END_TEST

static void refuse(struct ns_launch *launch, int code, const char *message)
{
	int fds = count_fds();

	ck_assert_int_eq(ns_launch(launch, &err), -code);
	ck_has(err.message, message);
	ck_assert_int_eq(launch->ret_pidfd, -1);
	ck_assert_int_le(launch->ret_pid, 0);
	ck_assert_int_eq(count_fds(), fds);
	no_child_is_left();
	ck_assert(!in_mount_table(SOURCE));
}

START_TEST(failures_are_told_and_leave_nothing)
{
	auto_close int userns = must(userns_create(&map, &err)), rootfs = make_rootfs(0);
	auto_close int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct ns_launch launch = launch_of(userns, rootfs);

	launch.rootfs_at = in_dir("nowhere");
	refuse(&launch, ENOENT, "nowhere");
	launch = launch_of(userns, null);
	refuse(&launch, EINVAL, "attach the mount");
	launch = launch_of(null, rootfs);
	refuse(&launch, EINVAL, "enter the user namespace");
	launch = launch_of(userns, rootfs);
	launch.cgroup_fd = null;
	refuse(&launch, EBADF, "clone the launch helper");
	launch = launch_of(userns, -1);
	launch.flags = CLONE_THREAD;	/* never with a new user or pid namespace */
	refuse(&launch, EINVAL, "clone the first process");
}
END_TEST

START_TEST(a_process_that_returns_or_dies_at_once_is_still_ours_to_reap)
{
	struct ns_launch launch = launch_of(-1, -1);
	int status;

	launch.child = come_back;
	must(ns_launch(&launch, &err));
	ck_assert_int_eq(waitpid(launch.ret_pid, &status, 0), launch.ret_pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	close(launch.ret_pidfd);
	launch = launch_of(-1, -1);
	launch.flags = 0;	/* the first of a pid namespace cannot kill itself */
	launch.child = die;
	must(ns_launch(&launch, &err));
	ck_assert_int_eq(waitpid(launch.ret_pid, &status, 0), launch.ret_pid);
	ck_assert(WIFSIGNALED(status));
	close(launch.ret_pidfd);
	no_child_is_left();
}
END_TEST

/* --- pins --- */

static void launch_for_pins(struct ns_launch *launch)
{
	static int userns;

	userns = must(userns_create(&map, &err));
	*launch = launch_of(userns, -1);
	must(ns_launch(launch, &err));
	wait_ready(launch);
	close(userns);
}

START_TEST(pins_are_the_namespaces_and_outlive_the_process)
{
	struct ns_launch launch;
	unsigned long long inodes[NS_KINDS];
	struct statfs fs;
	struct stat st;

	launch_for_pins(&launch);
	must(ns_pin(launch.ret_pid, in_dir("ns"), &err));
	ck_assert_int_eq(stat(in_dir("ns"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	for (int kind = 0; kind < NS_KINDS; kind++)
		inodes[kind] = ns_of(launch.ret_pid, (enum ns_kind)kind);
	end(&launch);
	for (int kind = 0; kind < NS_KINDS; kind++) {
		auto_free char *path = xasprintf("%s/%s", in_dir("ns"), ns_name((enum ns_kind)kind));

		if (inodes[kind] == 0)
			continue;
		ck_assert_uint_eq(ns_inode(path), inodes[kind]);
		ck_assert_int_eq(statfs(path, &fs), 0);
		ck_assert_int_eq(fs.f_type, NSFS_MAGIC);
	}
	must(ns_unpin(in_dir("ns"), &err));
	ck_assert_int_lt(access(in_dir("ns"), F_OK), 0);
	ck_assert(!in_mount_table(in_dir("ns")));
}
END_TEST

START_TEST(pins_do_not_propagate)
{
	struct ns_launch launch;

	ck_assert_int_eq(mount(NULL, test_dir, NULL, MS_SHARED, NULL), 0);
	launch_for_pins(&launch);
	/* the mount namespace refuses to be bound where the mount would reach it */
	must(ns_pin(launch.ret_pid, in_dir("ns"), &err));
	must(ns_unpin(in_dir("ns"), &err));
	end(&launch);
}
END_TEST

/* mnt_ns_loop() of the kernel takes a namespace for an older one than ours by its number. */
START_TEST(pins_do_not_depend_on_the_cpu)
{
	cpu_set_t all;
	int last = 0, first;

	first = sched_getcpu();
	CPU_ZERO(&all);
	for (size_t i = 0; i < CPU_SETSIZE; i++)
		CPU_SET(i, &all);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(all), &all), 0);
	ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET((size_t)i, &all) && i != first)
			last = i;
	if (!can_run(CPU_COUNT(&all) > 1, "two CPUs"))
		return;
	for (int way = 0; way < 2; way++) {
		struct ns_launch launch;
		struct statfs fs;

		found->ready = 0;
		stay_on(way ? last : first);
		ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
		stay_on(way ? first : last);
		launch_for_pins(&launch);
		must(ns_pin(launch.ret_pid, in_dir("ns"), &err));
		/* each is a namespace, or not there: never a plain file */
		for (int kind = 0; kind < NS_KINDS; kind++) {
			auto_free char *path = xasprintf("%s/%s", in_dir("ns"), ns_name((enum ns_kind)kind));

			if (statfs(path, &fs) == 0)
				ck_assert_int_eq(fs.f_type, NSFS_MAGIC);
			else
				ck_assert_msg(kind == NS_MNT || kind == NS_TIME, "%s", path);
		}
		must(ns_unpin(in_dir("ns"), &err));
		end(&launch);
	}
}
END_TEST

START_TEST(unpinning_takes_away_whatever_is_there)
{
	struct ns_launch launch;

	must(ns_unpin(in_dir("ns"), &err));	/* nothing */
	ck_assert_int_eq(mkdir(in_dir("ns"), 0700), 0);
	must(ns_unpin(in_dir("ns"), &err));	/* no mount */
	ck_assert_int_lt(access(in_dir("ns"), F_OK), 0);
	launch_for_pins(&launch);
	for (int i = 0; i < 3; i++)
		must(ns_pin(launch.ret_pid, in_dir("ns"), &err));
	must(ns_unpin(in_dir("ns"), &err));	/* a stack */
	ck_assert_int_lt(access(in_dir("ns"), F_OK), 0);
	ck_assert(!in_mount_table(in_dir("ns")));
	must(ns_unpin(in_dir("ns"), &err));
	end(&launch);
}
END_TEST

START_TEST(pinning_no_process_fails_and_can_be_undone)
{
	ck_assert_int_lt(ns_pin(INT32_MAX, in_dir("ns"), &err), 0);
	ck_has(err.message, "pin the cgroup namespace");
	must(ns_unpin(in_dir("ns"), &err));
	ck_assert(!in_mount_table(in_dir("ns")));
	ck_assert_int_lt(ns_pin(getpid(), in_dir("none/ns"), &err), 0);
}
END_TEST

START_TEST(a_link_is_not_unmounted_through)
{
	ck_assert_int_eq(mkdir(in_dir("victim"), 0700), 0);
	ck_assert_int_eq(mount("victim", in_dir("victim"), "tmpfs", 0, NULL), 0);
	ck_assert_int_eq(symlink("victim", in_dir("ns")), 0);
	ns_unpin(in_dir("ns"), &err);
	ck_assert(in_mount_table(in_dir("victim")));
}
END_TEST

/* --- /run/netns --- */

static unsigned long long own_net(void)
{
	return ns_inode("/proc/self/ns/net");
}

START_TEST(a_net_namespace_gets_a_name_and_loses_it)
{
	ck_assert_int_eq(must(ns_pin_netns("/proc/self/ns/net", "box", &err)), 0);
	ck_assert_uint_eq(ns_inode("/run/netns/box"), own_net());
	ck_assert_int_eq(ns_unpin_netns("box", own_net() + 1), 0);	/* another's */
	ck_assert_int_eq(ns_unpin_netns("box", 0), 0);			/* nobody's */
	ck_assert_uint_eq(ns_inode("/run/netns/box"), own_net());
	ck_assert_int_eq(ns_unpin_netns("box", own_net()), 0);
	ck_assert_int_lt(access("/run/netns/box", F_OK), 0);
	ck_assert_int_eq(ns_unpin_netns("box", own_net()), 0);		/* twice */
}
END_TEST

START_TEST(a_name_that_is_taken_is_left_alone)
{
	ck_assert_int_eq(must(ns_pin_netns("/proc/self/ns/net", "box", &err)), 0);
	ck_assert_int_eq(must(ns_pin_netns("/proc/self/ns/net", "box", &err)), 1);
	ck_assert_int_eq(ns_unpin_netns("box", own_net()), 0);
	ck_assert_int_lt(access("/run/netns/box", F_OK), 0);	/* it was bound once */
}
END_TEST

START_TEST(a_leftover_file_is_used)
{
	ck_assert_int_eq(mkdir("/run/netns", 0755), 0);
	close(open("/run/netns/box", O_WRONLY | O_CREAT | O_CLOEXEC, 0));
	ck_assert_int_eq(must(ns_pin_netns("/proc/self/ns/net", "box", &err)), 0);
	ck_assert_uint_eq(ns_inode("/run/netns/box"), own_net());
	ck_assert_int_eq(ns_unpin_netns("box", own_net()), 0);
}
END_TEST

/* Somebody was killed between binding and unbinding. */
START_TEST(an_empty_file_of_ours_goes_and_other_files_stay)
{
	ck_assert_int_eq(mkdir("/run/netns", 0755), 0);
	close(open("/run/netns/box", O_WRONLY | O_CREAT | O_CLOEXEC, 0));
	ck_assert_int_eq(ns_unpin_netns("box", 4242), 0);
	ck_assert_int_lt(access("/run/netns/box", F_OK), 0);
	must(replace_file_at(AT_FDCWD, "/run/netns/box", "x", 1, 0600, false, &err));
	ck_assert_int_eq(ns_unpin_netns("box", 4242), 0);
	ck_assert_int_eq(access("/run/netns/box", F_OK), 0);
	ck_assert_int_eq(mkdir("/run/netns/dir", 0755), 0);
	ck_assert_int_eq(ns_unpin_netns("dir", 4242), 0);
	ck_assert_int_eq(access("/run/netns/dir", F_OK), 0);
	close(open("/run/netns/theirs", O_WRONLY | O_CREAT | O_CLOEXEC, 0));
	ck_assert_int_eq(chown("/run/netns/theirs", 1000, 1000), 0);
	ck_assert_int_eq(ns_unpin_netns("theirs", 4242), 0);
	ck_assert_int_eq(access("/run/netns/theirs", F_OK), 0);
}
END_TEST

START_TEST(what_is_no_namespace_leaves_no_file)
{
	ck_assert_int_lt(ns_pin_netns("/proc/self/ns/none", "box", &err), 0);
	ck_has(err.message, "/run/netns/box");
	ck_assert_int_lt(access("/run/netns/box", F_OK), 0);
}
END_TEST

/* --- visits --- */

/* What the work found, in memory that both see. */
struct seen {
	uid_t uid;
	gid_t gid;
	int groups, dumpable, death_signal;
	char root[64];
};

static int look(int root, void *arg, struct error *why)
{
	struct seen *seen = arg;
	char link[32];

	(void)why;
	seen->uid = getuid();
	seen->gid = getegid();
	seen->groups = getgroups(0, NULL);
	seen->dumpable = prctl(PR_GET_DUMPABLE);
	prctl(PR_GET_PDEATHSIG, &seen->death_signal);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", root);
	return readlink(link, seen->root, sizeof(seen->root) - 1) < 0 ? -errno : 0;
}

static int look_in_vain(int root, void *arg, struct error *why)
{
	(void)root, (void)arg;
	fail(why, EISDIR, "do it");
	return error_hint(why, "do something else");
}

static int end_killed(int root, void *arg, struct error *why)
{
	(void)root, (void)arg, (void)why;
	raise(SIGKILL);
	return 0;
}

/* Killed while it tells why it failed, as far as others can see. */
static int end_early(int root, void *arg, struct error *why)
{
	(void)root, (void)arg, (void)why;
	_exit(1);
}

static int hang(int root, void *arg, struct error *why)
{
	(void)root, (void)arg, (void)why;
	return pause();
}

static int visit(const struct ns_launch *launch, int timeout_ms, int (*work)(int, void *, struct error *), void *arg)
{
	struct process_id id;

	ck_assert_int_eq(process_identify(launch->ret_pid, &id), 0);
	err = (struct error)ERROR_NONE;
	return ns_visit(&(struct ns_visit){ &id, NULL, 0, timeout_ms, work, arg }, &err);
}

static void visit_all(int userns)
{
	struct ns_launch launch = launch_of(userns, -1);
	struct seen *seen = shared_memory(sizeof(*seen));
	const gid_t group = 4;

	must(ns_launch(&launch, &err));
	wait_ready(&launch);
	ck_assert_int_eq(setgroups(1, &group), 0);
	*seen = (struct seen){ 1, 1, -1, -1, 0, "" };
	ck_assert_msg(visit(&launch, 10000, look, seen) == 0, "%s", err.message);
	ck_assert_uint_eq(seen->uid, 0);
	ck_assert_uint_eq(seen->gid, 0);
	ck_assert_int_eq(seen->groups, 0);
	ck_assert_int_eq(seen->dumpable, 0);
	ck_assert_int_eq(seen->death_signal, SIGKILL);
	ck_assert_str_eq(seen->root, "/");
	ck_assert_int_eq(visit(&launch, 10000, look_in_vain, NULL), -EISDIR);
	ck_has(err.message, "do it: ");
	ck_assert_str_eq(err.hint, "do something else");
	ck_assert_int_lt(visit(&launch, 10000, end_killed, NULL), 0);
	ck_has(err.message, "killed");
	ck_assert_str_ne(err.hint, "");
	ck_assert_int_lt(visit(&launch, 10000, end_early, NULL), 0);
	ck_has(err.message, "killed");
	ck_assert_int_eq(visit(&launch, 100, hang, NULL), -ETIMEDOUT);
	ck_assert_int_lt(waitpid(-1, NULL, WNOHANG), 1);
	munmap(seen, sizeof(*seen));
	end(&launch);
}

START_TEST(a_visit_is_by_root_there_and_its_end_is_known)
{
	auto_close int userns = must(userns_create(&map, &err));

	visit_all(userns);
}
END_TEST

START_TEST(a_visit_to_one_with_our_user_namespace)
{
	visit_all(-1);
}
END_TEST

static void setup_bare(void)
{
	setup();
	bare = must(bare_mounts_make(in_dir("bare"), &err));
}

static void add_launches(TCase *tests)
{
	tcase_add_test(tests, the_first_process_is_our_child_in_new_namespaces);
	tcase_add_test(tests, what_the_host_mounted_stays_as_the_host_mounted_it);
	tcase_add_test(tests, nothing_of_it_is_seen_in_our_mounts);
	tcase_add_test(tests, a_privileged_one_has_our_user_namespace);
	tcase_add_test(tests, our_own_rights_and_descriptors_are_as_before);
	tcase_add_test(tests, failures_are_told_and_leave_nothing);
}

int main(void)
{
	Suite *suite = suite_create("os/namespace");
	TCase *tests = tcase_create("namespace"), *bare_tests = tcase_create("bare mounts");
	int skipped = skip_without_root("namespaces");

	if (skipped >= 0)
		return skipped;
	tcase_add_checked_fixture(tests, setup, teardown);
	add_launches(tests);
	tcase_add_checked_fixture(bare_tests, setup_bare, teardown);
	tcase_set_timeout(bare_tests, 60);
	add_launches(bare_tests);
	suite_add_tcase(suite, bare_tests);
	tcase_add_test(tests, kinds_are_named_as_in_proc);
	tcase_add_test(tests, a_visit_is_by_root_there_and_its_end_is_known);
	tcase_add_test(tests, a_visit_to_one_with_our_user_namespace);
	tcase_add_test(tests, a_rootfs_is_not_needed);
	tcase_add_test(tests, a_process_that_returns_or_dies_at_once_is_still_ours_to_reap);
	tcase_add_test(tests, pins_are_the_namespaces_and_outlive_the_process);
	tcase_add_test(tests, pins_do_not_propagate);
	tcase_add_test(tests, pins_do_not_depend_on_the_cpu);
	tcase_add_test(tests, unpinning_takes_away_whatever_is_there);
	tcase_add_test(tests, pinning_no_process_fails_and_can_be_undone);
	tcase_add_test(tests, a_link_is_not_unmounted_through);
	tcase_add_test(tests, a_net_namespace_gets_a_name_and_loses_it);
	tcase_add_test(tests, a_name_that_is_taken_is_left_alone);
	tcase_add_test(tests, a_leftover_file_is_used);
	tcase_add_test(tests, an_empty_file_of_ours_goes_and_other_files_stay);
	tcase_add_test(tests, what_is_no_namespace_leaves_no_file);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
