#!/usr/bin/env python3
"""A small signed mirror for the tests of templates that use debootstrap.

    template-mirror.py DIR KEY NAME SUITE PACKAGE.deb...

DIR gets pool/ and dists/SUITE of a distribution NAME, signed with KEY of $GNUPGHOME. What it signs are real packages of
Debian, so what is shown is the way from a mirror to a box, not the other distribution's packages."""
import hashlib
import os
import shutil
import subprocess
import sys

top, key, name, suite, *debs = sys.argv[1:]
pool = os.path.join(top, "pool")
binary = "main/binary-" + subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True,
                                         check=True).stdout.strip()
dists = os.path.join(top, "dists", suite)
os.makedirs(pool, exist_ok=True)
os.makedirs(os.path.join(dists, binary), exist_ok=True)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


packages = []
for deb in debs:
    to = os.path.join(pool, os.path.basename(deb).replace("%3a", "."))
    if os.path.abspath(deb) != os.path.abspath(to):
        shutil.copyfile(deb, to)
    control = subprocess.run(["dpkg-deb", "-f", to], capture_output=True, text=True, check=True).stdout.rstrip("\n")
    packages.append(f"{control}\nFilename: pool/{os.path.basename(to)}\nSize: {os.path.getsize(to)}\n"
                    f"SHA256: {digest(to)}\n\n")
listed = os.path.join(binary, "Packages")
with open(os.path.join(dists, listed), "w") as file:
    file.write("".join(packages))
subprocess.run(["xz", "-k", "-f", "-0", os.path.join(dists, listed)], check=True)
sums = "".join(f" {digest(os.path.join(dists, f))} {os.path.getsize(os.path.join(dists, f))} {f}\n"
               for f in (listed, listed + ".xz"))
release = os.path.join(dists, "Release")
with open(release, "w") as file:
    file.write(f"Origin: {name}\nLabel: {name}\nSuite: {suite}\nCodename: {suite}\n"
               f"Date: Thu, 01 Jan 2026 00:00:00 UTC\nArchitectures: {binary[12:]}\nComponents: main\n"
               f"Description: a mirror for tests\nSHA256:\n{sums}")
subprocess.run(["gpg", "--batch", "--quiet", "--yes", "--local-user", key, "--output",
                os.path.join(dists, "InRelease"), "--clear-sign", release], check=True)
