#!/bin/sh
# timeout: 120
# Firewalls of others that drop what is forwarded let boxes through, also after they were filled anew, and are as before
# with the last box. In a network namespace of its own, as a host: nothing of the real one is touched.
. "${0%/*}/lib.sh"

a_host_and_its_lan

there() { nsenter --net="/run/netns/$host" "$@"; }
nsenter --net="/run/netns/$host" nft -f - <<'EOS'
table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy drop;
		ip protocol icmp accept
		ct state established,related accept
	}
	chain DOCKER-USER {
	}
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
		jump DOCKER-USER
	}
}
table inet admin {
	chain forward {
		type filter hook forward priority 10; policy accept;
		ip protocol { tcp, icmp } reject
	}
}
table inet quiet {
	chain forward {
		type filter hook forward priority 20; policy accept;
		counter
	}
}
EOS
rules() { there nft -s list ruleset; }
foreign() { rules | awk '/^table/ { mine = $3 ~ /^sysct/ } !mine'; }
before=$(foreign)

busybox one
busybox two
defer there sysct destroy --force one two
ok there sysct config set one network.publish=8080:80
ok there sysct start one --wait
foreign | grep -q 'accept comment "sysct' || fail "no rule of ours"
if there nft list table inet quiet | grep -q sysct; then fail "a table that drops nothing was changed"; fi
same "$(there nft list chain ip filter FORWARD | grep -c sysct || :)" 0 "rules beside Docker's chain for others"
ok inside one ping -c 1 -W 5 198.51.100.2
inside one sh -c 'echo through >/tmp/index.html; httpd -p 80 -h /tmp'
same "$(ip netns exec "$lan" curl -sS -m 5 http://198.51.100.1:8080/)" through "a published port"

say "looked at again only when something has changed"
ok there sysct start two --wait
ok there sysct stop two
ok there nft flush chain ip filter DOCKER-USER
if inside one ping -c 1 -W 1 198.51.100.2 >/dev/null; then fail "the test's own firewall does not drop"; fi
ok there sysct start two --wait
ok inside two ping -c 1 -W 5 198.51.100.2
ok inside two ping -c 1 -W 5 one

say "the last box takes all of it along"
ok there sysct destroy --force one two
same "$(foreign)" "$before" "the rules of others"
if rules | grep -q sysct; then fail "something of ours is left"; fi
