/* SPDX-License-Identifier: MIT */
/*
 * Boot, in the order it happens. Read kernel_main() aloud and you know what the kernel consists of.
 *
 * kernel_main() runs on the boot hart, on init_task's stack, with interrupts off until the controllers are there; it
 * ends as the hart's idle task. The init thread then does what may sleep, becomes process 1 and runs init.
 */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <kernel/chrdev.h>
#include <kernel/device.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/futex.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/tty.h>
#include <kernel/vm.h>
#include <kernel/workqueue.h>

#include "cmdline.h"
#include "ktest.h"

static u32 max_harts = NR_HARTS_MAX;	  /* maxcpus= */
static const char *rdinit_path, *init_path; /* rdinit=, init=; NULL: not given */

/* --- milestones --- */

#define MILESTONES_MAX 16
static struct boot_milestone_entry milestones[MILESTONES_MAX];
static u32 nr_milestones;

void boot_milestone(const char *name)
{
	struct boot_milestone_entry *m = &milestones[nr_milestones];

	if (nr_milestones == MILESTONES_MAX)
		return;
	m->name = name;
	m->ns = (u64)(((unsigned __int128)(cycles_now() - boot_time) * NSEC_PER_SEC) / isa.timebase_hz);
	m->instructions = instret_available() ? instret_now() - boot_instret : 0;
	nr_milestones++;
}

bool boot_milestone_at(u32 i, struct boot_milestone_entry *out)
{
	if (i >= nr_milestones)
		return false;
	*out = milestones[i];
	return true;
}

/* --- the init thread --- */

static void run_initcalls(void)
{
	extern const initcall_fn __init_calls_start[], __init_calls_end[];

	for (const initcall_fn *call = __init_calls_start; call < __init_calls_end; call++) {
		int rc = (*call)();

		if (rc)
			pr_err("init: %pS failed: error %d", (void *)*call, rc);
	}
}

/* What a root needs even when the initramfs forgets it: a console to complain on. */
static void make_default_nodes(void)
{
	int rc = vfs_mkdir_path("/dev", 0755);

	if (rc == 0 || rc == -EEXIST)
		rc = vfs_mknod_path("/dev/console", S_IFCHR | 0600, MAKE_DEV(5, 1));
	if (rc && rc != -EEXIST)
		pr_err("init: cannot make /dev/console: error %d", rc);
	vfs_mkdir_path("/root", 0700);
}

static void unpack(const char *what, const void *data, size_t size)
{
	const char *trouble;

	if (size == 0)
		return;
	trouble = initramfs_unpack(data, size);
	if (trouble)
		pr_err("initramfs: %s: %s", what, trouble);
}

static void unpack_initramfs(void)
{
	extern const char __initramfs_start[], __initramfs_end[];
	paddr_t start, end;

	make_default_nodes();
	unpack("built into the image", __initramfs_start, (size_t)(__initramfs_end - __initramfs_start));
	if (boot_initrd(&start, &end)) {
		unpack("from the boot loader", phys_to_virt(start), end - start);
		memory_release(start, end);
	}
}

static void open_console(void)
{
	struct file *f = file_open("/dev/console", O_RDWR, 0);

	if (IS_ERR(f)) {
		pr_warn("init: cannot open /dev/console (error %ld): init starts without a terminal", PTR_ERR(f));
		return;
	}
	for (int fd = 0; fd < 3; fd++) {
		int rc = fd_alloc((u32)fd, 0);

		if (rc == fd)
			fd_install(fd, file_get(f));
	}
	file_put(f);
}

/* Becomes `path`; returns why it could not. */
static int run_init(const char *path)
{
	init_argv[0] = path;
	pr_info("Run %s as init process", path);
	return kernel_execve(path, init_argv, init_envp);
}

/* As Linux does: rdinit= (default /init) if it is there, then init=, which must work, then the usual places. */
static void __noreturn start_init(void)
{
	static const char *const places[] = { "/sbin/init", "/etc/init", "/bin/init", "/bin/sh" };
	const char *first = rdinit_path ? rdinit_path : "/init";
	struct path path;
	int rc;

	if (kern_path(first, LOOKUP_FOLLOW, &path) == 0) {
		path_put(&path);
		rc = run_init(first);
		pr_err("Failed to execute %s (error %d)", first, rc);
	} else if (rdinit_path) {
		pr_err("rdinit=%s: no such file in the initramfs", rdinit_path);
	}
	if (init_path) {
		rc = run_init(init_path);
		panic("Requested init %s failed (error %d).", init_path, rc);
	}
	for (u32 i = 0; i < ARRAY_SIZE(places); i++) {
		rc = run_init(places[i]);
		if (rc != -ENOENT)
			pr_err("Starting init: %s exists but couldn't execute it (error %d)", places[i], rc);
	}
	panic("No working init found: tried %s, /sbin/init, /etc/init, /bin/init, /bin/sh. "
	      "Is there an initramfs (-initrd)? Else pass rdinit= or init=.", first);
}

