/* SPDX-License-Identifier: MIT */
/* Names of errors, for the system-call trace. */
#ifndef SYS_ERRNAME_H
#define SYS_ERRNAME_H

/* "ENOENT" for 2; NULL when the number has no name. */
const char *errno_name(int error);

#endif
