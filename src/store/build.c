/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* build - the build phase of a template: template_run_build() of store/template.h.
 *
 *     we ── setup: first process of a pid namespace of its own; in a private copy of the host's mounts it makes a
 *           tmpfs at a place that everybody may search, and attaches below it what the script needs
 *             └─ first: in one more pid and mount namespace, owned by the template's user namespace if it has one
 *                  └─ the script
 *
 * Killing `setup` ends all of them and takes all mounts away; our death does that too (PR_SET_PDEATHSIG). */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "os/lock.h"
#include "os/mount.h"
#include "os/namespace.h"
#include "os/process.h"
#include "store/template.h"

#define EVENT_FD 3
#define TIMEOUT_MS (30 * 60 * 1000)
#define SLICE_MS 200
#define KILL_TIMEOUT_MS 10000
#define EVENT_BYTES 4096
#define LOG_TAIL 8192

/* What `setup` attaches below its tmpfs. */
struct attachment {
	const char *name;	/* below the tmpfs */
	const char *path;	/* on the host */
	bool mapped;		/* root of the user namespace owns what root owns */
};

struct job {
	const struct template_build *build;
	const char *base;	/* where the tmpfs is */
	struct attachment attachments[8];
	size_t n;
	struct strings environment;
	char *program;
	char *source, *keyring, *mirror;	/* as the script sees them */
	char *source_at, *keyring_at;
	char *shared;
	char *cache;
	int log_fd, event_fd;
	int we;			/* our own pidfd */
};

/* --- what the script sees --- */

static void attach(struct job *job, const char *name, const char *path, bool mapped)
{
	job->attachments[job->n++] = (struct attachment){ name, path, mapped };
}

/* Can everybody get there and read it? */
static bool world_readable(const char *path)
{
	auto_free char *above = xstrdup(path);
	struct stat st;
	char *slash;

	if (stat(path, &st) < 0 || !(st.st_mode & S_IROTH))
		return false;
	while ((slash = strrchr(above, '/')) && slash != above) {
		*slash = '\0';
		if (stat(above, &st) < 0 || !(st.st_mode & S_IXOTH))
			return false;
	}
	return true;
}

