/* SPDX-License-Identifier: MIT */
/*
 * Scripts: a file that begins with "#!" names its interpreter, with at most one argument, in a first line of which 256
 * bytes count. argv[0] is replaced by interpreter, argument, path of the script; then the interpreter is loaded instead.
 */
#include "exec.h"

#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/string.h>
#include <linux/binfmts.h>

struct script_line {
	char text[BINPRM_BUF_SIZE];
	char *name; /* in text */
	char *arg;  /* in text, or NULL */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip_blanks(char *s, const char *end)
{
	while (s < end && is_blank(*s))
		s++;
	return s;
}

static char *word_end(char *s, const char *end)
{
	while (s < end && *s && !is_blank(*s))
		s++;
	return s;
}

/* Where the line ends; NULL when the interpreter's path may have been cut off. */
static char *line_end(struct script_line *l)
{
	char *last = l->text + sizeof(l->text) - 1, *end = memchr(l->text, '\n', sizeof(l->text) - 1), *word;

	if (end)
		return end;
	word = skip_blanks(l->text + 2, last);
	return word == last || word_end(word, last) == last ? NULL : last;
}

/* Pure: takes the line apart. False: it names no interpreter. */
static bool parse(struct script_line *l)
{
	char *end = line_end(l), *sep;

	if (!end)
		return false;
	while (end > l->text + 2 && is_blank(end[-1]))
		end--;
	*end = 0;
	l->name = skip_blanks(l->text + 2, end);
	if (l->name == end || !*l->name)
		return false;
	sep = word_end(l->name, end);
	l->arg = NULL;
	if (sep < end && *sep) {
		*sep = 0;
		l->arg = skip_blanks(sep + 1, end);
	}
	return true;
}

static int push_counted(struct exec *e, const char *s)
{
	int rc = exec_push_string(e, s);

	if (rc == 0)
		e->argc++;
	return rc;
}

static int rewrite_arguments(struct exec *e, const struct script_line *l)
{
	int rc = exec_drop_first_string(e);

	if (rc == 0)
		rc = push_counted(e, e->interpreter ?: e->path);
	if (rc == 0 && l->arg)
		rc = push_counted(e, l->arg);
	if (rc == 0)
		rc = push_counted(e, l->name);
	return rc;
}

int script_load(struct exec *e)
{
	struct script_line line;
	char *name;
	int rc;

	if (e->head_len < 2 || e->head[0] != '#' || e->head[1] != '!')
		return -ENOEXEC;
	memcpy(line.text, e->head, sizeof(line.text)); /* the head is zero past the end of the file */
	if (!parse(&line))
		return -ENOEXEC;
	if (e->path_closes)
		return -ENOENT;
	rc = rewrite_arguments(e, &line);
	if (rc)
		return rc;
	name = kstrdup(line.name);
	if (!name)
		return -ENOMEM;
	kfree(e->interpreter);
	e->interpreter = name;
	return 0;
}
