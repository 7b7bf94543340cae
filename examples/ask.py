#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""ask.py: the states of the agent's networks, asked over its control socket (doc/api.md)"""
import json
import socket
import sys

with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1] if len(sys.argv) > 1 else "/run/adit/control.sock")
    s.sendall(json.dumps({"id": "1", "action": "status"}).encode() + b"\n")
    reply = json.loads(s.makefile().readline())
for network in reply["result"]["networks"]:
    print(network["name"], network["state"], network["reason"])
