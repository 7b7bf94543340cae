#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""reload_model.py new MODEL PEERS SEED | change MODEL SEED | toml MODEL | compare MODEL SHOWCONF | routes MODEL

A network of many peers that changes at random, as a configuration and as what `wg showconf` must say then. MODEL is a
JSON file: {"head": TOML before the peers, "fixed": TOML of the peer that stays, "stays": {section: {name: value}} of what
wg showconf says of the interface and of that peer, by its key, "peers": {key: {...}}}
new fills "peers"; head, fixed and stays are put there by the caller."""
import base64
import json
import random
import sys


def prefix(rng):
    return f"10.{rng.randrange(100, 200)}.{rng.randrange(256)}.{rng.randrange(256)}/32"


def peer(rng, taken):
    own = set()
    while len(own) < rng.randrange(1, 4):
        p = prefix(rng)
        if p not in taken:
            own.add(p)
            taken.add(p)
    return {
        "psk": base64.b64encode(rng.randbytes(32)).decode() if rng.random() < .3 else None,
        "allowed": sorted(own),
        "endpoint": f"198.51.100.2:{rng.randrange(20000, 30000)}" if rng.random() < .2 else None,
        "keepalive": rng.choice([0, 0, 0, 25, 60]),
    }


def key(rng):
    k = bytearray(rng.randbytes(32))
    k[31] &= 127
    return base64.b64encode(k).decode()


def taken_of(model):
    return {a for p in model["peers"].values() for a in p["allowed"]}


def change(model, rng):
    taken, peers = taken_of(model), model["peers"]
    for _ in range(rng.randrange(1, 30)):
        what, some = rng.randrange(6), rng.choice(list(peers))
        if what == 0:
            peers[key(rng)] = peer(rng, taken)
        elif what == 1 and len(peers) > 10:
            taken -= set(peers.pop(some)["allowed"])
        elif what == 2:  # a prefix moves to another peer
            other = rng.choice(list(peers))
            if len(peers[some]["allowed"]) > 1 and other != some:
                peers[other]["allowed"].append(peers[some]["allowed"].pop())
        elif what == 3:
            fresh = peer(rng, taken)
            peers[some]["psk"], peers[some]["keepalive"] = fresh["psk"], fresh["keepalive"]
        elif what == 4:
            peers[some] = peer(rng, taken)
        elif what == 5:  # both ends of what was said: another place
            if peers[some]["endpoint"]:
                peers[some]["endpoint"] = f"198.51.100.2:{rng.randrange(20000, 30000)}"


def toml(model):
    out = [model["head"], model["fixed"]]
    for k, p in model["peers"].items():
        out.append("[[network.office.peers]]")
        out.append(f'public_key = "{k}"')
        out.append("allowed_ips = [" + ", ".join(f'"{a}"' for a in p["allowed"]) + "]")
        if p["psk"]:
            out.append(f'preshared_key = "{p["psk"]}"')
        if p["endpoint"]:
            out.append(f'endpoint = "{p["endpoint"]}"')
        if p["keepalive"]:
            out.append(f'persistent_keepalive_secs = {p["keepalive"]}')
    return "\n".join(out) + "\n"


def read_showconf(text):
    """{"Interface": {name: value}, public key: {name: value}...}; a peer that stands twice is a fault."""
    found, now = {}, None
    for line in text.splitlines():
        name, _, value = (w.strip() for w in line.partition("="))
        if line.startswith("["):
            now = {}
        if line == "[Interface]" or name == "PublicKey":
            key = value or "Interface"
            found[key if key not in found else key + " twice"] = now
        elif name and value:
            now[name] = value
    return found


def compare(model, text):
    got, wrong = read_showconf(text), 0
    for k, want in model["stays"].items():
        have = got.pop(k, None)
        if have != want:
            print(f"{k} is not what it was")
            wrong += 1
    for k in set(got) ^ set(model["peers"]):
        print(("there is no peer " if k in model["peers"] else "a peer too many: ") + k)
        wrong += 1
    for k, p in model["peers"].items():
        g = got.get(k)
        if g is None:
            continue
        want = {"AllowedIPs": sorted(p["allowed"]), "PresharedKey": p["psk"],
                "Endpoint": p["endpoint"], "PersistentKeepalive": str(p["keepalive"]) if p["keepalive"] else None}
        have = {n: g.get(n) for n in want}
        have["AllowedIPs"] = sorted(a.strip() for a in (g.get("AllowedIPs") or "").split(","))
        if have != want:
            print(f"{k}: {have}, not {want}")
            wrong += 1
    return wrong


def main(what, path, *args):
    with open(path) as f:
        model = json.load(f)
    if what == "new":
        rng, model["peers"], taken = random.Random(int(args[1])), {}, set()
        for _ in range(int(args[0])):
            model["peers"][key(rng)] = peer(rng, taken)
    elif what == "change":
        change(model, random.Random(int(args[0])))
    elif what == "toml":
        sys.stdout.write(toml(model))
        return 0
    elif what == "routes":
        print("\n".join(sorted(a.removesuffix("/32") for a in taken_of(model))))
        return 0
    elif what == "compare":
        with open(args[0]) as f:
            return 1 if compare(model, f.read()) else 0
    with open(path, "w") as f:
        json.dump(model, f)
    return 0


sys.exit(main(*sys.argv[1:]))
