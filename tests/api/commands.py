#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""commands.py SERVER ADIT: what the commands print, and their status; text is for people, --json for programs"""
import json
import os
import pty
import re
import select
import subprocess
import sys
import tempfile

from lab import TMP, Agent, check, done, equal

ADIT = os.path.abspath(sys.argv[2])


def run(agent, *args, **env):
    control = agent.control if agent else TMP + "/nobody.sock"
    p = subprocess.run([ADIT, *args, "--control", control], capture_output=True, text=True, timeout=60,
                       env={**os.environ, "LC_ALL": "C", **env})
    return p.returncode, p.stdout, p.stderr


def statuses(agent):
    """Command, status, what standard output holds (a pattern), what standard error holds"""
    table = [
        (["status"], 3, r"office +up \d+ s  wg0  10\.42\.0\.2/32  .* received", ""),
        (["status"], 3, r"\n  no_reply: initiations to 198\.51\.100\.7", ""),
        (["status", "office"], 0, r"vpn-server +10 s +\d s +([\d.]+ [KMG]?i?B/s|-) .* 192\.0\.2\.1:51820\n", ""),
        (["status", "home"], 3, "handshaking", ""),
        (["status", "--names"], 0, "^office\nhome\nweb\n$", ""),
        (["status", "nowhere"], 1, "^$", 'there is no network "nowhere"'),
        (["peers", "office"], 0, "laptop-2", ""),
        (["peers", "web"], 0, "web has no peers: it is down", ""),
        (["connect", "web"], 0, "web is up", ""),
        (["wait", "web", "--timeout", "5"], 0, "web is up", ""),
        (["disconnect", "web"], 0, "web is down", ""),
        (["wait", "web", "--down"], 0, "web is down", ""),
        (["wait", "home", "--timeout", "0.2"], 3, "^$", "handshaking still (no_reply"),
        (["events"], 0, r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  state    office  up \(ok\)", ""),
        (["events", "--since", "1000000"], 0, "^$", ""),
        (["reload", "--dry-run"], 0, "allowed_ips changes\n.*\nnothing was done; still generation 1\n", ""),
        (["reload"], 0, "now generation 2", ""),
        (["log"], 0, "^info\n$", ""), (["log", "debug"], 0, "^debug\n$", ""), (["log", "loud"], 1, "^$", "off, error, warning"),
        (["confirm"], 0, "nothing waited", ""),
        (["capture", "web", "-w", "/dev/null"], 3, "^$", "web is down"),
        (["capture", "office", "--count", "0"], 2, "^$", "packets"), (["capture", "office", "--duration", "x"], 2, "^$", "seconds"),
        (["top"], 0, r"NETWORK +STATE.*\nPEER +NETWORK +HANDSHAKE", ""),
        (["connect"], 2, "^$", "Usage: adit connect NETWORK"), (["status", "a", "b"], 2, "^$", "too many"),
        (["status", "--bogus"], 2, "^$", "unknown option"), (["events", "--since", "x"], 2, "^$", "number"),
        (["wait", "web", "--timeout", "-1"], 2, "^$", "seconds"), (["top", "--interval", "0"], 2, "^$", "seconds"),
    ]
    for args, status, out, err in table:
        have, stdout, stderr = run(agent, *args)
        check("adit " + " ".join(args), have == status and re.search(out, stdout, re.S) and err in stderr, f"status {have}", stdout,
              stderr)


def machine(agent):
    for args in (["status"], ["status", "office"], ["peers", "office"], ["connect", "web"], ["disconnect", "web"], ["events"],
                 ["reload", "--dry-run"], ["log"], ["confirm"], ["wait", "office"]):
        _, stdout, stderr = run(agent, *args, "--json")
        try:
            check(f"adit {' '.join(args)} --json", isinstance(json.loads(stdout), dict) and not stderr, stdout, stderr)
        except ValueError:
            check(f"adit {' '.join(args)} --json", False, stdout, stderr)
    status, stdout, stderr = run(agent, "status", "nowhere", "--json")
    equal("an error as JSON", (status, json.loads(stdout)["error"]["code"], bool(stderr)), (1, "unknown_network", True))
    check("no colour when it is not a terminal", "\033" not in run(agent, "status")[1])


def on_terminal(agent, **env):
    ours, theirs = pty.openpty()
    p = subprocess.Popen([ADIT, "status", "--control", agent.control], stdout=theirs, env={**os.environ, "TERM": "xterm", **env})
    os.close(theirs)
    text = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            part = b""
        if not part:
            break
        text += part
    os.close(ours)
    p.wait(20)
    return text


def colours(agent):
    check("colours on a terminal", b"\033[32mup\033[0m" in on_terminal(agent))
    check("none with NO_COLOR", b"\033" not in on_terminal(agent, NO_COLOR="1"))
    check("none on a dumb one", b"\033" not in on_terminal(agent, TERM="dumb"))


def completion(agent):
    script = f"source <({ADIT} completion bash); COMP_WORDS=(adit $1 '') COMP_CWORD=2; _adit; echo ${{COMPREPLY[@]}}"
    for command in ("status", "connect", "disconnect", "wait", "peers", "events", "capture"):
        p = subprocess.run(["bash", "-c", script, "bash", command], capture_output=True, text=True, timeout=30,
                           env={**os.environ, "ADIT_CONTROL": agent.control, "PATH": os.path.dirname(ADIT) + ":" + os.environ["PATH"]})
        equal(f"{command}: live networks are completed", p.stdout.split(), ["office", "home", "web"])


def completed(folder, *words):
    """what bash completes for the last of the words, in a folder"""
    script = f'source <({ADIT} completion bash); COMP_WORDS=(adit "$@") COMP_CWORD=$#; _adit; printf "%s\\n" "${{COMPREPLY[@]}}"'
    p = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=30, cwd=folder)
    return set(p.stdout.split())


