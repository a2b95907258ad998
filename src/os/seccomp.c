/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A profile is read line by line into a table of all calls, with the action of each, and a list of conditions. Then
 * libseccomp makes two programs of them: one that decides by number alone, whose plain "allowed" the kernel remembers per
 * call, so that it costs nothing; and one with the conditions, which allows what meets none. In one program the
 * library would let an unconditional rule swallow the conditional ones of the same call; so they are joined afterwards. */
#include "os/seccomp.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "seccomp_parts.h"

#define CALLS_MAX 2048		/* numbers that are looked at */
#define ALTERNATIVES_MAX 64
#define ARGUMENTS 6
#define INT_MASK 0xffffffffULL	/* the kernel takes these arguments as int: the upper half must not hide them */

struct call {
	char *name;
	uint32_t action;
};

/* One way in which a condition is met: comparisons that all hold. */
struct alternative {
	struct scmp_arg_cmp compare[ARGUMENTS];
	unsigned int n;
};

struct condition {
	size_t call;
	uint32_t action;
	struct alternative alternatives[ALTERNATIVES_MAX];
	size_t n;
};

struct profile {
	const char *source;
	unsigned int line;
	uint32_t preset;	/* for numbers that the library does not know */
	bool has_preset, native_only;
	struct call *calls;
	size_t n_calls;
	struct condition **conditions;
	size_t n_conditions;
};

static void profile_done(struct profile *profile)
{
	for (size_t i = 0; i < profile->n_calls; i++)
		free(profile->calls[i].name);
	for (size_t i = 0; i < profile->n_conditions; i++)
		free(profile->conditions[i]);
	free(profile->calls);
	free(profile->conditions);
}
#define auto_profile __attribute__((cleanup(profile_done)))

/* --- the calls --- */

static uint32_t second_architecture(void)
{
	switch (seccomp_arch_native()) {
	case SCMP_ARCH_X86_64:
		return SCMP_ARCH_X86;
	case SCMP_ARCH_AARCH64:
		return SCMP_ARCH_ARM;
	default:
		return 0;
	}
}

static int find_call(const struct profile *profile, const char *name)
{
	for (size_t i = 0; i < profile->n_calls; i++)
		if (strcmp(profile->calls[i].name, name) == 0)
			return (int)i;
	return -1;
}

static void add_call(struct profile *profile, uint32_t architecture, int number)
{
	char *name = seccomp_syscall_resolve_num_arch(architecture, number);

	if (!name)
		return;
	if (find_call(profile, name) >= 0) {
		free(name);
		return;
	}
	profile->calls = xrealloc(profile->calls, (profile->n_calls + 1) * sizeof(*profile->calls));
	profile->calls[profile->n_calls++] = (struct call){ name, 0 };
}

static void add_calls(struct profile *profile, uint32_t architecture)
{
	for (int number = 0; number < CALLS_MAX; number++)
		add_call(profile, architecture, number);
	/* of ARM alone */
	for (int number = 0x0f0001; architecture == SCMP_ARCH_ARM && number < 0x0f0010; number++)
		add_call(profile, architecture, number);
}

static const char *next_call(size_t i, const void *arg)
{
	const struct profile *profile = arg;

	return i < profile->n_calls ? profile->calls[i].name : NULL;
}

/* --- reading --- */

__attribute__((format(printf, 3, 4))) static int wrong(const struct profile *profile, struct error *err,
						       const char *format, ...)
{
	char text[300];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	return fail_status(err, STATUS_USAGE, "%s:%u: %s", profile->source, profile->line, text);
}

static int read_action(const struct profile *profile, const char *word, uint32_t *ret, struct error *err)
{
	if (strcmp(word, "allow") == 0)
		*ret = SCMP_ACT_ALLOW;
	else if (strcmp(word, "kill") == 0)
		*ret = SCMP_ACT_KILL_PROCESS;
	else if (strcmp(word, "log") == 0)
		*ret = SCMP_ACT_LOG;
	else
		*ret = 0;
	if (*ret)
		return 0;
	for (int code = 1; code < 134; code++) {
		const char *name = strerrorname_np(code);

		if (name && strcmp(name, word) == 0) {
			*ret = SCMP_ACT_ERRNO((uint32_t)code);
			return 0;
		}
	}
	return wrong(profile, err, "\"%s\" is no action: allow, log, kill, or an error such as EPERM or ENOSYS", word);
}

