/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bare - what the kernel itself takes for a container on an image: the least that scripts/bench compares managers with.
 *
 *   bare up IMAGE BRIDGE LINK ADDRESS/BITS INIT    prints "PID LOOP"
 *   bare in PID COMMAND...                         in all its namespaces, below its root
 *   bare down PID LOOP                             when it returns: process gone, image unmounted, loop device free
 *
 * up is LOOP_CTL_GET_FREE, LOOP_CONFIGURE, clone3 with six namespaces, mounts of ext4, proc, sysfs, tmpfs, devpts, tmpfs and
 * cgroup2, six device nodes bound, one RTM_NEWLINK for a veth with its master and its peer in the new namespace, two links
 * up, one address, pivot_root, umount, exec. No user namespace, no filter, no cgroup, no capability dropped, nothing pinned,
 * nobody who watches it, nothing written down. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/loop.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "bare: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static long must(long r, const char *what)
{
	if (r < 0)
		die(what);
	return r;
}

/* --- rtnetlink by hand --- */

struct request {
	struct nlmsghdr head;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
	};
	char room[512];
};

static struct rtattr *add(struct request *q, unsigned short type, const void *data, size_t n)
{
	struct rtattr *a = (struct rtattr *)((char *)q + NLMSG_ALIGN(q->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(n);
	if (n)
		memcpy(RTA_DATA(a), data, n);
	q->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(q->head.nlmsg_len) + RTA_ALIGN(a->rta_len));
	return a;
}

static void nested_end(struct request *q, struct rtattr *a)
{
	a->rta_len = (unsigned short)((char *)q + q->head.nlmsg_len - (char *)a);
}

static void ask(int fd, struct request *q, unsigned short type, unsigned short flags, const char *what)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char room[1024];
	} answer;

	q->head.nlmsg_type = type;
	q->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	must(send(fd, q, q->head.nlmsg_len, 0), what);
	must(recv(fd, &answer, sizeof(answer), 0), what);
	errno = answer.head.nlmsg_type == NLMSG_ERROR ? -answer.error.error : EPROTO;
	if (errno)
		die(what);
}

static int rtnetlink(void)
{
	return (int)must(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "open rtnetlink");
}

static void make_veth(int fd, const char *link, unsigned int master, pid_t pid)
{
	struct request q = { .head.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)) };
	struct rtattr *info, *data, *peer;
	struct ifinfomsg none = { 0 };
	int target = pid;

	add(&q, IFLA_IFNAME, link, strlen(link) + 1);
	add(&q, IFLA_MASTER, &master, sizeof(master));
	info = add(&q, IFLA_LINKINFO, NULL, 0);
	add(&q, IFLA_INFO_KIND, "veth", 4);
	data = add(&q, IFLA_INFO_DATA, NULL, 0);
	peer = add(&q, VETH_INFO_PEER, &none, sizeof(none));
	add(&q, IFLA_IFNAME, "eth0", 5);
	add(&q, IFLA_NET_NS_PID, &target, sizeof(target));
	nested_end(&q, peer);
	nested_end(&q, data);
	nested_end(&q, info);
	ask(fd, &q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, "make the veth");
}

static void link_up(int fd, const char *link)
{
	struct request q = { .head.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)) };

	q.link.ifi_index = (int)if_nametoindex(link);
	q.link.ifi_flags = q.link.ifi_change = IFF_UP;
	ask(fd, &q, RTM_NEWLINK, 0, "set a link up");
}

static void add_address(int fd, const char *text)
{
	struct request q = { .head.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)) };
	struct in_addr address;
	char plain[64];

	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(text, "/"), text);
	if (inet_pton(AF_INET, plain, &address) != 1)
		die("read the address");
	q.address.ifa_family = AF_INET;
	q.address.ifa_prefixlen = (unsigned char)atoi(text + strcspn(text, "/") + 1);
	q.address.ifa_index = if_nametoindex("eth0");
	add(&q, IFA_LOCAL, &address, sizeof(address));
	add(&q, IFA_ADDRESS, &address, sizeof(address));
	ask(fd, &q, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "give the address");
}

/* --- up --- */

static int attach(const char *image, char *path, size_t room, int *ret_number)
{
	int file = (int)must(open(image, O_RDWR | O_CLOEXEC), image), fd;
	int control = (int)must(open("/dev/loop-control", O_RDWR | O_CLOEXEC), "open /dev/loop-control");
	struct loop_config config = { .fd = (uint32_t)file, .info.lo_flags = LO_FLAGS_AUTOCLEAR };

	do {
		*ret_number = (int)must(ioctl(control, LOOP_CTL_GET_FREE), "find a loop device");
		snprintf(path, room, "/dev/loop%d", *ret_number);
		fd = (int)must(open(path, O_RDWR | O_CLOEXEC), path);
	} while (ioctl(fd, LOOP_CONFIGURE, &config) < 0 && (errno == EBUSY || (die("attach the image"), 0)) && close(fd) == 0);
	close(file);
	close(control);
	return fd;
}

