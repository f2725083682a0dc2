/* SPDX-License-Identifier: MIT */
/* Random numbers: ChaCha20 generator, seeded from rng-seed, timer jitter and devices (kernel/lib/random.c). */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include <kernel/types.h>

void random_init(const void *seed, size_t n);
void random_add(const void *p, size_t n, u32 entropy_bits); /* any context */
bool random_ready(void);
void random_bytes(void *p, size_t n); /* any context, never blocks */
u64 random_u64(void);
u64 random_below(u64 n);
struct uio;
ssize_t random_read_uio(struct uio *u); /* getrandom, urandom */
u32 random_entropy_bits(void);

#endif