static const char *local_path(const char *mirror)
{
	if (!mirror)
		return NULL;
	if (text_starts(mirror, "file://localhost/"))
		return mirror + strlen("file://localhost");
	if (text_starts(mirror, "file:///"))
		return mirror + strlen("file://");
	return *mirror == '/' ? mirror : NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* A path of the caller's that the script reads: attached, since the root of a user namespace may not even search
 * /root. Returns the path that the script uses. */
static char *hand_in(struct job *job, const char *dir, const char *path, char **ret_at)
{
	*ret_at = xasprintf("%s/%s", dir, base_name(path));
	attach(job, *ret_at, path, true);
	return xasprintf("%s/%s", job->base, *ret_at);
}

static void prepare_paths(struct job *job)
{
	const struct template_build *build = job->build;
	const char *mirror = local_path(build->mirror);

	attach(job, "tmp", build->scratch, true);
	attach(job, "cache", job->cache, true);
	attach(job, "template", build->template->dir, false);
	if (access(job->shared, X_OK) == 0)
		attach(job, "shared", job->shared, false);
	job->program = xasprintf("%s/template/%s", job->base, build->template->name);
	if (!text_empty(build->source))
		job->source = hand_in(job, "source", build->source, &job->source_at);
	if (!text_empty(build->keyring))
		job->keyring = hand_in(job, "keyring", build->keyring, &job->keyring_at);
	if (mirror && build->map.count && !world_readable(mirror)) {
		attach(job, "mirror", mirror, true);
		job->mirror = xasprintf("%s/mirror", job->base);
	}
}

static void env(struct job *job, const char *name, const char *value)
{
	if (!text_empty(value))
		strings_add_take(&job->environment, xasprintf("%s=%s", name, value));
}

static void env_path(struct job *job, const char *name, const char *below)
{
	strings_add_take(&job->environment, xasprintf("%s=%s/%s", name, job->base, below));
}

static void prepare_environment(struct job *job)
{
	static const char *const passed[] = {
		"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy", "HTTP_PROXY",
		"HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
		"SOURCE_DATE_EPOCH",
	};
	const struct template_build *build = job->build;

	env(job, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	env(job, "LC_ALL", "C");
	env(job, "HOME", "/");
	env(job, "SYSCT_API", "1");
	env(job, "SYSCT_PHASE", "build");
	env(job, "SYSCT_TEMPLATE", build->template->name);
	env_path(job, "SYSCT_TEMPLATE_DIR", "template");
	env_path(job, "SYSCT_SHARED_DIR", "shared");
	env_path(job, "SYSCT_ROOTFS", "rootfs");
	env_path(job, "SYSCT_CACHE", "cache");
	env_path(job, "SYSCT_TMP", "tmp");
	env(job, "SYSCT_ARCH", build->arch);
	env(job, "SYSCT_RELEASE", build->release);
	env(job, "SYSCT_VARIANT", build->variant);
	env(job, "SYSCT_PACKAGES", build->packages);
	env(job, "SYSCT_MIRROR", job->mirror ? job->mirror : build->mirror);
	env(job, "SYSCT_GUEST_MIRROR", build->guest_mirror);
	env(job, "SYSCT_VERIFY", build->verify ? "1" : "0");
	env(job, "SYSCT_KEYRING", job->keyring);
	env(job, "SYSCT_SOURCE", job->source);
	env(job, "SYSCT_OFFLINE", build->offline ? "1" : "0");
	env(job, "SYSCT_USERNS", build->map.count || build->nested ? "1" : "0");
	env(job, "SYSCT_EVENT_FD", "3");
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		env(job, passed[i], getenv(passed[i]));
}

/* --- the script's first process --- */

__attribute__((noreturn)) static void give_up(const struct error *err)
{
	dprintf(STDERR_FILENO, "%s\n", err->message);
	_exit(1);
}

__attribute__((noreturn)) static void run_script(const struct job *job)
{
	const char *argv[] = { job->program, "build", NULL };

	setsid();
	umask(022);
	if (chdir("/") < 0)
		_exit(126);
	execve(job->program, (char *const *)argv, job->environment.items);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", job->build->template->path, strerror(errno));
	_exit(126);
}

static int status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* First process of the inner pid namespace: mounts its /proc, starts the script and reaps whatever it leaves. */
static void first_main(void *arg)
{
	const struct job *job = arg;
	int status;
	pid_t script, pid;

	if (job->build->map.count &&
	    (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)) {
		dprintf(STDERR_FILENO, "become root of the user namespace: %s\n", strerror(errno));
		_exit(1);
	}
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
		dprintf(STDERR_FILENO, "mount /proc for the template: %s\n", strerror(errno));
		_exit(1);
	}
	script = fork();
	if (script == 0)
		run_script(job);
	if (script < 0)
		_exit(1);
	dup2(STDERR_FILENO, EVENT_FD);	/* only the script holds the pipe */
	while ((pid = wait(&status)) != script)
		if (pid < 0 && errno != EINTR)
			_exit(1);
	_exit(status_of(status));
}

/* --- setup --- */

static int attach_at(const char *path, int mount_fd, bool is_dir, struct error *err)
{
	auto_close int at = -1;

	if (is_dir) {
		if (make_dirs(path, 0755) < 0)
			return fail(err, errno, "make %s", path);
	} else {
		auto_free char *above = xstrndup(path, (size_t)(strrchr(path, '/') - path));
		auto_close int file = make_dirs(above, 0755) < 0 ? -1 : open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

		if (file < 0)
			return fail(err, errno, "make %s", path);
	}
	at = open(path, O_PATH | O_CLOEXEC);
	if (at < 0)
		return fail(err, errno, "open %s", path);
	return mount_attach(mount_fd, at, err);
}

static int attach_one(const struct job *job, const struct attachment *a, struct error *err)
{
	auto_free char *at = xasprintf("%s/%s", job->base, a->name);
	auto_close int mount_fd = -1;
	struct error ignored = ERROR_NONE;
	struct stat st;

	if (stat(a->path, &st) < 0)
		return fail(err, errno, "open %s", a->path);
	mount_fd = mount_clone(AT_FDCWD, a->path, false, err);
	if (mount_fd < 0)
		return mount_fd;
	/* Some file systems cannot: then the script sees it with the host's ids, which does for what all may read. */
	if (a->mapped && job->build->userns_fd >= 0 && mount_idmap(mount_fd, job->build->userns_fd, &ignored) < 0)
		log_debug("%s: %s", a->path, ignored.message);
	return attach_at(at, mount_fd, S_ISDIR(st.st_mode), err);
}

static int set_up(const struct job *job, struct error *err)
{
	static const char *const options[] = { "mode=0755", "size=1m", NULL };
	auto_free char *rootfs = xasprintf("%s/rootfs", job->base);
	auto_close int tmpfs = -1, at = -1;
	int r;

	umask(022);
	r = mount_private(err);
	if (r < 0)
		return r;
	tmpfs = mount_new("tmpfs", "sysct", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
	if (tmpfs < 0)
		return tmpfs;
	at = open(job->base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return fail(err, errno, "open %s", job->base);
	r = mount_attach(tmpfs, at, err);
	if (r == 0)
		r = attach_at(rootfs, job->build->mount_fd, true, err);
	for (size_t i = 0; r == 0 && i < job->n; i++)
		r = attach_one(job, &job->attachments[i], err);
	return r;
}

__attribute__((noreturn)) static void setup_main(struct job *job)
{
	struct ns_launch launch = {
		.flags = CLONE_NEWPID, .userns_fd = job->build->userns_fd, .owner = job->build->map.outside,
		.cgroup_fd = -1, .mounts_fd = -1, .rootfs_fd = -1, .child = first_main, .arg = job,
	};
	struct error err = ERROR_NONE;
	int status;

	signals_reset();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pidfd_wait(job->we, 0) != 0)
		_exit(1);	/* too late for the line above */
	setsid();
	dup2(job->log_fd, STDOUT_FILENO);
	dup2(job->log_fd, STDERR_FILENO);
	if (job->event_fd != EVENT_FD)
		dup2(job->event_fd, EVENT_FD);
	fcntl(EVENT_FD, F_SETFD, 0);
	if (set_up(job, &err) < 0)
		give_up(&err);
	cloexec_from(EVENT_FD + 1);
	if (ns_launch(&launch, &err) < 0)
		give_up(&err);
	close(EVENT_FD);
	while (waitpid(launch.ret_pid, &status, 0) < 0)
		if (errno != EINTR)
			_exit(1);
	_exit(status_of(status));
}

/* --- our side --- */

/* Descriptors that setup_main() moves about must not lie where it moves them. */
static int above_events(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, 16);
	int saved = errno;

	close(fd);
	errno = saved;
	return moved;
}

static int open_null_stdin(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static pid_t spawn(struct job *job, int *ret_pidfd, struct error *err)
{
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};
	auto_close int null = open_null_stdin();
	pid_t pid;

	if (null < 0)
		return fail(err, errno, "open /dev/null");
	fflush(NULL);
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return fail(err, errno, "make namespaces for the template");
	if (pid == 0) {
		dup2(null, STDIN_FILENO);
		setup_main(job);
	}
	return pid;
}

void template_take_event(const struct template_build *build, char *line)
{
	char *rest = strchr(line, ' ');

	if (!rest)
		return;
	*rest++ = '\0';
	if (strcmp(line, "step") == 0) {
		progress_tell(build->progress, PROGRESS_STEP, -1, rest);
	} else if (strcmp(line, "note") == 0) {
		progress_tell(build->progress, PROGRESS_NOTE, -1, rest);
	} else if (strcmp(line, "progress") == 0) {
		char *text;
		long percent = strtol(rest, &text, 10);

		if (percent >= 0 && percent <= 100)
			progress_tell(build->progress, PROGRESS_PERCENT, (int)percent, text + (*text == ' '));
	} else if (strcmp(line, "set") == 0) {
		char *equals = strchr(rest, '=');

		/* A template may say what it likes: bounded, so that the result stays a record. */
		if (!equals || equals == rest || !build->ret_facts || build->ret_facts->keys.n > 64)
			return;
		*equals = '\0';
		record_set(build->ret_facts, rest, equals + 1);
	}
}

static void put_instead(struct text *ret, const char *text, const char *from, const char *to)
{
	const char *at;

	while (from && (at = strstr(text, from))) {
		text_append(ret, text, (size_t)(at - text));
		text_append(ret, to, strlen(to));
		text = at + strlen(from);
	}
	text_append(ret, text, strlen(text));
}

/* What a script says, with the paths that it was handed in as the caller knows them. Caller frees. */
static char *as_given(const struct job *job, const char *line)
{
	const struct {
		const char *from, *to;
	} paths[] = { { job->source, job->build->source }, { job->keyring, job->build->keyring },
		      { job->mirror, job->build->mirror } };
	char *ret = xstrdup(line);

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		auto_free char *before = ret;
		struct text text = TEXT_EMPTY;

		put_instead(&text, before, paths[i].from, paths[i].to);
		ret = text.data;
	}
	return ret;
}

