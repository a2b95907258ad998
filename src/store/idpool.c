/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/idpool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "os/lock.h"
#include "store/leftovers.h"

#define ID_MAX (UINT32_MAX - 1)		/* (uid_t)-1 is nobody's */
#define BLOCK 65536U
#define FILE_BYTES (4U << 20)
#define LOCK_WAIT_MS 10000
#define GIVEN "idmap_given"		/* of identity: security.idmap names it */

/* --- ranges --- */

void id_ranges_add(struct id_ranges *ranges, uint64_t first, uint64_t last)
{
	if (last > ID_MAX)
		last = ID_MAX;
	if (first > last)
		return;
	ranges->items = xrealloc(ranges->items, (ranges->n + 1) * sizeof(*ranges->items));
	ranges->items[ranges->n++] = (struct id_range){ (uint32_t)first, (uint32_t)last };
}

static int compare(const void *a, const void *b)
{
	const struct id_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

void id_ranges_merge(struct id_ranges *ranges)
{
	size_t n = 0;

	if (!ranges->n)
		return;
	qsort(ranges->items, ranges->n, sizeof(*ranges->items), compare);
	for (size_t i = 1; i < ranges->n; i++) {
		struct id_range *last = &ranges->items[n], next = ranges->items[i];

		if (next.first <= (uint64_t)last->last + 1) {
			if (next.last > last->last)
				last->last = next.last;
		} else {
			ranges->items[++n] = next;
		}
	}
	ranges->n = n + 1;
}

void id_ranges_clear(struct id_ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct id_ranges)ID_RANGES_EMPTY;
}

/* Does [at, end] lie in one range? If not, *ret_next is the first id after `at` where it might. */
static bool inside(const struct id_ranges *ranges, uint64_t at, uint64_t end, uint64_t *ret_next)
{
	for (size_t i = 0; i < ranges->n; i++) {
		const struct id_range *range = &ranges->items[i];

		if (range->last < at)
			continue;
		if (range->first <= at && end <= range->last)
			return true;
		*ret_next = range->first > at ? range->first : (uint64_t)range->last + 1;
		return false;
	}
	*ret_next = (uint64_t)ID_MAX + 1;
	return false;
}

static bool overlaps(const struct id_ranges *ranges, uint64_t at, uint64_t end, uint64_t *ret_next)
{
	for (size_t i = 0; i < ranges->n; i++) {
		if (ranges->items[i].first <= end && ranges->items[i].last >= at) {
			*ret_next = (uint64_t)ranges->items[i].last + 1;
			return true;
		}
	}
	return false;
}

struct search {
	const struct id_ranges *uids, *gids, *taken;
	uint32_t count;
};

/* Candidates in [from, to] that are multiples of align. */
static bool search(const struct search *s, uint64_t from, uint64_t to, uint32_t align, uint32_t *ret)
{
	uint64_t at = from, end;

	for (;;) {
		at = (at + align - 1) / align * align;
		end = at + s->count - 1;
		if (at > to || end > ID_MAX)
			return false;
		if (inside(s->uids, at, end, &at) && inside(s->gids, at, end, &at) &&
		    !overlaps(s->taken, at, end, &at)) {
			*ret = (uint32_t)at;
			return true;
		}
	}
}

int idpool_choose(const struct id_ranges *uids, const struct id_ranges *gids,
		  const struct id_ranges *taken, uint32_t count, uint32_t start, uint32_t *ret)
{
	struct search s = { uids, gids, taken, count };

	/* Never below BLOCK: those are the host's own accounts whatever the files say. The last round is
	 * for a line such as root:100000:65536, which holds no aligned block. */
	if (search(&s, start < BLOCK ? BLOCK : start, ID_MAX, BLOCK, ret) ||
	    search(&s, BLOCK, start, BLOCK, ret) || search(&s, BLOCK, ID_MAX, 1, ret))
		return 0;
	return -ENOSPC;
}

/* --- what the host's files say --- */

