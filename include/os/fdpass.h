/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_FDPASS_H
#define SYSCT_OS_FDPASS_H

/* fdpass - packets with descriptors over unix sockets (unix(7), SCM_RIGHTS). libc alone. */

#include <stddef.h>
#include <sys/types.h>

#define FDPASS_MAX 8

/* Send one packet with n_fds descriptors (at most FDPASS_MAX). 0 or -errno; never SIGPIPE. */
int fd_send(int socket, const void *data, size_t n, const int *fds, size_t n_fds);

/* Receive one packet. Returns its length, 0 at the end of the connection, or -errno. *n_fds: in, room of
 * fds; out, how many came (close-on-exec, the caller's); more than fit are closed. */
ssize_t fd_receive(int socket, void *data, size_t room, int *fds, size_t *n_fds);

/* A listening SOCK_SEQPACKET socket NAME in the directory dirfd, replacing what is there; and a connection to one.
 * The name of the directory may be of any length. Descriptor or -errno. Connecting, and
 * sending on the connection, wait 2 s at most (-EAGAIN). */
int unix_listen(int dirfd, const char *name);
int unix_connect(int dirfd, const char *name);

#endif
