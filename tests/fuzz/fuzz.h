/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_TESTS_FUZZ_H
#define SYSCT_TESTS_FUZZ_H

/* fuzz - what the targets share. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A fuzzer and the corpus take an abort for a find. text: what it was about. */
static inline void require(bool truth, const char *what, const char *text)
{
	if (truth)
		return;
	fprintf(stderr, "%s:\n%s\n", what, text);
	abort();
}

#endif
