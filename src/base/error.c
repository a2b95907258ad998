/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* In glibc's words, which people know and search for, also from a program of another C library (src/front/main.c). */
static const char *reason_of(int code)
{
	static const struct {
		int code;
		char words[40];
	} others[] = {
		{ EIO, "Input/output error" },
		{ ENOMEM, "Cannot allocate memory" },
		{ EBUSY, "Device or resource busy" },
		{ EMFILE, "Too many open files" },
		{ ENOTTY, "Inappropriate ioctl for device" },
		{ ESPIPE, "Illegal seek" },
		{ ENAMETOOLONG, "File name too long" },
		{ ELOOP, "Too many levels of symbolic links" },
		{ EOVERFLOW, "Value too large for defined data type" },
		{ ELIBBAD, "Accessing a corrupted shared library" },
		{ EMSGSIZE, "Message too long" },
		{ EOPNOTSUPP, "Operation not supported" },
		{ ENOTCONN, "Transport endpoint is not connected" },
		{ ETIMEDOUT, "Connection timed out" },
		{ EUCLEAN, "Structure needs cleaning" },
		{ EDQUOT, "Disk quota exceeded" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].code == code)
			return others[i].words;
	return strerror(code);
}

static int fill(struct error *err, int code, int status, const char *reason, const char *format,
		va_list args)
{
	char text[sizeof(err->message)];

	vsnprintf(text, sizeof(text), format, args);
	err->code = code;
	err->status = status;
	err->hint[0] = '\0';
	if (reason)
		snprintf(err->message, sizeof(err->message), "%.*s: %s",
			 (int)(sizeof(err->message) - 128), text, reason);
	else
		memcpy(err->message, text, sizeof(text));
	return -code;
}

int fail(struct error *err, int code, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	if (code > 0)
		r = fill(err, code, 0, reason_of(code), format, args);
	else
		r = fill(err, EINVAL, 0, NULL, format, args);
	va_end(args);
	return r;
}

int fail_status(struct error *err, int status, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = fill(err, EINVAL, status, NULL, format, args);
	va_end(args);
	return r;
}

int error_prefix(struct error *err, const char *format, ...)
{
	char outer[256], inner[sizeof(err->message)];
	va_list args;

	va_start(args, format);
	vsnprintf(outer, sizeof(outer), format, args);
	va_end(args);
	memcpy(inner, err->message, sizeof(inner));
	snprintf(err->message, sizeof(err->message), "%s: %.*s", outer,
		 (int)(sizeof(err->message) - strlen(outer) - 3), inner);
	return -err->code;
}

int error_hint(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
	return -err->code;
}

int error_status(struct error *err, int status)
{
	err->status = status;
	return -err->code;
}

int error_exit_status(const struct error *err)
{
	if (err->status)
		return err->status;
	return err->code == ETIMEDOUT ? STATUS_TIMEOUT : STATUS_FAILED;
}

void error_report(const struct error *err, const char *who)
{
	const char *line = err->message, *head = who ? who : "";

	fflush(stdout);
	/* several problems of a configuration are as many errors */
	for (const char *end; line; line = *end ? end + 1 : NULL) {
		end = strchrnul(line, '\n');
		fprintf(stderr, "sysct: %s%s%.*s\n", head, *head ? ": " : "", (int)(end - line), line);
	}
	if (err->hint[0])
		fprintf(stderr, "hint: %s\n", err->hint);
}
