/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* table - every command with its words. Completion reads the options from the help: they stand on lines that begin
 * with two blanks and a dash, with two blanks before what is said of them. */

#include "base/cleanup.h"
#include "command/command.h"

#define MAKE "Make and remove"
#define RUN "Run"
#define ENTER "Enter and watch"
#define LOOK "Look and set"
#define REST "Templates, images, help"

#define ALL "  --all                 all containers\n"
#define ALL_STOPPED "  --all                 all containers that do not run\n"
#define ALL_RUNNING "  --all                 all containers that run\n"
#define FORMAT "  --format FORMAT       table, json or csv\n"
#define HELP "  -h, --help            this text\n"

#define CREATE_OPTIONS                                                                             \
	"  --release R           a release other than the template's default\n"                    \
	"  --arch A              another architecture, as uname -m names it\n"                     \
	"  --variant V           a variant of the template\n"                                      \
	"  --mirror URL          where to download from\n"                                         \
	"  --guest-mirror URL    what the container itself uses later, if that is another\n"       \
	"  --keyring FILE        keys that the download must be signed with\n"                     \
	"  --packages A,B        packages to install besides\n"                                    \
	"  --user NAME           make this user of the host inside: the same ids, shell and ssh keys,\n" \
	"                        sudo without a password; attach enters as that user\n"          \
	"  --source PATH         for the template tarball: a rootfs as file or directory\n"        \
	"  --size SIZE           virtual size of its disk, such as 10G\n"                          \
	"  --linked              stand on the image, which is shared, and keep what changes alone\n" \
	"  --set KEY=VALUE       a setting, as of config set; may be repeated\n"                   \
	"  --offline             use what is in the cache, download nothing\n"                     \
	"  --refresh             build the image anew, whatever the cache has\n"                   \
	"  --no-verify           do not verify what is downloaded: for tests alone\n"

