/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals by name. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "os/process.h"

#define GLIBC_SIGRTMIN 34
#define GLIBC_SIGRTMAX 64

/* sigabbrev_np(3), which is glibc's alone. */
static const char *const names[32] = {
	[SIGHUP] = "HUP",   [SIGINT] = "INT",	    [SIGQUIT] = "QUIT", [SIGILL] = "ILL",     [SIGTRAP] = "TRAP",
	[SIGABRT] = "ABRT", [SIGBUS] = "BUS",	    [SIGFPE] = "FPE",	[SIGKILL] = "KILL",   [SIGUSR1] = "USR1",
	[SIGSEGV] = "SEGV", [SIGUSR2] = "USR2",   [SIGPIPE] = "PIPE", [SIGALRM] = "ALRM",   [SIGTERM] = "TERM",
	[SIGSTKFLT] = "STKFLT", [SIGCHLD] = "CHLD", [SIGCONT] = "CONT", [SIGSTOP] = "STOP",   [SIGTSTP] = "TSTP",
	[SIGTTIN] = "TTIN", [SIGTTOU] = "TTOU",   [SIGURG] = "URG",	[SIGXCPU] = "XCPU",   [SIGXFSZ] = "XFSZ",
	[SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF", [SIGWINCH] = "WINCH", [SIGPOLL] = "POLL", [SIGPWR] = "PWR",
	[SIGSYS] = "SYS",
};

int signal_parse(const char *text)
{
	static const char head[] = "RTMIN";
	uint32_t number;

	if (parse_u32(text, &number) == 0)
		return number >= 1 && number <= GLIBC_SIGRTMAX ? (int)number : -EINVAL;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	if (strncasecmp(text, head, strlen(head)) == 0) {
		text += strlen(head);
		if (!*text)
			return GLIBC_SIGRTMIN;
		if (*text != '+' || parse_u32(text + 1, &number) < 0 ||
		    number > GLIBC_SIGRTMAX - GLIBC_SIGRTMIN)
			return -EINVAL;
		return GLIBC_SIGRTMIN + (int)number;
	}
	for (int i = 1; i < (int)ARRAY_SIZE(names); i++)
		if (names[i] && strcasecmp(names[i], text) == 0)
			return i;
	return -EINVAL;
}

const char *signal_text(int signal, char *buf, size_t room)
{
	const char *name = signal > 0 && signal < (int)ARRAY_SIZE(names) ? names[signal] : NULL;

	if (name)
		snprintf(buf, room, "SIG%s", name);
	else if (signal >= GLIBC_SIGRTMIN && signal <= GLIBC_SIGRTMAX)
		snprintf(buf, room, "SIGRTMIN+%d", signal - GLIBC_SIGRTMIN);
	else
		snprintf(buf, room, "%d", signal);	/* 32 and 33, which are the C library's own */
	return buf;
}
