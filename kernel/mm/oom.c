/* SPDX-License-Identifier: MIT */
/*
 * Out of memory: when nothing can be reclaimed, the process whose death frees most is killed, all
 * its threads and whoever shares its address space.
 *
 * One victim at a time: until its address space is gone, others who run out just wait and try
 * again. A victim that does not get there in time (it may sleep uninterruptibly) is left to its
 * fate and not chosen again. Process 1, kernel threads and processes with oom_score_adj -1000 are
 * never chosen; when nobody is left, the allocation fails instead.
 */
#include <kernel/mm.h>

#include <kernel/cred.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/vm.h>
#include <linux/oom.h>

#define VICTIM_PATIENCE (5 * NSEC_PER_SEC)

static bool busy;	     /* [a] one task at a time below here */
static struct mm *victim_mm; /* [busy] referenced (mm_grab); NULL: none under way */
static ktime_t victim_since; /* [busy] */

/* What of a process the choice is made by; and what is said when it dies. */
struct candidate {
	struct task *leader;
	struct mm *mm;
	u64 points;
	u64 total_vm, anon, file, shmem, tables; /* pages; tables: bytes */
	pid_t pid;
	u32 uid;
	s32 adj;
	char comm[TASK_COMM_LEN];
};

/* The address space of a process: of any thread that still has one, since the leader may be gone.
 * Returns with the thread locked; NULL and nothing locked when there is none. RCU held. */
static struct task *lock_thread_with_mm(struct group *g)
{
	struct task *t;

	for_each_thread (g, t) {
		spin_lock(&t->lock);
		if (t->mm)
			return t;
		spin_unlock(&t->lock);
	}
	return NULL;
}

static u64 points_of(const struct mm *mm, s32 adj)
{
	s64 points = READ_ONCE(mm->rss_anon) + READ_ONCE(mm->rss_file) + READ_ONCE(mm->rss_shmem) +
		     (s64)(READ_ONCE(mm->pt_bytes) >> PAGE_SHIFT);

	points += (s64)adj * (s64)(page_total() / 1000);
	return (u64)MAX(points, 0L);
}

static bool never_killed(const struct task *leader)
{
	return (leader->flags & TF_KTHREAD) || leader->pid <= 1 ||
	       (leader->group->flags & GROUP_UNKILLABLE);
}

/* Fills *c from a process; false when it is not to be killed. RCU held. */
static bool consider(struct task *leader, struct candidate *c)
{
	struct group *g = leader->group;
	s32 adj = READ_ONCE(g->oom_score_adj);
	struct task *t;
	struct mm *mm;

	if (never_killed(leader) || adj == OOM_SCORE_ADJ_MIN)
		return false;
	t = lock_thread_with_mm(g);
	if (!t)
		return false;
	mm = t->mm;
	*c = (struct candidate) { .leader = leader,
				  .mm = mm,
				  .points = points_of(mm, adj),
				  .total_vm = mm->total_vm,
				  .anon = (u64)MAX(mm->rss_anon, 0L),
				  .file = (u64)MAX(mm->rss_file, 0L),
				  .shmem = (u64)MAX(mm->rss_shmem, 0L),
				  .tables = mm->pt_bytes,
				  .pid = leader->pid,
				  .uid = t->cred->uid,
				  .adj = adj };
	memcpy(c->comm, leader->comm, sizeof(c->comm));
	if (mm->oom_reaped) {
		spin_unlock(&t->lock);
		return false;
	}
	mm_grab(mm);
	spin_unlock(&t->lock);
	return true;
}

/* The worst, with its mm grabbed and its leader referenced. False: nobody. */
static bool choose(struct candidate *worst)
{
	struct candidate c;
	struct task *p;

	worst->leader = NULL;
	rcu_read_lock();
	for_each_process (p) {
		if (!consider(p, &c))
			continue;
		if (worst->leader && c.points <= worst->points) {
			mm_drop(c.mm);
			continue;
		}
		if (worst->leader)
			mm_drop(worst->mm);
		*worst = c;
	}
	if (worst->leader)
		task_get(worst->leader);
	rcu_read_unlock();
	return worst->leader;
}

