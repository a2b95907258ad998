# shellcheck shell=sh disable=SC2015,SC2034
# What a system needs to be a container, for each kind of init: a console on which root is logged in, no terminals that
# are not there, and none of the services that are the host's business. The manager gives eth0 its address from outside,
# before init runs; nothing inside touches it.

# ---- systemd -------------------------------------------------------------------------------------

# systemd_version: the number of the systemd inside, 0 if that cannot be told
systemd_version() {
    for _l in usr/lib/systemd lib/systemd 'usr/lib/*/systemd' 'lib/*/systemd' usr/lib64/systemd; do
        # shellcheck disable=SC2086 # a pattern
        find "$ROOT"/$_l -maxdepth 1 -name 'libsystemd-shared-*.so' 2>/dev/null || :
    done | sed -n 's|.*/libsystemd-shared-\([0-9]\{1,\}\).*|\1|p' | sort -n | tail -n 1 | grep . || echo 0
}

# unit_dir: where the packages have their units
unit_dir() {
    if has usr/lib/systemd/system/console-getty.service; then echo /usr/lib/systemd/system; else echo /lib/systemd/system; fi
}

mask() {
    for _u in "$@"; do put_link /dev/null "etc/systemd/system/$_u"; done
}

guest_systemd() {
    # The console: root is logged in, on this one terminal, which only root of the host can reach.
    if [ "$(systemd_version)" -ge 258 ]; then
        # from 258 on the unit's own way of getting its terminal fails in a user namespace
        put 0644 etc/systemd/system/console-getty.service.d/50-sysct.conf <<'EOS'
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root -o '-- \\u' --noreset --noclear --keep-baud 115200,57600,38400,9600 console
StandardInput=null
StandardOutput=null
EOS
    else
        put 0644 etc/systemd/system/console-getty.service.d/50-sysct.conf <<'EOS'
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --noclear --keep-baud - 115200,38400,9600 $TERM
EOS
    fi
    has_exe sbin/agetty || has_exe usr/sbin/agetty || has_exe usr/bin/agetty ||
        fail 8 "the built root file system has no agetty for its console"
    put_link "$(unit_dir)/console-getty.service" etc/systemd/system/getty.target.wants/console-getty.service
    drop etc/systemd/system/getty.target.wants/getty@tty1.service

    # the host's business, or questions asked at a first boot
    mask systemd-firstboot.service systemd-hwdb-update.service systemd-modules-load.service systemd-pstore.service \
        systemd-journald-audit.socket dev-hugepages.mount sys-kernel-config.mount sys-kernel-debug.mount \
        sys-kernel-tracing.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount systemd-binfmt.service
    # logind makes it when it starts, which it could not where the root file system is read-only
    empty_dir 0755 var/lib/systemd/linger
    # networkd is not enabled, and whoever enables it does not wait two minutes at boot
    mask systemd-networkd-wait-online.service
    for _f in multi-user.target.wants/systemd-networkd.service sockets.target.wants/systemd-networkd.socket \
        network-online.target.wants/systemd-networkd-wait-online.service dbus-org.freedesktop.network1.service \
        sysinit.target.wants/systemd-network-generator.service \
        sysinit.target.wants/systemd-pstore.service \
        timers.target.wants/e2scrub_all.timer multi-user.target.wants/e2scrub_reap.service \
        default.target.wants/e2scrub_reap.service timers.target.wants/fstrim.timer \
        timers.target.wants/apt-daily.timer timers.target.wants/apt-daily-upgrade.timer; do
        drop "etc/systemd/system/$_f"
    done
    # a dev box, not a log server: the journal stays small beside the image's size
    put 0644 etc/systemd/journald.conf.d/50-sysct.conf <<'EOS'
[Journal]
SystemMaxUse=128M
Audit=no
EOS
}

