/* SPDX-License-Identifier: MIT */
/*
 * The order of all locks: a task may only take a lock whose rank is greater than that of every lock it holds
 * (or equal, by a _nested form with a rule of its own). docs/locking.md explains the table; keep both alike.
 */
#ifndef KERNEL_LOCKRANK_H
#define KERNEL_LOCKRANK_H

enum lock_rank {
	RANK_NONE,
	/* sleeping locks: mutexes and rwsems */
	RANK_EXEC,	  /* group->exec_lock: one exec or ptrace attach at a time */
	RANK_CGROUP,
	RANK_CONSOLE_TTY, /* tty open/close/hangup */
	RANK_TTY,	  /* termios, then line discipline read side */
	RANK_TTY_READ,
	RANK_TTY_WRITE,
	RANK_TTY_LDISC,	  /* line discipline input state */
	RANK_TTY_OUTPUT,  /* output processing: columns, the driver's write */
	RANK_EPOLL,	  /* epoll->lock; nested outer before inner */
	RANK_FILE_POS,	  /* file->pos_lock */
	RANK_SEQ_FILE,	  /* seq_file->lock: one reader renders at a time */
	RANK_MOUNT,	  /* namespace semaphore: the mount tree */
	RANK_RENAME,	  /* super->rename_lock: directory renames */
	RANK_PIPE,	  /* pipe->lock; two pipes by address */
	RANK_DEVFS,	  /* devfs: one change of the kernel's nodes at a time */
	RANK_SEALS,	  /* memfd seals against writers */
	RANK_INODE,	  /* inode->rwsem; parent before child, then by address */
	RANK_SUPER,
	RANK_INOTIFY,
	RANK_MMAP,	  /* mm->lock */
	RANK_MAPPING,	  /* mapping->vma_lock: which VMAs map a file */
	RANK_PAGE,	  /* page lock bit */
	RANK_SWAP,
	RANK_MODULE,
	RANK_WORKQUEUE,
	RANK_DEVICE,
	RANK_MUTEX,	  /* leaf mutexes with nothing but spinlocks inside */
	/* spinlocks */
	RANK_SPIN_FIRST,
	RANK_TASKLIST = RANK_SPIN_FIRST, /* tasklist_lock: family tree, groups, sessions */
	RANK_SIGHAND,	  /* sighand->lock: signal state */
	RANK_TASK,	  /* task->lock: mm, fs, files pointers; cred changes; comm */
	RANK_PID,
	RANK_USER,	  /* the table of struct user */
	RANK_FILES,	  /* files->lock: the descriptor table */
	RANK_FS,	  /* fs->lock: cwd, root, umask */
	RANK_FLOCK,	  /* inode's file locks */
	RANK_INODE_HASH,
	RANK_SUPER_SPIN,
	RANK_INODE_SPIN,  /* inode->lock */
	RANK_DENTRY_MOVE, /* one change of a dentry's place at a time: rename_seq */
	RANK_DENTRY,	  /* dentry->lock; parent before child */
	RANK_DCACHE,
	RANK_MOUNT_HASH,
	RANK_NOTIFY,
	RANK_NOTIFY_QUEUE,
	RANK_FUTEX,	  /* hash bucket; two by address */
	RANK_TTY_CTRL,	  /* session, foreground group, packet status */
	RANK_TTY_BUFFER,  /* characters received and not yet seen by the line discipline */
	RANK_POSIX_TIMER, /* group->timer_lock */
	RANK_CPU_TIMER,	  /* CPU-time timers of all groups */
	RANK_XARRAY,	  /* mapping->lock: the page cache's array */
	RANK_PAGE_TABLE,  /* mm->page_table_lock */
	RANK_LRU,
	RANK_RANDOM,
	RANK_WORK,	  /* workqueue pools */
	RANK_DRIVER,	  /* device registers */
	RANK_IRQ,	  /* irq descriptors */
	RANK_IRQCHIP,	  /* interrupt controllers' registers */
	RANK_WAIT,	  /* wait_queue->lock */
	RANK_WAIT_NESTED, /* a wait queue woken from a wait callback: epoll; inner sets before outer */
	RANK_EPOLL_READY, /* epoll's ready list; not held while waking */
	RANK_TASK_PI,
	RANK_RQ,	  /* run queues; two by hart number */
	RANK_CLOCK,	  /* kernel/time: changes of the clocks */
	RANK_TIMER,	  /* timer queues */
	RANK_SLAB_CACHES, /* the table of slab caches */
	RANK_SLAB,
	RANK_VMALLOC,
	RANK_ZONE,	  /* buddy allocator */
	RANK_RCU,
	RANK_TLB,	  /* ASIDs */
	RANK_IPI,
	RANK_CONSOLE,	  /* who writes out the log */
	RANK_UART,	  /* a serial port's registers: console writes and its interrupt */
	RANK_LOG,	  /* the log's ring: a leaf */
	RANK_LAST,
};

#endif
