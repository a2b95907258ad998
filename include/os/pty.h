/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_PTY_H
#define SYSCT_OS_PTY_H

/* pty - pseudo terminals (pty(7)) of a given devpts instance, and terminal modes. */

#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "base/error.h"

/* A new pty in the devpts whose directory is pts_fd (checked: its ptmx must be a devpts file, so that nothing
 * put there instead is opened). Returns the master; *ret_slave (by TIOCGPTPEER) and *ret_number too. */
int pty_open(int pts_fd, int *ret_slave, int *ret_number, struct error *err);

/* Put a terminal into raw mode; *ret_old is for terminal_restore(). -errno: no terminal. */
int terminal_raw(int fd, struct termios *ret_old);
void terminal_restore(int fd, const struct termios *old);

#endif
