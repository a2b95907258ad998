/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testing.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "os/caps.h"

#define CAP(n) (1ULL << (n))

static struct error err;

static void setup(void)
{
	err = (struct error)ERROR_NONE;
}

START_TEST(names_are_read_in_every_form)
{
	static const struct {
		const char *text;
		int capability;
	} good[] = {
		{ "CAP_NET_ADMIN", 12 }, { "cap_net_admin", 12 }, { "net_admin", 12 }, { "NET_ADMIN", 12 },
		{ "Cap_Net_Admin", 12 }, { "chown", 0 },	   { "sys_admin", 21 }, { "setfcap", 31 },
	};
	static const char *const bad[] = {
		"", "cap_", "CAP_", "net-admin", "net admin", " net_admin", "net_admin ", "net_admin\n", "12", "cap_12",
		"cap_cap_chown", "all", "=ep", "cap_chown=ep", "cap_chown,cap_kill", "net_admi", "net_adminn", "-1",
		"a_name_that_is_longer_than_any_capability_that_there_is_or_will_be",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert_int_eq(caps_parse(good[i].text), good[i].capability);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(caps_parse(bad[i]) == -EINVAL, "\"%s\": %d", bad[i], caps_parse(bad[i]));
}
END_TEST

START_TEST(every_name_is_read_as_it_is_shown)
{
	char buf[32];

	for (int i = 0; i <= 37; i++) {
		caps_name(i, buf, sizeof(buf));
		ck_assert_msg(caps_parse(buf) == i, "%d is shown as %s", i, buf);
		ck_assert(!text_starts(buf, "cap_"));
	}
	ck_assert_str_eq(caps_name(63, buf, sizeof(buf)), "unknown");
}
END_TEST

START_TEST(the_defaults_are_as_many_as_documented)
{
	uint64_t own = caps_default(false), privileged = caps_default(true);
	static const int never[] = { CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME, CAP_MAC_ADMIN, CAP_MAC_OVERRIDE,
				     CAP_SYSLOG, CAP_AUDIT_CONTROL, CAP_AUDIT_READ, CAP_SYS_PACCT, CAP_BLOCK_SUSPEND,
				     CAP_WAKE_ALARM, CAP_BPF, CAP_PERFMON };

	ck_assert_int_eq(__builtin_popcountll(own), 28);
	ck_assert_int_eq(__builtin_popcountll(privileged), 26);
	ck_assert_uint_eq(privileged & ~own, 0);
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		ck_assert_uint_eq(own & CAP(never[i]), 0);
	ck_assert_uint_ne(own & CAP(CAP_SYS_ADMIN), 0);
}
END_TEST

static void add(struct strings *list, const char *names)
{
	strings_split(list, names, " ");
}

START_TEST(kept_ones_are_added_and_dropped_ones_taken)
{
	auto_strings struct strings keep = STRINGS_EMPTY, drop = STRINGS_EMPTY, none = STRINGS_EMPTY;
	uint64_t mask = 0;

	must(caps_select(CAP(CAP_CHOWN), &none, &none, &mask, &err));
	ck_assert_uint_eq(mask, CAP(CAP_CHOWN));
	add(&keep, "syslog CAP_KILL kill");
	add(&drop, "chown sys_time");
	must(caps_select(CAP(CAP_CHOWN) | CAP(CAP_FOWNER), &keep, &drop, &mask, &err));
	ck_assert_uint_eq(mask, CAP(CAP_FOWNER) | CAP(CAP_SYSLOG) | CAP(CAP_KILL));
	add(&drop, "kill");	/* both: dropped */
	must(caps_select(0, &keep, &drop, &mask, &err));
	ck_assert_uint_eq(mask, CAP(CAP_SYSLOG));
}
END_TEST

START_TEST(an_unknown_name_is_a_usage_error_that_names_the_nearest)
{
	auto_strings struct strings typo = STRINGS_EMPTY, none = STRINGS_EMPTY;
	uint64_t mask = 42;

	add(&typo, "chown net_admn");
	ck_assert_int_lt(caps_select(0, &typo, &none, &mask, &err), 0);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_has(err.message, "\"net_admn\"");
	ck_has(err.hint, "\"net_admin\"");
	ck_assert_uint_eq(mask, 42);
	ck_assert_int_lt(caps_select(0, &none, &typo, &mask, &err), 0);
	ck_assert_str_eq(caps_nearest("CAP_NET_ADMN"), "net_admin");	/* as the configuration has it */
	strings_clear(&typo);
	add(&typo, "something_else_entirely");
	ck_assert_int_lt(caps_select(0, &typo, &none, &mask, &err), 0);
	ck_assert_str_eq(err.hint, "");
	ck_assert_uint_eq(mask, 42);
}
END_TEST

/* --- in a child that can lose them --- */

struct sets {
	uint64_t inheritable, permitted, effective, bounding, ambient;
};

static int read_sets(struct sets *sets)
{
	static const char *const names[] = { "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:" };
	uint64_t *const values[] = { &sets->inheritable, &sets->permitted, &sets->effective, &sets->bounding,
				     &sets->ambient };
	auto_free char *status = NULL;
	unsigned int seen = 0;

	if (read_file_at(AT_FDCWD, "/proc/self/status", 65536, &status, NULL) < 0)
		return -1;
	for (char *line = strtok(status, "\n"); line; line = strtok(NULL, "\n")) {
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			if (!text_starts(line, names[i]))
				continue;
			*values[i] = strtoull(line + strlen(names[i]), NULL, 16);
			seen |= 1U << i;
		}
	}
	return seen == 0x1f ? 0 : -1;
}

