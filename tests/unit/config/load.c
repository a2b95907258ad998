/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char dir[] = "/tmp/sysct-load-XXXXXX";
static int dirfd_;

static void setup(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX"); /* again, where tests do not fork */
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dirfd_, 0);
}

static void teardown(void)
{
	struct error err = ERROR_NONE;

	close(dirfd_);
	ck_assert_int_eq(remove_tree_at(AT_FDCWD, dir, &err), 0);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	struct error err = ERROR_NONE;

	ck_assert_int_eq(replace_file_at(dirfd_, name, text, strlen(text), mode, false, &err), 0);
}

static int load(const char *name, struct error *err)
{
	struct container_config config;
	int r;

	config_init(&config);
	r = config_load(dirfd_, name, "/x/config", &config, err);
	config_done(&config);
	return r;
}

START_TEST(a_file_is_loaded_and_named_as_shown)
{
	auto_config struct container_config config;
	struct error err = ERROR_NONE;

	config_init(&config);
	write_file("config", "[limits]\ntasks = 7\n", 0600);
	ck_assert_int_eq(config_load(dirfd_, "config", "/x/config", &config, &err), 0);
	ck_assert_uint_eq(config.limits.tasks, 7);
	ck_assert_uint_eq(config.n_networks, 1);
	write_file("config", "[limits]\ntasks = x\n", 0644);
	ck_assert_int_eq(load("config", &err), -EINVAL);
	ck_has(err.message, "/x/config:2: [limits] tasks: \"x\" is not valid");
	ck_assert_int_eq(error_exit_status(&err), STATUS_USAGE);
}
END_TEST

START_TEST(a_file_that_is_missing_is_an_error_unless_optional)
{
	auto_config struct container_config config;
	auto_host struct host_config host;
	auto_free char *path = xasprintf("%s/sysct.conf", dir);
	struct error err = ERROR_NONE;

	config_init(&config);
	host_config_init(&host);
	ck_assert_int_eq(load("config", &err), -ENOENT);
	ck_assert_str_eq(err.message, "read /x/config: No such file or directory");
	err = (struct error)ERROR_NONE;
	ck_assert_int_eq(config_load_host(path, true, &host, &config, &err), 0);
	ck_assert_int_eq(err.code, 0); /* untouched */
	ck_assert_int_eq(config_load_host(path, false, &host, &config, &err), -ENOENT);
}
END_TEST

START_TEST(sysct_conf_fills_both)
{
	auto_config struct container_config config;
	auto_host struct host_config host;
	auto_free char *path = xasprintf("%s/sysct.conf", dir);
	struct error err = ERROR_NONE;

	config_init(&config);
	host_config_init(&host);
	write_file("sysct.conf", "[host]\nbridge = br9\n[limits]\ntasks = 9\n", 0644);
	ck_assert_int_eq(config_load_host(path, true, &host, &config, &err), 0);
	ck_assert_str_eq(host.bridge, "br9");
	ck_assert_uint_eq(config.limits.tasks, 9);
	ck_assert_uint_eq(config.n_networks, 0); /* defaults are not filled in */
	write_file("sysct.conf", "[host]\nbridge = br8\nsubnet = x\n", 0644);
	ck_assert_int_eq(config_load_host(path, true, &host, &config, &err), -EINVAL);
	ck_assert_str_eq(host.bridge, "br9");
}
END_TEST

START_TEST(a_file_that_others_may_write_is_refused_with_the_cure)
{
	static const mode_t modes[] = { 0620, 0602, 0666 };
	struct error err = ERROR_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		write_file("config", "", modes[i]);
		ck_assert_int_eq(load("config", &err), -EINVAL);
		ck_has(err.message, "/x/config: may be written by others than its owner (mode 06");
		ck_assert_str_eq(err.hint, "chmod go-w /x/config");
		ck_assert_int_eq(error_exit_status(&err), STATUS_USAGE);
	}
}
END_TEST

START_TEST(a_file_of_somebody_else_is_refused_with_the_cure)
{
	struct error err = ERROR_NONE;

	if (geteuid() != 0)
		return; /* only root can give a file away */
	write_file("config", "", 0600);
	ck_assert_int_eq(fchownat(dirfd_, "config", 1234, 0, 0), 0);
	ck_assert_int_eq(load("config", &err), -EINVAL);
	ck_assert_str_eq(err.message, "/x/config: belongs to user 1234 and not to root");
	ck_assert_str_eq(err.hint, "chown root /x/config");
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_at_once)
{
	struct error err = ERROR_NONE;

	write_file("real", "", 0600);
	ck_assert_int_eq(symlinkat("real", dirfd_, "link"), 0);
	ck_assert_int_eq(mkfifoat(dirfd_, "fifo", 0600), 0);
	ck_assert_int_eq(mkdirat(dirfd_, "folder", 0700), 0);
	ck_assert_int_eq(load("link", &err), -EINVAL);
	ck_assert_str_eq(err.message, "/x/config: a symbolic link, not a regular file");
	ck_assert_int_eq(load("fifo", &err), -EINVAL);
	ck_assert_str_eq(err.message, "/x/config: not a regular file");
	ck_assert_int_eq(load("folder", &err), -EINVAL);
	ck_assert_str_eq(err.message, "/x/config: not a regular file");
}
END_TEST

