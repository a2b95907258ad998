#!/bin/sh
# The template `devuan`, on a small signed mirror on the loopback: Devuan's own is not asked. Its packages are Debian's, signed
# again as "daedalus", with a keyring package of its own: shown is the way from mirror, key and suite to a box with sysvinit.
# timeout: 900
. "${0%/*}/lib.sh"

for tool in gpg debootstrap dpkg-deb xz; do command -v $tool >/dev/null || skip "no $tool"; done
mirror=$TEST_TMP/mirror
mkdir "$mirror"
if [ ! -e /usr/share/keyrings/devuan-archive-keyring.gpg ] && [ ! -e /usr/share/keyrings/devuan-keyring.gpg ]; then
    refused 1 'signing keys.*--keyring' sysct create box --template devuan --mirror "$mirror"
fi

# ---- packages: those of a box of Debian 12 with sysvinit, out of its own apt -----------------------------
create source --template debian --release bookworm --variant sysvinit
ok sysct start source
eventually 30 can_attach source
ok inside source sh -c 'mkdir /debs && cd /debs && apt-get update -q &&
    apt-get download -q $(dpkg-query -W -f "\${Package}=\${Version} ")'
mkdir -p "$TEST_TMP/debs"
inside source tar -C /debs -cf - . | tar -C "$TEST_TMP/debs" -xf -
ok sysct stop --now source
ok sysct destroy --force source

GNUPGHOME=$TEST_TMP/gnupg
export GNUPGHOME
mkdir -m 0700 "$GNUPGHOME"
defer gpgconf --kill all
for key in mirror other; do
    ok gpg --batch --quiet --passphrase '' --quick-generate-key $key@test rsa2048 sign never
    gpg --armor --export $key@test >"$TEST_TMP/$key.asc"
done
ring=$TEST_TMP/ring
mkdir -p "$ring/DEBIAN" "$ring/usr/share/keyrings"
gpg --export mirror@test >"$ring/usr/share/keyrings/devuan-archive-keyring.gpg"
printf 'Package: devuan-keyring\nVersion: 1\nArchitecture: all\nMaintainer: test\nPriority: required\nDescription: keys\n' >"$ring/DEBIAN/control"
ok dpkg-deb -Znone --root-owner-group -b "$ring" "$TEST_TMP/debs/devuan-keyring_1_all.deb"
publish() { ok python3 "$TESTS_DIR/template-mirror.py" "$mirror" "$1" Devuan daedalus "$TEST_TMP"/debs/*.deb; }
ok python3 "$TESTS_DIR/template-mirror.py" "$mirror" mirror@test Devuan daedalus-security "$TEST_TMP/debs/devuan-keyring_1_all.deb"

# ---- what it refuses: here the mirror is a directory -----------------------------------------------------
mark
publish other@test
refused 5 'verification' sysct create box --template devuan --mirror "$mirror" --keyring "$TEST_TMP/mirror.asc"
publish mirror@test
refused 2 "does not offer Devuan 'excalibur'" sysct create box --template devuan --release excalibur --mirror "$mirror" --keyring "$TEST_TMP/mirror.asc"
unchanged

# ---- what it gives ------------------------------------------------------------------------------------------
create box --template devuan --mirror "$mirror" --keyring "$TEST_TMP/mirror.asc"
ok sysct start box
eventually 30 can_attach box
eventually 30 sh -c 'sysct logs box | grep -q "automatic login"'
same "$(field box init)" sysvinit "kind of init"
same "$(inside box hostname)" box hostname
has "$(inside box ip -4 -o addr show eth0)" 'inet ' "the address of eth0"
has "$(inside box cat /proc/1/comm)" '^init$' "the first process"
[ -z "$(inside box pgrep -f 'getty.*tty[1-6]')" ] || fail "gettys for terminals that are not there"
has "$(inside box cat /etc/inittab)" '^pf::powerwait:/sbin/poweroff' "the end that SIGPWR asks for"
has "$(inside box cat /etc/apt/sources.list.d/devuan.sources)" 'URIs: http://deb.devuan.org/merged$' "the box's mirror"
if sysct logs box | grep -i -E 'fail|cannot (access|open|mount)|error'; then fail "it does not boot cleanly"; fi
ok sysct stop --now box
