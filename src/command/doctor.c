/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* doctor - runs the rows of doctor_*.c and says what they have found. */

#include "command/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "command/command.h"
#include "command/output.h"
#include "os/process.h"
#include "store/idpool.h"
#include "store/template.h"

#define CHECK_MS 5000
#define TEMPLATE_GROUP "template."

enum { O_FORMAT = 256, O_PROBLEMS, O_STRICT };

void found(struct finding *finding, enum verdict verdict, const char *fix, const char *reason, ...)
{
	va_list args;

	finding->verdict = verdict;
	va_start(args, reason);
	vsnprintf(finding->reason, sizeof(finding->reason), reason, args);
	va_end(args);
	snprintf(finding->fix, sizeof(finding->fix), "%s", fix ? fix : "");
}

/* --- one check --- */

__attribute__((noreturn)) static void be_checker(const struct exam *exam, const struct check *check, int writer, pid_t parent)
{
	struct finding finding;

	signals_reset();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	memset(&finding, 0, sizeof(finding));
	check->look(exam, check, &finding);
	_exit(write_all(writer, &finding, sizeof(finding)) < 0);
}

/* The whole finding, or -errno: -ETIMEDOUT, -EINTR, or -EPIPE when the checker has died. */
static int receive(int reader, struct finding *ret)
{
	uint64_t end = now_usec() + CHECK_MS * 1000ULL;
	size_t got = 0;

	while (got < sizeof(*ret)) {
		struct pollfd fd = { .fd = reader, .events = POLLIN };
		uint64_t now = now_usec();
		ssize_t n;

		if (interrupt_pending())
			return -EINTR;
		if (now >= end)
			return -ETIMEDOUT;
		if (poll(&fd, 1, (int)((end - now + 999) / 1000)) <= 0)
			continue;
		n = read(reader, (char *)ret + got, sizeof(*ret) - got);
		if (n == 0)
			return -EPIPE;
		if (n > 0)
			got += (size_t)n;
	}
	return 0;
}

static int examine(const struct exam *exam, const struct check *check, struct finding *ret, struct error *err)
{
	auto_close int reader = -1, writer = -1;
	pid_t self = getpid(), pid;
	int fds[2], r;

	if (check->root && geteuid() != 0) {
		found(ret, VERDICT_UNKNOWN, "sudo sysct doctor", "this can be looked at by root alone");
		return 0;
	}
	if (pipe2(fds, O_CLOEXEC) < 0)
		return fail(err, errno, "make a pipe");
	reader = fds[0];
	writer = fds[1];
	pid = fork();
	if (pid < 0)
		return fail(err, errno, "fork for the check %s", check->id);
	if (pid == 0)
		be_checker(exam, check, writer, self);
	close_fd(&writer);
	r = receive(reader, ret);
	if (r < 0)
		kill(pid, SIGKILL);
	/* what hangs in the kernel ends with that, and is init's then */
	child_wait(pid, 500, NULL);
	if (r == -EINTR)
		return interrupt_check(err);
	if (r == -ETIMEDOUT)
		found(ret, VERDICT_WARN, "see what hangs there: the file system or the tool that it asks",
		      "there was no answer within %d s", CHECK_MS / 1000);
	else if (r < 0)
		found(ret, VERDICT_UNKNOWN, NULL, "the check has died");
	return 0;
}

/* --- all of them --- */

struct doctor {
	enum format format;
	bool problems, strict;
	struct exam exam;
	struct check *checks;
	size_t n;
	struct strings templates;	/* what arg of theirs points to */
	struct strings ids;		/* and their id */
	struct value *array;
	struct table *table;
	struct text fixes;
	unsigned int count[4];
};

static void add_checks(struct doctor *doctor, const struct check *checks, size_t n)
{
	doctor->checks = xrealloc(doctor->checks, (doctor->n + n) * sizeof(*checks));
	memcpy(doctor->checks + doctor->n, checks, n * sizeof(*checks));
	doctor->n += n;
}

static void gather(struct doctor *doctor)
{
	struct error ignored = ERROR_NONE;

	add_checks(doctor, kernel_checks, n_kernel_checks);
	add_checks(doctor, host_checks, n_host_checks);
	add_checks(doctor, network_checks, n_network_checks);
	add_checks(doctor, program_checks, n_program_checks);
	if (template_names(doctor->exam.install, &doctor->templates, &ignored) < 0)
		return;
	for (size_t i = 0; i < doctor->templates.n; i++) {
		auto_free char *id = xasprintf(TEMPLATE_GROUP "%s", doctor->templates.items[i]);

		strings_add(&doctor->ids, id);
	}
	for (size_t i = 0; i < doctor->templates.n; i++) {
		struct check check = { doctor->ids.items[i], doctor->templates.items[i], look_at_template,
				       doctor->templates.items[i], false };

		add_checks(doctor, &check, 1);
	}
}

/* "network" is all of "network.*", "network.firewall" one. */
static bool is_meant(const char *word, const char *id)
{
	size_t n = strlen(word);

	return strncmp(word, id, n) == 0 && (id[n] == '\0' || id[n] == '.' || (n && word[n - 1] == '.'));
}

static const char *id_candidate(size_t i, const void *arg)
{
	const struct doctor *doctor = arg;

	return i < doctor->n ? doctor->checks[i].id : NULL;
}

static int known_word(const struct command *self, const struct doctor *doctor, const char *word, struct error *err)
{
	auto_free char *shown = text_printable(word);
	const char *near;

	for (size_t i = 0; i < doctor->n; i++)
		if (is_meant(word, doctor->checks[i].id))
			return 0;
	near = nearest(word, id_candidate, doctor);
	return command_usage(self, err, "there is no check \"%s\"%s%s%s", shown, near ? "; did you mean \"" : "", near ? near : "",
			     near ? "\"?" : "");
}

