# SPDX-License-Identifier: ISC
"""Handshakes a second: bench/handshakes.c against each program's device."""
import json
import os

from lab import LabError
from programs import OUTER, PORT, TOP, Device, uapi_path

# boringtun ties a socket to the address and port of a peer, and here all peers have the same.
OPTIONS = {"boringtun": ["--disable-connected-udp"]}


def tool():
    for path in (os.environ.get("ADIT_HANDSHAKES"), os.path.join(TOP, "build/bench/handshakes")):
        if path and os.access(path, os.X_OK):
            return path
    raise LabError("build/bench/handshakes is not built; run: ninja -C build bench/handshakes")


def handshakes(lab, program, seconds):
    binary = tool()
    device = Device(lab, program, "B", *OPTIONS.get(program.name, []))
    try:
        device.address()
        out = lab.run("A", [binary, uapi_path(device.iface), OUTER["B"], str(PORT), str(device.pid), str(seconds)],
                      seconds + 60)
        return json.loads(out)
    finally:
        device.stop()
