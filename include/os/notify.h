/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_NOTIFY_H
#define SYSCT_OS_NOTIFY_H

/* notify - a word to the service manager that started us (sd_notify(3)). */

/* Send "READY=1" or its like to the socket that NOTIFY_SOCKET names. 1: sent, 0: nobody asked, or -errno. */
int notify_send(const char *text);
/* The same to that socket; NULL and "": to nobody. */
int notify_send_to(const char *path, const char *text);

#endif
