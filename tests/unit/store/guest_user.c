/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include "store/guest.h"
#include "store/guest_user.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFd3vhyVQhOOD2FbxplZKNRl6VbWd0rlBT0QoXXku9aa me@host"
#define OTHER "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBd3vhyVQhOOD2FbxplZKNRl6VbWd0rlBT0QoXXku9bb other"

static int root = -1;
static struct guest_user_made made;

static struct guest_user me = { .name = "me", .group = "me", .uid = 1234, .gid = 1234, .gecos = "My Self,,,",
				.shell = "/bin/zsh", .keys = KEY "\n", .ids = 65536 };

static void put(const char *name, const char *text, unsigned int mode)
{
	auto_free char *path = xasprintf("tree/%s", name);

	write_file(path, text, mode);
}

static char *get(const char *name)
{
	char *text = NULL;

	ck_assert_msg(guest_read(root, name, &text) == 0, "%s cannot be read", name);
	return text;
}

static void file_has(const char *name, const char *part)
{
	auto_free char *text = get(name);

	ck_has(text, part);
}

static void owned(const char *name, uid_t uid, mode_t mode)
{
	struct stat st;

	ck_assert_msg(fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) == 0, "%s is not there", name);
	ck_assert_uint_eq(st.st_uid, uid);
	ck_assert_uint_eq(st.st_gid, uid);
	ck_assert_msg(S_ISLNK(st.st_mode) || (st.st_mode & 07777) == mode, "%s: mode %o", name, st.st_mode & 07777);
}

static void setup(void)
{
	static const char *const dirs[] = { "etc/skel/.config", "etc/sudoers.d", "etc/systemd/system", "bin", "usr/bin",
					    "usr/sbin", "usr/lib/systemd/system", "home" };
	auto_free char *path = NULL;

	install_setup();
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		auto_free char *dir = xasprintf("%s/tree/%s", test_dir, dirs[i]);

		ck_assert_int_eq(make_dirs(dir, 0755), 0);
	}
	path = xasprintf("%s/tree", test_dir);
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/var/www:/usr/sbin/nologin\n"
			  "ubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/bash", 0644);
	put("etc/group", "root:x:0:\nwww:x:33:\nstaff:x:50:\nubuntu:x:1000:\n", 0644);
	put("etc/shadow", "root:*:1::::::\nmyself:!:2::::::\nubuntu:!:2:0:99999:7:::\n", 0640);
	put("etc/gshadow", "root:*::\n", 0640);
	put("etc/sudoers", "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n", 0440);
	put("etc/skel/.profile", "skeleton\n", 0644);
	put("etc/skel/.config/x", "deep\n", 0600);
	ck_assert_int_eq(symlinkat("/etc/hosts", root, "etc/skel/link"), 0);
	ck_assert_int_eq(mkfifoat(root, "etc/skel/fifo", 0644), 0);
	put("bin/sh", "", 0755);
	put("bin/bash", "", 0755);
	put("usr/bin/sudo", "", 04755);
	put("usr/sbin/sshd", "", 0755);
	put("usr/lib/systemd/system/sshd.service", "", 0644);
}

static void teardown(void)
{
	close_fd(&root);
	install_teardown();
}

static bool ready(void)
{
	return can_run(geteuid() == 0, "root");
}

static void make(const char *kind)
{
	struct error err = ERROR_NONE;

	ck_assert_msg(guest_user_make(root, &me, kind, &made, &err) == 0, "%s", err.message);
}

static void refused(const char *message)
{
	struct error err = ERROR_NONE;

	ck_assert_int_lt(guest_user_make(root, &me, "systemd", &made, &err), 0);
	ck_has(err.message, message);
}

START_TEST(an_account_with_home_keys_and_sudo)
{
	if (!ready())
		return;
	make("systemd");
	/* the last line had no end */
	file_has("etc/passwd", "\nubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/bash\n"
			       "me:x:1234:1234:My Self,,,:/home/me:/bin/bash\n");
	file_has("etc/group", "ubuntu:x:1000:\nme:x:1234:\n");
	file_has("etc/shadow", "7:::\nme:*:");
	file_has("etc/gshadow", "root:*::\nme:!::\n");
	owned("etc/passwd", 0, 0644);
	owned("etc/shadow", 0, 0640);
	owned("home/me", 1234, 0700);
	owned("home/me/.profile", 1234, 0644);
	owned("home/me/.config", 1234, 0755);
	owned("home/me/.config/x", 1234, 0600);
	owned("home/me/link", 1234, 0);
	ck_assert_int_lt(faccessat(root, "home/me/fifo", F_OK, AT_SYMLINK_NOFOLLOW), 0);
	file_has("home/me/.config/x", "deep\n");
	owned("home/me/.ssh", 1234, 0700);
	owned("home/me/.ssh/authorized_keys", 1234, 0600);
	file_has("home/me/.ssh/authorized_keys", KEY "\n");
	owned("etc/sudoers.d/sysct-user", 0, 0440);
	file_has("etc/sudoers.d/sysct-user", "\"me\" ALL=(ALL:ALL) NOPASSWD: ALL\n");
	ck_assert(made.ssh);
	ck_assert_str_eq(made.notes, "the shell of me is /bin/bash in the container, which has no /bin/zsh\n");
	ck_assert_int_eq(faccessat(root, "etc/systemd/system/multi-user.target.wants/sshd.service", F_OK,
				   AT_SYMLINK_NOFOLLOW), 0);
}
END_TEST

