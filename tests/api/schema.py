#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""schema.py SERVER ADIT: requests and replies are what doc/api/*.json says, action by action"""
import json
import os
import socket
import sys

from lab import Agent, check, done, equal, skip_all

try:
    from jsonschema import Draft202012Validator
except ImportError:
    skip_all("python3-jsonschema is not installed")

DOC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../doc/api/")
KEY = "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
OLD = "AQAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="  # of the made-up agent's first peer


def load(name):
    with open(f"{DOC}{name}.json", encoding="utf-8") as f:
        schema = json.load(f)
    Draft202012Validator.check_schema(schema)
    return schema


def problems(schema, value):
    return [f"{list(e.absolute_path)}: {e.message[:300]}" for e in Draft202012Validator(schema).iter_errors(value)]


def result_schema(reply, action):
    return {"$defs": reply["$defs"], "$ref": f"#/$defs/result.{action}"}


REQUESTS = [
    {"action": "hello"}, {"action": "status"}, {"action": "status", "network": "home", "peers": False},
    {"action": "networks"}, {"action": "peers", "network": "office"}, {"action": "history"}, {"action": "metrics"},
    {"action": "connect", "network": "web"}, {"action": "wait", "network": "web", "timeout_ms": 100},
    {"action": "disconnect", "network": "web", "if_generation": 1},
    {"action": "connect", "network": "web", "wait": True, "timeout_ms": 30000},
    {"action": "reload", "dry_run": True}, {"action": "check"}, {"action": "confirm"},
    {"action": "peer.add", "network": "office", "peer": {"public_key": KEY, "endpoint": ["a.example:1"], "allowed_ips": ["10.0.0.0/8"]}},
    {"action": "peer.remove", "network": "office", "public_key": OLD},
    {"action": "capture", "network": "office"}, {"action": "capture", "network": "office", "keylog": True}, {"action": "log.level", "level": "info"}, {"action": "log.level"},
    {"action": "events.subscribe", "follow": False, "since": 0},
    {"action": "doctor"}, {"action": "doctor", "network": "office"}, {"action": "cleanup", "dry_run": False, "keep_killswitch": True},
    {"action": "shutdown"},
]
WRONG = [
    {"action": "nothing"}, {"action": "status", "x": 1}, {"action": "connect"}, {"action": "status", "network": "nowhere"},
    {"action": "reload", "if_generation": 999}, {"action": "wait", "network": "home", "timeout_ms": 50},
]


def main(server):
    request, reply, event, capture = load("request"), load("reply"), load("event"), load("capture")
    actions = {a["properties"]["action"]["const"] for a in request["oneOf"]}
    with Agent(server) as agent:
        hello = agent.ask(id="0", action="hello")["result"]
        equal("the schema has every action, and no other", sorted(hello["actions"]), sorted(actions))
        equal("every action is tried here", sorted(actions), sorted({r["action"] for r in REQUESTS}))
        for r in WRONG:
            answer = agent.ask(id=7, **r)
            check(f"refused: {json.dumps(r)}", not answer["ok"] and answer["id"] == 7 and not problems(reply, answer),
                  answer, *problems(reply, answer))
        with agent.connect() as s:
            lines = s.makefile()
            s.sendall(b'{"id":"e","action":"events.subscribe","snapshot":false}\n')
            first = json.loads(lines.readline())
            check("events.subscribe is answered", not problems(result_schema(reply, "events.subscribe"), first["result"]), first)
            agent.ask(action="connect", network="web")
            agent.ask(action="disconnect", network="web")
            for _ in range(2):
                line = json.loads(lines.readline())
                check("an event follows", not problems(event, line), line, *problems(event, line))
            s.shutdown(socket.SHUT_RDWR)
        with agent.connect() as s:
            lines = s.makefile()
            s.sendall(b'{"id":"c","action":"capture","network":"office","keylog":true}\n')
            check("a key log is granted", json.loads(lines.readline())["ok"])
            for what in "drop", "keys":
                line = json.loads(lines.readline())
                check(f"a line of {what} follows", what in line and not problems(capture, line), line, *problems(capture, line))
            status = agent.ask(action="networks")
            office = [n for n in status["result"]["networks"] if n["name"] == "office"][0]
            equal("the status says whose key log it is", office["keylog"], {"uid": os.getuid(), "pid": os.getpid()})
            check("as the schema has it", not problems(reply, status), *problems(reply, status))
            s.shutdown(socket.SHUT_RDWR)
        for r in REQUESTS:
            answer = agent.ask(id="1", **r)
            bad = problems(request, {"id": "1", **r}) + problems(reply, answer)
            bad += problems(result_schema(reply, r["action"]), answer.get("result"))
            check(json.dumps(r)[:60], answer["ok"] and not bad, answer, *bad)
        equal("shutdown ends it", agent.process.wait(20), 0)
    done()


main(sys.argv[1])