static const struct {
	const char *name;
	uint64_t value;
} constants[] = {
	{ "AF_UNSPEC", 0 },	{ "AF_UNIX", 1 },	   { "AF_INET", 2 },		 { "AF_INET6", 10 },
	{ "AF_NETLINK", 16 },	{ "AF_PACKET", 17 },	   { "AF_ALG", 38 },		 { "AF_VSOCK", 40 },
	{ "NETLINK_AUDIT", 9 }, { "TIOCSTI", 0x5412 },	   { "TIOCLINUX", 0x541c },	 { "MNT_FORCE", 1 },
	{ "CLONE_NEWNS", 0x00020000 },	{ "CLONE_NEWCGROUP", 0x02000000 }, { "CLONE_NEWUTS", 0x04000000 },
	{ "CLONE_NEWIPC", 0x08000000 }, { "CLONE_NEWUSER", 0x10000000 },   { "CLONE_NEWPID", 0x20000000 },
	{ "CLONE_NEWNET", 0x40000000 },
};

static int read_value(const struct profile *profile, const char *word, uint64_t *ret, struct error *err)
{
	char *end;

	if (!word)
		return wrong(profile, err, "a number is missing at the end of the condition");
	for (size_t i = 0; i < ARRAY_SIZE(constants); i++) {
		if (strcmp(word, constants[i].name) == 0) {
			*ret = constants[i].value;
			return 0;
		}
	}
	errno = 0;
	*ret = strtoull(word, &end, 0);
	if (!isdigit((unsigned char)*word) || *end || errno || *ret > INT_MASK)
		return wrong(profile, err, "\"%s\" is no number from 0 to 0xffffffff, nor a name such as AF_UNIX", word);
	return 0;
}

/* Every way to meet what was read so far, and besides one of `n` new comparisons. */
static int combine(const struct profile *profile, struct condition *condition, const struct scmp_arg_cmp *more, size_t n,
		   struct error *err)
{
	struct condition *old = xmalloc(sizeof(*old));
	int r = 0;

	*old = *condition;
	condition->n = 0;
	for (size_t i = 0; i < old->n && r == 0; i++) {
		for (size_t k = 0; k < n && r == 0; k++) {
			struct alternative *new = &condition->alternatives[condition->n];

			if (condition->n == ALTERNATIVES_MAX || old->alternatives[i].n == ARGUMENTS) {
				r = wrong(profile, err, "the condition has too many parts");
				break;
			}
			*new = old->alternatives[i];
			for (unsigned int a = 0; a < new->n && r == 0; a++)
				if (new->compare[a].arg == more[k].arg)
					r = wrong(profile, err, "arg%u stands twice in one condition", more[k].arg);
			new->compare[new->n++] = more[k];
			condition->n++;
		}
	}
	free(old);
	return r;
}

/* All values up to the highest of the list that are not in it, and all above. */
static int not_in(const struct profile *profile, struct condition *condition, unsigned int arg, char **words, size_t n,
		  size_t *at, struct error *err)
{
	struct scmp_arg_cmp more[ALTERNATIVES_MAX];
	uint64_t list[ALTERNATIVES_MAX], highest = 0;
	size_t count = 0, n_more = 0;

	while (*at < n && strcmp(words[*at], "and") != 0) {
		if (count == ALTERNATIVES_MAX)
			return wrong(profile, err, "the list has more than %d numbers", ALTERNATIVES_MAX);
		if (read_value(profile, words[(*at)++], &list[count], err) < 0)
			return -err->code;
		highest = list[count] > highest ? list[count] : highest;
		count++;
	}
	if (count == 0)
		return wrong(profile, err, "\"not in\" needs at least one number");
	if (highest >= ALTERNATIVES_MAX)
		return wrong(profile, err, "\"not in\" takes numbers below %d", ALTERNATIVES_MAX);
	for (uint64_t v = 0; v < highest; v++) {
		bool listed = false;

		for (size_t i = 0; i < count; i++)
			listed |= list[i] == v;
		if (!listed)
			more[n_more++] = SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, INT_MASK, v);
	}
	/* of all 64 bits: what has any of the upper ones is above too */
	more[n_more++] = SCMP_CMP64(arg, SCMP_CMP_GT, highest);
	return combine(profile, condition, more, n_more, err);
}

