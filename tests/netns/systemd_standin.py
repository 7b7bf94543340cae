#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""systemd_standin.py FOLDER POST COMMAND...: what an agent sees of systemd 252, as the manager of one service.

Orders come as lines of FOLDER/orders, a FIFO; what happens is written to FOLDER/manager.log, the main process' id to
FOLDER/main. Its notification socket is FOLDER/notify; POST is run, by sh, when the main process has ended (ExecStopPost).

start, restart, stop   as systemctl's; a stop empties the store, a restart does not
kill                   kill -9 of the main process, which is started again (Restart=on-failure)
again                  what is offered at the next start is offered again at the one after it
lose                   the next start is offered one descriptor less
garbage                the next start is offered descriptors of nobody
max N                  how many descriptors it keeps (FileDescriptorStoreMax)
"""
import fcntl
import os
import signal
import socket
import subprocess
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

SYSTEMD, ROOT = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
UNIT, JOB = f"{ROOT}/unit/adit_2eservice", f"{ROOT}/job/7"


class Properties(dbus.service.Object):
    """An object whose properties are what get(interface, name) says."""

    def __init__(self, bus, path, get):
        super().__init__(bus, path)
        self.get = get

    @dbus.service.method(dbus.PROPERTIES_IFACE, in_signature="ss", out_signature="v")
    def Get(self, interface, name):
        return self.get(str(interface), str(name))


class Bus(dbus.service.Object):
    def __init__(self, bus, manager):
        super().__init__(bus, ROOT)
        self.manager = manager
        self.objects = [Properties(bus, UNIT, manager.unit_property), Properties(bus, JOB, manager.job_property)]
        self.name = dbus.service.BusName(SYSTEMD, bus)

    @dbus.service.method(SYSTEMD + ".Manager", in_signature="u", out_signature="o")
    def GetUnitByPID(self, pid):
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            parent = int(f.read().rsplit(")", 1)[1].split()[1])
        assert self.manager.main in (pid, parent), "a process of no unit of ours"
        return dbus.ObjectPath(UNIT)


class Manager:
    def __init__(self, folder, post, command):
        self.folder, self.post, self.command = folder, post, command
        self.store, self.max = [], 4096  # (name, descriptor), the newest first, as systemd passes them
        self.job, self.main, self.extra, self.again = "", 0, [], None
        self.lose = False
        self.log = open(os.path.join(folder, "manager.log"), "a", encoding="ascii", buffering=1)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(os.path.join(folder, "notify"))
        os.chmod(os.path.join(folder, "notify"), 0o777)
        GLib.io_add_watch(self.socket.fileno(), GLib.PRIORITY_HIGH, GLib.IO_IN, self.told)
        self.orders = os.fdopen(os.open(os.path.join(folder, "orders"), os.O_RDWR), encoding="ascii")
        GLib.io_add_watch(self.orders.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN, self.ordered)

    # --- what it is told

    def told(self, *_):
        text, fds, _flags, _from = socket.recv_fds(self.socket, 4096, 16)
        fields = dict(line.split("=", 1) for line in text.decode().splitlines())
        if "FDSTORE" in fields:
            assert fields["FDPOLL"] == "0"
            self.keep(fields["FDNAME"], fds)
        elif "FDSTOREREMOVE" in fields:
            self.forget(fields["FDNAME"])
        elif "BARRIER" not in fields:
            print("told", *text.decode().splitlines(), file=self.log)
        for fd in fds:
            os.close(fd)
        return True

    def keep(self, name, fds):
        for fd in fds:
            if len(self.store) < self.max:
                self.store.insert(0, (name, os.dup(fd)))

    def forget(self, name=None):
        for entry in [e for e in self.store if name in (None, e[0])]:
            self.store.remove(entry)
            os.close(entry[1])

    # --- what it is asked

    def unit_property(self, interface, name):
        if (interface, name) == (SYSTEMD + ".Service", "NFileDescriptorStore"):
            return dbus.UInt32(len(self.store), variant_level=1)
        assert (interface, name) == (SYSTEMD + ".Unit", "Job")
        job = (dbus.UInt32(7), dbus.ObjectPath(JOB)) if self.job else (dbus.UInt32(0), dbus.ObjectPath("/"))
        return dbus.Struct(job, signature="uo", variant_level=1)

    def job_property(self, interface, name):
        assert (interface, name) == (SYSTEMD + ".Job", "JobType")
        return dbus.String(self.job, variant_level=1)

    # --- what it does

    def offer(self):
        if self.again is not None:
            if self.again:
                self.store, self.again = self.again, None
            else:
                self.again = [(name, os.dup(fd)) for name, fd in self.store]
        if self.lose:
            os.close(self.store.pop(0 if self.store[0][0] != "adit-state" else 1)[1])
            self.lose = False
        for name in self.extra:
            self.store.insert(0, (name, os.open("/dev/null", os.O_RDWR)))
        self.extra = []

    def start(self):
        self.job = ""
        self.offer()
        print("starts", len(self.store), file=self.log)
        for name, fd in self.store:
            if name == "adit-state":
                print("state", os.fstat(fd).st_size, file=self.log)
        self.main = os.fork()
        if not self.main:
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 1000) for _, fd in self.store]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
            os.closerange(3 + len(high), 1000 + 2 * len(high) + 10)
            env = dict(os.environ, NOTIFY_SOCKET=os.path.join(self.folder, "notify"))
            if high:
                env.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)),
                           LISTEN_FDNAMES=":".join(name for name, _ in self.store))
            os.execvpe(self.command[0], self.command, env)
        with open(os.path.join(self.folder, "main"), "w", encoding="ascii") as f:
            print(self.main, file=f)
        GLib.child_watch_add(GLib.PRIORITY_LOW, self.main, self.ended)

    def ended(self, _pid, status):
        self.main = 0
        print("ended", os.waitstatus_to_exitcode(status), file=self.log)
        post = subprocess.Popen(["sh", "-c", self.post])  # pylint: disable=consider-using-with
        GLib.child_watch_add(GLib.PRIORITY_LOW, post.pid, self.posted, os.waitstatus_to_exitcode(status))

    def posted(self, _pid, _status, code):
        print("posted", file=self.log)
        if self.job == "restart" or code < 0:
            self.start()
            return
        self.forget()
        self.job = ""
        print("inactive", file=self.log)

    def ordered(self, *_):
        order, *words = self.orders.readline().split()
        if order == "start":
            self.start()
        elif order in ("restart", "stop"):
            self.job = order
            os.kill(self.main, signal.SIGTERM)
        elif order == "kill":
            os.kill(self.main, signal.SIGKILL)
        elif order == "again":
            self.again = []
        elif order == "lose":
            self.lose = True
        elif order == "garbage":
            self.extra = ["adit-state", "adit-0", "adit-1", "adit-1", "adit--2", "adit-4000000000", "something"]
        elif order == "max":
            self.max = int(words[0])
        print("done", order, file=self.log)
        return True


def main(folder, post, *command):
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    manager = Manager(folder, post, command)
    bus = Bus(dbus.SystemBus(), manager)
    print("ready", bus.name.get_name(), file=manager.log)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
