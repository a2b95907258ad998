/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The relay of a console; that of attach is shown by integration tests, as it needs a process behind it. */
#include "../os/testing.h"

#include <sys/socket.h>

#include "runtime/relay.h"

static int console;	/* the container's end of the stream */
static int keyboard;	/* the other end of our standard input */
static int screen;	/* of our standard output */
static struct console_relay relay;
static char events[16];
static struct error err;

static bool note_event(struct console_relay *which, enum relay_event event)
{
	static const char letters[] = "lshuw";
	size_t n = strlen(events);

	ck_assert_ptr_eq(which, &relay);
	events[n] = letters[event];
	events[n + 1] = '\0';
	if (event == RELAY_WOKEN)
		which->wake = -1;
	return event != RELAY_LEFT;
}

static void setup(void)
{
	int in[2], out[2], stream[2];

	err = (struct error)ERROR_NONE;
	*events = '\0';
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
	ck_assert_int_eq(dup2(in[0], 0), 0);
	ck_assert_int_eq(dup2(out[1], 1), 1);
	close(in[0]);
	close(out[1]);
	keyboard = in[1];
	screen = out[0];
	console = stream[1];
	relay = (struct console_relay)CONSOLE_RELAY;
	relay.stream = stream[0];
	relay.input = true;
	relay.event = note_event;
}

static void type(const char *keys)
{
	ck_assert_int_eq(write(keyboard, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static void reads(int fd, const char *text)
{
	char buf[64] = "";

	ck_assert_int_eq(read(fd, buf, sizeof(buf) - 1), (ssize_t)strlen(text));
	ck_assert_str_eq(buf, text);
}

START_TEST(a_key_has_a_name)
{
	static const char *const wrong[] = { "", "^", "a", "^1", "^aa", "^ ", "aa", "^\x81", "^[[" };
	char buf[3];

	ck_assert_int_eq(escape_parse("^a"), 1);
	ck_assert_int_eq(escape_parse("^Z"), 26);
	ck_assert_int_eq(escape_parse("^]"), 29);
	ck_assert_int_eq(escape_parse("^@"), 0);
	ck_assert_str_eq(escape_text(1, buf), "^a");
	ck_assert_str_eq(escape_text(29, buf), "^]");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_msg(escape_parse(wrong[i]) < 0, "%s", wrong[i]);
	for (int byte = 0; byte < ' '; byte++)
		ck_assert_int_eq(escape_parse(escape_text((unsigned char)byte, buf)), byte);
}
END_TEST

START_TEST(what_is_typed_goes_in_until_the_escape_key_and_q)
{
	type("ls\r\x03\x01\x01\x01x\x01\x03\x01q lost");
	ck_assert_int_eq(relay_console(&relay, &err), 1);
	ck_assert_str_eq(events, "l");
}
END_TEST

START_TEST(keys_reach_the_console)
{
	relay.timeout_ms = 50;
	type("ls\r\x03\x01\x01\x01x\x01\x03");
	ck_assert_int_eq(relay_console(&relay, &err), 0);
	reads(console, "ls\r\x03\x01\x01x\x01\x03");
	type("\x01");	/* and over the end of a stream the escape key stays pressed */
	ck_assert_int_eq(relay_console(&relay, &err), 0);
	type("q");
	ck_assert_int_eq(relay_console(&relay, &err), 1);
	ck_assert_str_eq(events, "l");
}
END_TEST

START_TEST(a_stop_can_be_typed_where_that_is_wanted)
{
	relay.stoppable = true;
	relay.escape = 2;
	relay.timeout_ms = 50;
	type("\x03\x01\x02\x03");
	ck_assert_int_eq(relay_console(&relay, &err), 0);
	ck_assert_str_eq(events, "s");
	reads(console, "\x03\x01");
	relay.stopping = true;
	type("\x03");
	ck_assert_int_eq(relay_console(&relay, &err), 0);
	ck_assert_str_eq(events, "ss");
}
END_TEST

START_TEST(last_words_are_shown_though_nothing_can_be_typed_any_more)
{
	type("too late");
	ck_assert_int_eq(write(console, "last words", 10), 10);
	ck_assert_int_eq(shutdown(console, SHUT_RD), 0);
	close(console);
	ck_assert_int_eq(relay_console(&relay, &err), 0);
	reads(screen, "last words");
	ck_assert_str_eq(events, "");
}
END_TEST

START_TEST(without_a_reader_it_goes_on_to_the_end)
{
	close(screen);
	ck_assert_int_eq(write(console, "words", 5), 5);
	close(console);
	ck_assert_int_eq(relay_console(&relay, &err), 0);
	ck_assert_str_eq(events, "u");
}
END_TEST

START_TEST(without_events_a_reader_that_goes_ends_it)
{
	relay.event = NULL;
	close(screen);
	ck_assert_int_eq(write(console, "words", 5), 5);
	ck_assert_int_eq(relay_console(&relay, &err), 1);
}
END_TEST

START_TEST(signals_and_a_descriptor_are_events)
{
	int wake[2];

	ck_assert_int_eq(pipe2(wake, O_CLOEXEC), 0);
	ck_assert_int_eq(write(wake[1], "x", 1), 1);
	relay.wake = wake[0];
	relay.timeout_ms = 50;
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &(sigset_t){ { 1UL << (SIGHUP - 1) | 1UL << (SIGTERM - 1) } }, NULL), 0);
	raise(SIGHUP);
	raise(SIGTERM);
	ck_assert_int_eq(relay_console(&relay, &err), 0);
	ck_assert_str_eq(events, "hsw");
}
END_TEST

START_TEST(without_a_stream_there_is_but_a_pause)
{
	relay.stream = -1;
	relay.input = false;
	relay.timeout_ms = 1;
	type("\x01q");
	ck_assert_int_eq(relay_console(&relay, &err), 0);
	reads(0, "\x01q");	/* it is still there */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime/relay");
	TCase *tests = tcase_create("console");

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, a_key_has_a_name);
	tcase_add_test(tests, what_is_typed_goes_in_until_the_escape_key_and_q);
	tcase_add_test(tests, keys_reach_the_console);
	tcase_add_test(tests, a_stop_can_be_typed_where_that_is_wanted);
	tcase_add_test(tests, last_words_are_shown_though_nothing_can_be_typed_any_more);
	tcase_add_test(tests, without_a_reader_it_goes_on_to_the_end);
	tcase_add_test(tests, without_events_a_reader_that_goes_ends_it);
	tcase_add_test(tests, signals_and_a_descriptor_are_events);
	tcase_add_test(tests, without_a_stream_there_is_but_a_pause);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