/* "arg1 = V", "arg1 & V" (any of the bits), "arg1 not in V V V" from words[*at] on. */
static int read_comparison(const struct profile *profile, struct condition *condition, char **words, size_t n, size_t *at,
			   struct error *err)
{
	struct scmp_arg_cmp more[32];
	size_t n_more = 0;
	unsigned int arg;
	uint64_t value;
	const char *how;

	if (*at + 2 > n || strlen(words[*at]) != 4 || !text_starts(words[*at], "arg") || words[*at][3] < '0' ||
	    words[*at][3] > '5')
		return wrong(profile, err, "a condition is arg0 to arg5, then \"=\", \"&\" or \"not in\", then a number");
	arg = (unsigned int)(words[(*at)++][3] - '0');
	how = words[(*at)++];
	if (strcmp(how, "not") == 0 && *at < n && strcmp(words[*at], "in") == 0) {
		(*at)++;
		return not_in(profile, condition, arg, words, n, at, err);
	}
	if (read_value(profile, *at < n ? words[*at] : NULL, &value, err) < 0)
		return -err->code;
	(*at)++;
	if (strcmp(how, "=") == 0)
		more[n_more++] = SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, INT_MASK, value);
	else if (strcmp(how, "&") == 0)
		for (uint64_t bit = 1; bit <= value; bit <<= 1) {
			if (value & bit)
				more[n_more++] = SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, bit, bit);
		}
	else
		return wrong(profile, err, "\"%s\" is no comparison: =, & (any of these bits), not in", how);
	if (n_more == 0)
		return wrong(profile, err, "no number has one of the bits of 0");
	return combine(profile, condition, more, n_more, err);
}

static int read_condition(struct profile *profile, size_t call, uint32_t action, char **words, size_t n, struct error *err)
{
	struct condition *condition;
	size_t at = 0;

	if (action == SCMP_ACT_ALLOW)
		return wrong(profile, err, "a condition can refuse, not allow: allow the call, and refuse the rest of it");
	condition = xcalloc(1, sizeof(*condition));
	condition->call = call;
	condition->action = action;
	condition->n = 1;	/* no comparison yet, so met by all */
	profile->conditions =
		xrealloc(profile->conditions, (profile->n_conditions + 1) * sizeof(*profile->conditions));
	profile->conditions[profile->n_conditions++] = condition;
	do {
		if (read_comparison(profile, condition, words, n, &at, err) < 0)
			return -err->code;
		if (at < n && strcmp(words[at], "and") != 0)
			return wrong(profile, err, "\"%s\" instead of \"and\" or the end of the line", words[at]);
	} while (at++ < n);
	return 0;
}

static int read_calls(struct profile *profile, uint32_t action, const struct strings *words, struct error *err)
{
	size_t when = 1;

	while (when < words->n && strcmp(words->items[when], "when") != 0)
		when++;
	if (when == 1)
		return wrong(profile, err, "the names of calls are missing, or \"*\" for all");
	if (when + 1 == words->n)
		return wrong(profile, err, "the condition is missing");
	for (size_t i = 1; i < when; i++) {
		const char *name = words->items[i];
		bool optional = *name == '?';
		int call;

		if (strcmp(name, "*") == 0 && when == words->n) {
			for (size_t k = 0; k < profile->n_calls; k++)
				profile->calls[k].action = action;
			continue;
		}
		name += optional;
		call = find_call(profile, name);
		if (call < 0 && optional)
			continue;
		if (call < 0) {
			const char *near = nearest(name, next_call, profile);

			wrong(profile, err, "there is no system call \"%.64s\"", name);
			return error_hint(err, "%s%s%s; \"?%.64s\" is taken where the library knows it",
					  near ? "did you mean \"" : "this libseccomp knows none of that name",
					  near ? near : "", near ? "\"?" : "", name);
		}
		if (when == words->n)
			profile->calls[call].action = action;
		else if (read_condition(profile, (size_t)call, action, words->items + when + 1, words->n - when - 1,
					err) < 0)
			return -err->code;
	}
	return 0;
}

