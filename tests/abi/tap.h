/* SPDX-License-Identifier: MIT */
/*
 * Test Anything Protocol for the ABI tests: "ok 1 - text" lines in order, "1..N" at the end,
 * remarks after '#'. The programs run on Linux and on Keel and must print the same: no numbers in
 * texts that differ from run to run.
 */
#ifndef TESTS_ABI_TAP_H
#define TESTS_ABI_TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failed;

/* The name of an errno value, for remarks: strerror's words depend on the C library. */
static inline const char *tap_errno(int e)
{
	static char other[32];
	static const struct {
		int e;
		const char *name;
	} names[] = {
#define E_(x) { x, #x }
		{ 0, "0" },    E_(EPERM),      E_(ENOENT),    E_(ESRCH),      E_(EINTR),
		E_(EIO),       E_(E2BIG),      E_(ENOEXEC),   E_(EBADF),      E_(ECHILD),
		E_(EAGAIN),    E_(ENOMEM),     E_(EACCES),    E_(EFAULT),     E_(EBUSY),
		E_(EEXIST),    E_(EXDEV),      E_(ENODEV),    E_(ENOTDIR),    E_(EISDIR),
		E_(EINVAL),    E_(ENFILE),     E_(EMFILE),    E_(ENOTTY),     E_(ETXTBSY),
		E_(EFBIG),     E_(ENOSPC),     E_(ESPIPE),    E_(EROFS),      E_(EMLINK),
		E_(EPIPE),     E_(EDOM),       E_(ERANGE),    E_(EDEADLK),    E_(ENAMETOOLONG),
		E_(ENOSYS),    E_(ENOTEMPTY),  E_(ELOOP),     E_(ENODATA),    E_(ETIME),
		E_(EOVERFLOW), E_(EOPNOTSUPP), E_(ETIMEDOUT), E_(EOWNERDEAD), E_(ENOTSOCK),
		E_(ECANCELED),
#undef E_
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].e == e)
			return names[i].name;
	snprintf(other, sizeof(other), "errno %d", e);
	return other;
}

static inline void __attribute__((format(printf, 1, 2))) tap_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("# ", stdout);
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
	va_end(ap);
}

static inline bool __attribute__((format(printf, 2, 3))) tap_ok(bool cond, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("%sok %d - ", cond ? "" : "not ", ++tap_count);
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout); /* before a fork copies it, or a crash loses it */
	va_end(ap);
	if (!cond)
		tap_failed++;
	return cond;
}

/* The call returned `want` (a value, or -1 and errno `want_errno`); says what it did otherwise. */
#define tap_returns(expr, want, ...)                                                         \
	do {                                                                                 \
		errno = 0;                                                                   \
		long tap_r_ = (long)(expr), tap_w_ = (long)(want);                           \
		int tap_e_ = errno;                                                          \
		if (!tap_ok(tap_r_ == tap_w_, __VA_ARGS__))                                  \
			tap_note("returned %ld (%s), wanted %ld", tap_r_, tap_errno(tap_e_), \
				 tap_w_);                                                    \
	} while (0)
#define tap_fails(expr, want_errno, ...)                                                    \
	do {                                                                                \
		errno = 0;                                                                  \
		long tap_r_ = (long)(expr);                                                 \
		int tap_e_ = errno;                                                         \
		if (!tap_ok(tap_r_ == -1 && tap_e_ == (want_errno), __VA_ARGS__))           \
			tap_note("returned %ld (%s), wanted %s", tap_r_, tap_errno(tap_e_), \
				 #want_errno);                                              \
	} while (0)

/* What main returns. */
static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	if (tap_failed)
		printf("# %d of %d failed\n", tap_failed, tap_count);
	fflush(stdout);
	return tap_failed ? 1 : 0;
}

#endif
