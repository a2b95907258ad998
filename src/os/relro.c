/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/relro.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));	/* the linker's: what the program begins with */

void relro_protect(void)
{
	const char *base = (const char *)&__ehdr_start;
	const ElfW(Phdr) *headers = (const void *)(base + __ehdr_start.e_phoff);
	size_t page = (size_t)getpagesize();

	for (size_t i = 0; i < __ehdr_start.e_phnum; i++) {
		size_t from = headers[i].p_vaddr & ~(page - 1), to = (headers[i].p_vaddr + headers[i].p_memsz) & ~(page - 1);

		if (headers[i].p_type == PT_GNU_RELRO && to > from)
			mprotect((void *)(base + from), to - from, PROT_READ);
	}
}