START_TEST(a_shell_that_is_there_is_kept)
{
	if (!ready())
		return;
	put("bin/zsh", "", 0755);
	make("systemd");
	file_has("etc/passwd", ":/home/me:/bin/zsh\n");
	ck_assert_str_eq(made.notes, "");
}
END_TEST

START_TEST(taken_ids_are_the_next_free_ones)
{
	if (!ready())
		return;
	me.uid = me.gid = 1000;
	make("systemd");
	file_has("etc/passwd", "me:x:1001:1001:");
	file_has("etc/group", "me:x:1001:\n");
	ck_has(made.notes, "me has uid 1001 in the container: 1000 is that of ubuntu there\n");
	owned("home/me", 1001, 0700);
}
END_TEST

START_TEST(ids_beyond_the_map_are_the_next_free_ones)
{
	if (!ready())
		return;
	me.uid = 2000000;
	me.gid = 2000001;
	make("systemd");
	file_has("etc/passwd", "me:x:1001:1001:");
	ck_has(made.notes, "me has uid 1001 in the container, which has ids from 0 to 65535 alone\n");
}
END_TEST

START_TEST(a_group_of_that_name_is_taken)
{
	if (!ready())
		return;
	me.group = "staff";
	me.gid = 20;
	make("systemd");
	file_has("etc/passwd", "me:x:1234:50:");
	ck_has(made.notes, "the group staff has gid 50 in the container\n");
}
END_TEST

START_TEST(an_account_of_that_name_is_adopted)
{
	auto_free char *passwd = NULL, *keys = NULL;

	if (!ready())
		return;
	me.name = me.group = "ubuntu";
	ck_assert_int_eq(mkdirat(root, "home/ubuntu", 0750) | mkdirat(root, "home/ubuntu/.ssh", 0700), 0);
	put("home/ubuntu/.ssh/authorized_keys", OTHER "\n" KEY "\n", 0600);
	make("systemd");
	passwd = get("etc/passwd");
	ck_has(passwd, "ubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/bash");
	ck_has_not(passwd, "1234");
	/* sshd without PAM lets nobody in whose password is "!" */
	file_has("etc/shadow", "root:*:1::::::\nmyself:!:2::::::\nubuntu:*:2:0:99999:7:::\n");
	keys = get("home/ubuntu/.ssh/authorized_keys");
	ck_assert_str_eq(keys, OTHER "\n" KEY "\n");
	owned("home/ubuntu", 0, 0750);	/* as it was */
	file_has("etc/sudoers.d/sysct-user", "\"ubuntu\" ALL");
	ck_has(made.notes, "ubuntu is there already, with uid 1000\n");
}
END_TEST

START_TEST(an_account_of_the_system_is_not)
{
	if (!ready())
		return;
	me.name = "www";
	refused("account of the system");
	put("etc/passwd", "me:x:0:0::/root:/bin/sh\n", 0644);
	me.name = "me";
	me.uid = 0;
	refused("account of the system");
}
END_TEST

START_TEST(no_link_leads_out)
{
	auto_free char *canary = xasprintf("%s/canary", test_dir), *outside = xasprintf("%s/outside", test_dir);
	auto_free char *text = NULL, *home = NULL, *keys = NULL;
	auto_close int dir = -1;

	if (!ready())
		return;
	write_file("canary", "untouched", 0600);
	ck_assert_int_eq(mkdir(outside, 0755), 0);
	ck_assert_int_eq(unlinkat(root, "home", AT_REMOVEDIR) | symlinkat(outside, root, "home"), 0);
	refused("/home");	/* a link to what is not there, as it is seen from inside */
	ck_assert_int_eq(unlinkat(root, "home", 0) | mkdirat(root, "home", 0755), 0);
	put("etc/passwd", "root:x:0:0::/:/bin/sh\n", 0644);
	home = xasprintf("%s/tree/home/me", test_dir);
	ck_assert_int_eq(symlink("../../../outside", home), 0);
	refused("/home/me");
	ck_assert_int_eq(unlink(home) | mkdir(home, 0755), 0);
	put("etc/passwd", "root:x:0:0::/:/bin/sh\n", 0644);
	keys = xasprintf("%s/.ssh", home);
	ck_assert_int_eq(symlink(outside, keys), 0);
	refused("authorized_keys");
	ck_assert_int_eq(unlink(keys) | mkdir(keys, 0700), 0);
	put("etc/passwd", "root:x:0:0::/:/bin/sh\n", 0644);
	free(take_ptr(&keys));
	keys = xasprintf("%s/.ssh/authorized_keys", home);
	ck_assert_int_eq(symlink(canary, keys), 0);
	refused("authorized_keys");
	ck_assert_int_eq(unlink(keys), 0);
	ck_assert_int_eq(symlinkat(canary, root, "etc/sudoers.d/sysct-user"), 0);
	put("etc/passwd", "root:x:0:0::/:/bin/sh\n", 0644);
	make("systemd");
	ck_assert_int_eq(read_file_at(AT_FDCWD, canary, 100, &text, NULL), 0);
	ck_assert_str_eq(text, "untouched");
	ck_assert_int_eq(rmdir(outside), 0);	/* nothing was put there */
}
END_TEST

