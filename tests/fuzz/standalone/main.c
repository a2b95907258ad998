/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fuzz target without the fuzzer: each argument is a file of its corpus. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		auto_fclose FILE *file = fopen(argv[i], "re");
		static char data[1 << 20];

		if (!file) {
			perror(argv[i]);
			return 1;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)data, fread(data, 1, sizeof(data), file));
	}
	return 0;
}