START_TEST(a_file_that_is_too_large_is_refused)
{
	struct error err = ERROR_NONE;

	write_file("config", "", 0600);
	{
		auto_close int fd = openat(dirfd_, "config", O_WRONLY | O_CLOEXEC);

		ck_assert_int_eq(ftruncate(fd, (1 << 20) + 1), 0);
	}
	ck_assert_int_eq(load("config", &err), -EINVAL);
	ck_assert_str_eq(err.message, "/x/config: larger than 1 MiB");
}
END_TEST

START_TEST(the_installed_sample_is_right_with_and_without_its_comments)
{
	const char *path = getenv("SYSCT_SOURCE_DIR");
	auto_free char *file = xasprintf("%s/config/sysct.conf", path ? path : ".");
	auto_free char *text = NULL, *line = NULL;
	auto_text struct text open = TEXT_EMPTY;
	auto_config struct container_config config;
	auto_host struct host_config host;
	struct error err = ERROR_NONE;
	size_t len;

	config_init(&config);
	host_config_init(&host);
	ck_assert_int_eq(read_file_at(AT_FDCWD, file, 1 << 20, &text, &len), 0);
	ck_assert_msg(config_parse_text(text, len, file, &config, &host, &err) == 0, "%s",
		      err.message);
	/* "#key = value" is a setting, "# words" is not */
	for (const char *p = text; *p; p++)
		if (*p != '#' || (p > text && p[-1] != '\n') || p[1] == ' ' || p[1] == '\n')
			text_append(&open, p, 1);
	ck_assert_msg(config_parse_text(open.data, open.len, file, &config, &host, &err) == 0, "%s",
		      err.message);
	ck_assert_uint_ge(host.mirror.n, 1);
}
END_TEST

/* Whatever was read before: the memo changes how long it takes, and nothing else. Each text twice, the second time behind
 * others. */
START_TEST(a_memo_says_what_the_file_says)
{
	static const char *const texts[] = {
		"[limits]\ntasks = 7\n",
		"# another name\n[limits]\n\t; and word\ntasks = 7\n",
		"[limits]\ntasks = 8\n",
		"[limits]\ntasks = 8 # 7\n",
		"[limits]\r\ntasks = 7\r\n",
		"\xef\xbb\xbf[limits]\ntasks = 7\n",
		"# not in the first line\n\xef\xbb\xbf[limits]\ntasks = 7\n",
		"[limits]\ntasks = 7",
		"",
		"# nothing\n",
		"[environment]\nA = # no comment\nB = \"#x\"\n",
		"[environment]\nA = # no comment\nB = \"#y\"\n",
		"[network \"eth0\"]\ndns = 192.0.2.1\n#dns = 192.0.2.2\n",
		"[network \"eth0\"]\ndns = 192.0.2.1\ndns = 192.0.2.2\n",
		"# \x01\n[limits]\ntasks = 7\n",
		"# \xff\n[limits]\ntasks = 7\n",
		"[limits]\ntasks = x\n",
		"# a line more\n[limits]\ntasks = x\n",
		"[container]\ndescription = a\n[limits]\ntasks = 7\n",
	};
	struct config_memo memo = CONFIG_MEMO_EMPTY;

	for (size_t i = 0; i < 3 * ARRAY_SIZE(texts); i++) {
		auto_config struct container_config plain, kept;
		struct error plain_err = ERROR_NONE, kept_err = ERROR_NONE;
		/* in their order, then each twice in a row */
		const char *text = texts[i < ARRAY_SIZE(texts) ? i : (i - ARRAY_SIZE(texts)) / 2];
		auto_free char *shown = NULL, *shown_kept = NULL;

		config_init(&plain);
		config_init(&kept);
		plain.limits.cpus = kept.limits.cpus = 1500;	/* a default that the file does not name */
		write_file("config", text, 0600);
		ck_assert_int_eq(config_load(dirfd_, "config", "/x/config", &plain, &plain_err),
				 config_load_memo(dirfd_, "config", "/x/config", &memo, &kept, &kept_err));
		ck_assert_str_eq(plain_err.message, kept_err.message);
		shown = config_format(&plain, NULL);
		shown_kept = config_format(&kept, NULL);
		ck_assert_str_eq(shown, shown_kept);
		ck_assert_mem_eq(&plain.source, &kept.source, sizeof(plain.source));
	}
	/* the owner and the mode are looked at each time */
	write_file("config", texts[0], 0600);
	{
		auto_config struct container_config config;
		struct error err = ERROR_NONE;

		config_init(&config);
		ck_assert_int_eq(config_load_memo(dirfd_, "config", "/x/config", &memo, &config, &err), 0);
		ck_assert_int_eq(fchmodat(dirfd_, "config", 0666, 0), 0);
		ck_assert_int_lt(config_load_memo(dirfd_, "config", "/x/config", &memo, &config, &err), 0);
		ck_has(err.message, "may be written by others");
	}
	config_memo_done(&memo);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/load");
	TCase *tcase = tcase_create("load");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_file_is_loaded_and_named_as_shown);
	tcase_add_test(tcase, a_file_that_is_missing_is_an_error_unless_optional);
	tcase_add_test(tcase, sysct_conf_fills_both);
	tcase_add_test(tcase, a_file_that_others_may_write_is_refused_with_the_cure);
	tcase_add_test(tcase, a_file_of_somebody_else_is_refused_with_the_cure);
	tcase_add_test(tcase, what_is_no_regular_file_is_refused_at_once);
	tcase_add_test(tcase, a_file_that_is_too_large_is_refused);
	tcase_add_test(tcase, a_memo_says_what_the_file_says);
	tcase_add_test(tcase, the_installed_sample_is_right_with_and_without_its_comments);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
