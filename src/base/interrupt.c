/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t pending, arrived;
static int held;

static void on_signal(int signal)
{
	pending = signal;
	arrived++;
}

void interrupt_install(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGCHLD);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &action, NULL);
		sigaddset(&ours, signals[i]);
	}
	/* A caller may have handed down another idea of them: with SIGCHLD ignored no child could be waited for. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &ours, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

void interrupt_reset(void)
{
	pending = 0;
	interrupt_install();
}

int interrupt_pending(void)
{
	return pending;
}

int interrupt_mark(void)
{
	return arrived;
}

bool interrupt_since(int mark)
{
	return !held && arrived != mark;
}

void interrupt_hold(bool hold)
{
	held += hold ? 1 : -1;
}

int interrupt_check(struct error *err)
{
	if (!pending)
		return 0;
	fail(err, 0, "interrupted");
	err->code = EINTR;
	error_status(err, STATUS_INTERRUPTED);
	return -EINTR;
}
