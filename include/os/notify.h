/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_NOTIFY_H
#define SYSCT_OS_NOTIFY_H

/* notify - words to a service manager, and what they say (sd_notify(3)). libc alone. */

#include <stdbool.h>
#include <stddef.h>

/* Send "READY=1" or its like to the socket that NOTIFY_SOCKET names. 1: sent, 0: nobody asked, or -errno. */
int notify_send(const char *text);
/* The same to that socket; NULL and "": to nobody. */
int notify_send_to(const char *path, const char *text);

/* What one packet says of what we want to know. */
struct notify_news {
	bool ready;		/* READY=1 */
	const char *status;	/* the last STATUS=, within the packet; NULL: none */
};
/* Of n bytes that anybody may have chosen; data has room for one more, and is changed. Lines that are none of these are left
 * out. */
void notify_parse(char *data, size_t n, struct notify_news *ret);

#endif
