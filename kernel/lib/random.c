/* SPDX-License-Identifier: MIT */
/*
 * Random numbers: one ChaCha20 generator (RFC 8439's block function) with fast key erasure.
 *
 * `pool` is the key. random_add() folds input into it; each request derives a one-time key from the pool, overwrites
 * the pool with fresh output (so that what was given out cannot be computed back), and streams from the one-time key
 * without the lock. Entropy is counted once, at the start: from 256 bits on, random_ready() stays true.
 *
 * Locks: random_lock guards pool, batch, counter and bits; any context.
 */
#include <kernel/random.h>

#include <arch/cpu.h>
#include <kernel/errno.h>
#include <kernel/signal.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/uio.h>
#include <kernel/wait.h>

#define KEY_WORDS  8
#define ENOUGH_BITS 256

static DEFINE_SPINLOCK(random_lock, RANK_RANDOM);
static u32 pool[KEY_WORDS];
static u32 batch[KEY_WORDS]; /* output not given out yet: its first batch_left bytes */
static u32 batch_left;
static u64 counter;
static u32 entropy_bits;

static inline u32 rotl(u32 v, u32 n)
{
	return (v << n) | (v >> (32 - n));
}

#define QUARTER(a, b, c, d)                                                                          \
	do {                                                                                         \
		a += b, d = rotl(d ^ a, 16);                                                         \
		c += d, b = rotl(b ^ c, 12);                                                         \
		a += b, d = rotl(d ^ a, 8);                                                          \
		c += d, b = rotl(b ^ c, 7);                                                          \
	} while (0)

static void chacha_block(const u32 key[KEY_WORDS], u64 block, u64 nonce, u32 out[16])
{
	const u32 in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, key[0], key[1], key[2], key[3],
			     key[4],	 key[5],     key[6],	 key[7],     (u32)block, (u32)(block >> 32),
			     (u32)nonce, (u32)(nonce >> 32) };
	u32 x[16];

	memcpy(x, in, sizeof(x));
	for (int i = 0; i < 10; i++) {
		QUARTER(x[0], x[4], x[8], x[12]);
		QUARTER(x[1], x[5], x[9], x[13]);
		QUARTER(x[2], x[6], x[10], x[14]);
		QUARTER(x[3], x[7], x[11], x[15]);
		QUARTER(x[0], x[5], x[10], x[15]);
		QUARTER(x[1], x[6], x[11], x[12]);
		QUARTER(x[2], x[7], x[8], x[13]);
		QUARTER(x[3], x[4], x[9], x[14]);
	}
	for (int i = 0; i < 16; i++)
		out[i] = x[i] + in[i];
}

void random_add(const void *p, size_t n, u32 bits)
{
	const u8 *src = p;
	u32 block[16];
	u64 flags = spin_lock_irqsave(&random_lock);

	while (n) {
		size_t part = MIN(n, sizeof(pool));

		for (size_t i = 0; i < part; i++)
			((u8 *)pool)[i] ^= src[i];
		chacha_block(pool, ++counter, cycles_now(), block);
		memcpy(pool, block, sizeof(pool));
		src += part;
		n -= part;
	}
	batch_left = 0; /* made without the input */
	entropy_bits = MIN(entropy_bits + bits, (u32)ENOUGH_BITS);
	spin_unlock_irqrestore(&random_lock, flags);
	memset(block, 0, sizeof(block));
}

void random_init(const void *seed, size_t n)
{
	u64 jitter[16];

	/* Timer jitter is little on a new machine, but never nothing: two bits a sample are not counted. */
	for (u32 i = 0; i < ARRAY_SIZE(jitter); i++)
		jitter[i] = cycles_now() * 0x9e3779b97f4a7c15UL ^ (u64)&jitter[i];
	random_add(jitter, sizeof(jitter), 0);
	if (seed && n)
		random_add(seed, n, (u32)MIN(n * 8, (size_t)ENOUGH_BITS));
}

bool random_ready(void)
{
	return READ_ONCE(entropy_bits) >= ENOUGH_BITS;
}

u32 random_entropy_bits(void)
{
	return READ_ONCE(entropy_bits);
}

/* 32 bytes nobody else gets; the pool moves on. Lock held. */
static void draw_locked(u32 out[KEY_WORDS])
{
	u32 block[16];

	chacha_block(pool, ++counter, cycles_now(), block);
	memcpy(pool, block, sizeof(pool));
	memcpy(out, block + KEY_WORDS, KEY_WORDS * sizeof(u32));
	memset(block, 0, sizeof(block));
}

static void derive_key(u32 key[KEY_WORDS])
{
	u64 flags = spin_lock_irqsave(&random_lock);

	draw_locked(key);
	spin_unlock_irqrestore(&random_lock, flags);
}

/* Small requests share what one step of the pool yields. What is given out is forgotten. */
static void random_small(void *p, size_t n)
{
	u64 flags = spin_lock_irqsave(&random_lock);
	u8 *from;

	if (batch_left < n) {
		draw_locked(batch);
		batch_left = sizeof(batch);
	}
	batch_left -= (u32)n;
	from = (u8 *)batch + batch_left;
	memcpy(p, from, n);
	memset(from, 0, n);
	spin_unlock_irqrestore(&random_lock, flags);
}

void random_bytes(void *p, size_t n)
{
	u32 key[KEY_WORDS], block[16];
	u8 *dst = p;

	if (n <= sizeof(batch)) {
		random_small(p, n);
		return;
	}
	derive_key(key);
	for (u64 i = 0; n; i++) {
		size_t part = MIN(n, sizeof(block));

		chacha_block(key, i, 0, block);
		memcpy(dst, block, part);
		dst += part;
		n -= part;
	}
	memset(key, 0, sizeof(key));
	memset(block, 0, sizeof(block));
}

u64 random_u64(void)
{
	u64 v;

	random_bytes(&v, sizeof(v));
	return v;
}

u64 random_below(u64 n)
{
	return (u64)(((unsigned __int128)random_u64() * n) >> 64);
}

ssize_t random_read_uio(struct uio *u)
{
	u32 key[KEY_WORDS], block[16];
	ssize_t done = 0;

	derive_key(key);
	for (u64 i = 0; u->left; i++) {
		size_t part = MIN(u->left, sizeof(block));
		u64 copied;

		chacha_block(key, i, 0, block);
		copied = copy_to_uio(block, part, u);
		done += (ssize_t)copied;
		if (copied < part) {
			done = done ? done : -EFAULT;
			break;
		}
		if ((i & 63) == 63 && signal_pending())
			break;
	}
	memset(key, 0, sizeof(key));
	memset(block, 0, sizeof(block));
	return done;
}
