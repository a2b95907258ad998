#!/bin/sh
# The template `ubuntu`, on a small signed mirror on the loopback: Ubuntu's own is not asked. Its packages are Debian's, signed
# again as "noble", with a keyring package of its own: shown is the way from mirror, key and suites to a box that runs.
# timeout: 900
. "${0%/*}/lib.sh"

for tool in gpg debootstrap dpkg-deb xz; do command -v $tool >/dev/null || skip "no $tool"; done
mirror=$TEST_TMP/mirror
port=$((20000 + $$ % 20000))
url=http://127.0.0.1:$port/ubuntu
if [ ! -e /usr/share/keyrings/ubuntu-archive-keyring.gpg ]; then
    refused 1 'signing keys.*--keyring' sysct create box --template ubuntu --mirror "$url"
fi

# ---- packages: those of a box of Debian 12, out of its own apt ------------------------------------------
debian bookworm source
ok sysct start source --wait
ok inside source sh -c 'mkdir /debs && cd /debs && apt-get update -q &&
    apt-get download -q $(dpkg-query -W -f "\${Package}=\${Version} ")'
mkdir -p "$TEST_TMP/debs" "$mirror/ubuntu"
inside source tar -C /debs -cf - . | tar -C "$TEST_TMP/debs" -xf -
ok sysct stop --now source
ok sysct destroy --force source

GNUPGHOME=$TEST_TMP/gnupg
export GNUPGHOME
mkdir -m 0700 "$GNUPGHOME"
defer gpgconf --kill all
for key in mirror other; do
    ok gpg --batch --quiet --passphrase '' --quick-generate-key $key@test rsa2048 sign never
    gpg --export $key@test >"$TEST_TMP/$key.gpg"
done
ring=$TEST_TMP/ring
mkdir -p "$ring/DEBIAN" "$ring/usr/share/keyrings"
cp "$TEST_TMP/mirror.gpg" "$ring/usr/share/keyrings/ubuntu-archive-keyring.gpg"
printf 'Package: ubuntu-keyring\nVersion: 1\nArchitecture: all\nMaintainer: test\nPriority: required\nDescription: keys\n' >"$ring/DEBIAN/control"
ok dpkg-deb -Znone --root-owner-group -b "$ring" "$TEST_TMP/debs/ubuntu-keyring_1_all.deb"
publish() { ok python3 "$TESTS_DIR/template-mirror.py" "$mirror/ubuntu" "$1" Ubuntu "$2" "$TEST_TMP"/debs/*.deb; }
publish mirror@test noble
ok python3 "$TESTS_DIR/template-mirror.py" "$mirror/ubuntu" mirror@test Ubuntu noble-security "$TEST_TMP/debs/ubuntu-keyring_1_all.deb"
python3 -m http.server --bind 127.0.0.1 --directory "$mirror" "$port" >"$TEST_TMP/server.log" 2>&1 &
defer kill $!
eventually 10 curl -sf -o /dev/null "$url/dists/noble/InRelease"

# ---- what it refuses --------------------------------------------------------------------------------------
mark
refused 5 'verification' sysct create box --template ubuntu --mirror "$url" --keyring "$TEST_TMP/other.gpg"
sed -i 's/^Label: Ubuntu/Label: ubuntu/' "$mirror/ubuntu/dists/noble/InRelease"
refused 5 'verification' sysct create box --template ubuntu --mirror "$url" --keyring "$TEST_TMP/mirror.gpg"
publish mirror@test noble
refused 2 "does not offer Ubuntu 'jammy'" sysct create box --template ubuntu --release 22.04 --mirror "$url" --keyring "$TEST_TMP/mirror.gpg"
refused 2 'variant' sysct create box --template ubuntu --variant runit --mirror "$url" --keyring "$TEST_TMP/mirror.gpg"
unchanged

# ---- what it gives ------------------------------------------------------------------------------------------
create box --template ubuntu --release 24.04 --mirror "$url" --keyring "$TEST_TMP/mirror.gpg"
same "$(sysct config get box template.checksum)" "$(sha256sum <"$mirror/ubuntu/dists/noble/InRelease" | cut -d' ' -f1)" "checksum of what is signed"
ok sysct start box --wait
same "$(inside box systemctl is-system-running)" running "systemctl is-system-running"
same "$(inside box systemctl --failed --no-legend --plain)" "" "failed units"
sources=$(inside box cat /etc/apt/sources.list.d/ubuntu.sources)
has "$sources" 'URIs: http://archive.ubuntu.com/ubuntu$' "the box's mirror: the host's loopback is out of its reach"
has "$sources" 'URIs: http://security.ubuntu.com/ubuntu$' "the box's security mirror"
has "$sources" 'Components: main universe' components
ok inside box test -s /etc/apt/keyrings/sysct-mirror.gpg
ok sysct stop box