/* Call use(fields, n, arg) for every line, cut at the separators. */
static void each_line(const char *text, const char *separators,
		      void (*use)(char *const *fields, size_t n, void *arg), void *arg)
{
	auto_strings struct strings lines = STRINGS_EMPTY;

	strings_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		char *fields[4], *rest = lines.items[i];
		size_t n = 0;

		if (*rest == '#')
			continue;
		while (n < ARRAY_SIZE(fields) && (fields[n] = strsep(&rest, separators)))
			if (separators[0] == ':' || *fields[n])	/* blanks may be repeated, colons not */
				n++;
		use(fields, n, arg);
	}
}

struct owned {
	struct id_ranges *mine, *others;
};

static void use_subid(char *const *fields, size_t n, void *arg)
{
	const struct owned *owned = arg;
	bool root;
	uint32_t first;
	uint64_t count;

	if (n != 3 || parse_u32(fields[1], &first) < 0 || parse_u64(fields[2], &count) < 0 || !count ||
	    count > UINT32_MAX)
		return;
	root = strcmp(fields[0], "root") == 0 || strcmp(fields[0], "0") == 0;
	id_ranges_add(root ? owned->mine : owned->others, first, first + count - 1);
}

void idpool_read_subid(const char *text, struct id_ranges *mine, struct id_ranges *others)
{
	struct owned owned = { mine, others };

	each_line(text, ":", use_subid, &owned);
}

static void use_account(char *const *fields, size_t n, void *arg)
{
	uint32_t id;

	if (n >= 3 && parse_u32(fields[2], &id) == 0)
		id_ranges_add(arg, id, id);
}

void idpool_read_accounts(const char *text, struct id_ranges *taken)
{
	each_line(text, ":", use_account, taken);
}

struct map_lines {
	struct id_ranges *ret;
	size_t n;
	bool full;
};

static void use_map(char *const *fields, size_t n, void *arg)
{
	struct map_lines *lines = arg;
	uint32_t in, out, count;

	if (n < 3 || parse_u32(fields[0], &in) < 0 || parse_u32(fields[1], &out) < 0 ||
	    parse_u32(fields[2], &count) < 0 || !count)
		return;
	lines->n++;
	lines->full = lines->n == 1 && in == 0 && out == 0 && count == UINT32_MAX;
	if ((uint64_t)in + count > BLOCK)
		id_ranges_add(lines->ret, in < BLOCK ? BLOCK : in, (uint64_t)in + count - 1);
}

int idpool_read_map(const char *text, struct id_ranges *ret)
{
	struct map_lines lines = { .ret = ret };

	each_line(text, " ", use_map, &lines);
	return lines.full;
}

/* --- what is on this host --- */

struct pool {
	struct id_ranges uids, gids, taken;
	bool own;		/* our own map, of which each level has less than the one above */
	const char *source;	/* for messages: where the pool comes from */
	const char *hint;
};

static void pool_done(struct pool *pool)
{
	id_ranges_clear(&pool->uids);
	id_ranges_clear(&pool->gids);
	id_ranges_clear(&pool->taken);
}

/* "" for a file that is not there: the host has no such accounts or lines. */
static char *file_text(const char *path)
{
	char *text;

	return read_file_at(AT_FDCWD, path, FILE_BYTES, &text, NULL) < 0 ? xstrdup("") : text;
}

static void read_accounts(struct pool *pool)
{
	static const char *const files[] = { "/etc/passwd", "/etc/group" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		auto_free char *text = file_text(files[i]);

		idpool_read_accounts(text, &pool->taken);
	}
}

/* systemd-nspawn -U keeps a locked file named by the first id of each range in use (nspawn(1)). */
static void read_nspawn(struct pool *pool)
{
	auto_closedir DIR *dir = opendir("/run/systemd/nspawn-uid");
	struct dirent *entry;
	uint32_t first;

	while (dir && (entry = readdir(dir)))
		if (parse_u32(entry->d_name, &first) == 0)
			id_ranges_add(&pool->taken, first, (uint64_t)first + BLOCK - 1);
}

