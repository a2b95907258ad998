/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_BASE_LOG_H
#define SYSCT_BASE_LOG_H

/* log - lines on standard error that are no errors.
 *
 * Rooms below runtime never log above debug. */

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

void log_set_level(enum log_level level);
enum log_level log_level(void);

/* Shown with --verbose only. */
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Shown unless --quiet. */
void log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Shown always, with "warning: " in front. */
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
