/* SPDX-License-Identifier: MIT */
/* /dev/kmsg's operations for the memory-device table, and kernel.dmesg_restrict. */
#ifndef KERNEL_INIT_KMSG_H
#define KERNEL_INIT_KMSG_H

#include <kernel/fs.h>

extern const struct file_ops kmsg_fops;
extern u32 sysctl_dmesg_restrict;

#endif