/* Everything that there is to inherit. */
static int raise_ambient(const struct sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		data[i].effective = data[i].permitted = data[i].inheritable = (uint32_t)(sets->permitted >> 32 * i);
	}
	if (syscall(SYS_capset, &header, data) < 0)
		return -1;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
}

static int apply(void *arg)
{
	uint64_t mask = *(uint64_t *)arg, wanted;
	struct sets before, after;

	if (read_sets(&before) < 0 || raise_ambient(&before) < 0)
		return 1;
	if (caps_apply(mask, &err) < 0 || read_sets(&after) < 0)
		return 2;
	wanted = mask & before.bounding;
	if (after.bounding != wanted || after.permitted != wanted || after.effective != wanted)
		return 3;
	return after.inheritable == 0 && after.ambient == 0 ? 0 : 4;
}

START_TEST(exactly_the_mask_is_left_and_nothing_to_inherit)
{
	uint64_t masks[] = { 0, UINT64_MAX, CAP(CAP_CHOWN), CAP(CAP_SETPCAP), caps_default(false), caps_default(true),
			     CAP(CAP_SYS_RESOURCE) | CAP(CAP_KILL), CAP(63) };

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++)
		ck_assert_msg(in_child(apply, &masks[i]) == 0, "%llx: %d", (unsigned long long)masks[i],
			      in_child(apply, &masks[i]));
}
END_TEST

static int apply_and_exec(void *arg)
{
	(void)arg;
	if (caps_apply(CAP(CAP_CHOWN) | CAP(CAP_KILL), &err) < 0)
		return 1;
	/* root's exec(2) gives what the bounding set has */
	execl("/bin/grep", "grep", "-q", "^CapEff:.*0000000021$", "/proc/self/status", NULL);
	return 2;
}

START_TEST(an_exec_gives_nothing_back)
{
	ck_assert_int_eq(in_child(apply_and_exec, NULL), 0);
}
END_TEST

static int apply_twice(void *arg)
{
	struct error error = ERROR_NONE;
	struct sets after;

	(void)arg;
	if (caps_apply(CAP(CAP_KILL), &err) < 0)
		return 1;
	/* without CAP_SETPCAP nothing can be dropped any more: an error, not half a job */
	if (caps_apply(0, &error) >= 0 || !*error.message)
		return 2;
	return read_sets(&after) == 0 && after.permitted == CAP(CAP_KILL) ? 0 : 3;
}

START_TEST(without_the_right_to_drop_it_is_an_error)
{
	ck_assert_int_eq(in_child(apply_twice, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("os/caps");
	TCase *tests = tcase_create("names"), *root = tcase_create("process");

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, names_are_read_in_every_form);
	tcase_add_test(tests, every_name_is_read_as_it_is_shown);
	tcase_add_test(tests, the_defaults_are_as_many_as_documented);
	tcase_add_test(tests, kept_ones_are_added_and_dropped_ones_taken);
	tcase_add_test(tests, an_unknown_name_is_a_usage_error_that_names_the_nearest);
	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(root, setup, NULL);
	tcase_add_test(root, exactly_the_mask_is_left_and_nothing_to_inherit);
	tcase_add_test(root, an_exec_gives_nothing_back);
	tcase_add_test(root, without_the_right_to_drop_it_is_an_error);
	if (add_root_tests())
		suite_add_tcase(suite, root);
	return run_suite(suite);
}