static int read_line(struct profile *profile, const char *line, struct error *err)
{
	auto_strings struct strings words = STRINGS_EMPTY;
	uint32_t action;

	strings_split(&words, line, " \t\r");
	if (words.n == 0)
		return 0;
	if (strcmp(words.items[0], "architectures") == 0) {
		if (words.n != 2 || (strcmp(words.items[1], "native") != 0 && strcmp(words.items[1], "all") != 0))
			return wrong(profile, err, "architectures is all (also 32-bit programs) or native");
		profile->native_only = strcmp(words.items[1], "native") == 0;
		return 0;
	}
	if (strcmp(words.items[0], "default") == 0) {
		if (words.n != 2)
			return wrong(profile, err, "default takes one action");
		if (read_action(profile, words.items[1], &profile->preset, err) < 0)
			return -err->code;
		for (size_t i = 0; i < profile->n_calls && !profile->has_preset; i++)
			if (!profile->calls[i].action)
				profile->calls[i].action = profile->preset;
		profile->has_preset = true;
		return 0;
	}
	if (!profile->has_preset)
		return wrong(profile, err, "the first line must be the default action, such as: default ENOSYS");
	if (read_action(profile, words.items[0], &action, err) < 0)
		return -err->code;
	return read_calls(profile, action, &words, err);
}

static int read_profile(struct profile *profile, const char *text, struct error *err)
{
	add_calls(profile, seccomp_arch_native());
	if (second_architecture())
		add_calls(profile, second_architecture());
	while (*text) {
		size_t n = strcspn(text, "\n");
		auto_free char *line = xstrndup(text, n);

		profile->line++;
		line[strcspn(line, "#;")] = '\0';
		if (read_line(profile, line, err) < 0)
			return -err->code;
		text += n + (text[n] == '\n');
	}
	if (!profile->has_preset)
		return wrong(profile, err, "the profile says nothing: its first line is the default action, such as: "
					   "default ENOSYS");
	return 0;
}

/* --- making programs --- */

static int broken(const char *what, int r, struct error *err)
{
	return fail(err, -r, "%s of the filter of system calls", what);
}

/* Numbers of x32 and other architectures than ours are answered like unknown calls; the library's own wish is to kill. */
static scmp_filter_ctx new_context(uint32_t action, uint32_t other, uint32_t only, struct error *err)
{
	scmp_filter_ctx context = seccomp_init(action);
	int r = context ? 0 : -ENOMEM;

	if (r == 0 && only && only != seccomp_arch_native()) {
		r = seccomp_arch_add(context, only);
		if (r == 0)
			r = seccomp_arch_remove(context, seccomp_arch_native());
	}
	if (r == 0)
		r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, other);
	if (r == 0)
		seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);	/* since 2.5; without it slower */
	if (r == 0)
		return context;
	broken("make a context", r, err);
	if (context)
		seccomp_release(context);
	return NULL;
}

