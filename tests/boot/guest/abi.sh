#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the ABI programs named, or all; "@ NAME" before and "@ NAME STATUS" after each, for tests/abi/transcript.py.
cd /tests/abi || exit 1
[ $# -gt 0 ] || set -- *
for name; do
	echo "@ $name"
	timeout -s KILL 60 ./"$name" </dev/null 2>&1
	echo "@ $name $?"
done
