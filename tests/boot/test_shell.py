# SPDX-License-Identifier: MIT
"""What a person does at the prompt."""
import re
import time

import pytest

from keel import Keel


@pytest.fixture(scope="module", params=["release", "debug"])
def keel(request):
    with Keel(request.param, smp=4, initrd="test-initramfs.cpio") as machine:
        yield machine.prompt()


def test_files(keel):
    assert "processor" in keel.run("cat /proc/cpuinfo")
    keel.run("ls -lR / > /tmp/listing 2>/dev/null", check=False, timeout=120)
    assert "busybox" in keel.run("grep -m 1 busybox /tmp/listing; rm /tmp/listing")
    keel.run("cd /tmp && mkdir -p a/b && echo one > a/b/c && cp -r a d && diff -r a d && rm -r a d")
    assert "here 42" in keel.run("cat <<END\nhere $((6*7))\nEND")


def test_pipes(keel):
    assert keel.run("seq 100000 | sort -rn | head -1").strip() == "100000"
    assert keel.run("sh -c 'yes | head -c 1000000 | wc -c'").strip() == "1000000"


def test_interrupt(keel):
    keel.child.send("sleep 1000\n")
    time.sleep(0.5)
    keel.child.send("\x03")
    keel.expect("key>> ")
    assert keel.run("echo $?", check=False).strip() == "130"


def test_job_control(keel):
    keel.child.send("sleep 1000\n")
    time.sleep(0.5)
    keel.child.send("\x1a")
    keel.expect("Stopped")
    keel.expect("key>> ")
    keel.run("bg")
    assert "Running" in keel.run("jobs")
    keel.child.send("fg\n")
    keel.expect("sleep 1000")
    keel.child.send("\x03")
    keel.expect("key>> ")
    keel.run("sleep 0.2 & wait")


def test_thousands_of_files(keel):
    keel.run("mkdir /tmp/many && cd /tmp/many && i=0; while [ $i -lt 2000 ]; do echo $i > f$i; i=$((i+1)); done", timeout=120)
    assert keel.run("find . -type f | wc -l").strip() == "2000"
    assert keel.run("cat f* | awk '{ s += $1 } END { print s }'").strip() == "1999000"
    first = keel.run("find . -type f | sort | xargs md5sum | md5sum", timeout=120)
    keel.run("tar cf ../many.tar . && mkdir ../copy && tar xf ../many.tar -C ../copy && cd ../copy", timeout=120)
    assert keel.run("find . -type f | sort | xargs md5sum | md5sum", timeout=120) == first
    assert keel.run("sed -n '$p' f1999 | sed 's/9/x/g'").strip() == "1xxx"
    keel.run("cd / && rm -r /tmp/many /tmp/copy /tmp/many.tar", timeout=60)


def test_debian_shells(keel):
    assert keel.run("dash -c 'for i in 1 2 3; do printf %s $i; done'").strip() == "123"
    assert keel.run("bash -c 'a=(x y z); echo ${#a[@]} ${a[2]} $BASH_VERSION'").startswith("3 z 5.")
    assert keel.run("bash -c 'coproc cat; echo hi >&${COPROC[1]}; read -u ${COPROC[0]} x; echo $x'").strip() == "hi"


def test_procps(keel):
    assert "COMMAND" in keel.run("/usr/bin/ps aux")
    assert "Mem:" in keel.run("/usr/bin/free")
    assert "load average" in keel.run("/usr/bin/uptime")
    assert "total" in keel.run("/usr/bin/pmap $$")
    assert "%Cpu" in keel.run("/usr/bin/top -b -n 1")


def test_busybox_readers(keel):
    for command in ["ps", "top -b -n 1", "free", "mount", "df", "uptime", "dmesg", "id", "who"]:
        keel.run("busybox " + command + " > /dev/null")


def test_paste(keel):
    """64 KiB typed as fast as the line takes them arrive whole."""
    lines = ["%05d %s" % (i, "x" * 57) for i in range(1024)]
    keel.child.send("cat > /tmp/pasted\n")
    time.sleep(0.3)
    keel.child.send("\n".join(lines) + "\n")
    keel.child.send("\x04")
    keel.expect("key>> ", timeout=120)
    assert keel.run("wc -c < /tmp/pasted").strip() == str(64 * 1024)
    assert keel.run("awk '{ if ($1 != NR - 1) bad++ } END { print bad + 0 }' /tmp/pasted").strip() == "0"


def test_vi(keel):
    keel.child.send("vi /tmp/edited\n")
    time.sleep(0.5)
    keel.child.send("ihello from vi\x1b")
    time.sleep(1)  # alone, an escape is a key of its own
    keel.child.send(":wq\n")
    keel.expect("key>> ")
    assert keel.run("cat /tmp/edited").strip() == "hello from vi"


def test_demos(keel):
    for demo in ["demo-vdso", "demo-deferred", "demo-crash"]:
        keel.run(demo, timeout=60)


def test_about(keel):
    text = keel.run("about")
    assert re.search(r"harts\s+4", text) and "instructions" in text


def test_sysrq(keel):
    keel.run("echo m > /proc/sysrq-trigger; echo t > /proc/sysrq-trigger")
    assert "memory: total" in keel.run("dmesg")
    keel.run("dmesg -c > /dev/null")


def test_leaves_no_memory(keel):
    """The same work twice: the second time must not cost more memory."""
    work = "for i in 1 2 3 4 5 6 7 8; do sh -c 'seq 1000 | sort | tail -1 > /tmp/x; rm /tmp/x'; done > /dev/null"
    free = "sync; awk '/MemFree/ { print $2 }' /proc/meminfo"
    keel.run(work)
    before = int(keel.run(free))
    keel.run(work)
    assert int(keel.run(free)) > before - 512