static void inside(const char *device, const char *address, const char *init, int go)
{
	static const char *const nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };
	char byte;
	int fd;

	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
	must(mount(device, "/mnt", "ext4", MS_NODEV, NULL), "mount the image");
	must(mount("proc", "/mnt/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount proc");
	must(mount("sysfs", "/mnt/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount sysfs");
	must(mount("tmpfs", "/mnt/dev", "tmpfs", MS_NOSUID, "mode=755"), "mount /dev");
	must(mkdir("/mnt/dev/pts", 0755), "make /dev/pts");
	must(mount("devpts", "/mnt/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=666"), "mount devpts");
	must(mount("tmpfs", "/mnt/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"), "mount /run");
	must(mount("cgroup2", "/mnt/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount cgroup2");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		char from[32], to[32];

		snprintf(from, sizeof(from), "/dev/%s", nodes[i]);
		snprintf(to, sizeof(to), "/mnt/dev/%s", nodes[i]);
		close((int)must(open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0644), to));
		must(mount(from, to, NULL, MS_BIND, NULL), to);
	}
	must(read(go, &byte, 1) == 1 ? 0 : -1, "wait for the link");
	fd = rtnetlink();
	link_up(fd, "eth0");
	add_address(fd, address);
	close(fd);
	must(chdir("/mnt"), "enter the image");
	must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "leave the host's mounts");
	must(setsid(), "make a session");
	fd = (int)must(open("/dev/null", O_RDWR), "open /dev/null");
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	execl(init, init, NULL);
	die("execute init");
}

static int up(char **argv)
{
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	int go[2], number, fd, loop;
	char device[32];
	pid_t pid;

	loop = attach(argv[0], device, sizeof(device), &number);
	must(pipe2(go, O_CLOEXEC), "make a pipe");
	pid = (pid_t)must(syscall(SYS_clone3, &args, sizeof(args)), "clone");
	if (pid == 0)
		inside(device, argv[3], argv[4], go[0]);
	fd = rtnetlink();
	make_veth(fd, argv[2], if_nametoindex(argv[1]), pid);
	must(write(go[1], "g", 1), "let it go");
	link_up(fd, argv[2]);
	/* the read end is closed by its exec, and what it could not do would show there */
	close(go[0]);
	for (struct pollfd p = { .fd = go[1] }; !(p.revents & POLLERR);)
		poll(&p, 1, -1);
	close(loop);
	printf("%d %d\n", (int)pid, number);
	return waitpid(pid, &number, WNOHANG) == 0 ? 0 : 1;
}

/* --- in, down --- */

static int in(pid_t pid, char **argv)
{
	int pidfd = (int)must(syscall(SYS_pidfd_open, pid, 0), "open the process"), status;
	int all = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
	pid_t child;

	must(setns(pidfd, all), "enter its namespaces");
	child = (pid_t)must(fork(), "fork");
	if (child == 0) {
		execv(argv[0], argv);
		die(argv[0]);
	}
	must(waitpid(child, &status, 0), "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int down(pid_t pid, int number)
{
	int pidfd = (int)must(syscall(SYS_pidfd_open, pid, 0), "open the process"), root;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	char path[64];

	/* With a descriptor of ours the last use of the mount ends here, by our close(): the kernel otherwise puts it
	 * off to a worker, by a tick. */
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	root = (int)must(open(path, O_PATH | O_CLOEXEC), path);
	must(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), "kill it");
	poll(&p, 1, -1);
	waitpid(pid, NULL, 0);	/* ours only where it was handed to us */
	close(root);
	snprintf(path, sizeof(path), "/sys/block/loop%d/loop/backing_file", number);
	while (access(path, F_OK) == 0)
		nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "up") == 0)
		return up(argv + 2);
	if (argc >= 4 && strcmp(argv[1], "in") == 0)
		return in(atoi(argv[2]), argv + 3);
	if (argc == 4 && strcmp(argv[1], "down") == 0)
		return down(atoi(argv[2]), atoi(argv[3]));
	fprintf(stderr, "usage: bare up IMAGE BRIDGE LINK ADDRESS/BITS INIT | in PID COMMAND... | down PID LOOP\n");
	return 2;
}