def completion_of_files():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.conf", "b.toml", "c.json", "d.key"):
            open(os.path.join(folder, name), "w", encoding="utf-8").close()
        configs = {"a.conf", "b.toml", "c.json"}
        for words in (["start", "--config"], ["agent", "-c"], ["check"], ["config", "show"], ["export", "-c"], ["static", "-c"]):
            equal(f"{' '.join(words)}: configurations, no names", completed(folder, *words, ""), configs)
        equal("import: files of wg-quick", completed(folder, "import", ""), {"a.conf"})
        equal("genkey -o: any file", completed(folder, "genkey", "-o", ""), configs | {"d.key"})
        for words in (["forward", ""], ["static", ""]):
            equal(f"{words[0]}: status", completed(folder, *words), {"status"})
        equal("config: show", completed(folder, "config", ""), {"show"})
        equal("run -c FILE --: commands", "env" in completed(folder, "run", "-c", "a.conf", "--", "en"), True)
        equal("and their files", completed(folder, "run", "-c", "a.conf", "--", "cat", "d"), {"d.key"})


def follow(agent):
    p = subprocess.Popen([ADIT, "events", "--follow", "--json", "--control", agent.control], stdout=subprocess.PIPE, text=True)
    while not select.select([p.stdout], [], [], 0.2)[0] and p.poll() is None:
        agent.ask(action="disconnect", network="web")  # until it has subscribed
    line = p.stdout.readline()
    check("events --follow --json: an object a line", json.loads(line)["seq"] > 0, line)
    agent.process.terminate()
    equal("and it ends with the agent", p.wait(20), 0)


def main(server):
    with Agent(server) as agent:
        statuses(agent)
        machine(agent)
        colours(agent)
        completion(agent)
        completion_of_files()
        example = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/ask.py")
        p = subprocess.run([sys.executable, example, agent.control], capture_output=True, text=True, timeout=30)
        equal("examples/ask.py", p.stdout, "office up ok\nhome handshaking no_reply\nweb down not_asked\n")
        follow(agent)
    with Agent(server, "--slow-connect") as agent:
        status, _, stderr = run(agent, "connect", "web", "--wait", "--timeout", "0.3")
        check("connect --wait says why it is not up", status == 3 and "no_reply" in stderr, status, stderr)
        status, stdout, _ = run(agent, "stop", "--json")
        equal("stop", (status, json.loads(stdout), agent.process.wait(20)), (0, {"ending": True}, 0))
    for args in (["status"], ["connect", "web"], ["stop"], ["top"], ["events"], ["reload"], ["log"]):
        status, stdout, stderr = run(None, *args)
        check(f"no agent: adit {args[0]}: 5", status == 5 and "no agent runs" in stderr and not stdout, status, stderr)
    equal("no agent: as JSON", json.loads(run(None, "status", "--json")[1])["error"]["code"], "no_agent")
    done()


main(sys.argv[1])
