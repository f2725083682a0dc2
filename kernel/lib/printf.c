/* SPDX-License-Identifier: MIT */
/*
 * vsnprintf() and its kin: the subset <kernel/string.h> lists. No locks, no allocation, no recursion.
 */
#include <kernel/panic.h>
#include <kernel/string.h>

struct out {
	char *buf;
	size_t size, len; /* len counts on past the end */
};

struct spec {
	bool left, plus, space, alt, zero, upper, is_signed;
	int width, precision; /* -1: none given */
	u32 base;
};

static void put(struct out *o, char c)
{
	if (o->len < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_text(struct out *o, const struct spec *sp, const char *s, int n)
{
	if (!sp->left)
		pad(o, ' ', sp->width - n);
	for (int i = 0; i < n; i++)
		put(o, s[i]);
	if (sp->left)
		pad(o, ' ', sp->width - n);
}

static void put_number(struct out *o, const struct spec *sp, u64 v)
{
	const char *digits = sp->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char tmp[24], prefix[3];
	int n = 0, np = 0, zeros;

	if (sp->is_signed && (s64)v < 0) {
		prefix[np++] = '-';
		v = -v;
	} else if (sp->is_signed && (sp->plus || sp->space)) {
		prefix[np++] = sp->plus ? '+' : ' ';
	}
	if (sp->alt && sp->base == 16 && v) {
		prefix[np++] = '0';
		prefix[np++] = sp->upper ? 'X' : 'x';
	}
	do {
		tmp[n++] = digits[v % sp->base];
		v /= sp->base;
	} while (v);
	if (sp->alt && sp->base == 8 && tmp[n - 1] != '0')
		tmp[n++] = '0';
	zeros = sp->precision - n;
	if (sp->zero && !sp->left && sp->precision < 0)
		zeros = sp->width - n - np;
	if (zeros < 0)
		zeros = 0;
	if (!sp->left)
		pad(o, ' ', sp->width - n - np - zeros);
	for (int i = 0; i < np; i++)
		put(o, prefix[i]);
	pad(o, '0', zeros);
	for (int i = n; i > 0; i--)
		put(o, tmp[i - 1]);
	if (sp->left)
		pad(o, ' ', sp->width - n - np - zeros);
}

/* %pS: name+0xoffset; plain hexadecimal when it is no kernel text. */
static void put_symbol(struct out *o, const struct spec *sp, u64 addr)
{
	struct spec hex = { .alt = true, .precision = -1, .base = 16 };
	u64 offset = 0, size = 0;
	const char *name = symbol_of(addr, &offset, &size);

	if (!name) {
		hex.width = sp->width;
		put_number(o, &hex, addr);
		return;
	}
	for (; *name; name++)
		put(o, *name);
	if (offset) {
		put(o, '+');
		put_number(o, &hex, offset);
	}
}

static const char *parse_spec(const char *f, struct spec *sp, va_list *ap)
{
	for (;; f++) {
		if (*f == '-')
			sp->left = true;
		else if (*f == '+')
			sp->plus = true;
		else if (*f == ' ')
			sp->space = true;
		else if (*f == '#')
			sp->alt = true;
		else if (*f == '0')
			sp->zero = true;
		else
			break;
	}
	if (*f == '*') {
		sp->width = va_arg(*ap, int);
		f++;
		if (sp->width < 0) {
			sp->left = true;
			sp->width = -sp->width;
		}
	}
	for (; *f >= '0' && *f <= '9'; f++)
		sp->width = sp->width * 10 + (*f - '0');
	if (*f == '.') {
		sp->precision = 0;
		if (*++f == '*') {
			sp->precision = va_arg(*ap, int);
			f++;
		}
		for (; *f >= '0' && *f <= '9'; f++)
			sp->precision = sp->precision * 10 + (*f - '0');
	}
	return f;
}

static u64 integer_arg(va_list *ap, int size, bool is_signed)
{
	if (size >= 1)
		return va_arg(*ap, u64);
	if (is_signed) {
		s64 v = va_arg(*ap, int);

		return size == -1 ? (u64)(s16)v : size == -2 ? (u64)(s8)v : (u64)v;
	} else {
		u64 v = va_arg(*ap, unsigned int);

		return size == -1 ? (u16)v : size == -2 ? (u8)v : v;
	}
}

/* One conversion; f is behind the '%'. Returns what follows it. */
static const char *convert(struct out *o, const char *f, va_list *ap)
{
	struct spec sp = { .precision = -1, .base = 10 };
	int size = 0;
	const char *s;
	char c;

	f = parse_spec(f, &sp, ap);
	for (;; f++) {
		if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
			size++;
		else if (*f == 'h')
			size--;
		else
			break;
	}
	switch (*f) {
	case 'd':
	case 'i':
		sp.is_signed = true;
		put_number(o, &sp, integer_arg(ap, size, true));
		break;
	case 'u':
		put_number(o, &sp, integer_arg(ap, size, false));
		break;
	case 'o':
		sp.base = 8;
		put_number(o, &sp, integer_arg(ap, size, false));
		break;
	case 'X':
		sp.upper = true;
		fallthrough;
	case 'x':
		sp.base = 16;
		put_number(o, &sp, integer_arg(ap, size, false));
		break;
	case 'p':
		if (f[1] == 'S') {
			put_symbol(o, &sp, va_arg(*ap, u64));
			return f + 2;
		}
		sp.base = 16;
		sp.alt = true;
		put_number(o, &sp, va_arg(*ap, u64));
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_text(o, &sp, &c, 1);
		break;
	case 's':
		s = va_arg(*ap, const char *);
		if (!s)
			s = "(null)";
		put_text(o, &sp, s, (int)strnlen(s, sp.precision < 0 ? 1UL << 20 : (size_t)sp.precision));
		break;
	case '%':
		put(o, '%');
		break;
	case '\0':
		return f;
	default: /* unknown: show it as it stands */
		put(o, '%');
		put(o, *f);
	}
	return f + 1;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out o = { buf, size, 0 };
	va_list ap;

	va_copy(ap, args);
	while (*fmt) {
		if (*fmt != '%')
			put(&o, *fmt++);
		else
			fmt = convert(&o, fmt + 1, &ap);
	}
	va_end(ap);
	if (size)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return size == 0 ? 0 : n >= (int)size ? (int)size - 1 : n;
}
