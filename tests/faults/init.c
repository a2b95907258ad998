/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The smallest init there can be, so that a boot and a stop cost next to nothing: it reaps, and ends by SIGTERM. */

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_term(int signal)
{
	(void)signal;
	_exit(0);
}

int main(void)
{
	signal(SIGTERM, on_term);
	signal(SIGCHLD, SIG_IGN);	/* none becomes a zombie */
	for (;;)
		pause();
}
