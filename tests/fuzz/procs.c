/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a packet of sd_notify(3), of which what counts goes on to clients; as /proc/PID/stat; and as a line of
 * mountinfo. Built with -fsanitize=fuzzer, or with standalone/main.c to run files of the corpus. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "os/notify.h"
#include "os/process.h"
#include "runtime/control.h"
#include "../../src/os/cgroup_parts.h"
#include "fuzz.h"

static void notify(const uint8_t *data, size_t size)
{
	auto_free char *packet = xcalloc(1, size + 1);
	auto_free struct control_packet *news_packet = xcalloc(1, sizeof(*news_packet));
	struct notify_news news;
	size_t n;

	if (size)
		memcpy(packet, data, size);
	notify_parse(packet, size, &news);
	if (news.ready)
		require(memmem(data, size, "READY=1", 7) != NULL, "ready, and nobody said so", "");
	if (!news.status)
		return;
	require(news.status > packet && news.status <= packet + size, "a status outside of the packet", "");
	require(!strchr(news.status, '\n'), "a status of several lines", news.status);
	n = control_make(news_packet, CONTROL_STATUS, 1, news.status);
	require(control_check(news_packet, n) == 0, "a client would refuse it", news.status);
	for (const char *p = news_packet->text; *p; p++)
		require((unsigned char)*p >= 0x20 && *p != 0x7f, "a control character", news_packet->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size), *line = xstrndup(text, strcspn(text, "\n"));
	struct mount_line mount = { NULL, NULL, NULL };
	uint64_t parent, start;
	size_t n = strlen(line);

	notify(data, size);
	if (process_stat_field(text, 22, &start) == 0)
		require(process_stat_field(text, 4, &parent) == 0, "a field behind, and none before", text);
	if (cgroup_mount_line(line, &mount)) {
		require(mount.type >= line && mount.super >= line && mount.point >= line && mount.type <= line + n &&
				mount.super <= line + n && mount.point <= line + n,
			"outside of the line", text);
		require(*mount.type && *mount.super && *mount.point && mount.point < mount.type, "a mount", text);
	}
	return 0;
}
