# SPDX-License-Identifier: ISC
"""The programs that are compared, and how a tunnel is put up with each."""
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from lab import INNER, OTHER, OUTER, LabError, memory_kb, sh, wait_for

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.environ.get("ADIT_PEERS", "/var/cache/adit-peers")
MTU = 1420
PORT = 51820


def adit_binary():
    for path in (os.environ.get("ADIT"), os.path.join(TOP, "build/src/cli/adit"), os.path.join(TOP, "build/adit"),
                 shutil.which("adit")):
        if path and os.access(path, os.X_OK):
            return os.path.abspath(path)
    return None


class Program:
    """argv: the command with IFACE where the interface's name goes; None for the bare link."""

    def __init__(self, name, binary, *options):
        self.name, self.binary, self.options = name, binary, options

    def does(self, test, quick):
        """Whether the test means anything for it; quick: and is worth its time."""
        return test != "handshakes" or self.name != "veth"

    def device(self, lab, end):
        return Device(lab, self, end)

    def missing(self):
        if self.name == "veth" or (self.binary and os.access(self.binary, os.X_OK)):
            return None
        return f"not built: {self.binary or 'adit'} (make, scripts/peers.sh)"

    def argv(self, iface, *more):
        return [self.binary, *more] + [x.replace("IFACE", iface) for x in self.options]

    def version(self):
        if self.name == "veth":
            return os.uname().release
        try:
            if self.binary == adit_binary():
                return sh(self.binary, "version").strip().splitlines()[0]
            source, version, program = locked(self.name)
            if self.binary == os.path.join(PEERS, program):
                return f"{source} {version}"
            return sh(self.binary, "--version").strip().splitlines()[0] + " (the system's, not the pinned one)"
        except (LabError, IndexError, OSError):
            return "unknown"

    def size(self):
        """Of the binary as it would be installed: stripped."""
        if self.name == "veth":
            return None
        out = f"/tmp/adit-bench-strip-{os.getpid()}"
        try:
            subprocess.run(["strip", "-o", out, self.binary], check=True, capture_output=True)
            return os.stat(out).st_size
        except (subprocess.CalledProcessError, FileNotFoundError):
            return os.stat(self.binary).st_size
        finally:
            if os.path.exists(out):
                os.unlink(out)


class Static(Program):
    """adit static: the tunnel between fixed peers, on the same data path as adit's device."""

    def __init__(self, name, wire):
        super().__init__(name, adit_binary(), "static")
        self.wire = wire

    def does(self, test, quick):
        if test in ("handshakes", "peers"):
            return False
        return not quick or self.wire == "v2" and test in ("tcp1", "tcp1r", "tcp4", "udp1340", "udp64", "rtt")

    def device(self, lab, end):
        return StaticDevice(lab, self, end)


def locked(name):
    """What bench/peers.lock pins, (source, version, program under PEERS): lines of `name kind source version program`."""
    with open(os.path.join(TOP, "bench/peers.lock")) as f:
        for line in f:
            words = line.split("#")[0].split()
            if words and words[0] == name:
                return words[2:5]
    raise LabError(f"bench/peers.lock does not name {name}")


def peer(name, *options):
    pinned = os.path.join(PEERS, locked(name)[2])
    return Program(name, pinned if os.path.exists(pinned) else shutil.which(name) or pinned, *options)


def programs():
    plain = ["-f", "--disable-drop-privileges", "IFACE"]
    return {p.name: p for p in (
        Program("veth", None),
        Program("adit", adit_binary(), "device", "-f", "IFACE"),
        Static("static", "v2"),
        Static("static-v1", "v1"),
        peer("wireguard-go", "-f", "IFACE"),
        peer("boringtun", *plain),
        peer("gotatun", *plain),
    )}


def uapi_path(iface):
    return f"/var/run/wireguard/{iface}.sock"