struct events {
	char buf[EVENT_BYTES];
	size_t len;
	bool skip;	/* the line is too long: the rest of it is nobody's */
};

/* false: end of file. */
static bool take_events(const struct job *job, int fd, struct events *events)
{
	char *end;
	ssize_t n = read(fd, events->buf + events->len, sizeof(events->buf) - 1 - events->len);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	events->len += (size_t)n;
	events->buf[events->len] = '\0';
	while ((end = memchr(events->buf, '\n', events->len))) {
		size_t used = (size_t)(end + 1 - events->buf);

		*end = '\0';
		if (!events->skip) {
			auto_free char *line = as_given(job, events->buf);

			template_take_event(job->build, line);
		}
		events->skip = false;
		events->len -= used;
		memmove(events->buf, events->buf + used, events->len + 1);
	}
	if (events->len == sizeof(events->buf) - 1) {
		events->len = 0;
		events->skip = true;
	}
	return true;
}

/* Until the script has ended. 0, -EINTR (^C) or -ETIMEDOUT; in these two cases it has been killed. */
static int watch(const struct job *job, int pidfd, int event_fd)
{
	const struct template_build *build = job->build;
	uint64_t end = now_usec() + (uint64_t)(build->timeout_ms ? build->timeout_ms : TIMEOUT_MS) * 1000;
	auto_free struct events *events = xcalloc(1, sizeof(*events));
	struct pollfd fds[] = { { pidfd, POLLIN, 0 }, { event_fd, POLLIN, 0 } };
	int r = 0;

	while (!(fds[0].revents & POLLIN)) {
		fds[0].revents = fds[1].revents = 0;
		if (interrupt_pending())
			r = -EINTR;
		else if (now_usec() >= end)
			r = -ETIMEDOUT;
		if (r < 0) {
			pidfd_signal(pidfd, SIGKILL);
			return r;
		}
		poll(fds, 2, SLICE_MS);
		if (fds[1].revents && !take_events(job, event_fd, events))
			fds[1].fd = -1;
	}
	while (fds[1].fd >= 0 && take_events(job, event_fd, events))
		if (poll(&fds[1], 1, 0) <= 0)
			break;
	return 0;
}

