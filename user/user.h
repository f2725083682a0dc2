/* SPDX-License-Identifier: MIT */
/*
 * Keel's own programs are one static binary with many names (user/main.c): each is a function like main().
 */
#ifndef USER_H
#define USER_H

int init_main(int argc, char **argv);	       /* process 1 */
int about_main(int argc, char **argv);	       /* what the person sees first */
int rescue_main(int argc, char **argv);	       /* a shell of last resort */
int demo_vdso_main(int argc, char **argv);     /* clock_gettime: vDSO against trap */
int demo_deferred_main(int argc, char **argv); /* interrupts, softirqs and work under load */
int demo_crash_main(int argc, char **argv);    /* breaks every rule and dies alone */

#endif
