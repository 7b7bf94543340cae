#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
import_export.py ADIT: wg-quick files into TOML and back, and what is said about them

Random files in every spelling that wg(8) and wg-quick(8) take go through `adit import`, the result
through `adit check`, and back through `adit export`. What comes out must mean what went in: read
here by a few lines of Python and, where it is installed, by `wg-quick strip`. Hooks are listed and
never taken. QR codes are read back by zbarimg where that is installed.
"""
import base64
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

ADIT = sys.argv[1]
SEED = int(os.environ.get("ADIT_SEED", "1"))
FILES = int(os.environ.get("ADIT_DOCS", "60"))
rnd = random.Random(SEED)
count = 0
failed = 0


def check(ok, name, *more):
    global count, failed
    count += 1
    failed += not ok
    print("ok" if ok else "not ok", count, "-", name)
    if not ok:
        for m in more:
            print("# " + str(m).replace("\n", "\n# "))


def run(*args, env=None):
    return subprocess.run(args, capture_output=True, text=True, timeout=60, env=env)


def key():
    return base64.b64encode(bytes(rnd.randrange(256) for _ in range(31)) + bytes([rnd.randrange(64, 128)])).decode()


def prefix(bits=None):
    if rnd.random() < 0.7:
        length = rnd.randint(1, 32) if bits is None else bits
        return f"{rnd.randint(1, 223)}.{rnd.randint(0, 255)}.{rnd.randint(0, 255)}.{rnd.randint(0, 255)}/{length}"
    return f"2001:db8:{rnd.randint(1, 65535):x}::{rnd.randint(1, 65535):x}/{rnd.randint(1, 128)}"


def spelled(name):
    return rnd.choice([name, name, name.lower(), name.upper()])


def line(name, value):
    blank = rnd.choice(["", " ", "  ", "\t"])
    return f"{rnd.choice(['', ' '])}{spelled(name)}{blank}={blank}{value}{rnd.choice(['', ' ', ' # why'])}"


def lists(name, items):
    """One line, or several."""
    if len(items) > 1 and rnd.random() < 0.4:
        return [line(name, items[0]), line(name, rnd.choice([", ", ",", " , "]).join(items[1:]))]
    return [line(name, rnd.choice([", ", ","]).join(items))]


def wg_quick():
    out = ["# of a test", "[Interface]", line("PrivateKey", key())]
    hooks = []
    if rnd.random() < 0.9:
        out += lists("Address", [prefix(rnd.randint(8, 32)) for _ in range(rnd.randint(1, 3))])
    for name, value in (("ListenPort", str(rnd.randint(1, 65535))), ("FwMark", rnd.choice(["0xca6c", "51820", "off"])),
                        ("MTU", str(rnd.randint(1280, 9000))), ("Table", rnd.choice(["off", "auto", "main", "1234"]))):
        if rnd.random() < 0.4:
            out.append(line(name, value))
    if rnd.random() < 0.4:
        out += lists("DNS", rnd.choice([["10.0.0.1"], ["10.0.0.1", "2001:db8::53", "corp.example"], ["corp.example"]]))
    for name in ("PreUp", "PostUp", "PreDown", "PostDown"):
        for _ in range(rnd.choice([0, 0, 0, 1, 2])):
            hooks.append((name, f"iptables -A FORWARD -i %i -j ACCEPT; echo '{rnd.randint(0, 9)}\"'"))
            out.append(f"{name} = {hooks[-1][1]}")
    if rnd.random() < 0.2:
        out.append(line("SaveConfig", "true"))
    taken = set()
    for _ in range(rnd.randint(0, 4)):
        out += ["", rnd.choice(["[Peer]", "[peer]"]), line("PublicKey", key())]
        if rnd.random() < 0.3:
            out.append(line("PresharedKey", key()))
        allowed = [p for p in (prefix() for _ in range(rnd.randint(0, 4))) if network(p) not in taken]
        taken.update(network(p) for p in allowed)
        if allowed:
            out += lists("AllowedIPs", allowed)
        if rnd.random() < 0.7:
            out.append(line("Endpoint", rnd.choice(["vpn.example.com:51820", "192.0.2.1:1", "[2001:db8::1]:65535"])))
        if rnd.random() < 0.5:
            out.append(line("PersistentKeepalive", rnd.choice(["25", "off", "0", "65535"])))
    return "\n".join(out) + "\n", hooks


def network(text):
    import ipaddress

    return str(ipaddress.ip_network(text, strict=False))


def interface(text):
    import ipaddress

    return str(ipaddress.ip_interface(text))


def meaning(text, hooks=True):
    """A wg-quick file as a value; what is unset is left out."""
    sections, now = [], None
    for raw in text.splitlines():
        words = raw.split("#")[0].strip()
        if words.startswith("["):
            now = {"section": words.lower()}
            sections.append(now)
        elif words:
            name, _, value = (w.strip() for w in words.partition("="))
            name = name.lower()
            if name in ("address", "dns"):
                items = value.replace(",", " ").split()
                now.setdefault(name, []).extend(interface(v) if name == "address" else v for v in items)
            elif name == "allowedips":
                now.setdefault(name, []).extend(network(v) for v in value.replace(",", " ").split())
            elif name in ("preup", "postup", "predown", "postdown"):
                now.setdefault(name, []).append(value)
            elif name in ("fwmark", "persistentkeepalive", "listenport", "mtu"):
                now[name] = 0 if value == "off" else int(value, 0)
            else:
                now[name] = {"main": "254"}.get(value, value) if name == "table" else value
    for s in sections:
        for name in list(s):
            unset = s[name] in (0, "auto", []) or name == "saveconfig"
            if unset or (not hooks and name in ("preup", "postup", "predown", "postdown")):
                del s[name]
        for name in ("allowedips", "dns", "address"):
            if name in s:
                s[name] = sorted(s[name])
    return [s for s in sections if s["section"] == "[interface]"] + [s for s in sections if s["section"] != "[interface]"]


def stripped(path):
    """What wg(8) would be given."""
    r = run("wg-quick", "strip", path)
    return meaning(r.stdout) if r.returncode == 0 else r.stderr


def write(path, text):
    with open(path, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(text)


def round_trip(folder, number):
    text, hooks = wg_quick()
    src, toml, back = (os.path.join(folder, n) for n in ("wg.conf", "wg.toml", "out.conf"))
    for p in (src, toml, back):
        if os.path.exists(p):
            os.unlink(p)
    write(src, text)
    imported = run(ADIT, "import", src, "--name", f"n{number}")
    write(toml, imported.stdout)
    checked = run(ADIT, "check", toml)
    exported = run(ADIT, "export", f"n{number}", "-c", toml)
    write(back, exported.stdout)
    peers = any(s["section"] == "[peer]" for s in meaning(text))
    wrong = []
    if imported.returncode or checked.returncode:
        wrong.append((imported.stderr, checked.stdout, checked.stderr))
    for name, command in hooks:
        if f"# {name} = {command}\n" not in imported.stdout:
            wrong.append(f"{name} is not listed")
    if any(not l.startswith("#") and "iptables" in l for l in imported.stdout.splitlines()):
        wrong.append("a hook was taken over")
    if f"[network.n{number}]" not in imported.stdout:
        wrong.append("the name is not that asked for")
    if peers and (exported.returncode or meaning(exported.stdout) != meaning(text, False)):
        wrong.append((exported.stderr, exported.stdout, meaning(exported.stdout), meaning(text, False)))
    if peers and shutil.which("wg-quick") and stripped(src) != stripped(back):
        wrong.append((stripped(src), stripped(back)))
    return wrong and [text, imported.stdout] + wrong


def as_json(folder):
    """The file itself, read as a configuration: what it says stands in the JSON, and no key."""
    path = os.path.join(folder, "j.conf")
    mine = key()
    write(path, f"[Interface]\nPrivateKey = {mine}\nMTU = 1300\n[Peer]\nPublicKey = {key()}\nPresharedKey = {mine}\n")
    r = run(ADIT, "config", "show", path, "--json")
    net = json.loads(r.stdout)["network"]["j"]
    check(net["mtu"] == 1300 and net["enable"] is True and net["interface"] == "j", "a wg-quick file is a configuration", r)
    shown = r.stdout + run(ADIT, "config", "show", path, "--origin").stdout
    check(mine not in shown and shown.count("(hidden)") == 4, "config show shows no key", shown)
    r = run(ADIT, "config", "show", path, "--json", "--origin")
    origin = json.loads(r.stdout)["network"]["j"]["mtu"]["origin"]
    check(origin == f"{path}:3:7", "config show says where a value stands", origin)


def code(folder):
    path = os.path.join(folder, "q.conf")
    text = f"[Interface]\nPrivateKey = {key()}\n\n[Peer]\nPublicKey = {key()}\nAllowedIPs = 10.0.0.0/8\n"
    write(path, text)
    r = run(ADIT, "export", "q", "-c", path, "--qr")
    if "built without" in r.stderr:
        print("# no QR codes in this build")
        return
    rows = r.stdout.splitlines()
    check(r.returncode == 0 and len({len(x) for x in rows}) == 1 and set(r.stdout) <= set("█▀▄ \n"), "a QR code is a square of blocks", r)
    other = run(ADIT, "export", "q", "-c", path, "--qr", "--invert").stdout
    flip = str.maketrans("█▀▄ ", " ▄▀█")
    check(other.translate(flip) == r.stdout, "--invert is its negative", other)
    if not shutil.which("zbarimg"):
        print("# no zbarimg to read the code with")
        return
    light = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}
    bits = [[light[c][half] for c in row] for row in rows for half in (0, 1)]
    image = os.path.join(folder, "q.pgm")
    with open(image, "wb") as f:
        f.write(b"P5 %d %d 255\n" % (4 * len(bits[0]), 4 * len(bits)))
        for row in bits:
            f.write(bytes(255 * b for b in row for _ in range(4)) * 4)
    read = run("zbarimg", "--raw", "-q", image, env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": ""})
    check(read.stdout.rstrip("\n") + "\n" == text, "the code says what the file says", read.stdout, text)
    write(path, text + "".join(f"[Peer]\nPublicKey = {key()}\nAllowedIPs = 10.{i}.0.0/16\n" for i in range(60)))
    r = run(ADIT, "export", "q", "-c", path, "--qr")
    check(r.returncode == 1 and "too long" in r.stderr, "what is too long for a code is said", r)


def refusals(folder):
    path = os.path.join(folder, "r.toml")
    write(path, f'[network.s]\ntype = "static"\nsecret = "{key()}"\nroaming = true\n[network.s.peers]\n"10.0.0.2" = {{ pub_key = "{key()}" }}\n'
          f'[network.e]\nprivate_key_path = "nowhere.key"\n[[network.e.peers]]\npublic_key = "{key()}"\n')
    for what, words, status, said in (("a static network", ("s",), 1, "static"), ("an unknown network", ("x",), 1, "no network x"),
                                      ("a key file that is not there", ("e",), 1, "nowhere.key: No such file")):
        r = run(ADIT, "export", *words, "-c", path)
        check(r.returncode == status and said in r.stderr and "PrivateKey" not in r.stdout, f"export refuses {what}", r)
    bad = os.path.join(folder, "bad.conf")
    write(bad, "[Interface]\nPrivateKey = x\nMTU = y\n")
    r = run(ADIT, "import", bad)
    check(r.returncode == 78 and r.stdout == "" and r.stderr.count("bad.conf:") == 2, "import names every mistake", r)


def main():
    with tempfile.TemporaryDirectory() as folder:
        wrong = None
        for number in range(FILES):
            wrong = round_trip(folder, number)
            if wrong:
                break
        check(not wrong, f"{FILES} random files come back as they went (seed {SEED})", *(wrong or ()))
        as_json(folder)
        code(folder)
        refusals(folder)
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


main()
