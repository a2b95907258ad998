/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_SEALED_H
#define SYSCT_OS_SEALED_H

/* sealed - our own program as a copy that nobody can write to.
 *
 * What enters a container runs there before it executes the container's program, and a "program" may be a script whose
 * interpreter is /proc/self/exe: then ours itself runs inside, and through its /proc/PID/exe the file on the host can be
 * opened. Ids that are not the host's cannot open it for writing; those of a privileged container are the host's. So for
 * such a one we run as a sealed memory file (memfd_create(2)), or, where those may not be executed (vm.memfd_noexec), as
 * a file of a read-only mount that is in no mount table. */

#include <stdbool.h>

#include "base/error.h"

/* The variable that tells a copy the path of the program that it was made of. */
#define SEALED_PROGRAM "SYSCT_PROGRAM"

/* Whether the present program cannot be written to through its /proc/PID/exe. */
bool program_is_sealed(void);

/* The path of the program, also of a copy, without the " (deleted)" of one that was replaced. Caller frees. */
char *program_path(void);

/* A descriptor, close-on-exec, to be executed with execveat(2) and AT_EMPTY_PATH. */
int program_seal(struct error *err);

/* Execute a sealed copy of ourselves with these arguments (NULL: our own) and the present environment. Returns on
 * failure only. */
int program_execute_sealed(char *const *argv, struct error *err);

#endif
