/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SYSCT_OS_RELRO_H
#define SYSCT_OS_RELRO_H

/* relro - what is written once, by the relocation when a program starts, is never written again (PT_GNU_RELRO of the program's headers).
 * glibc and loaders see to that by themselves; musl does not in a program that is one piece. Twice does no harm. */
void relro_protect(void);

#endif