# systemd_ssh_keys: Debian's own sshd-keygen.service (trixie on) waits for a 'first boot', which an empty machine-id is not
systemd_ssh_keys() {
    has_exe usr/sbin/sshd || return 0
    put 0644 etc/systemd/system/sysct-ssh-keys.service <<'EOS'
[Unit]
Description=Make the ssh host keys of this container
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
Before=ssh.service ssh.socket sshd.service
After=systemd-machine-id-commit.service

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A
RemainAfterExit=yes

[Install]
WantedBy=multi-user.target
EOS
    for _w in multi-user.target ssh.service ssh.socket; do
        put_link ../sysct-ssh-keys.service "etc/systemd/system/$_w.wants/sysct-ssh-keys.service"
    done
}

# ---- init scripts in the manner of System V ------------------------------------------------------

# Scripts of Debian's initscripts and of other packages that are the host's business, or that fail for want of devices, of a
# kernel's log and of a root file system to remount. sendsigs stays: it ends what runs.
SYSV_OFF='checkroot.sh checkroot-bootclean.sh checkfs.sh mountall.sh mountall-bootclean.sh mountkernfs.sh mountdevsubfs.sh
mount-configfs mountnfs.sh mountnfs-bootclean.sh umountnfs.sh umountfs umountroot hwclock.sh hwclockfirst.sh udev kmod
brightness keyboard-setup.sh console-setup.sh procps bootlogs urandom cgroups'

# interfaces_manual: an ifupdown that may be there, or come, leaves eth0 as it is
interfaces_manual() {
    put 0644 etc/network/interfaces <<'EOS'
auto lo
iface lo inet loopback

# eth0 has its address from sysct before init runs; ifup leaves it as it is
iface eth0 inet manual
EOS
}

# sysv_ssh_keys: made at the first start of a box, by the script that starts sshd
sysv_ssh_keys() {
    has etc/init.d/ssh || return 0
    put 0755 etc/init.d/sysct-ssh-keys <<'EOS'
#!/bin/sh
### BEGIN INIT INFO
# Provides:          sysct-ssh-keys
# Required-Start:
# Required-Stop:
# X-Start-Before:    ssh
# Default-Start:     2 3 4 5
# Default-Stop:
# Short-Description: Make the ssh host keys of this container
### END INIT INFO
case $1 in
start) [ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -A ;;
esac
EOS
    chroot_run update-rc.d sysct-ssh-keys defaults >&2 || fail 1 "cannot enable the service that makes ssh host keys"
}

