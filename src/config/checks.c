/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/checks.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "os/caps.h"
#include "os/process.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Between one and max bytes, all of them in set. */
static bool made_of(const char *s, size_t max, const char *set)
{
	size_t n = strlen(s);

	return n > 0 && n <= max && strspn(s, set) == n;
}

bool check_text(const char *s)
{
	return strlen(s) <= 4096;
}

bool check_description(const char *s)
{
	return strlen(s) <= 1024;
}

bool check_arch(const char *s)
{
	return made_of(s, 32, LETTERS CAPITALS DIGITS "_-");
}

/* --- labels of security modules --- */

#define LABEL_MAX 1023

static bool printable(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

/* What AppArmor takes is its own to say; a name may have blanks inside. */
bool check_apparmor(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= LABEL_MAX && printable(s) && *s != ' ' && s[n - 1] != ' ';
}

bool check_selinux(const char *s)
{
	unsigned int parts = 1;

	if (!*s || strlen(s) > LABEL_MAX || !printable(s) || strchr(s, ' '))
		return false;
	for (const char *p = s; *p; p++) {
		if (*p != ':')
			continue;
		if (p == s || !p[1] || p[1] == ':')
			return false;
		parts++;
	}
	return parts >= 3;
}

/* --- names --- */

static bool labels(const char *s, size_t max)
{
	size_t n = strlen(s);

	if (n < 1 || n > max)
		return false;
	while (*s) {
		size_t len = strcspn(s, ".");

		if (len < 1 || len > 63 || s[0] == '-' || s[len - 1] == '-')
			return false;
		if (strspn(s, LETTERS CAPITALS DIGITS "-") < len)
			return false;
		s += len;
		if (*s == '.' && !*++s)
			return false;
	}
	return true;
}

bool check_hostname(const char *s)
{
	return labels(s, 64); /* what sethostname(2) takes */
}

bool check_domain(const char *s)
{
	return labels(s, 253);
}

bool check_environment_id(const char *s)
{
	return made_of(s, 64, LETTERS CAPITALS DIGITS "_.-");
}

bool check_environment_name(const char *s)
{
	return made_of(s, 256, LETTERS CAPITALS DIGITS "_") && !isdigit((unsigned char)*s);
}

bool check_credential_name(const char *s)
{
	return made_of(s, 255, LETTERS CAPITALS DIGITS "_.-") && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* One escape behind its backslash. Returns how many bytes it has, 0: it is none. */
static size_t read_escape(const char *s, char *ret)
{
	switch (*s) {
	case 'n':
		*ret = '\n';
		return 1;
	case 't':
		*ret = '\t';
		return 1;
	case '\\':
		*ret = '\\';
		return 1;
	case 'x':
		if (hex_digit(s[1]) < 0 || hex_digit(s[2]) < 0)
			return 0;
		*ret = (char)(hex_digit(s[1]) << 4 | hex_digit(s[2]));
		return 3;
	default:
		return 0;
	}
}

char *credential_bytes(const char *s, size_t *ret_n)
{
	auto_free char *bytes = xmalloc(strlen(s) + 1);
	size_t n = 0;

	while (*s) {
		size_t used;

		if (*s != '\\') {
			bytes[n++] = *s++;
			continue;
		}
		used = read_escape(s + 1, &bytes[n++]);
		if (!used)
			return NULL;
		s += 1 + used;
	}
	bytes[n] = '\0';
	*ret_n = n;
	return take_ptr(&bytes);
}

bool check_credential(const char *s)
{
	size_t n;
	auto_free char *bytes = credential_bytes(s, &n);

	return bytes != NULL;
}

bool check_link_name(const char *s)
{
	static const char *const taken[] = { ".", "..", "lo", "all", "default" };

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (strcmp(s, taken[i]) == 0)
			return false;
	return made_of(s, IF_NAMESIZE - 1, LETTERS CAPITALS DIGITS "_.-") && *s != '-';
}

static bool account(const char *s)
{
	return made_of(s, 32, LETTERS CAPITALS DIGITS "_.-") && *s != '-' && *s != '.';
}

bool check_user(const char *s)
{
	const char *colon = strchr(s, ':');
	auto_free char *user = xstrndup(s, colon ? (size_t)(colon - s) : strlen(s));

	return account(user) && (!colon || account(colon + 1));
}

/* --- paths --- */

static bool has_parent(const char *s)
{
	while (*s) {
		size_t n = strcspn(s, "/");

		if (n == 2 && s[0] == '.' && s[1] == '.')
			return true;
		s += n;
		s += strspn(s, "/");
	}
	return false;
}

bool check_directory(const char *s)
{
	return *s == '/' && s[strspn(s, "/.")] && !has_parent(s) && strlen(s) < 4096;
}

bool check_mount_path(const char *s)
{
	static const char *const ours[] = { "/proc", "/sys", "/dev/pts", "/run/host" };
	static const char *const whole[] = { "/dev", "/run" };

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (text_starts(s, ours[i]) && (!s[strlen(ours[i])] || s[strlen(ours[i])] == '/'))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		if (text_starts(s, whole[i]) && strspn(s + strlen(whole[i]), "/") == strlen(s + strlen(whole[i])))
			return false;
	return check_directory(s) && !strstr(s, "//") && !strstr(s, "/./") && !text_ends(s, "/") && !text_ends(s, "/.");
}

bool check_seccomp(const char *s)
{
	return strcmp(s, "default") == 0 || strcmp(s, "none") == 0 || (check_directory(s) && !text_ends(s, "/"));
}

bool check_image(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < 4096 && s[strspn(s, "/.")] && s[n - 1] != '/' && !has_parent(s);
}

bool check_rootfs_directory(const char *s)
{
	return check_directory(s) || (*s != '/' && check_image(s));
}

bool check_init(const char *s)
{
	size_t program = strcspn(s, " \t");

	return *s == '/' && program > 1 && s[program - 1] != '/' && strlen(s) < 4096;
}

/* --- namespaces --- */

/* The others die with the processes or the boot that they describe. */
bool check_persist(const char *s)
{
	return strcmp(s, "net") == 0 || strcmp(s, "uts") == 0 || strcmp(s, "ipc") == 0;
}

bool check_time(const char *s)
{
	return strcmp(s, "host") == 0 || strcmp(s, "new") == 0;
}

/* --- CPUs --- */

#define MOST_CPUS 8192

bool check_cpuset(const char *s)
{
	auto_strings struct strings parts = STRINGS_EMPTY;
	uint32_t next = 0;

	if (!made_of(s, 512, DIGITS ",-") || *s == ',' || text_ends(s, ",") || strstr(s, ",,"))
		return false;
	strings_split(&parts, s, ",");
	for (size_t i = 0; i < parts.n; i++) {
		char *dash = strchr(parts.items[i], '-');
		uint32_t first, last;

		if (dash)
			*dash = '\0';
		if (parse_u32(parts.items[i], &first) < 0 || parse_u32(dash ? dash + 1 : parts.items[i], &last) < 0 ||
		    first < next || last < first || last >= MOST_CPUS)
			return false;
		next = last + 1;
	}
	return true;
}

/* --- signals, capabilities --- */

bool check_signal(const char *s)
{
	return strcmp(s, "auto") == 0 || signal_parse(s) > 0;
}

bool check_capability(const char *s)
{
	return made_of(s, 48, LETTERS CAPITALS "_") && caps_parse(s) >= 0;
}

static char *lower(char *s)
{
	for (char *p = s; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return s;
}

char *normal_capability(const char *s)
{
	if (strncasecmp(s, "cap_", 4) == 0)
		s += 4;
	return lower(xasprintf("cap_%s", s));
}

/* --- ids --- */

bool check_idmap(const char *s)
{
	auto_strings struct strings parts = STRINGS_EMPTY;
	uint32_t inside, outside, count;

	if (strcmp(s, "auto") == 0)
		return true;
	if (!made_of(s, 64, DIGITS ":") || *s == ':' || strstr(s, "::"))
		return false;
	strings_split(&parts, s, ":");
	if (parts.n != 3 || text_ends(s, ":") || parse_u32(parts.items[0], &inside) < 0 ||
	    parse_u32(parts.items[1], &outside) < 0 || parse_u32(parts.items[2], &count) < 0)
		return false;
	/* id 4294967295 is "no id" to the kernel */
	return count >= 1 && count < UINT32_MAX - inside && count < UINT32_MAX - outside;
}

bool check_id_pool(const char *s)
{
	const char *dash = strchr(s, '-');
	auto_free char *low = dash ? xstrndup(s, (size_t)(dash - s)) : NULL;
	uint32_t first, last;

	if (!dash || parse_u32(low, &first) < 0 || parse_u32(dash + 1, &last) < 0)
		return false;
	return first >= 65536 && last < UINT32_MAX && last > first && last - first >= 65535;
}

/* --- network --- */

bool check_hwaddr(const char *s)
{
	unsigned int first;

	if (strcmp(s, "auto") == 0)
		return true;
	if (strlen(s) != 17)
		return false;
	for (size_t i = 0; i < 17; i++)
		if (i % 3 == 2 ? s[i] != ':' : !isxdigit((unsigned char)s[i]))
			return false;
	first = (unsigned int)strtoul(s, NULL, 16);
	return !(first & 1) && strspn(s, "0:") != 17; /* no group address, not all zero */
}

char *normal_hwaddr(const char *s)
{
	return lower(xstrdup(s));
}

bool ip_parse(const char *s, bool with_prefix, struct ip *ret)
{
	const char *slash = strchr(s, '/');
	auto_free char *address = xstrndup(s, slash ? (size_t)(slash - s) : strlen(s));
	struct ip ip = { .family = strchr(address, ':') ? AF_INET6 : AF_INET };
	unsigned int longest = ip.family == AF_INET6 ? 128 : 32;
	uint32_t prefix = longest;

	if (!!slash != with_prefix || inet_pton(ip.family, address, ip.bytes) != 1)
		return false;
	if (slash && (parse_u32(slash + 1, &prefix) < 0 || prefix > longest || strlen(slash) > 4))
		return false;
	ip.prefix = prefix;
	*ret = ip;
	return true;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return !rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool ip_in_net(const struct ip *address, const struct ip *net)
{
	return address->family == net->family && same_bits(address->bytes, net->bytes, net->prefix);
}

/* One that a machine can have: not all zero, no loopback, no group. */
static bool host_address(const struct ip *ip)
{
	static const uint8_t zero[16], loopback6[16] = { [15] = 1 };

	if (ip->family == AF_INET)
		return ip->bytes[0] != 0 && ip->bytes[0] != 127 && ip->bytes[0] < 224;
	return memcmp(ip->bytes, zero, 16) != 0 && memcmp(ip->bytes, loopback6, 16) != 0 &&
	       ip->bytes[0] != 0xff;
}

bool check_ip(const char *s)
{
	struct ip ip;

	return ip_parse(s, false, &ip) && host_address(&ip);
}

bool check_address(const char *s)
{
	struct ip ip;

	if (strcmp(s, "auto") == 0 || strcmp(s, "none") == 0 || strcmp(s, "dhcp") == 0)
		return true;
	return ip_parse(s, true, &ip) && ip.prefix >= 1 && host_address(&ip);
}

static bool port_parse(const char *s, uint16_t *ret)
{
	uint32_t port;

	if (!made_of(s, 5, DIGITS) || parse_u32(s, &port) < 0 || port < 1 || port > 65535)
		return false;
	*ret = (uint16_t)port;
	return true;
}

/* The address of the host: one that a machine can have, its own loopback address, or all of a
 * family. */
static bool host_part(const char *s, struct publish *ret)
{
	bool bracketed = *s == '[' && text_ends(s, "]");
	auto_free char *bare = xstrndup(s + bracketed, strlen(s) - 2 * (size_t)bracketed);
	static const uint8_t zero[16];
	struct ip ip;

	if (!ip_parse(bare, false, &ip) || bracketed != (ip.family == AF_INET6))
		return false;
	ret->family = ip.family;
	ret->host[0] = '\0';
	if (memcmp(ip.bytes, zero, ip.family == AF_INET6 ? 16 : 4) == 0)
		return true;
	if (!host_address(&ip) && !(ip.family == AF_INET && ip.bytes[0] == 127))
		return false; /* ::1 too: nothing can be sent from there to another link */
	return inet_ntop(ip.family, ip.bytes, ret->host, sizeof(ret->host)) != NULL;
}

bool publish_parse(const char *s, struct publish *ret)
{
	struct publish publish = { .family = 0 };
	auto_free char *text = xstrdup(s);
	char *slash = strchr(text, '/'), *inside = strrchr(text, ':'), *outside;

	if (slash) {
		*slash++ = '\0';
		publish.udp = strcmp(slash, "udp") == 0;
		if (!publish.udp && strcmp(slash, "tcp") != 0)
			return false;
	}
	if (!inside)
		return false;
	*inside++ = '\0';
	outside = strrchr(text, ':');
	if (outside && text_ends(text, "]"))
		return false; /* an address where a port belongs */
	if (outside) {
		*outside++ = '\0';
		if (!host_part(text, &publish))
			return false;
	} else {
		outside = text;
	}
	if (!port_parse(outside, &publish.host_port) || !port_parse(inside, &publish.port))
		return false;
	*ret = publish;
	return true;
}

char *publish_format(const struct publish *publish)
{
	bool v6 = publish->family == AF_INET6;
	const char *host = publish->host;

	if (publish->family && !*host)
		host = v6 ? "::" : "0.0.0.0";
	return xasprintf("%s%s%s%s%u:%u%s", v6 ? "[" : "", host, v6 ? "]" : "",
			 publish->family ? ":" : "", publish->host_port, publish->port,
			 publish->udp ? "/udp" : "");
}

bool publish_overlap(const struct publish *a, const struct publish *b)
{
	if (a->udp != b->udp || a->host_port != b->host_port)
		return false;
	if (a->family && b->family && a->family != b->family)
		return false;
	return !*a->host || !*b->host || strcmp(a->host, b->host) == 0;
}

bool check_publish(const char *s)
{
	struct publish publish;

	return publish_parse(s, &publish);
}

char *normal_publish(const char *s)
{
	struct publish publish;

	return publish_parse(s, &publish) ? publish_format(&publish) : xstrdup(s);
}

/* Nothing after the prefix but zero bits: 10.0.3.0/24, not 10.0.3.1/24. */
static bool net_of(const char *s, int family, unsigned int shortest, unsigned int longest)
{
	static const uint8_t zero[16];
	struct ip ip;

	if (!ip_parse(s, true, &ip) || ip.family != family || ip.prefix < shortest ||
	    ip.prefix > longest || !host_address(&ip))
		return false;
	if (ip.prefix % 8 && (ip.bytes[ip.prefix / 8] & (0xff >> (ip.prefix % 8))))
		return false;
	return memcmp(ip.bytes + (ip.prefix + 7) / 8, zero, 16 - (ip.prefix + 7) / 8) == 0;
}

bool check_subnet(const char *s)
{
	return strcmp(s, "auto") == 0 || net_of(s, AF_INET, 8, 29);
}

bool check_subnet6(const char *s)
{
	return strcmp(s, "auto") == 0 || strcmp(s, "none") == 0 || net_of(s, AF_INET6, 48, 112);
}

bool check_mirror(const char *s)
{
	static const char *const schemes[] = { "https://", "http://", "file:///" };
	size_t name = strspn(s, LETTERS DIGITS "-_");
	const char *url = s + name + strspn(s + name, " \t");

	if (name < 1 || url == s + name || url[strcspn(url, " \t")])
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (text_starts(url, schemes[i]) && url[strlen(schemes[i])])
			return true;
	return false;
}

char *normal_mirror(const char *s)
{
	size_t name = strcspn(s, " \t");

	return xasprintf("%.*s %s", (int)name, s, s + name + strspn(s + name, " \t"));
}
