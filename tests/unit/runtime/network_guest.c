/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../testing.h"

#include "../../../src/runtime/rows.h"
#include "base/cleanup.h"

static const struct {
	const char *resolv_conf, *wanted;
} texts[] = {
	{ "", "" },
	{ "# made by sysct\nnameserver 10.1.2.1\nsearch sysct\n", "DNS=10.1.2.1\nDomains=sysct\n" },
	{ "nameserver\t10.1.2.1\nnameserver \t fd00::1 # ours\r\n", "DNS=10.1.2.1\nDNS=fd00::1\n" },
	{ "search\ta.example  b.example\t\nnameserver 10.1.2.1", "Domains=a.example b.example\nDNS=10.1.2.1\n" },
	{ "nameserver\nsearch\t\nnameservers 10.1.2.1\n#nameserver 10.1.2.1\noptions edns0\n", "" },
};

START_TEST(what_resolv_conf_says_is_told_with_any_blanks)
{
	auto_free char *text = network_resolved_text(texts[_i].resolv_conf);
	auto_free char *wanted = xasprintf("# made by sysct\n[Resolve]\n%s", texts[_i].wanted);

	ck_assert_str_eq(text, wanted);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime/network_guest");
	TCase *tests = tcase_create("network_guest");

	tcase_add_loop_test(tests, what_resolv_conf_says_is_told_with_any_blanks, 0, ARRAY_SIZE(texts));
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