/* The last line of the log that is not empty. Caller frees. */
static char *last_line(int log_fd)
{
	char buf[LOG_TAIL + 1], *line;
	off_t size = lseek(log_fd, 0, SEEK_END);
	ssize_t n = pread(log_fd, buf, LOG_TAIL, size > LOG_TAIL ? size - LOG_TAIL : 0);

	if (n < 0)
		n = 0;
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == ' ' || buf[n - 1] == '\r'))
		n--;
	buf[n] = '\0';
	line = strrchr(buf, '\n');
	line = line ? line + 1 : buf;
	if (strlen(line) > 480)
		line[480] = '\0';
	return text_printable(*line ? line : "it gave no reason");
}

static int build_failed(const struct job *job, int code, int log_fd, struct error *err)
{
	const struct template_build *build = job->build;
	static const struct {
		int code, status, error;
		const char *hint;
	} codes[] = {
		{ 2, STATUS_USAGE, EINVAL, "see: sysct template info %s; the whole log: %s" },
		{ 3, STATUS_FAILED, EHOSTUNREACH,
		  "check --mirror, the network and http_proxy (template %s); the whole log: %s" },
		{ 4, STATUS_VERIFY, EBADMSG,
		  "nothing unverified was used; another mirror may help (template %s); the whole log: %s" },
		{ 5, STATUS_USAGE, ENOENT, "what it offers: sysct template info %s; the whole log: %s" },
		{ 6, STATUS_FAILED, ENOPKG, "install what is missing for template %s; the whole log: %s" },
		{ 7, STATUS_FAILED, ENOSPC, "make room, or use another --cache-dir (template %s); the whole log: %s" },
	};
	auto_free char *said = last_line(log_fd), *line = as_given(job, said);

	fail_status(err, STATUS_FAILED, "template \"%s\": %s", build->template->name, line);
	err->code = EIO;
	error_hint(err, "the whole log: %s", build->log);
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (codes[i].code != code)
			continue;
		err->status = codes[i].status;
		err->code = codes[i].error;
		/* The table's strings take exactly these two. */
		snprintf(err->hint, sizeof(err->hint), codes[i].hint, build->template->name, build->log);
	}
	return -err->code;
}

