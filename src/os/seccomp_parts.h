/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_SECCOMP_PARTS_H
#define SYSCT_OS_SECCOMP_PARTS_H

/* seccomp_parts - what the compiling half of os/seccomp has in files of its own, and nobody else includes. */

#include <stdbool.h>
#include <stdint.h>

struct sock_filter;

/* What a program of classic BPF answers to a call of that number under that architecture (struct seccomp_data, seccomp(2)). false:
 * it looks at more than these two, or has an instruction that is not known here. */
bool bpf_answer(const struct sock_filter *program, uint16_t length, uint32_t arch, uint32_t number, uint32_t *ret);

/* Put in the place of a program that decides by architecture and number alone a shorter one with the same answers: the kernel checks,
 * translates and tries it for every number at each load, which takes a start and an attach as long as all of its instructions. The
 * answers are compared at every boundary that any of the two programs has, which is to say for all of them; where one differs, and
 * where nothing is gained, the program stays. */
void bpf_shorten(struct sock_filter **program, uint16_t *length);

/* Put the second program behind the first, which goes on to it wherever it allows: one program, with the answers that both have one
 * after the other, and loaded in four fifths of the time. The kernel takes the stricter of two answers, and of equally strict ones
 * that of the first, which is to be the one loaded later (seccomp(2), "Return Value"). The second is taken to load what it looks at,
 * as those of libseccomp do. false, and nothing is changed: it would be too long, or somewhere the first one forbids less strictly
 * than the second one may. */
bool bpf_join(struct sock_filter **first, uint16_t *first_length, const struct sock_filter *second, uint16_t second_length);

#endif
