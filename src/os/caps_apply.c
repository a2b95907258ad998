/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Without libcap, which the program that attaches is not linked with: see src/front/main.c. */
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/caps.h"

int caps_apply(uint64_t mask, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	for (int cap = 0; cap < 64; cap++) {
		int bound = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (bound < 0)	/* the kernel's last one was before it (capabilities(7)) */
			break;
		if (bound && (mask >> cap & 1)) {
			data[CAP_TO_INDEX(cap)].permitted |= CAP_TO_MASK(cap);
			data[CAP_TO_INDEX(cap)].effective |= CAP_TO_MASK(cap);
		} else if (bound && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
			return fail(err, errno, "drop capability %d from the bounding set", cap);
		}
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return fail(err, errno, "clear the ambient capabilities");
	return syscall(SYS_capset, &header, data) < 0 ? fail(err, errno, "set the capabilities") : 0;
}
