/* SPDX-License-Identifier: MIT */
/* Between cmdline.c and main.c: what the command line leaves for init. */
#ifndef KERNEL_INIT_CMDLINE_H
#define KERNEL_INIT_CMDLINE_H

#define CMDLINE_MAX    2048
#define INIT_WORDS_MAX 32

extern const char *init_argv[], *init_envp[]; /* NULL-terminated; argv[0] is set by who runs it */

void cmdline_parse(const char *bootargs);

#endif
