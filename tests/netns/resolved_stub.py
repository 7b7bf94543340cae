#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""resolved_stub.py LOG [FAILING_METHOD]: the part of systemd-resolved's D-Bus face that sets a link's servers.

Writes one line to LOG for each method called. FAILING_METHOD answers with an error.
"""
import socket
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

NAME, PATH = "org.freedesktop.resolve1", "/org/freedesktop/resolve1"
MANAGER, LINK = NAME + ".Manager", NAME + ".Link"


class Link(dbus.service.Object):
    def __init__(self, bus, index):
        super().__init__(bus, f"{PATH}/link/_3{index}")
        self.servers = []

    @dbus.service.method(dbus.PROPERTIES_IFACE, in_signature="ss", out_signature="v")
    def Get(self, interface, name):
        assert (interface, name) == (LINK, "DNS")
        return dbus.Array(self.servers, signature="(iay)")


class Manager(dbus.service.Object):
    def __init__(self, bus, log, failing):
        super().__init__(bus, PATH)
        self.bus, self.log, self.failing, self.links = bus, log, failing, {}

    def note(self, method, *words):
        with open(self.log, "a", encoding="ascii") as f:
            print(method, *words, file=f)
        if method == self.failing:
            raise dbus.DBusException("told to fail", name=NAME + ".Failed")

    def link(self, index):
        if index not in self.links:
            self.links[index] = Link(self.bus, index)
        return self.links[index]

    @dbus.service.method(MANAGER, in_signature="ia(iay)")
    def SetLinkDNS(self, index, servers):
        self.note("SetLinkDNS", *(socket.inet_ntop(int(f), bytes(b)) for f, b in servers))
        self.link(index).servers = servers

    @dbus.service.method(MANAGER, in_signature="ia(sb)")
    def SetLinkDomains(self, index, domains):
        self.note("SetLinkDomains", *(("~" if routed else "") + str(name) for name, routed in domains))

    @dbus.service.method(MANAGER, in_signature="ib")
    def SetLinkDefaultRoute(self, index, yes):
        self.note("SetLinkDefaultRoute", "yes" if yes else "no")

    @dbus.service.method(MANAGER, in_signature="i")
    def RevertLink(self, index):
        self.note("RevertLink")
        self.link(index).servers = []

    @dbus.service.method(MANAGER)
    def FlushCaches(self):
        self.note("FlushCaches")

    @dbus.service.method(MANAGER, in_signature="i", out_signature="o")
    def GetLink(self, index):
        return dbus.ObjectPath(self.link(index)._object_path)


def main(log, failing=""):
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SystemBus()
    manager = Manager(bus, log, failing)
    manager.name = dbus.service.BusName(NAME, bus)
    manager.note("ready")
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
