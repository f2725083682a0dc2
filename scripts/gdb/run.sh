#!/bin/sh
# SPDX-License-Identifier: MIT
# make gdb: starts QEMU, stopped before its first instruction, and gdb on it; QEMU ends with gdb.
#
#   GDB=.. ELF=.. DIR=.. run.sh QEMU [QEMU's arguments]      GDB_ARGS: more arguments for gdb, quoted as for a shell
#
# The machine's console is a terminal of its own, whose name is printed; what it says is also kept in DIR/gdb-console.log.
# gdb and QEMU talk over a socket in DIR, so any number of trees can be debugged at once.
set -eu

here=$(dirname "$0")
log=$DIR/gdb-qemu.log
socket=$DIR/gdb.sock
rm -f "$socket"
: >"$DIR/gdb-console.log"

# In a session of its own: ^C is gdb's.
setsid "$@" -S -display none -monitor none -chardev "pty,id=console,logfile=$DIR/gdb-console.log" -serial chardev:console \
	-chardev "socket,path=$socket,server=on,wait=off,id=gdb" -gdb chardev:gdb >"$log" 2>&1 </dev/null &
qemu=$!
trap 'kill $qemu 2>/dev/null || :' EXIT
trap 'exit 130' INT TERM HUP

tries=0
while ! { [ -S "$socket" ] && grep -q '/dev/pts/' "$log"; }; do
	tries=$((tries + 1))
	if [ $tries -gt 50 ] || ! kill -0 $qemu 2>/dev/null; then
		echo "gdb: QEMU did not start:" >&2
		cat "$log" >&2
		exit 1
	fi
	sleep 0.1
done
pty=$(sed -n 's|.* \(/dev/pts/[0-9]*\).*|\1|p' "$log" | head -n 1)
echo "  console: $DIR/gdb-console.log; to type there: screen $pty (or: picocom $pty) in another terminal"

eval "set -- ${GDB_ARGS:-}"
"$GDB" -q -x "$here/keel.py" -ex "target remote $socket" "$@" "$ELF"
