#!/bin/sh
# SPDX-License-Identifier: MIT
# Puts what the build needs where it needs it, after saying what and why.
#
#   setup.sh tools run|test|check|gdb  installs missing host packages with apt (sudo when not root)
#   setup.sh unpack DIR PACKAGE...     unpacks packages of Debian's archive into DIR: no root, nothing installed
#
# Packages for unpack are NAME:ARCH of the suite in SUITE (trixie). They come from the mirror of this machine's own apt
# configuration, or from DEBIAN_MIRROR, through a private apt configuration under build/apt that checks signatures; files
# are kept in build/cache and their checksums verified again at each use.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
SUITE=${SUITE:-trixie}
say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

have() { command -v "$1" >/dev/null 2>&1; }
debian() { have apt-get && have dpkg; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
cross_gcc() { have "${CROSS_COMPILE:-riscv64-linux-gnu-}gcc"; }

# missing WHAT: prints the packages to install, with the reason on standard error.
missing() {
	want() { printf 'setup:   %-24s %s\n' "$1" "$2" >&2; printf '%s ' "$1"; }
	cross_gcc || want gcc-riscv64-linux-gnu "compiles the kernel and Keel's own programs"
	[ -e /usr/riscv64-linux-gnu/include/stdio.h ] || want libc6-dev-riscv64-cross "C library for Keel's own programs"
	[ -x /usr/bin/python3 ] || want python3 "build scripts"
	have dpkg-deb || want dpkg "unpacks Debian packages"
	case $1 in run | test | gdb)
		have "${QEMU:-qemu-system-riscv64}" || {
			want qemu-system-misc "runs Keel"
			want opensbi "firmware that hands over to Keel"
		}
		;;
	esac
	case $1 in test)
		have cc || want gcc "host tests of pure logic"
		[ -e /usr/include/libfdt.h ] || want libfdt-dev "the oracle of the device-tree reader's tests"
		have dtc || want device-tree-compiler "device trees for tests"
		/usr/bin/python3 -c 'import pytest' 2>/dev/null || want python3-pytest "runs the tests"
		/usr/bin/python3 -c 'import pexpect' 2>/dev/null || want python3-pexpect "types at Keel's prompt in tests"
		/usr/bin/python3 -c "import xdist" 2>/dev/null || want python3-pytest-xdist "runs tests side by side"
		;;
	esac
	case $1 in check)
		have sparse || want sparse "static analysis of user pointers and locks"
		have cppcheck || want cppcheck "static analysis"
		;;
	gdb) have "${GDB:-gdb-multiarch}" || want gdb-multiarch "looks into the running kernel" ;;
	esac
}

tools() {
	packages=$(missing "$1" 2>/dev/null)
	[ -n "$packages" ] || return 0
	say "'make $1' needs packages that are not installed here:"
	missing "$1" >/dev/null
	if ! debian; then
		die "this is not a Debian system: install the tools above with your package manager, then run make again"
	fi
	if [ "$(id -u)" != 0 ] && ! have sudo; then
		die "not root and no sudo: as root run  apt-get install $packages"
	fi
	say "installing them with apt-get"
	# shellcheck disable=SC2086
	if ! { as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq \
		--no-install-recommends $packages; } >"$top/build/setup.log" 2>&1; then
		tail -n 5 "$top/build/setup.log" >&2
		die "apt-get failed (no network?): run  apt-get install $packages  as root, then make again"
	fi
}

mirror() {
	if [ -n "${DEBIAN_MIRROR:-}" ]; then
		echo "$DEBIAN_MIRROR"
		return
	fi
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk -F'|' '$1 == "Debian" && $2 == "Debian" { print $3; exit }'
}

# A private apt: its own lists, cache and status, foreign architectures as wanted.
private_apt() {
	apt=$top/build/apt-$SUITE
	export APT_CONFIG=$apt/apt.conf
	[ -e "$apt/ready" ] && return 0
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -e $keyring ] || die "$keyring is missing: install debian-archive-keyring"
	unset APT_CONFIG
	uri=$(mirror)
	[ -n "$uri" ] || die "no Debian mirror in this machine's apt configuration: set DEBIAN_MIRROR to one"
	say "reading the package lists of Debian $SUITE (private apt configuration in build/apt-$SUITE)"
	mkdir -p "$apt/etc/preferences.d" "$apt/etc/sources.list.d" "$apt/etc/apt.conf.d" "$apt/lists/partial" \
		"$apt/cache/archives/partial"
	: >"$apt/status"
	echo "deb [signed-by=$keyring] $uri $SUITE main" >"$apt/etc/sources.list"
	cat >"$apt/apt.conf" <<-EOF
		Dir::Etc "$apt/etc";
		Dir::State "$apt";
		Dir::State::status "$apt/status";
		Dir::State::lists "$apt/lists";
		Dir::Cache "$apt/cache";
		APT::Architecture "riscv64";
		APT::Architectures { "riscv64"; "$(dpkg --print-architecture)"; };
		APT::Sandbox::User "$(id -un)";
		Acquire::Languages "none";
		Acquire::Retries "3";
	EOF
	export APT_CONFIG=$apt/apt.conf
	apt-get update -qq >"$apt/log" 2>&1 || {
		tail -n 5 "$apt/log" >&2
		die "cannot read the package lists (no network?)"
	}
	touch "$apt/ready"
}

# fetch NAME:ARCH: the .deb in build/cache, downloaded once, verified each time; prints its path.
fetch() {
	key=$(printf '%s' "$SUITE-$1" | tr ':/' '__')
	deb=$top/build/cache/$key.deb
	if [ -e "$deb" ] && (cd "$top/build/cache" && sha256sum --status -c "$key.sha256" 2>/dev/null); then
		echo "$deb"
		return 0
	fi
	private_apt >&2
	say "downloading $1 of Debian $SUITE" >&2
	mkdir -p "$top/build/cache/tmp-$key"
	(cd "$top/build/cache/tmp-$key" && rm -f ./*.deb && apt-get download -qq "$1" >>"$apt/log" 2>&1) ||
		die "cannot download $1 of Debian $SUITE (no network?): see build/apt-$SUITE/log"
	mv "$top/build/cache/tmp-$key"/*.deb "$deb"
	rmdir "$top/build/cache/tmp-$key"
	(cd "$top/build/cache" && sha256sum "$key.deb" >"$key.sha256")
	echo "$deb"
}

unpack() {
	dir=$1
	shift
	debian || die "unpacking Debian packages needs apt and dpkg: on another system put the contents of $* into $dir"
	for package; do
		deb=$(fetch "$package")
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir" --no-same-owner
	done
}

# closure NAME:ARCH...: the packages and everything they depend on, a line each.
closure() {
	private_apt >&2
	apt-get install -s -qq --no-install-recommends "$@" | awk '/^Inst/ { print $2 }' | sed '/:/!s/$/:riscv64/'
}

mkdir -p "$top/build"
case ${1:-} in
tools) tools "$2" ;;
unpack) shift; mkdir -p "$1"; unpack "$@" ;;
closure) shift; closure "$@" ;;
*) sed -n '3,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