def uapi(iface, text, seconds=600):
    """One UAPI request; returns the reply's lines."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(seconds)
        s.connect(uapi_path(iface))
        s.sendall(text)
        reply = bytearray()
        while not re.search(rb"(?:^|\n)errno=-?\d+\n\n$", reply[-40:]):
            part = s.recv(1 << 20)
            if not part:
                raise LabError("the control socket closed before the reply ended")
            reply += part
    m = re.search(rb"errno=(-?\d+)\n\n$", reply[-40:])
    if int(m.group(1)):
        raise LabError(f"control socket: errno={m.group(1).decode()}")
    return reply


class Device:
    """One program's interface in one namespace."""

    def __init__(self, lab, program, end, *options):
        self.lab, self.program, self.end = lab, program, end
        self.iface = f"ab{os.getpid() % 1000000}{end.lower()}"
        began = time.monotonic()
        self.process = lab.start(end, program.argv(self.iface, *options))
        try:
            wait_for(f"{program.name}: control socket", 10, self._up, self.process)
        except LabError:
            self.stop()
            raise
        self.start_seconds = time.monotonic() - began
        self.pid = self.process.pid
        self.start_kb = memory_kb(self.pid, "VmRSS")

    def _up(self):
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(uapi_path(self.iface))
            return True
        except OSError:
            return False

    def configure(self, private, peer_public):
        other = OTHER[self.end]
        conf = (f"[Interface]\nPrivateKey = {private}\nListenPort = {PORT}\n[Peer]\nPublicKey = {peer_public}\n"
                f"Endpoint = {OUTER[other]}:{PORT}\nAllowedIPs = {INNER[other]}/32\n")
        sh("wg", "setconf", self.iface, "/dev/stdin", stdin=conf)
        self.address()

    def address(self):
        ns = self.lab.ns[self.end]
        sh("ip", "-n", ns, "addr", "add", INNER[self.end] + "/24", "dev", self.iface)
        sh("ip", "-n", ns, "link", "set", self.iface, "mtu", str(MTU), "up")

    def stop(self):
        self.lab.stop(self.process)
        if os.path.exists(uapi_path(self.iface)):
            os.unlink(uapi_path(self.iface))


class StaticDevice:
    """One end of a static tunnel. It starts with its whole configuration, so it starts late."""

    def __init__(self, lab, program, end):
        self.lab, self.program, self.end = lab, program, end
        self.iface = f"ab{os.getpid() % 1000000}{end.lower()}"
        self.process = None
        self.folder = tempfile.TemporaryDirectory(prefix="adit-bench-")

    def configure(self, private, peer_public):
        path = os.path.join(self.folder.name, "static.toml")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(f'interface = "{self.iface}"\nwire = "{self.program.wire}"\nsecret = "{private}"\n'
                    f'listen = ":{PORT}"\naddresses = ["{INNER[self.end]}/24"]\nmtu = {MTU}\n[peers]\n'
                    f'"{INNER[OTHER[self.end]]}" = {{ pub_key = "{peer_public}", '
                    f'sock_addr = "{OUTER[OTHER[self.end]]}:{PORT}" }}\n')
        began = time.monotonic()
        self.process = self.lab.start(self.end, self.program.argv(self.iface) + ["-c", path, "--state-dir", self.folder.name])
        wait_for(f"{self.program.name}: up", 10, lambda: b" is up: " in self._log(), self.process)
        self.start_seconds = time.monotonic() - began
        self.pid = self.process.pid
        self.start_kb = memory_kb(self.pid, "VmRSS")

    def _log(self):
        return os.pread(self.process.log.fileno(), 4096, 0)

    def stop(self):
        if self.process:
            self.lab.stop(self.process)
        self.folder.cleanup()


class Tunnel:
    """Two devices of one program, a handshake done. For `veth` there is no tunnel: the outer addresses."""

    def __init__(self, lab, program):
        self.lab, self.program, self.ends = lab, program, {}
        self.address = OUTER if program.name == "veth" else INNER

    def __enter__(self):
        if self.program.name == "veth":
            return self
        try:
            for end in INNER:
                self.ends[end] = self.program.device(self.lab, end)
            private = {end: sh("wg", "genkey").strip() for end in INNER}
            public = {end: sh("wg", "pubkey", stdin=private[end]).strip() for end in INNER}
            for end, device in self.ends.items():
                device.configure(private[end], public[OTHER[end]])
            self._first_ping()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _first_ping(self):
        for _ in range(8):
            try:
                self.lab.run("A", ["ping", "-c1", "-W1", "-q", INNER["B"]], 5)
                return
            except LabError:
                time.sleep(0.1)
        raise LabError(f"{self.program.name}: no ping through the tunnel")

    def __exit__(self, *_):
        for device in self.ends.values():
            device.stop()

    def iface(self, end):
        return self.ends[end].iface if self.ends else "outer"

    def pids(self):
        return [d.pid for d in self.ends.values()]

    def counters(self, end):
        """Packets and bytes that came out of the tunnel (or link) at one end."""
        path = f"/sys/class/net/{self.iface(end)}/statistics/"
        out = sh("ip", "netns", "exec", self.lab.ns[end], "cat", path + "rx_packets", path + "rx_bytes")
        return [int(x) for x in out.split()]