static const struct {
	const char *word, *color;
} verdicts[] = { { "ok", "green" }, { "warn", "yellow" }, { "fail", "red" }, { "unknown", "cyan" } };

static const char *const keys[] = { "id", "status", "what", "reason", "fix" };

static void report(struct doctor *doctor, const struct check *check, const struct finding *finding)
{
	const char *word = verdicts[finding->verdict].word;
	const char *cells[] = { word, check->id, check->what, finding->reason };
	struct value *object;

	doctor->count[finding->verdict]++;
	if (doctor->problems && finding->verdict == VERDICT_OK)
		return;
	if (doctor->format == FORMAT_TABLE) {
		table_add_colored(doctor->table, cells, 0, verdicts[finding->verdict].color);
		if (*finding->fix) {
			auto_free char *fix = text_printable(finding->fix);

			text_add(&doctor->fixes, "%s: %s\n", check->id, fix);
		}
		return;
	}
	object = value_object();
	value_set(object, "id", value_string(check->id));
	value_set(object, "status", value_string(word));
	value_set(object, "what", value_string(check->what));
	value_set(object, "reason", value_string(finding->reason));
	value_set(object, "fix", value_text(finding->fix));
	value_append(doctor->array, object);
}

static int run_checks(struct doctor *doctor, char **words, int n_words, struct error *err)
{
	for (size_t i = 0; i < doctor->n; i++) {
		const struct check *check = &doctor->checks[i];
		bool meant = n_words == 0;
		struct finding finding;
		int r;

		for (int w = 0; w < n_words && !meant; w++)
			meant = is_meant(words[w], check->id);
		if (!meant)
			continue;
		memset(&finding, 0, sizeof(finding));
		r = examine(&doctor->exam, check, &finding, err);
		if (r < 0)
			return r;
		report(doctor, check, &finding);
	}
	return 0;
}

static void show(struct doctor *doctor)
{
	const unsigned int *count = doctor->count;

	if (doctor->format == FORMAT_JSON) {
		value_print_take(take_ptr(&doctor->array));
	} else if (doctor->format == FORMAT_CSV) {
		csv_print_take(take_ptr(&doctor->array), keys, ARRAY_SIZE(keys));
	} else {
		table_print_take(take_ptr(&doctor->table));
		if (doctor->fixes.len)
			printf("\nWhat mends it\n%s", doctor->fixes.data);
		printf("\n%u ok, %u warnings, %u failures, %u not looked at\n", count[VERDICT_OK], count[VERDICT_WARN],
		       count[VERDICT_FAIL], count[VERDICT_UNKNOWN]);
	}
}

static int doctor_main(const struct command *self, struct doctor *doctor, char **words, int n_words, struct error *err)
{
	static const struct column columns[] = { { "STATUS", false }, { "ID", false }, { "WHAT", false }, { "FINDING", false } };
	int r;

	gather(doctor);
	for (int i = 0; i < n_words; i++)
		if (known_word(self, doctor, words[i], err) < 0)
			return -err->code;
	if (doctor->format == FORMAT_TABLE)
		doctor->table = table_new(columns, ARRAY_SIZE(columns), doctor->exam.install->libexec_dir);
	else
		doctor->array = value_array();
	r = run_checks(doctor, words, n_words, err);
	if (r < 0)
		return r;
	show(doctor);
	if (doctor->count[VERDICT_FAIL])
		return STATUS_FAILED;
	return doctor->strict && (doctor->count[VERDICT_WARN] || doctor->count[VERDICT_UNKNOWN]) ? STATUS_FAILED : STATUS_OK;
}

static void doctor_done(struct doctor *doctor)
{
	free(doctor->checks);
	strings_clear(&doctor->templates);
	strings_clear(&doctor->ids);
	text_done(&doctor->fixes);
	if (doctor->array)
		value_put(doctor->array);
	if (doctor->table)
		table_drop(doctor->table);
}

void doctor_each_id(const struct install *install, void (*call)(const char *id, void *arg), void *arg)
{
	struct doctor doctor = { .exam = { .install = install } };

	gather(&doctor);
	for (size_t i = 0; i < doctor.n; i++)
		call(doctor.checks[i].id, arg);
	doctor_done(&doctor);
}

int command_doctor(struct context *context, int argc, char **argv, struct error *err)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, O_FORMAT }, { "problems", no_argument, NULL, O_PROBLEMS },
		{ "strict", no_argument, NULL, O_STRICT },	 { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *self = command_find("doctor");
	struct doctor doctor = { .exam = { .install = &context->install, .nested = idpool_nested() } };
	struct container_config unused;
	struct host_config host;
	struct error broken = ERROR_NONE;
	int c, r;

	while ((c = command_option(self, argc, argv, "h", options, err)) >= 0) {
		doctor.problems |= c == O_PROBLEMS;
		doctor.strict |= c == O_STRICT;
		if (c == O_FORMAT && format_parse(optarg, &doctor.format, err) < 0)
			return -err->code;
	}
	if (c != -1)
		return -err->code;
	host_config_init(&host);
	config_init(&unused);
	/* what is wrong with it is host.config's to say; meanwhile the defaults count */
	config_load_host(context->install.config, !context->install.config_given, &host, &unused, &broken);
	doctor.exam.host = &host;
	r = doctor_main(self, &doctor, argv + optind, argc - optind, err);
	doctor_done(&doctor);
	host_config_done(&host);
	config_done(&unused);
	return r;
}
