/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "os/caps.h"
#include "os/lsm.h"
#include "os/process.h"
#include "runtime/launch.h"
#include "store/syscalls.h"

#define MORE_FILTER "filter"	/* "yes": init has one, which stands below the run directory */
#define MORE_APPARMOR "apparmor"
#define MORE_SELINUX "selinux"

void confinement_done(struct confinement *confinement)
{
	seccomp_filter_done(&confinement->filter);
	free(take_ptr(&confinement->apparmor));
	free(take_ptr(&confinement->selinux));
	close_fd(&confinement->proc);
}

static struct lsm_label label_of(const struct confinement *confinement)
{
	return (struct lsm_label){ confinement->apparmor, confinement->selinux };
}

static int take_labels(struct confinement *ret, const char *apparmor, const char *selinux, struct error *err)
{
	struct lsm_label label;

	ret->apparmor = text_empty(apparmor) ? NULL : xstrdup(apparmor);
	ret->selinux = text_empty(selinux) ? NULL : xstrdup(selinux);
	label = label_of(ret);
	if (!lsm_given(&label))
		return 0;
	ret->proc = lsm_open_proc(err);
	return ret->proc < 0 ? ret->proc : 0;
}

static char *filter_path(const char *run_dir, const char *name)
{
	return xasprintf("%s/%s/filter", run_dir, name);
}

int confinement_make(const struct container *container, struct container_state *state, struct confinement *ret,
		     struct error *err)
{
	const struct container_config *config = &container->config;
	bool nesting = config->security.nesting && !config->security.privileged;
	auto_free char *path = filter_path(container->install->run_dir, container->name);

	if (caps_select(nesting ? caps_all() : caps_default(config->security.privileged), &config->security.keep_capabilities,
			&config->security.drop_capabilities, &ret->capabilities, err) < 0)
		return -err->code;
	ret->no_new_privileges = config->security.no_new_privileges;
	if (take_labels(ret, config->security.apparmor, config->security.selinux, err) < 0)
		return -err->code;
	record_set(&state->more, MORE_APPARMOR, ret->apparmor);
	record_set(&state->more, MORE_SELINUX, ret->selinux);
	if (syscalls_filter(container, &ret->filter, err) < 0)
		return -err->code;
	record_set(&state->more, MORE_FILTER, ret->filter.lengths[0] ? "yes" : NULL);
	return ret->filter.lengths[0] ? seccomp_filter_save(path, &ret->filter, "", "", err) : 0;
}

/* "NAME:\tVALUE" of /proc/PID/status, a number of that base. */
static int status_value(const char *status, const char *name, int base, uint64_t *ret)
{
	auto_free char *key = xasprintf("\n%s:", name);
	const char *line = strstr(status, key);

	if (!line)
		return -ENOENT;
	*ret = strtoull(line + strlen(key), NULL, base);
	return 0;
}

int confinement_of(const char *run_dir, const char *name, const struct container_state *state, int pidfd,
		   struct confinement *ret, struct error *err)
{
	const char *has_filter = record_get(&state->more, MORE_FILTER);
	auto_free char *status = NULL, *path = filter_path(run_dir, name);
	uint64_t no_new_privileges;
	char proc[40];

	snprintf(proc, sizeof(proc), "/proc/%d/status", (int)state->init.pid);
	if (read_file_at(AT_FDCWD, proc, 65536, &status, NULL) < 0 || pidfd_wait(pidfd, 0) != 0)
		return fail(err, ESRCH, "see how its init is confined");
	if (status_value(status, "CapBnd", 16, &ret->capabilities) < 0 ||
	    status_value(status, "NoNewPrivs", 10, &no_new_privileges) < 0)
		return fail(err, EPROTO, "read %s", proc);
	ret->no_new_privileges = no_new_privileges;
	if (take_labels(ret, record_get(&state->more, MORE_APPARMOR), record_get(&state->more, MORE_SELINUX), err) < 0)
		return -err->code;
	if (has_filter && !seccomp_filter_read(path, NULL, &ret->filter)) {
		fail(err, 0, "the filter of system calls that its init has is missing: %s", path);
		return error_hint(err, "start it anew: sysct restart %s", name);
	}
	return 0;
}

int confine_label(struct confinement *confinement, struct error *err)
{
	const struct lsm_label label = label_of(confinement);

	if (lsm_set_exec(&label, confinement->proc, err) < 0)
		return -err->code;
	free(take_ptr(&confinement->apparmor));
	free(take_ptr(&confinement->selinux));
	close_fd(&confinement->proc);
	return 0;
}

int confine(struct confinement *confinement, struct error *err)
{
	if (confine_label(confinement, err) < 0)
		return -err->code;
	if (confinement->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(err, errno, "set no_new_privileges");
	/* loading needs CAP_SYS_ADMIN, which may be among what goes */
	if (seccomp_filter_load(&confinement->filter, err) < 0)
		return -err->code;
	return caps_apply(confinement->capabilities, err);
}