static int export(scmp_filter_ctx context, struct sock_filter **ret, uint16_t *ret_length, struct error *err)
{
	auto_close int fd = memfd_create("filter", MFD_CLOEXEC);
	auto_free char *data = NULL;
	size_t n;
	int r;

	if (fd < 0)
		return fail(err, errno, "make a memory file");
	r = seccomp_export_bpf(context, fd);
	if (r < 0)
		return broken("write the program", r, err);
	if (lseek(fd, 0, SEEK_SET) < 0 || read_fd(fd, 1U << 20, &data, &n) < 0)
		return fail(err, EIO, "read the program of the filter");
	if (n / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return fail(err, E2BIG, "the filter of system calls has %zu instructions, %d are the most",
			    n / sizeof(struct sock_filter), BPF_MAXINSNS);
	*ret_length = (uint16_t)(n / sizeof(struct sock_filter));
	*ret = (struct sock_filter *)(void *)take_ptr(&data);
	return 0;
}

static int by_number(const struct profile *profile, struct seccomp_filter *ret, struct error *err)
{
	scmp_filter_ctx context = new_context(profile->preset, profile->preset == SCMP_ACT_ALLOW ?
							 SCMP_ACT_ERRNO(ENOSYS) : profile->preset, 0, err);
	int r = 0;

	if (!context)
		return -err->code;
	if (!profile->native_only && second_architecture())
		r = seccomp_arch_add(context, second_architecture());
	for (size_t i = 0; i < profile->n_calls && r == 0; i++) {
		const struct call *call = &profile->calls[i];

		if (call->action != profile->preset)
			r = seccomp_rule_add_array(context, call->action, seccomp_syscall_resolve_name(call->name), 0,
						   NULL);
		if (r < 0)
			broken(call->name, r, err);
		else
			r = 0;
	}
	if (r == 0)
		r = export(context, &ret->programs[0], &ret->lengths[0], err);
	else if (!err->code)
		broken("add an architecture", r, err);
	if (r == 0)
		bpf_shorten(&ret->programs[0], &ret->lengths[0]);
	seccomp_release(context);
	return r;
}

/* Calls that 32-bit x86 also has as a part of socketcall or ipc, where a rule about arguments would become one about
 * something else: their arguments lie in memory, out of a filter's sight. */
static bool is_hidden(uint32_t architecture, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(architecture, name);

	return architecture == SCMP_ARCH_X86 &&
	       (number < 0 || (number >= 359 && number <= 373) || (number >= 393 && number <= 402));
}

static int add_conditions(const struct profile *profile, scmp_filter_ctx context, uint32_t architecture, struct error *err)
{
	for (size_t i = 0; i < profile->n_conditions; i++) {
		const struct condition *condition = profile->conditions[i];
		const char *name = profile->calls[condition->call].name;
		int number = seccomp_syscall_resolve_name_arch(architecture, name);

		if (number < 0 || is_hidden(architecture, name))
			continue;
		for (size_t k = 0; k < condition->n; k++) {
			const struct alternative *alternative = &condition->alternatives[k];
			int r = seccomp_rule_add_array(context, condition->action, seccomp_syscall_resolve_name(name),
						       alternative->n, alternative->compare);

			if (r < 0)
				return broken(name, r, err);
		}
	}
	return 0;
}

/* Whatever is not named, also of another architecture, is the other program's to judge. */
static int by_condition(const struct profile *profile, struct seccomp_filter *ret, struct error *err)
{
	uint32_t architectures[] = { seccomp_arch_native(), profile->native_only ? 0 : second_architecture() };
	scmp_filter_ctx context = NULL;
	int r = 0;

	if (profile->n_conditions == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(architectures) && r == 0 && architectures[i]; i++) {
		scmp_filter_ctx one = new_context(SCMP_ACT_ALLOW, SCMP_ACT_ALLOW, architectures[i], err);

		r = one ? add_conditions(profile, one, architectures[i], err) : -err->code;
		if (r == 0 && context) {
			r = seccomp_merge(context, one);	/* which takes it */
			if (r < 0)
				broken("merge two halves", r, err);
			else
				one = NULL;
		} else if (r == 0) {
			context = one;
			one = NULL;
		}
		if (one)
			seccomp_release(one);
	}
	if (r == 0)
		r = export(context, &ret->programs[1], &ret->lengths[1], err);
	if (context)
		seccomp_release(context);
	return r;
}

int seccomp_compile(const char *text, const char *source, struct seccomp_filter *ret, struct error *err)
{
	auto_profile struct profile profile = { .source = source };

	*ret = (struct seccomp_filter)SECCOMP_FILTER_NONE;
	if (read_profile(&profile, text, err) < 0)
		return -err->code;
	if (by_number(&profile, ret, err) < 0 || by_condition(&profile, ret, err) < 0) {
		seccomp_filter_done(ret);
		return -err->code;
	}
	if (ret->lengths[1] && bpf_join(&ret->programs[0], &ret->lengths[0], ret->programs[1], ret->lengths[1])) {
		free(take_ptr(&ret->programs[1]));
		ret->lengths[1] = 0;
	}
	return 0;
}

int seccomp_check(const char *text, const char *source, struct error *err)
{
	auto_profile struct profile profile = { .source = source };

	return read_profile(&profile, text, err);
}

char *seccomp_library(void)
{
	Dl_info info;
	char *line = NULL;

	if (dladdr((void *)(uintptr_t)seccomp_init, &info) && info.dli_fname)
		line = seccomp_library_at(info.dli_fname);
	return line ? line : xstrdup("unknown");	/* never equal to what is there: compiled each time */
}