static int add_claim(const struct record *identity, const char *key, struct id_ranges *taken, struct error *err)
{
	const char *value = record_get(identity, key);
	struct idmap map;

	if (!value)
		return 0;
	if (idmap_parse(value, &map, err) < 0)
		return -err->code;
	id_ranges_add(taken, map.outside, (uint64_t)map.outside + map.count - 1);
	return 0;
}

static int read_identity(const char *text, size_t n, const char *path, struct id_ranges *taken, struct error *err)
{
	static const char *const keys[] = { "idmap", "build_idmap", "shifted" };
	auto_record struct record record = RECORD_EMPTY;
	const char *uuid;

	if (record_parse(&record, text, n) < 0)
		return fail(err, 0, "read %s: it is damaged", path);
	if (record_check_version(&record, "version", IDENTITY_VERSION, path, err) < 0)
		return -err->code;
	uuid = record_get(&record, "uuid");
	if (!uuid || !uuid_valid(uuid))
		return fail(err, 0, "read %s: it has no uuid", path);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (add_claim(&record, keys[i], taken, err) < 0)
			return error_prefix(err, "read %s", path);
	return 0;
}

/* Of one that cannot be read the ids are unknown, and all others might be its own: so none are given out. */
static int read_claim(const char *name, const char *dir, int result, const char *text, size_t n, struct id_ranges *taken,
		      struct error *err)
{
	auto_free char *path = xasprintf("%s/identity", dir);

	if (result < 0) {
		fail(err, -result, "read %s", path);
		return error_hint(err, "new ids are given out when it can be read: it tells which ones that container has");
	}
	if (read_identity(text, n, path, taken, err) == 0)
		return 0;
	if (err->code != EPROTO)
		error_hint(err, name_valid(name) ? "mend it, or let go of that container: sysct destroy --force %s" :
						   "remove the directory %s, unless a create is running", name);
	return -err->code;
}

struct claims {
	const char *but;
	struct id_ranges *taken;
};

static int add_claims(const char *name, const char *dir, int result, const char *text, size_t n, void *arg, struct error *err)
{
	const struct claims *claims = arg;
	struct error why = ERROR_NONE;

	if (strcmp(name, claims->but) == 0 || read_claim(name, dir, result, text, n, claims->taken, &why) == 0 ||
	    text_starts(name, TRASH))
		return 0;
	*err = why;
	return -err->code;
}

/* The claims of all containers but the one in directory `but`, unfinished ones included; what is being destroyed may be damaged. */
static int read_claims(const struct install *install, const char *but, struct id_ranges *taken,
		       struct error *err)
{
	struct claims claims = { but, taken };

	return container_each_identity(install, add_claims, &claims, err);
}

static int configured(const struct host_config *host, struct pool *pool, struct error *err)
{
	uint32_t first = IDPOOL_FIRST, last = IDPOOL_LAST;

	if (host->id_pool) {
		auto_free char *copy = xstrdup(host->id_pool);
		char *dash = strchr(copy, '-');

		if (dash)
			*dash++ = '\0';
		if (!dash || parse_u32(copy, &first) < 0 || parse_u32(dash, &last) < 0 || first > last)
			return fail_status(err, STATUS_USAGE, "[host] id_pool \"%s\" is not of the form FIRST-LAST",
					   host->id_pool);
	}
	id_ranges_add(&pool->uids, first, last);
	id_ranges_add(&pool->gids, first, last);
	pool->source = "[host] id_pool";
	pool->hint = "give a larger one in sysct.conf: [host] id_pool = FIRST-LAST; or destroy containers "
		     "that are no longer needed";
	return 0;
}

bool idpool_nested(void)
{
	auto_free char *text = file_text("/proc/self/uid_map");
	auto_id_ranges struct id_ranges ignored = ID_RANGES_EMPTY;

	return *text && idpool_read_map(text, &ignored) != 1;
}

/* Inside of a user namespace only what we have been given can be given on. */
static bool own_map(struct pool *pool)
{
	auto_free char *uid_map = file_text("/proc/self/uid_map");
	auto_free char *gid_map = file_text("/proc/self/gid_map");

	if (!*uid_map || !*gid_map)
		return false;
	if ((idpool_read_map(uid_map, &pool->uids) & idpool_read_map(gid_map, &pool->gids)) == 1) {
		id_ranges_clear(&pool->uids);
		id_ranges_clear(&pool->gids);
		return false;
	}
	pool->own = true;
	pool->source = "this container's own id map";
	pool->hint = "give this container more ids: on its host, sysct config set NAME "
		     "security.nesting=yes, and restart it";
	return true;
}