/* Process 1: what of boot may sleep, then init. */
static int init_thread(void *arg)
{
	smp_boot(max_harts);	      /* the other harts */
	workqueue_init();
	driver_probe_stage(PROBE_NORMAL);
	run_initcalls();
	driver_report_unclaimed();
	boot_milestone("kernel ready");
	unpack_initramfs();
	boot_milestone("root unpacked");
	kernel_tests_run();
	open_console();
	arch_seal_kernel();
	memory_release(kernel_to_phys(__init_start), kernel_to_phys(__init_end));
	boot_milestone("init");
	start_init();
}

/* --- the boot hart --- */

static void print_banner(void)
{
	char text[128];

	pr_notice("Linux version %s (%s %s)", uts_release, uts_machine, uts_version);
	pr_info("Keel on %s", dt_prop_string(dt_root, "model") ?: "an unnamed board");
	pr_info("Command line: %s", saved_cmdline);
	pr_info("%s", sbi_describe(text, sizeof(text)));
}

static void seed_random(void)
{
	struct dt_node *chosen = dt_by_path("/chosen");
	int len = 0;
	const void *seed = chosen ? dt_prop(chosen, "rng-seed", &len) : NULL;

	random_init(seed, seed ? (size_t)len : 0);
}

void kernel_main(const void *fdt)
{
	/* Memory and messages: nothing may allocate before slab_init(). */
	arch_early_console();	     /* SBI, so that what goes wrong can be read */
	arch_cpu_init(fdt);	     /* ISA, timebase, who the harts are */
	cmdline_parse(boot_bootargs(fdt));
	arch_memory_init(fdt);	     /* banks and reservations */
	arch_paging_init();	     /* the final kernel page tables */
	kasan_init();
	page_init();		     /* buddy allocator */
	slab_init();
	vmalloc_init();
	time_init(isa.timebase_hz);  /* clocksource */
	dt_init(fdt);		     /* the device tree as nodes */
	print_banner();
	seed_random();

	/* Tasks and interrupts. */
	sched_init();
	rcu_init();
	asid_init();
	vm_init();
	signal_init();		     /* caches that proc_init() uses */
	proc_init();		     /* pids, credentials, init_task's group */
	futex_init();
	softirq_init();
	driver_probe_stage(PROBE_IRQCHIP);
	time_init_hart();
	irq_enable();
	driver_probe_stage(PROBE_EARLY);

	/* Files and devices: their start-up does not sleep. */
	pagecache_init();
	vfs_init();		     /* an empty tmpfs as root */
	tty_init();

	/* Process 1 and the kernel threads; they run once this hart is idle. */
	struct task *init = task_create_init(init_thread, NULL);

	if (IS_ERR(init))
		panic("cannot create the init task: error %ld", PTR_ERR(init));
	wake_up_new(init);
	sched_idle_loop();
}

static int set_maxcpus(const char *value)
{
	u64 v;
	int rc = parse_u64(value, 10, &v);

	if (rc == 0)
		max_harts = (u32)MIN(MAX(v, 1UL), (u64)NR_HARTS_MAX);
	return rc;
}
CMDLINE("maxcpus", set_maxcpus);

static int set_nosmp(const char *value)
{
	max_harts = 1;
	return *value ? -EINVAL : 0;
}
CMDLINE("nosmp", set_nosmp);

static int set_rdinit(const char *value)
{
	rdinit_path = value;
	return *value == '/' ? 0 : -EINVAL;
}
CMDLINE("rdinit", set_rdinit);

static int set_init(const char *value)
{
	init_path = value;
	return *value == '/' ? 0 : -EINVAL;
}
CMDLINE("init", set_init);

static int set_mem(const char *value)
{
	const char *end;
	u64 bytes = parse_size(value, &end);

	if (*end || bytes == 0)
		return -EINVAL;
	memory_limit(bytes);
	return 0;
}
CMDLINE("mem", set_mem);
