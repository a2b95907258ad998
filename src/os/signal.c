/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals by name. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "os/process.h"

#define GLIBC_SIGRTMIN 34
#define GLIBC_SIGRTMAX 64

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
	for (int i = 1; i < 32; i++) {
		const char *name = sigabbrev_np(i);

		if (name && strcasecmp(name, text) == 0)
			return i;
	}
	return -EINVAL;
}

const char *signal_text(int signal, char *buf, size_t room)
{
	const char *name = signal < 32 ? sigabbrev_np(signal) : NULL;

	if (name)
		snprintf(buf, room, "SIG%s", name);
	else if (signal >= GLIBC_SIGRTMIN && signal <= GLIBC_SIGRTMAX)
		snprintf(buf, room, "SIGRTMIN+%d", signal - GLIBC_SIGRTMIN);
	else
		snprintf(buf, room, "%d", signal);	/* 32 and 33, which are the C library's own */
	return buf;
}
