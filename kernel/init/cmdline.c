/* SPDX-License-Identifier: MIT */
/*
 * The kernel command line: words the kernel knows (CMDLINE tables), the rest for init, as Linux does it: name=value
 * goes to init's environment, a bare word and everything behind "--" to its arguments. "a b" quotes blanks.
 */
#include "cmdline.h"

#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/string.h>

char saved_cmdline[CMDLINE_MAX];
const char *init_argv[INIT_WORDS_MAX + 2] = { "/init" };
const char *init_envp[INIT_WORDS_MAX + 3] = { "HOME=/", "TERM=linux" };
static char words[CMDLINE_MAX]; /* saved_cmdline cut into words, which init_argv and init_envp point into */
static u32 nr_args = 1, nr_env = 2;

extern const struct cmdline_param __init_cmdline_start[], __init_cmdline_end[];

static void add_word(const char **list, u32 *n, u32 max, const char *word)
{
	if (*n < max)
		list[(*n)++] = word;
	else
		pr_warn("cmdline: too many words for init: '%s' dropped", word);
}

/* Later settings of the same variable replace earlier ones. */
static void add_env(const char *word)
{
	size_t name_len = (size_t)(strchr(word, '=') - word) + 1;

	for (u32 i = 0; i < nr_env; i++)
		if (strncmp(init_envp[i], word, name_len) == 0) {
			init_envp[i] = word;
			return;
		}
	add_word(init_envp, &nr_env, INIT_WORDS_MAX + 2, word);
}

/* True when some table entry took the word. */
static bool apply(char *word, char *value)
{
	bool known = false;

	for (const struct cmdline_param *p = __init_cmdline_start; p < __init_cmdline_end; p++) {
		if (strcmp(p->name, word))
			continue;
		known = true;
		if (p->set(value ? value : ""))
			pr_warn("cmdline: %s: bad value '%s'", word, value ? value : "");
	}
	return known;
}

/* Words of Linux's that are the kernel's, not init's, and have nothing to do here. */
static bool without_effect(const char *word)
{
	static const char *const names[] = { "nokaslr", "ro", "rootdelay", "rootflags", "rootfstype", "rootwait", "rw" };

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], word) == 0)
			return true;
	return false;
}

static void take_word(char *word)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	if (apply(word, value) || without_effect(word))
		return;
	if (value)
		value[-1] = '=';
	if (str_starts_with(word, "keel."))
		pr_warn("cmdline: unknown option '%s'", word);
	else if (value && !memchr(word, '.', (size_t)(value - word)))
		add_env(word);
	else if (!value && !strchr(word, '.'))
		add_word(init_argv, &nr_args, INIT_WORDS_MAX + 1, word);
}

/* Cuts the next word off *at, quotes removed; NULL at the end. */
static char *next_word(char **at)
{
	char *s = *at, *out, *word;
	bool quoted = false;

	while (*s == ' ' || *s == '\t' || *s == '\n')
		s++;
	if (!*s)
		return NULL;
	for (word = out = s; *s && (quoted || (*s != ' ' && *s != '\t' && *s != '\n')); s++) {
		if (*s == '"')
			quoted = !quoted;
		else
			*out++ = *s;
	}
	*at = *s ? s + 1 : s;
	*out = '\0';
	return word;
}

void cmdline_parse(const char *bootargs)
{
	char *at = words, *word;

	if (strscpy(saved_cmdline, bootargs, sizeof(saved_cmdline)) < 0)
		pr_warn("cmdline: longer than %d bytes, cut", CMDLINE_MAX - 1);
	strscpy(words, saved_cmdline, sizeof(words));
	while ((word = next_word(&at))) {
		if (strcmp(word, "--") == 0)
			break;
		take_word(word);
	}
	while (word && (word = next_word(&at)))
		add_word(init_argv, &nr_args, INIT_WORDS_MAX + 1, word);
}

static int set_root(const char *value)
{
	pr_warn("root=%s: there are no block devices yet; the initramfs is the root", value);
	return 0;
}
CMDLINE("root", set_root);
