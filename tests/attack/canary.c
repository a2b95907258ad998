/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* canary: on the host, what nobody inside may find. Prints what the checks are told of it, one KEY=VALUE a line, and an
 * empty line; goes away, with all of it, when its standard input ends. */
#include "attack.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static void print_namespaces(void)
{
	static const char *const kinds[] = { "cgroup", "ipc", "mnt", "net", "pid", "user", "uts" };
	const char *comma = "";

	printf("namespaces=");
	for (size_t i = 0; i < COUNT(kinds); i++) {
		char path[40];
		struct stat st;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		if (stat(path, &st) == 0) {
			printf("%s%llu", comma, (unsigned long long)st.st_ino);
			comma = ",";
		}
	}
	printf("\n");
}

/* A disk of the host, no matter which. */
static void print_disk(void)
{
	FILE *f = fopen("/proc/partitions", "re");
	unsigned int major_, minor_;
	char line[200], name[64];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%u %u %*u %63s", &major_, &minor_, name) == 3 && strncmp(name, "loop", 4) != 0 &&
		    strncmp(name, "ram", 3) != 0) {
			printf("disk=%u:%u\n", major_, minor_);
			break;
		}
	if (f)
		fclose(f);
}

int canary_main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *mark = argc > 1 ? argv[1] : "";
	key_t key = (key_t)(0x5c000000 | (getpid() & 0xffffff));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), id;
	struct stat pts;
	long ring;
	char byte;

	if (argc < 2) {
		fprintf(stderr, "usage: inside canary MARK\n");
		return 2;
	}
	/* its name is its mark: what "ps" shows */
	if (strcmp(argv[-1], mark) != 0) {
		char *again[] = { argv[1], argv[0], argv[1], NULL };

		execv("/proc/self/exe", again);
		perror("canary: /proc/self/exe");
		return 1;
	}
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s", mark);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address,
			   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(mark))) < 0 ||
	    listen(fd, 8) < 0) {
		perror("canary: abstract socket");
		return 1;
	}
	id = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0666);
	if (id < 0) {
		perror("canary: shared memory");
		return 1;
	}
	/* in the keyring of the user: the one thing that all processes of one uid share, wherever they are */
	ring = syscall(SYS_add_key, "user", mark, "secret", 6, KEY_SPEC_USER_KEYRING);
	print_namespaces();
	printf("mark=%s\npid=%d\nshm=%u\nkey=%s\n", mark, (int)getpid(), (unsigned int)key, ring < 0 ? "" : mark);
	print_disk();
	if (stat("/dev/pts", &pts) == 0)
		printf("devpts=%llu\n", (unsigned long long)pts.st_dev);
	printf("\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	shmctl(id, IPC_RMID, NULL);
	if (ring >= 0)
		syscall(SYS_keyctl, KEYCTL_UNLINK, ring, KEY_SPEC_USER_KEYRING);
	return 0;
}