static int pool_read(const struct install *install, const struct host_config *host, const char *but,
		     struct pool *pool, struct error *err)
{
	auto_free char *subuid = file_text("/etc/subuid"), *subgid = file_text("/etc/subgid");
	auto_id_ranges struct id_ranges uids = ID_RANGES_EMPTY, gids = ID_RANGES_EMPTY;
	int r = 0;

	idpool_read_subid(subuid, &uids, &pool->taken);
	idpool_read_subid(subgid, &gids, &pool->taken);
	if (own_map(pool)) {
		/* nothing else to ask */
	} else if (uids.n && gids.n) {
		pool->uids = uids;
		pool->gids = gids;
		uids = gids = (struct id_ranges)ID_RANGES_EMPTY;
		pool->source = "root's lines in /etc/subuid and /etc/subgid";
		pool->hint = "add to both files a line such as root:1000000000:878982656; or destroy "
			     "containers that are no longer needed";
	} else {
		r = configured(host, pool, err);
	}
	if (r < 0)
		return r;
	id_ranges_merge(&pool->uids);
	id_ranges_merge(&pool->gids);
	read_accounts(pool);
	read_nspawn(pool);
	return read_claims(install, but, &pool->taken, err);
}

/* Where to begin. Another installation's containers are not known here, so that each begins somewhere else. */
static uint32_t start_of(const struct install *install, const struct pool *pool)
{
	uint64_t number = strtoul(install->suffix, NULL, 16), blocks;
	const struct id_range *range;

	if (!number || !pool->uids.n)
		return 0;
	range = &pool->uids.items[0];
	blocks = ((uint64_t)range->last - range->first + 1) / BLOCK;
	return blocks ? (uint32_t)(range->first + number % blocks * BLOCK) : 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int find(const struct container *c, uint32_t count, struct idmap *ret, struct error *err)
{
	struct pool pool __attribute__((cleanup(pool_done))) = { .source = NULL };
	uint32_t first = 0;
	int r;

	r = pool_read(c->install, &c->host, base_name(c->dir), &pool, err);
	if (r < 0)
		return r;
	/* files that have its ids on disk move to a range beside the old one */
	r = add_claim(&c->identity, "shifted", &pool.taken, err);
	if (r < 0)
		return error_prefix(err, "read %s/identity", c->dir);
	r = idpool_choose(&pool.uids, &pool.gids, &pool.taken, count, start_of(c->install, &pool), &first);
	while (r < 0 && pool.own && count / 2 >= IDPOOL_COUNT_LEAST) {
		count /= 2;
		r = idpool_choose(&pool.uids, &pool.gids, &pool.taken, count, start_of(c->install, &pool), &first);
	}
	if (r < 0) {
		fail(err, 0, "claim %u ids for \"%s\": %s has no such range left", count, c->name,
		     pool.source);
		err->code = ENOSPC;
		return error_hint(err, "%s", pool.hint);
	}
	*ret = (struct idmap){ .inside = 0, .outside = first, .count = count };
	return 0;
}

int idpool_left(const struct install *install, const struct host_config *host, struct idpool_left *ret, struct error *err)
{
	struct pool pool __attribute__((cleanup(pool_done))) = { .source = NULL };
	uint32_t first;
	int r = pool_read(install, host, "", &pool, err);

	if (r < 0)
		return r;
	*ret = (struct idpool_left){ .source = pool.source, .hint = pool.hint };
	while (ret->containers < 65536 &&
	       idpool_choose(&pool.uids, &pool.gids, &pool.taken, IDPOOL_COUNT, 0, &first) == 0) {
		id_ranges_add(&pool.taken, first, (uint64_t)first + IDPOOL_COUNT - 1);
		id_ranges_merge(&pool.taken);
		ret->containers++;
	}
	return 0;
}

/* What the administrator wrote; only other containers are looked at, and what the files of this one have: they move to a
 * range beside it, or stay. */
static int given(const struct container *c, struct idmap *ret, struct error *err)
{
	auto_id_ranges struct id_ranges taken = ID_RANGES_EMPTY, own = ID_RANGES_EMPTY;
	uint64_t next;
	int r;

	r = idmap_parse(c->config.security.idmap, ret, err);
	if (r < 0)
		return error_status(err, STATUS_USAGE);
	r = read_claims(c->install, base_name(c->dir), &taken, err);
	if (r < 0)
		return r;
	r = add_claim(&c->identity, "shifted", &own, err);
	if (r < 0)
		return error_prefix(err, "read %s/identity", c->dir);
	if (own.n && own.items[0].first != ret->outside &&
	    overlaps(&own, ret->outside, (uint64_t)ret->outside + ret->count - 1, &next)) {
		fail_status(err, STATUS_USAGE, "security.idmap \"%s\" overlaps the ids that the container's files have",
			    c->config.security.idmap);
		return error_hint(err, "leave it at auto, or begin it at %llu or later", (unsigned long long)next);
	}
	if (overlaps(&taken, ret->outside, (uint64_t)ret->outside + ret->count - 1, &next)) {
		fail_status(err, STATUS_USAGE, "security.idmap \"%s\" overlaps the ids of another container",
			    c->config.security.idmap);
		return error_hint(err, "leave it at auto, or begin it at %llu or later",
				  (unsigned long long)next);
	}
	return 0;
}

static bool same(const struct idmap *a, const struct idmap *b)
{
	return a->inside == b->inside && a->outside == b->outside && a->count == b->count;
}

int idpool_lock(const struct install *install, struct error *err)
{
	auto_free char *path = xasprintf("%s/.host/lock/.idpool", install->run_dir);
	const struct lock_wish wish = { .dirfd = AT_FDCWD, .path = path, .wait_ms = LOCK_WAIT_MS,
					.what = "the id pool", .status = STATUS_TIMEOUT };

	return lock_take(&wish, err);
}

static int claim(struct container *c, const char *key, uint32_t count, bool is_given, struct error *err)
{
	auto_close int lock = idpool_lock(c->install, err);
	struct idmap map;
	char text[40];
	int r;

	if (lock < 0)
		return lock;
	r = is_given ? given(c, &map, err) : find(c, count, &map, err);
	if (r < 0)
		return r;
	record_set(&c->identity, key, idmap_format(&map, text, sizeof(text)));
	record_set(&c->identity, GIVEN, is_given ? "1" : NULL);
	r = container_save_identity(c, err);
	if (r < 0)
		return r;
	c->idmap = map;
	return 0;
}

int idpool_ensure(struct container *container, bool build, struct error *err)
{
	const struct container_config *config = &container->config;
	const char *key = config->security.privileged ? "build_idmap" : "idmap";
	const char *has = record_get(&container->identity, key);
	uint32_t count = config->security.nesting ? IDPOOL_COUNT_NESTING : IDPOOL_COUNT;
	bool is_given = config->security.idmap && strcmp(config->security.idmap, "auto") != 0;
	struct idmap map = { 0 }, wanted;

	if (config->security.privileged) {
		if (!build)
			return idmap_identity(&container->idmap, err);
		is_given = false;
		count = IDPOOL_COUNT;
	}
	if (has && idmap_parse(has, &map, err) < 0)
		return error_prefix(err, "read %s/identity", container->dir);
	if (is_given && map.count && idmap_parse(config->security.idmap, &wanted, err) == 0 &&
	    same(&map, &wanted)) {
		container->idmap = map;
		return 0;
	}
	/* what somebody wrote may be what others have: it is no more once it is not written any more */
	if (!is_given && record_get_u64(&container->identity, GIVEN, 0) == 0 &&
	    (map.count >= count || (map.count >= IDPOOL_COUNT_LEAST && idpool_nested()))) {
		container->idmap = map;
		return 0;
	}
	return claim(container, key, count, is_given, err);
}