static bool shares_mm(struct task *leader, const struct mm *mm)
{
	struct task *t = lock_thread_with_mm(leader->group);
	bool same = t && t->mm == mm;

	if (t)
		spin_unlock(&t->lock);
	return same;
}

static void kill_all_of(const struct mm *mm)
{
	struct task *p;

	rcu_read_lock();
	for_each_process (p)
		if (!never_killed(p) && shares_mm(p, mm))
			(void)send_signal_group(p, SIGKILL, SEND_SIG_KERNEL);
	rcu_read_unlock();
}

/* True while the last victim is still giving its memory back. */
static bool victim_under_way(void)
{
	if (!victim_mm)
		return false;
	if (refcount_read(&victim_mm->users) > 0 || vm_rss(victim_mm) > 0) {
		if (ktime_get() - victim_since < VICTIM_PATIENCE)
			return true;
		pr_err("Out of memory: the victim does not exit; choosing another one");
		victim_mm->oom_reaped = true;
	}
	mm_drop(victim_mm);
	victim_mm = NULL;
	return false;
}

static void say_why(gfp_t gfp, u32 order)
{
	struct memory_info i;

	memory_info(&i);
	pr_warn("%s invoked oom-killer: gfp_mask=%#x, order=%u, oom_score_adj=%d", current->comm,
		gfp, order, current->group ? current->group->oom_score_adj : 0);
	pr_warn("Mem-Info: total:%lukB free:%lukB anon:%lukB cached:%lukB shmem:%lukB slab:%lukB "
		"pagetables:%lukB "
		"kernel_stack:%lukB",
		(unsigned long)i.total * 4, (unsigned long)i.free * 4, (unsigned long)i.anon * 4,
		(unsigned long)i.cached * 4, (unsigned long)i.shmem * 4,
		(unsigned long)(i.slab + i.slab_reclaimable) * 4, (unsigned long)i.page_tables * 4,
		(unsigned long)i.kstacks * 4);
}

static bool kill_somebody(gfp_t gfp, u32 order)
{
	struct candidate c;

	if (victim_under_way())
		return true;
	if (!choose(&c)) {
		pr_once(LOG_ERR, "Out of memory and no killable processes: allocations fail");
		return false;
	}
	say_why(gfp, order);
	pr_err("Out of memory: Killed process %d (%s) total-vm:%lukB, anon-rss:%lukB, "
	       "file-rss:%lukB, shmem-rss:%lukB, "
	       "UID:%u pgtables:%lukB oom_score_adj:%d",
	       c.pid, c.comm, (unsigned long)c.total_vm * 4, (unsigned long)c.anon * 4,
	       (unsigned long)c.file * 4, (unsigned long)c.shmem * 4, c.uid,
	       (unsigned long)c.tables / 1024, c.adj);
	vm_event(VM_OOM_KILL);
	kill_all_of(c.mm);
	task_put(c.leader);
	victim_mm = c.mm;
	victim_since = ktime_get();
	return true;
}

bool oom_kill(gfp_t gfp, u32 order)
{
	bool killed;

	if (atomic_xchg(&busy, true))
		return true; /* somebody is at it */
	killed = kill_somebody(gfp, order);
	smp_store_release(&busy, false);
	return killed;
}

u64 oom_badness(struct group *g)
{
	s32 adj = READ_ONCE(g->oom_score_adj);
	u64 points = 0;
	struct task *t;
	s64 score;

	if (adj == OOM_SCORE_ADJ_MIN)
		return 0;
	rcu_read_lock();
	t = lock_thread_with_mm(g);
	if (t) {
		points = points_of(t->mm, 0);
		spin_unlock(&t->lock);
	}
	rcu_read_unlock();
	if (!t)
		return 0;
	score = (s64)(points * 1000 / MAX(page_total(), 1UL)) + adj;
	return (u64)MAX((1000 + score) * 2 / 3, 0L);
}