/* SYSCT_TMP as the script knows it is no path for us. */
static void localise_manifest(const struct job *job)
{
	struct record *facts = job->build->ret_facts;
	auto_free char *prefix = xasprintf("%s/tmp/", job->base);
	auto_free char *below = NULL;
	const char *value = facts ? record_get(facts, "manifest") : NULL;

	if (!value)
		return;
	if (text_starts(value, prefix) && !strstr(value, ".."))
		below = xstrdup(value + strlen(prefix));
	record_set(facts, "manifest", below);
}

static int run(struct job *job, struct error *err)
{
	const struct template_build *build = job->build;
	auto_close int log_fd = -1, events = -1, pidfd = -1;
	int fds[2], status, r;
	pid_t pid;

	log_fd = open(build->log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (log_fd < 0)
		return fail(err, errno, "create the log %s", build->log);
	log_fd = above_events(log_fd);
	if (log_fd < 0 || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return fail(err, errno, "make a pipe");
	events = above_events(fds[0]);
	/* The script's end blocks: a shell does not expect EAGAIN. */
	fcntl(fds[1], F_SETFL, 0);
	job->event_fd = above_events(fds[1]);
	job->log_fd = log_fd;
	job->we = pidfd_of(getpid());
	pid = events < 0 || job->event_fd < 0 || job->we < 0 ? fail(err, EMFILE, "make a pipe") :
							       spawn(job, &pidfd, err);
	close_fd(&job->event_fd);
	close_fd(&job->we);
	if (pid < 0)
		return pid;
	r = watch(job, pidfd, events);
	if (!child_wait(pid, KILL_TIMEOUT_MS, &status) && r == 0)	/* after 0 it has ended */
		r = -ETIMEDOUT;
	if (r == -EINTR)
		return interrupt_check(err);
	if (r == -ETIMEDOUT) {
		fail_status(err, STATUS_TIMEOUT, "template \"%s\" was not done within %d minutes", build->template->name,
			    (build->timeout_ms ? build->timeout_ms : TIMEOUT_MS) / 60000);
		err->code = ETIMEDOUT;
		return error_hint(err, "what it was doing: tail %s", build->log);
	}
	if (status_of(status) != 0)
		return build_failed(job, status_of(status), log_fd, err);
	localise_manifest(job);
	return 0;
}

/* A directory that exists everywhere, that everybody may search and whose own content no script needs. */
static const char *choose_base(void)
{
	static const char *const places[] = { "/dev/shm", "/mnt", "/media", "/tmp" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (lstat(places[i], &st) == 0 && S_ISDIR(st.st_mode) && st.st_mode & S_IXOTH)
			return places[i];
	return "/tmp";
}

static int make_private_dir(const char *path, struct error *err)
{
	int r = make_dirs(path, 0700);

	return r < 0 ? fail(err, -r, "make the directory %s", path) : 0;
}

/* Two scripts at a time in one SYSCT_CACHE would trip over each other. Waits as long as one build may last. */
static int lock_cache(const char *path, struct error *err)
{
	auto_free char *file = xasprintf("%s/.lock", path);
	const struct lock_wish wish = { .dirfd = AT_FDCWD, .path = file, .wait_ms = TIMEOUT_MS + 60000,
					.what = "the directory of downloads", .status = STATUS_TIMEOUT };

	return lock_take_turn(&wish, err);
}

int template_run_build(struct template_build *build, struct error *err)
{
	struct job job = { .build = build, .base = choose_base(), .event_fd = -1, .we = -1 };
	auto_close int lock = -1;
	int r;

	job.cache = xasprintf("%s/download/%s-%s", build->install->cache_dir, build->template->name,
			      build->arch ? build->arch : "any");
	job.shared = xasprintf("%s/templates", build->install->data_dir);
	r = make_private_dir(job.cache, err);
	if (r == 0)
		r = lock = lock_cache(job.cache, err);
	if (r >= 0) {
		prepare_paths(&job);
		prepare_environment(&job);
		r = run(&job, err);
	}
	close_fd(&build->mount_fd);
	strings_clear(&job.environment);
	free(job.program);
	free(job.source);
	free(job.keyring);
	free(job.mirror);
	free(job.source_at);
	free(job.keyring_at);
	free(job.shared);
	free(job.cache);
	return r < 0 ? r : 0;
}
