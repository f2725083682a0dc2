/* SPDX-License-Identifier: MIT */
/* Who this kernel says it is: uname(2), /proc/version. KEEL_VERSION comes from the Makefile (git describe and date). */
#include <kernel/process.h>

const char uts_sysname[] = "Linux";
const char uts_release[] = "6.12.0-keel";
const char uts_version[] = "#1 SMP Keel " KEEL_VERSION;
const char uts_machine[] = "riscv64";
char uts_nodename[65] = "keel";
char uts_domainname[65] = "(none)";