# sysv_scripts_off SCRIPT...: they are in no runlevel, neither to start nor to stop. By update-rc.d first: what is left of its
# links keeps an upgrade from bringing the rest back.
sysv_scripts_off() {
    for _s in "$@"; do
        [ -e "$ROOT/etc/init.d/$_s" ] || continue
        [ ! -e "$ROOT/usr/sbin/update-rc.d" ] || chroot_run update-rc.d "$_s" disable >&2 || :
        for _d in "$ROOT"/etc/rc[016].d; do
            [ ! -d "$_d" ] || find "$_d" -maxdepth 1 -name "[SK][0-9][0-9]$_s" -exec rm -f {} +
        done
        for _d in "$ROOT"/etc/runlevels/*; do
            [ ! -L "$_d/$_s" ] || rm -f "$_d/$_s"
        done
    done
}

guest_sysvinit() {
    if ! has etc/inittab && has usr/share/sysvinit/inittab; then
        put 0644 etc/inittab <"$(in_root_all usr/share/sysvinit/inittab)"
    fi
    _p=$(in_root etc/inittab)
    [ -f "$_p" ] && [ ! -L "$_p" ] || fail 8 "the built root file system has no /etc/inittab"
    {
        sed -e '/^[^#:]*:[^:]*:respawn:.*getty.*tty[0-9S]/d' -e '/^[^#:]*:[^:]*:power[a-z]*:/d' \
            -e '/^[^#:]*:[^:]*:ctrlaltdel:/d' "$_p"
        cat <<'EOS'

# The end of a container: what its manager asks for by SIGPWR (poweroff) and SIGINT (reboot).
pf::powerwait:/sbin/poweroff
pn::powerfailnow:/sbin/poweroff
p6::ctrlaltdel:/sbin/reboot

# root is logged in on the console, which only root of the host can reach; there are no other terminals
co:2345:respawn:/sbin/getty --autologin root --noclear --keep-baud console 38400 linux
EOS
    } >"$SYSCT_TMP/inittab"
    put 0644 etc/inittab <"$SYSCT_TMP/inittab"
    # shellcheck disable=SC2086 # a list
    sysv_scripts_off $SYSV_OFF
    interfaces_manual
}

# ---- busybox init, with or without OpenRC ---------------------------------------------------------------

guest_busybox() {
    _p=$(in_root etc/inittab)
    if [ ! -f "$_p" ] || [ -L "$_p" ]; then return 0; fi
    {
        sed -e '/^[^#]*getty.*\(tty[0-9S]\|console\)/d' "$_p"
        printf '\n# root is logged in on the console, which only root of the host can reach\n'
        printf '::respawn:/sbin/getty -n -l /usr/local/sbin/autologin 38400 console\n'
    } >"$SYSCT_TMP/inittab"
    put 0644 etc/inittab <"$SYSCT_TMP/inittab"
    put_autologin
}

# ---- runit as Debian has it ------------------------------------------------------------------------

guest_runit() {
    # (runit itself ends the box)
    # shellcheck disable=SC2086 # a list
    sysv_scripts_off $SYSV_OFF halt reboot
    interfaces_manual
    put 0755 etc/runit/ctrlaltdel <<'EOS'
#!/bin/sh
# reboot: what SIGINT asks of runit
chmod 100 /run/runit.stopit /run/runit.reboot
EOS
    put 0755 etc/sv/getty-console/run <<'EOS'
#!/bin/sh
# root is logged in on the console, which only root of the host can reach; there are no other terminals
exec chpst -P /sbin/getty --autologin root --noclear --keep-baud console 38400 linux
EOS
    put 0755 etc/sv/getty-console/finish <<'EOS'
#!/bin/sh
exec utmpset -w console
EOS
    put_link /run/runit/supervise/getty-console etc/sv/getty-console/supervise
    for _l in default solo; do
        drop etc/runit/runsvdir/"$_l"/getty-tty1 etc/runit/runsvdir/"$_l"/getty-ttyS0
    done
    put_link ../../../sv/getty-console etc/runit/runsvdir/default/getty-console
}

# ---- OpenRC with its own init ----------------------------------------------------------------------

# openrc_settings: this is a container: services that are the host's business stay out (keyword -lxc)
openrc_settings() {
    _p=$(in_root etc/rc.conf)
    if has etc/rc.conf.d || ! has etc/rc.conf; then
        put 0644 etc/rc.conf.d/50-sysct.conf <<'EOS'
# This is a container: services that are the host's business stay out (keyword -lxc).
rc_sys="lxc"
EOS
    elif ! grep -q '^rc_sys="lxc"' "$_p"; then
        printf '\n# This is a container: services that are the host'"'"'s business stay out (keyword -lxc).\nrc_sys="lxc"\n' >>"$_p"
    fi
}

guest_openrc_init() {
    has_exe sbin/openrc-init || fail 8 "the built root file system has no /sbin/openrc-init"
    openrc_settings
    # shellcheck disable=SC2086 # a list
    sysv_scripts_off $SYSV_OFF halt reboot
    interfaces_manual
    put_link agetty etc/init.d/agetty.console
    put 0644 etc/conf.d/agetty.console <<'EOS'
# root is logged in on the console, which only root of the host can reach; there are no other terminals
agetty_options="--autologin root --noclear --keep-baud"
baud="38400"
respawn_delay=1
respawn_max=0
EOS
    put_link /etc/init.d/agetty.console etc/runlevels/default/agetty.console
    put_link openrc-init sbin/init
    for _c in 'poweroff --poweroff' 'halt --halt' 'reboot --reboot'; do
        put 0755 "sbin/${_c% *}" <<EOS
#!/bin/sh
exec /sbin/openrc-shutdown ${_c#* } now
EOS
    done
}
