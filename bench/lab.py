# SPDX-License-Identifier: ISC
"""The laboratory: two namespaces joined by a veth, and processes in them.

    [A: outer 10.77.0.1] ---- veth, MTU 1500 ---- [B: outer 10.77.0.2]
        inner 10.78.0.1  ==== the tunnel ======       inner 10.78.0.2
"""
import fcntl
import os
import signal
import subprocess
import time

OUTER = {"A": "10.77.0.1", "B": "10.77.0.2"}
INNER = {"A": "10.78.0.1", "B": "10.78.0.2"}
OTHER = {"A": "B", "B": "A"}
TICKS = os.sysconf("SC_CLK_TCK")
# Peers that do not force their socket buffers need these; they belong to the whole machine, so they are put back.
SYSCTLS = {"net/core/rmem_max": 16 << 20, "net/core/wmem_max": 16 << 20}


class LabError(Exception):
    pass


def sh(*args, stdin=None, check=True):
    """Runs a command to its end and returns what it printed."""
    p = subprocess.run(args, input=stdin, capture_output=True, text=True)
    if check and p.returncode:
        raise LabError(f"{' '.join(args)}: {(p.stderr or p.stdout).strip()}")
    return p.stdout


def wait_for(what, seconds, ready, process=None):
    end = time.monotonic() + seconds
    while not ready():
        if process is not None and process.poll() is not None:
            raise LabError(f"{what}: the program ended with {process.returncode}: {said(process)}")
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {seconds} s")
        time.sleep(0.002)


def said(process):
    """The end of what a started program wrote."""
    try:
        process.log.seek(0)
        return process.log.read()[-300:].decode(errors="replace").strip()
    except (OSError, ValueError, AttributeError):
        return ""


class Lab:
    """Use in a `with`: everything it made is gone afterwards."""

    def __init__(self):
        self.ns = {end: f"adit-bench-{os.getpid()}-{end}" for end in OUTER}
        self.saved = {}
        self.running = []
        self.lock = None

    def __enter__(self):
        self.lock = open("/run/lock/adit-bench" if os.path.isdir("/run/lock") else "/run/adit-bench", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)  # two at once would measure each other
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make(self):
        for name, least in SYSCTLS.items():
            path = "/proc/sys/" + name
            try:
                with open(path) as f:
                    old = int(f.read())
                if old < least:
                    with open(path, "w") as f:
                        f.write(str(least))
                    self.saved[path] = old
            except OSError:
                pass  # the table still names the limit
        for ns in self.ns.values():
            sh("ip", "netns", "add", ns)
            sh("ip", "-n", ns, "link", "set", "lo", "up")
        sh("ip", "-n", self.ns["A"], "link", "add", "outer", "type", "veth", "peer", "name", "outer", "netns",
           self.ns["B"])
        for end, ns in self.ns.items():
            sh("ip", "-n", ns, "addr", "add", OUTER[end] + "/24", "dev", "outer")
            sh("ip", "-n", ns, "link", "set", "outer", "up")

    def __exit__(self, *_):
        for p in list(self.running):
            self.stop(p)
        for ns in self.ns.values():
            sh("ip", "netns", "del", ns, check=False)
        for path, old in self.saved.items():
            with open(path, "w") as f:
                f.write(str(old))
        self.lock.close()

    def start(self, end, argv, env=None, stdout=None):
        """Starts a program in a namespace; its output goes to a file that said() reads."""
        log = os.fdopen(os.memfd_create("log"), "w+b")
        p = subprocess.Popen(["ip", "netns", "exec", self.ns[end], *argv], stdin=subprocess.DEVNULL,
                             stdout=stdout or log, stderr=log, env=dict(os.environ, **(env or {})),
                             start_new_session=True)
        p.log = log
        self.running.append(p)
        return p

    def stop(self, p, seconds=3):
        if p in self.running:
            self.running.remove(p)
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
            try:
                p.wait(seconds)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        if p.stdout:
            p.stdout.close()
        p.log.close()

    def run(self, end, argv, seconds):
        p = self.start(end, argv, stdout=subprocess.PIPE)
        try:
            out, _ = p.communicate(timeout=seconds)
            if p.returncode:
                raise LabError(f"{' '.join(argv)}: {said(p)} {out[-300:].decode(errors='replace')}")
            return out.decode(errors="replace")
        except subprocess.TimeoutExpired:
            raise LabError(f"{' '.join(argv)}: not within {seconds} s") from None
        finally:
            self.stop(p)

    def listening(self, p, port):
        """Whether somebody in p's namespace listens on the TCP port."""
        for name in ("tcp", "tcp6"):
            try:
                with open(f"/proc/{p.pid}/net/{name}") as f:
                    if any(f":{port:04X} " in x and " 0A " in x for x in f):
                        return True
            except OSError:
                pass
        return False


def family(pid):
    """The process and its children, for programs that are more than one process."""
    pids = [pid]
    for p in pids:
        try:
            for task in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{task}/children") as f:
                    pids += [int(x) for x in f.read().split()]
        except OSError:
            pass
    return pids


def cpu_seconds(pid):
    total = 0
    for p in family(pid):
        try:
            with open(f"/proc/{p}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return total / TICKS


def memory_kb(pid, key="VmHWM"):
    total = 0
    for p in family(pid):
        try:
            with open(f"/proc/{p}/status") as f:
                total += sum(int(x.split()[1]) for x in f if x.startswith(key + ":"))
        except OSError:
            pass
    return total
