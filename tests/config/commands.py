#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
commands.py ADIT: the commands that read a configuration, from outside

`adit check` with its status, its lines and its JSON; that it waits for nothing; `adit config show`;
`adit genkey -o`. What each message says is the business of agent_settings_test.
"""
import base64
import json
import os
import re
import stat
import subprocess
import sys
import tempfile

ADIT = sys.argv[1]
count = 0
failed = 0
LINE = re.compile(r"^[^:]+:\d+:\d+: (warning: )?[\w.\[\]\"]+: .+$")


def check(ok, name, *more):
    global count, failed
    count += 1
    failed += not ok
    print("ok" if ok else "not ok", count, "-", name)
    if not ok:
        for m in more:
            print("# " + str(m).replace("\n", "\n# "))


def run(*args):
    return subprocess.run((ADIT,) + args, capture_output=True, text=True, timeout=60)


def write(path, text, mode=0o600):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def public():
    private = run("genkey").stdout
    return subprocess.run((ADIT, "pubkey"), input=private, capture_output=True, text=True, timeout=60).stdout.strip()


def first_file(key_path):
    """As everybody begins: the resolver is outside the allowed IPs, which is a warning."""
    return f"""[network.default]
enable_wireguard = true
interface = "wg0"
mtu = 1420
private_key_path = "{key_path}"
dns = ["10.100.0.2"]

[[network.default.peers]]
name = "vpn-server"
public_key = "{public()}"
endpoint = "vpn.example.com:51820"
allowed_ips = ["10.42.0.0/16"]
persistent_keepalive_secs = 25
"""


TEN_FAULTS = """[network.default]
enable_wireguard = "yes"
interface = "wg0/x"
mtu = 14
private_key_path = "none.key"
dns = ["10.100.0.300"]
colour = "red"

[[network.default.peers]]
public_key = "base64pubkey..."
endpoint = "vpn.example.com"
allowed_ips = ["10.42.0.0/36"]
persistent_keepalive = 25
"""
PLACES = [(2, 20), (3, 13), (4, 7), (5, 20), (6, 8), (7, 1), (10, 14), (11, 12), (12, 16), (13, 1)]


def good():
    r = run("genkey", "-o", "good.key")
    check(r.returncode == 0, "genkey -o", r)
    write("a.toml", first_file("good.key"), 0o644)
    r = run("check", "a.toml")
    lines = r.stdout.splitlines()
    check(r.returncode == 0 and len(lines) == 2 and lines[0].startswith("a.toml:6:8: warning: network.default.dns[0]: "),
          "a resolver outside the allowed IPs is a warning, and the status 0", r)
    r = run("check", "a.toml", "--json")
    said = json.loads(r.stdout)
    check(r.returncode == 0 and said["ok"] and (said["schema"], said["errors"], said["warnings"]) == (1, 0, 1)
          and [(i["severity"], i["file"], i["line"], i["column"], i["key"]) for i in said["items"]]
          == [("warning", "a.toml", 6, 8, "network.default.dns[0]")], "the same as JSON", r)


def ten_faults():
    write("ten.toml", TEN_FAULTS)
    r = run("check", "ten.toml")
    lines = r.stdout.splitlines()
    places = [tuple(map(int, l.split(":")[1:3])) for l in lines]
    check(r.returncode == 78 and places == PLACES and all(LINE.match(l) for l in lines), "ten faults are ten lines, and status 78", r)
    said = json.loads(run("check", "--json", "ten.toml").stdout)
    check(not said["ok"] and said["errors"] == 10 and [(i["line"], i["column"]) for i in said["items"]] == PLACES
          and all(i["severity"] == "error" and i["message"] for i in said["items"]), "ten faults in JSON", said)


def never_waits():
    os.mkfifo("fifo")
    for what, name in (("a FIFO", "fifo"), ("a folder", "."), ("nothing", "nowhere"), ("a device", "/dev/zero")):
        write("w.toml", first_file(name))
        r = run("check", "w.toml")
        check(r.returncode == 78 and r.stdout.startswith("w.toml:5:20: "), f"{what} as a key file is refused at once", r)
    os.symlink("good.key", "link.key")
    write("w.toml", first_file("link.key"))
    r = run("check", "w.toml")
    check(r.returncode == 0, "a symbolic link to a good file is good", r)
    os.chmod("good.key", 0o644)
    r = run("check", "w.toml")
    check(r.returncode == 78 and "chmod 600" in r.stdout, "to a file that others may read it is not", r)
    os.chmod("good.key", 0o600)
    os.mkfifo("c.toml")
    check(run("check", "c.toml").returncode == 78, "a FIFO as the configuration is refused at once")


def drop_ins():
    os.mkdir("d")
    os.mkdir("d/conf.d")
    write("d/a.toml", first_file("../good.key"))
    write("d/conf.d/50-mtu.toml", "[network.default]\nmtu = 1300\n")
    r = run("config", "show", "d/a.toml", "--origin")
    check(r.returncode == 0 and "mtu = 1300  # d/conf.d/50-mtu.toml:2:7\n" in r.stdout
          and 'interface = "wg0"  # d/a.toml:3:13\n' in r.stdout and "metric = 0  # default\n" in r.stdout,
          "config show says what a drop-in changed", r)
    net = json.loads(run("config", "show", "--json", "d/a.toml").stdout)["network"]["default"]
    check(net["mtu"] == 1300 and net["peers"][0]["name"] == "vpn-server", "the same as JSON", net)
    again = run("config", "show", "d/a.toml").stdout
    write("again.toml", again.replace("../good.key", "good.key"))
    check(run("config", "show", "again.toml").stdout == again.replace("../good.key", "good.key"),
          "what config show prints is a configuration that says the same", again)
    write("d/conf.d/60-bad.toml", "[network.default]\nmtu = x\n")
    r = run("config", "show", "d/a.toml")
    check(r.returncode == 78 and not r.stdout and r.stderr.startswith("d/conf.d/60-bad.toml:2:7: "),
          "a broken configuration is not shown", r)


def keys():
    for command in ("genkey", "genpsk"):
        path = f"{command}.key"
        os.umask(0)
        r = run(command, "-o", path)
        st = os.stat(path)
        with open(path, encoding="ascii") as f:
            text = f.read()
        check(r.returncode == 0 and not r.stdout and stat.S_IMODE(st.st_mode) == 0o600 and len(base64.b64decode(text)) == 32
              and text.endswith("\n"), f"{command} -o makes a file of mode 0600, whatever the umask", r, oct(st.st_mode))
        r = run(command, "-o", path)
        with open(path, encoding="ascii") as f:
            check(r.returncode == 1 and "never overwritten" in r.stderr and f.read() == text, f"{command} -o never overwrites", r)
    os.symlink("elsewhere", "dangling")
    r = run("genkey", "--output", "dangling")
    check(r.returncode == 1 and not os.path.exists("elsewhere"), "nor does it write through a link", r)
    r = run("genkey", "-o", "no/such/folder")
    check(r.returncode == 1 and "No such file" in r.stderr, "a folder that is not there is named", r)


def main():
    here = os.getcwd()
    os.umask(0o022)  # a folder that a group may write to holds no drop-ins
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        good()
        ten_faults()
        never_waits()
        drop_ins()
        keys()
        os.chdir(here)
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


ADIT = os.path.abspath(ADIT)
main()
