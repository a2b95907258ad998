/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_COMMAND_ATTACH_OPTIONS_H
#define SYSCT_COMMAND_ATTACH_OPTIONS_H

/* attach_options - the words of `sysct attach`, for getopt_long(3). */

#include <getopt.h>

#include "runtime/entry.h"

#define ATTACH_SHORT_OPTIONS "+hu:w:e:tT"
extern const struct option attach_long_options[];

/* What getopt_long() has returned, with optarg. -EINVAL: -e with no NAME=value. */
int attach_take_option(int c, struct attach_options *wish);

#endif
