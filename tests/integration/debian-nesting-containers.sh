#!/bin/sh
# timeout: 700
# crun, runc, podman (as root and as a user) and docker run a container in a box with nesting = yes, as they come from
# Debian. The image is made of a busybox: no registry is needed.
. "${0%/*}/lib.sh"

debian trixie box --set security.nesting=yes
ok sysct start box --wait=90
# a name that is also a registry's is given as a pattern
ok inside box sh -c "export DEBIAN_FRONTEND=noninteractive; apt-get update -q &&
    apt-get install -q -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io busybox-static crun runc podman nftables \
        uidmap passt '^docker\\.io\$' docker-cli"

# run COMMAND...: as root in the box, in a place with an unpacked image and image.tar
run() { inside box sh -c 'cd /root/image && "$@"' sh "$@"; }
# contained TEXT WHAT: what the command in a container printed: it is root there, its process 1, and in its own root
contained() { same "$(printf '%s\n' "$1" | tail -n 1)" "0 1 busybox" "$2"; }
probe='echo $(id -u) $$ $(ls /bin/busybox | sed s,.*/,,)'

ok inside box sh -c 'mkdir -p /root/image/rootfs/bin && cd /root/image/rootfs && mkdir proc sys dev tmp etc root
    cp "$(command -v busybox)" bin/busybox
    for a in sh id ls echo sed cat mount httpd wget sleep; do ln -s busybox bin/$a; done
    tar -cf ../image.tar . && cp ../image.tar /home/ && chmod 644 /home/image.tar'

for runtime in crun runc; do
    say "$runtime"
    ok run sh -c 'rm -f config.json; "$1" spec
        sed -i "s/\"terminal\": true/\"terminal\": false/; s/\"sh\"/\"sh\", \"-c\", \"$2\"/" config.json' sh "$runtime" "$(
        printf '%s' "$probe" | sed 's/[$&/]/\\&/g')"
    contained "$(run "$runtime" run try)" "$runtime"
done

say podman
# as the manual has it: podman limits processes by itself, which needs the controller
if ! inside box grep -q -w pids /sys/fs/cgroup/cgroup.controllers; then
    ok inside box sh -c 'mkdir -p /etc/containers/containers.conf.d
        printf "[containers]\npids_limit = 0\n" >/etc/containers/containers.conf.d/box.conf'
fi
ok run podman import -q image.tar bb
contained "$(run podman run --rm bb sh -c "$probe")" "podman"
contained "$(run podman run --rm --privileged bb sh -c "mount -t tmpfs none /tmp && $probe")" "podman --privileged"
same "$(run podman info --format '{{.Store.GraphDriverName}}')" overlay "storage of podman"
ok inside box useradd -m me
as_me() { sysct attach -T -u me box -- sh -c 'cd && "$@"' sh "$@" </dev/null; }
ok as_me podman import -q /home/image.tar bb
contained "$(as_me podman run --rm bb sh -c "$probe" 2>"$ERR")" "podman as a user"

say docker
ok inside box systemctl is-active docker
ok run docker import image.tar bb
contained "$(run docker run --rm bb sh -c "$probe")" "docker"
contained "$(run docker run --rm --privileged bb sh -c "mount -t tmpfs none /tmp && $probe")" "docker --privileged"
same "$(run docker info --format '{{.Driver}}')" overlay2 "storage of docker"
# networks: between containers, and a published port
ok run docker run -d --name web -p 8080:80 bb sh -c 'echo hello >/tmp/index.html && exec httpd -f -h /tmp -p 80'
address=$(run docker inspect web --format '{{.NetworkSettings.IPAddress}}')
served() { [ "$(run docker run --rm bb wget -q -O - "http://$address/")" = hello ]; }
eventually 20 served
same "$(inside box busybox wget -q -O - http://127.0.0.1:8080/)" hello "a published port"
same "$(run docker exec web id -u)" 0 "docker exec"

# with a container that runs it ends by itself, and begins again
ok sysct stop box --timeout 60
same "$(field box last_exit)" stopped "how the box ended"
ok sysct start box --wait=90
same "$(inside box systemctl is-system-running)" running "the box, booted again"
ok run docker start web
eventually 20 served