const struct command commands[] = {
	{ .name = "create", .group = MAKE, .run = command_create,
	  .usage = "[NAME] --template T [--release R] [--size 10G] [--set key=value]... [--start]",
	  .summary = "make a container from a template",
	  .help = "Without NAME it is called after the template. The name is printed last.\n"
		  "\nOptions\n"
		  "  --template T          what to build it from: sysct template list\n" CREATE_OPTIONS
		  "  --start               start it, too\n" HELP
		  "\nExamples\n"
		  "  sysct create --template alpine\n"
		  "  sysct create dev --template debian --release trixie --size 8G --set limits.memory=1G\n"
		  "  sysct create web --template tarball --source rootfs.tar.xz --start\n" },
	{ .name = "launch", .group = MAKE, .run = command_launch,
	  .usage = "T [NAME] [options of create]",
	  .summary = "create, start, and wait until it has booted",
	  .help = "The name is printed when it is made. After 120 s without a booted container the exit\n"
		  "status is 6, and it runs on.\n"
		  "\nOptions\n" CREATE_OPTIONS HELP
		  "\nExamples\n"
		  "  sysct launch alpine\n"
		  "  sysct launch debian dev --set limits.memory=1G\n"
		  "  sysct launch debian mine --user me && ssh me@mine.sysct\n" },
	{ .name = "destroy", .alias = "rm", .group = MAKE, .run = command_destroy, .usage = "NAME... [--force]",
	  .summary = "remove containers with all that create made",
	  .help = "It asks nothing. A running container is refused without --force.\n"
		  "\nOptions\n"
		  "  -f, --force           stop it at once if it runs\n" ALL HELP
		  "\nExamples\n"
		  "  sysct destroy web\n"
		  "  sysct destroy --all --force\n" },
	{ .name = "start", .group = RUN, .run = command_start,
	  .usage = "NAME... [--wait[=SECONDS]] [--console|--foreground] [--timing]",
	  .summary = "boot containers",
	  .help = "It returns when init runs; with --wait when it has booted. With --foreground it stays until the\n"
		  "container has ended, over reboots, and its exit status tells how: 0 for a power off, init's own\n"
		  "exit status, 128+n for signal n. ^C or SIGTERM stops the container, a second one at once; on a\n"
		  "terminal, where ^C goes inside, ^a ^c does so, and ^a q leaves it running.\n"
		  "\nOptions\n"
		  "  --wait[=SECONDS]      wait until it has booted, at most 120 s or as given (exit status 6)\n"
		  "  --console             connect to its console at once; one name\n"
		  "  --foreground          show its console and stay until it has ended; one name\n"
		  "  -e, --escape KEY      for the console another key than ^a\n"
		  "  --timing              say what each step took\n" ALL_STOPPED HELP
		  "\nExamples\n"
		  "  sysct start web db --wait\n"
		  "  sysct start dev --console\n"
		  "  sysct start dev --foreground\n" },
	{ .name = "stop", .group = RUN, .run = command_stop, .usage = "NAME... [--timeout S] [--now] [--forget]",
	  .summary = "ask init to power off, kill what is left after the timeout",
	  .help = "It returns when its processes are gone and nothing of it is left but its files.\n"
		  "\nOptions\n"
		  "  -t, --timeout S       how long init gets; else container.stop_timeout, 30s\n"
		  "  --now                 kill, do not ask\n"
		  "  --forget              let go of the namespaces that namespaces.persist keeps\n" ALL_RUNNING HELP
		  "\nExamples\n"
		  "  sysct stop web db\n"
		  "  sysct stop --all --timeout 2m\n" },
	{ .name = "restart", .group = RUN, .run = command_restart, .usage = "NAME... [--timeout S] [--now] [--forget]",
	  .summary = "stop and start",
	  .help = "Options\n"
		  "  -t, --timeout S       how long init gets; else container.stop_timeout, 30s\n"
		  "  --now                 kill, do not ask\n"
		  "  --forget              let go of the namespaces that namespaces.persist keeps\n" ALL_RUNNING HELP
		  "\nExamples\n"
		  "  sysct restart web\n"
		  "  sysct restart --all --now\n" },
	{ .name = "autostart", .group = RUN, .run = command_autostart, .usage = "[--stop [--all] [--timeout S]]",
	  .summary = "start what has container.autostart = yes, as when the host boots",
	  .help = "The highest container.autostart_priority comes first, the same ones by name, and after each\n"
		  "start its autostart_delay passes. All are tried; those that run are left alone.\n"
		  "\nOptions\n"
		  "  --stop                stop those that run, the other way round\n"
		  "  --all                 with --stop: those too that are not marked\n"
		  "  -t, --timeout S       with --stop: how long each init gets; else container.stop_timeout, 30s\n" HELP
		  "\nExamples\n"
		  "  sysct autostart\n"
		  "  sysct autostart --stop --all\n" },
	{ .name = "freeze", .group = RUN, .run = command_freeze, .usage = "NAME...",
	  .summary = "hold all processes",
	  .help = "Options\n" "  --all                 all containers that run and are not frozen\n" HELP
		  "\nExamples\n"
		  "  sysct freeze web\n"
		  "  sysct freeze --all\n" },
	{ .name = "thaw", .group = RUN, .run = command_thaw, .usage = "NAME...",
	  .summary = "let frozen processes run again",
	  .help = "Options\n" "  --all                 all containers that are frozen\n" HELP
		  "\nExamples\n"
		  "  sysct thaw web\n"
		  "  sysct thaw --all\n" },
	{ .name = "kill", .group = RUN, .run = command_kill, .usage = "NAME... [--signal S]",
	  .summary = "send a signal to init",
	  .help = "Options\n"
		  "  -s, --signal S        a name such as TERM or RTMIN+4, or a number; else KILL\n" ALL_RUNNING HELP
		  "\nExamples\n"
		  "  sysct kill web\n"
		  "  sysct kill dev --signal HUP\n" },
	{ .name = "attach", .alias = "exec", .group = ENTER, .run = command_attach, .names_one = true,
	  .usage = "NAME [-u USER[:GROUP]] [-w DIR] [-e K=V]... [-t|-T] [--keep-env] [-- CMD [ARG...]]",
	  .summary = "run a command, or a login shell, inside",
	  .help = "The exit status is the command's, 128+n for signal n, 126 and 127 as of a shell, and 125\n"
		  "when sysct itself failed. Pipes stay pipes; a terminal gets a pty inside.\n"
		  "\nOptions\n"
		  "  -u, --user USER       as this user: USER or USER:GROUP, names or numbers of inside\n"
		  "  -w, --workdir DIR     in this directory; else the user's home\n"
		  "  -e, --env K=V         with this variable; may be repeated\n"
		  "  -t, --tty             with a pty in any case\n"
		  "  -T, --no-tty          without one in any case\n"
		  "  --keep-env            keep the caller's environment\n" HELP
		  "\nExamples\n"
		  "  sysct attach dev\n"
		  "  sysct attach dev -u www-data -w /srv -- ls -l\n"
		  "  tar c . | sysct attach dev -- tar x -C /srv\n" },
	{ .name = "console", .group = ENTER, .run = command_console, .names_one = true, .usage = "NAME [--escape ^a]",
	  .summary = "connect to /dev/console",
	  .help = "^a q leaves, ^a ^a sends ^a. It stays over a reboot; several may watch.\n"
		  "\nOptions\n"
		  "  -e, --escape KEY      another key than ^a\n" HELP
		  "\nExamples\n"
		  "  sysct console dev\n"
		  "  sysct console dev --escape ^b\n" },
	{ .name = "logs", .group = ENTER, .run = command_logs, .names_one = true,
	  .usage = "NAME [-f] [-n LINES] [--raw]",
	  .summary = "what its console printed, kept across stop",
	  .help = "A terminal gets no control characters of the container's: colours and cursor movements are\n"
		  "dropped, others shown as \\xNN. A pipe or a file gets the bytes as they are, without questions to a\n"
		  "terminal.\n"
		  "\nOptions\n"
		  "  -f, --follow          go on as more comes, until ^C\n"
		  "  -n, --lines N         the last N lines\n"
		  "  --raw                 all bytes, questions too, on a terminal too\n" HELP
		  "\nExamples\n"
		  "  sysct logs dev -n 50\n"
		  "  sysct logs dev -f\n" },
	{ .name = "list", .alias = "ls", .group = LOOK, .run = command_list,
	  .usage = "[--format table|json|csv] [-q] [--running]",
	  .summary = "containers and their state",
	  .help = "It reads files alone: it waits for no container and enters none. Sizes are bytes and times\n"
		  "RFC 3339 in json and csv. broken: the configuration cannot be read, or a start died; sysct\n"
		  "info NAME says what.\n"
		  "\nOptions\n" FORMAT
		  "  -q, --quiet           names alone\n"
		  "  --running             those alone whose init is there\n" HELP
		  "\nExamples\n"
		  "  sysct list\n"
		  "  sysct list --format json | jq -r '.[] | select(.state == \"running\").name'\n"
		  "  sysct stop $(sysct ls -q --running)\n" },
	{ .name = "info", .group = LOOK, .run = command_info, .usage = "NAME... [--format table|json|csv]",
	  .summary = "everything known of a container",
	  .help = "json is one object, or with several names an array of them.\n"
		  "\nOptions\n" FORMAT ALL HELP
		  "\nExamples\n"
		  "  sysct info dev\n"
		  "  sysct info dev --format json | jq -r .namespaces.net\n" },
	{ .name = "config", .group = LOOK, .run = command_config,
	  .usage = "get|set|unset|edit NAME ... | check [NAME or FILE]...",
	  .summary = "read and change the configuration",
	  .help = "  sysct config get NAME [KEY]\n"
		  "  sysct config set NAME KEY=VALUE...\n"
		  "  sysct config unset NAME KEY...\n"
		  "  sysct config edit NAME\n"
		  "  sysct config check [NAME or FILE]...\n"
		  "\nsysct config VERB --help tells more of one; sysct-container.conf(5) has all keys.\n"
		  "\nExamples\n"
		  "  sysct config get dev limits.memory\n"
		  "  sysct config set dev limits.memory=2G security.nesting=yes\n" },
	{ .name = "config get", .verb = true, .group = LOOK, .run = command_config,
	  .usage = "NAME [KEY] [--changed] [--format table|json|csv]",
	  .summary = "what counts, defaults and sysct.conf included",
	  .help = "Options\n" FORMAT
		  "  --changed             only what differs from the built-in defaults\n" HELP
		  "\nExamples\n"
		  "  sysct config get dev\n"
		  "  sysct config get dev limits.memory --format json\n"
		  "  sysct config get dev network.eth0.dns\n" },
	{ .name = "config set", .verb = true, .group = LOOK, .run = command_config,
	  .usage = "NAME KEY=VALUE...",
	  .summary = "change settings: all of them, or with one wrong none",
	  .help = "KEY is SECTION.KEY, or SECTION.TITLE.KEY. An empty value is the built-in default. A list takes\n"
		  "several values with commas between them; KEY+=VALUE appends. Comments and order of the file\n"
		  "stay. What a running container cannot get at once is named on standard error.\n"
		  "\nOptions\n" HELP
		  "\nExamples\n"
		  "  sysct config set dev limits.memory=2G limits.cpus=1.5\n"
		  "  sysct config set dev network.eth0.dns+=9.9.9.9\n"
		  "  sysct config set dev environment.LANG=C.UTF-8\n" },
	{ .name = "config unset", .verb = true, .group = LOOK, .run = command_config,
	  .usage = "NAME KEY...",
	  .summary = "take settings away, so that the defaults count",
	  .help = "network.eth1 takes a whole titled section away.\n"
		  "\nOptions\n" HELP
		  "\nExamples\n"
		  "  sysct config unset dev limits.memory\n"
		  "  sysct config unset dev network.eth1\n" },
	{ .name = "config edit", .verb = true, .group = LOOK, .run = command_config, .usage = "NAME",
	  .summary = "open the file in an editor, and take the text when it is right",
	  .help = "The editor is that of VISUAL or EDITOR, else vi or nano, and works on a copy. After an error it\n"
		  "opens again; who gives up finds the text kept.\n"
		  "\nOptions\n" HELP
		  "\nExamples\n"
		  "  sysct config edit dev\n"
		  "  EDITOR='vim -n' sysct config edit dev\n" },
	{ .name = "config check", .verb = true, .names_files = true, .group = LOOK, .run = command_config,
	  .usage = "[NAME or FILE]...",
	  .summary = "say all that is wrong with configurations",
	  .help = "Without an argument: of all containers and sysct.conf. What has a slash or a dot in it is a\n"
		  "file, and - standard input.\n"
		  "\nOptions\n" HELP
		  "\nExamples\n"
		  "  sysct config check\n"
		  "  sysct config check dev\n"
		  "  sysct config check ./new.conf\n" },
	{ .name = "wait", .group = LOOK, .run = command_wait,
	  .usage = "NAME... --for running|booted|stopped|address [--timeout S]",
	  .summary = "wait until it runs, has booted, has stopped, or has an address",
	  .help = "Options\n"
		  "  --for GOAL            running, booted, stopped or address\n"
		  "  -t, --timeout S       at most so long, else 120s; then the exit status is 6\n" ALL HELP
		  "\nExamples\n"
		  "  sysct wait dev --for booted\n"
		  "  sysct wait dev --for stopped --timeout 5m\n" },
	{ .name = "trim", .group = LOOK, .run = command_trim, .usage = "NAME...",
	  .summary = "give what was deleted inside back to the host, now",
	  .help = "It also happens by itself, unless rootfs.discard is no.\n"
		  "\nOptions\n" ALL HELP
		  "\nExamples\n"
		  "  sysct trim dev\n"
		  "  sysct trim --all\n" },
	{ .name = "template", .group = REST, .run = command_template,
	  .usage = "list | info T",
	  .summary = "what containers can be made from",
	  .help = "  sysct template list [--format table|json|csv]\n"
		  "  sysct template info T [--format table|json|csv]\n"
		  "\nExamples\n"
		  "  sysct template list\n"
		  "  sysct template info debian\n" },
	{ .name = "template list", .verb = true, .group = REST, .run = command_template,
	  .usage = "[--format table|json|csv]", .summary = "all templates",
	  .help = "Options\n" FORMAT HELP
		  "\nExamples\n"
		  "  sysct template list\n"
		  "  sysct template list --format json\n" },
	{ .name = "template info", .verb = true, .group = REST, .run = command_template,
	  .usage = "T [--format table|json|csv]", .summary = "the facts of one template",
	  .help = "Options\n" FORMAT HELP
		  "\nExamples\n"
		  "  sysct template info debian\n"
		  "  sysct template info alpine --format json\n" },
	{ .name = "image", .group = REST, .run = command_image, .usage = "list | prune [--all] [--dry-run]",
	  .summary = "the cache of built images",
	  .help = "  sysct image list [--format table|json|csv]\n"
		  "  sysct image prune [--all] [--dry-run] [--format table|json|csv]\n"
		  "\nExamples\n"
		  "  sysct image list\n"
		  "  sysct image prune --all\n" },
	{ .name = "image list", .verb = true, .group = REST, .run = command_image,
	  .usage = "[--format table|json|csv]", .summary = "built images, and which containers stand on them",
	  .help = "Options\n" FORMAT HELP
		  "\nExamples\n"
		  "  sysct image list\n"
		  "  sysct image list --format json\n" },
	{ .name = "image prune", .verb = true, .group = REST, .run = command_image,
	  .usage = "[--all] [--dry-run] [--format table|json|csv]",
	  .summary = "remove images that no container stands on",
	  .help = "Those older than host.cache_age go; one that a container stands on never does.\n"
		  "\nOptions\n"
		  "  --all                 also those that are new\n"
		  "  --dry-run             say what would go, remove nothing\n" FORMAT HELP
		  "\nExamples\n"
		  "  sysct image prune --dry-run\n"
		  "  sysct image prune --all\n" },
	{ .name = "doctor", .group = REST, .run = command_doctor, .no_root = true,
	  .usage = "[ID...] [--format table|json|csv] [--problems] [--strict]",
	  .summary = "what this host can and cannot do for containers, and what mends it",
	  .help = "It changes nothing. Each check has an id; ID is one, or the group before its first dot. The exit\n"
		  "status is 1 when a check has failed: then no container starts, or none can be made. Warnings and\n"
		  "what could not be looked at leave it 0.\n"
		  "\nOptions\n" FORMAT
		  "  --problems            only what is not ok\n"
		  "  --strict              exit status 1 also for warnings, and for what could not be looked at\n" HELP
		  "\nExamples\n"
		  "  sysct doctor --problems\n"
		  "  sysct doctor network kernel.image\n"
		  "  sysct doctor --format json | jq -r '.[] | select(.status == \"fail\").fix'\n" },
	{ .name = "completion", .group = REST, .run = command_completion, .no_root = true, .usage = "bash|zsh|fish",
	  .summary = "print the script that makes a shell complete commands, names and keys",
	  .help = "Packages install it; this is for those who have none.\n"
		  "\nOptions\n" HELP
		  "\nExamples\n"
		  "  source <(sysct completion bash)\n"
		  "  sysct completion fish > ~/.config/fish/completions/sysct.fish\n" },
	{ .name = "help", .group = REST, .run = command_help, .no_root = true, .usage = "[COMMAND]",
	  .summary = "this list, or all about one command",
	  .help = "Options\n" HELP
		  "\nExamples\n"
		  "  sysct help start\n"
		  "  sysct help config set\n" },
	{ .name = ".complete", .group = REST, .run = command_complete, .no_root = true, .usage = "", .summary = "",
	  .internal = true },
	{ .name = ".down", .group = RUN, .run = command_down, .usage = "", .summary = "", .internal = true },
	{ .name = ".supervise", .group = RUN, .run = command_supervise, .usage = "", .summary = "", .internal = true },
	{ .name = ".unit", .group = RUN, .run = command_unit, .usage = "", .summary = "", .internal = true },
};

const size_t n_commands = ARRAY_SIZE(commands);