START_TEST(strange_files_are_refused)
{
	if (!ready())
		return;
	ck_assert_int_eq(unlinkat(root, "etc/passwd", 0) | mkfifoat(root, "etc/passwd", 0644), 0);
	refused("read /etc/passwd");
	ck_assert_int_eq(unlinkat(root, "etc/passwd", 0), 0);
	refused("read /etc/passwd");
}
END_TEST

START_TEST(what_is_missing_is_said)
{
	if (!ready())
		return;
	ck_assert_int_eq(unlinkat(root, "usr/bin/sudo", 0) | unlinkat(root, "usr/sbin/sshd", 0), 0);
	ck_assert_int_eq(unlinkat(root, "etc/shadow", 0) | unlinkat(root, "etc/gshadow", 0), 0);
	make("busybox");
	ck_has(made.notes, "there is no sudo in the container: sysct attach -u root enters as root\n");
	ck_has(made.notes, "there is no ssh server in the container: sysct attach alone enters it\n");
	ck_assert(!made.ssh);
	ck_assert_int_lt(faccessat(root, "etc/sudoers.d/sysct-user", F_OK, 0), 0);
	file_has("etc/passwd", "me:*:1234:1234:");
	ck_assert_int_lt(faccessat(root, "etc/shadow", F_OK, 0), 0);
}
END_TEST

START_TEST(doas_takes_the_place_of_sudo)
{
	if (!ready())
		return;
	ck_assert_int_eq(unlinkat(root, "usr/bin/sudo", 0), 0);
	put("usr/bin/doas", "", 04755);
	put("etc/doas.conf", "permit persist :wheel", 0400);
	make("busybox");
	file_has("etc/doas.conf", "permit persist :wheel\npermit nopass \"me\"\n");
	owned("etc/doas.conf", 0, 0400);
	ck_has(made.notes, "doas does the same");
	ck_assert_int_eq(mkdirat(root, "etc/doas.d", 0750), 0);
	put("etc/passwd", "root:x:0:0::/:/bin/sh\n", 0644);
	make("busybox");
	file_has("etc/doas.d/sysct-user.conf", "permit nopass \"me\"\n");
}
END_TEST

START_TEST(a_masked_ssh_server_stays_so)
{
	if (!ready())
		return;
	ck_assert_int_eq(symlinkat("/dev/null", root, "etc/systemd/system/sshd.service"), 0);
	make("systemd");
	ck_assert_int_lt(faccessat(root, "etc/systemd/system/multi-user.target.wants", F_OK, 0), 0);
}
END_TEST

START_TEST(openrc_starts_the_ssh_server)
{
	auto_free char *dir = xasprintf("%s/tree/etc/runlevels/default", test_dir);
	auto_free char *scripts = xasprintf("%s/tree/etc/init.d", test_dir);

	if (!ready())
		return;
	ck_assert_int_eq(make_dirs(dir, 0755) | make_dirs(scripts, 0755), 0);
	put("etc/init.d/sshd", "", 0755);
	make("openrc");
	ck_assert(guest_exists(root, "etc/runlevels/default/sshd"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/guest_user");
	TCase *tests = tcase_create("account");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_account_with_home_keys_and_sudo);
	tcase_add_test(tests, a_shell_that_is_there_is_kept);
	tcase_add_test(tests, taken_ids_are_the_next_free_ones);
	tcase_add_test(tests, ids_beyond_the_map_are_the_next_free_ones);
	tcase_add_test(tests, a_group_of_that_name_is_taken);
	tcase_add_test(tests, an_account_of_that_name_is_adopted);
	tcase_add_test(tests, an_account_of_the_system_is_not);
	tcase_add_test(tests, no_link_leads_out);
	tcase_add_test(tests, strange_files_are_refused);
	tcase_add_test(tests, what_is_missing_is_said);
	tcase_add_test(tests, doas_takes_the_place_of_sudo);
	tcase_add_test(tests, a_masked_ssh_server_stays_so);
	tcase_add_test(tests, openrc_starts_the_ssh_server);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
