#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
differential.py CONFIG-TREE: what src/config reads, against Python's tomllib and json

Random documents, whole and damaged, go to both. Each must be taken with the same value, or refused
by both; every place in a tree must be where that value or key stands in the text, and every error
must have a place in the text. ADIT_SEED and ADIT_DOCS make other and more documents.
"""
import datetime
import json
import math
import os
import random
import re
import subprocess
import sys

from documents import Json, SCALARS, Toml, damage

try:
    import tomllib
except ImportError:
    print("1..0 # SKIP this Python has no tomllib (3.11 and later)")
    sys.exit(0)

INT64 = range(-2**63, 2**63)
PLACE = re.compile(r"^file:(\d+):(\d+): ")


class Refused(Exception):
    pass


# --- the other readers ---------------------------------------------------------------------------


def time_text(v):
    if isinstance(v, datetime.datetime):
        offset = v.utcoffset()
        east = "" if offset is None else f"{int(offset.total_seconds()) // 60:+d}"
        return f"{v.year:04d}-{v:%m-%d}T{v:%H:%M:%S.%f}000{east}"
    if isinstance(v, datetime.date):
        return f"{v.year:04d}-{v:%m-%d}"
    return f"{v:%H:%M:%S.%f}000"


def text_of(s):
    if any(0xd800 <= ord(c) <= 0xdfff for c in s):
        raise Refused("half of a surrogate pair")
    return s


def plain(v):
    """A value as config-tree prints it."""
    if isinstance(v, dict):
        return ["table", [[text_of(k), plain(x)] for k, x in v.items()]]
    if isinstance(v, list):
        return ["array", [plain(x) for x in v]]
    if isinstance(v, str):
        return ["string", text_of(v)]
    if isinstance(v, bool):
        return ["bool", v]
    if isinstance(v, int):
        if v not in INT64:
            raise Refused("beyond 64 bits")
        return ["integer", str(v)]
    if isinstance(v, float):
        return ["float", "nan" if math.isnan(v) else v.hex()]
    if v is None:
        return ["null"]
    return ["time", time_text(v)]


def decode(data):
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        raise Refused("not UTF-8") from e


def depth(v):
    children = v.values() if isinstance(v, dict) else v if isinstance(v, list) else ()
    return max([depth(x) for x in children], default=0) + (1 if isinstance(v, (dict, list)) else 0)


def theirs_toml(data):
    text = decode(data)
    try:
        v = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError) as e:
        raise Refused(str(e)) from e
    return plain(v)


def pairs(items):
    if len({k for k, _ in items}) != len(items):
        raise Refused("a key stands twice")
    return dict(items)


def constant(name):
    raise Refused(name)


def theirs_json(data):
    try:
        v = json.loads(decode(data), object_pairs_hook=pairs, parse_constant=constant)
    except ValueError as e:
        raise Refused(str(e)) from e
    return plain(v)


# --- ours -----------------------------------------------------------------------------------------


def ask(program, requests):
    blob = b"".join(f"{kind} {len(text)}\n".encode() + text for kind, text in requests)
    out = subprocess.run([program, "-p"], input=blob, capture_output=True, check=False, timeout=600)
    if out.returncode:
        raise SystemExit(f"Bail out! {program} ended with {out.returncode}: {out.stderr.decode()[-2000:]}")
    return [json.loads(line) for line in out.stdout.decode().split("\n")[:-1]]


def strip(node):
    """The tree without its places."""
    if node[0] == "table":
        return ["table", [[k, strip(x)] for k, _, x in node[1]]]
    if node[0] == "array":
        return ["array", [strip(x) for x in node[1]]]
    if node[0] == "float":
        v = float.fromhex(node[1])
        return ["float", "nan" if math.isnan(v) else v.hex()]
    if node[0] == "time":
        return ["time", re.sub(r"(\.\d{6})\d{3}", r"\g<1>000", node[1])]
    return node[:-1]


class Places:
    """Is everything where the tree says? JSON is read again from there; TOML is compared with what may stand there."""

    BEGINS = {"string": "\"'", "integer": "+-0123456789", "float": "+-0123456789in", "bool": "tf", "time": "0123456789",
              "array": "[", "null": "n"}

    def __init__(self, kind, data):
        self.kind = kind
        self.text = decode(data)
        self.starts = [0] + [m.end() for m in re.finditer("\n", self.text)]

    def at(self, place):
        line, col = map(int, place.split(":"))
        start = self.starts[line - 1]
        if col < 1 or start + col - 1 > len(self.text):
            raise ValueError(f"{place} is not in the text")
        return start + col - 1

    def key(self, key, place):
        at = self.at(place)
        if self.text[at] in "\"'":
            if self.kind == "json" and json.JSONDecoder().raw_decode(self.text, at)[0] != key:
                raise ValueError(f"{place}: not the key {key!r}")
        elif self.kind == "json" or not re.match(re.escape(key) + r"(?![\w-])", self.text[at:], re.ASCII):
            raise ValueError(f"{place}: not the key {key!r}")

    def node(self, node):
        at = self.at(node[-1])
        if self.kind == "json":
            if plain(json.JSONDecoder().raw_decode(self.text, at)[0]) != strip(node):
                raise ValueError(f"{node[-1]}: not the value {node[0]}")
        elif node[0] != "table" and self.text[at] not in self.BEGINS[node[0]]:
            raise ValueError(f"{node[-1]}: not {node[0]}")
        for child in node[1] if node[0] in ("table", "array") else ():
            if node[0] == "table":
                self.key(child[0], child[1])
            self.node(child[-1] if node[0] == "table" else child)


def check_errors(errors, data):
    lines = data.split(b"\n")
    places = []
    for e in errors:
        m = PLACE.match(e)
        if not m:
            if not re.match(r"^file: \d+ more errors$", e):
                return f"no place: {e}"
            continue
        line, col = int(m[1]), int(m[2])
        if not (1 <= line <= len(lines) and 1 <= col <= len(lines[line - 1]) + 1):
            return f"a place that is not in the text: {e}"
        places.append((line, col))
    return "not in order" if places != sorted(places) or not places else None


def compare(kind, data, answer):
    try:
        theirs = theirs_toml(data) if kind == "toml" else theirs_json(data)
    except Refused as e:
        if "value" in answer:
            return f"taken as {strip(answer['value'])}, refused there: {e}"
        return check_errors(answer["errors"], data)
    if "errors" in answer:
        return f"refused, taken there: {answer['errors']}"
    if strip(answer["value"]) != theirs:
        return f"read as {strip(answer['value'])}, there as {theirs}"
    try:
        Places(kind, data).node(answer["value"])
    except ValueError as e:
        return str(e)
    return None


# --- the documents ----------------------------------------------------------------------------------


def documents(kind, rng, count):
    make = Toml(rng) if kind == "toml" else Json(rng)
    for _ in range(count):
        yield make.document().encode(errors="surrogatepass")


def damaged(kind, rng, count):
    for text in documents(kind, rng, count):
        yield damage(rng, text)


def scalars(kind, rng, count):
    del kind, rng, count
    for s in SCALARS:
        for form in ("a = %s", "a = %s # c\n", "a=[%s,%s]", "a={b=%s}", "%s = 1", "[%s]", "a = [ %s\n]\n"):
            yield form.replace("%s", s).encode(errors="surrogatepass")


def run(program, number, kind, name, source, seed, count):
    requests = [(kind, text) for text in source(kind, random.Random(seed), count)]
    answers = ask(program, requests)
    wrong = [(text, why) for (_, text), answer in zip(requests, answers) if (why := compare(kind, text, answer))]
    taken = sum("value" in a for a in answers)
    for text, why in wrong[:10]:
        print(f"# {text!r}: {why}")
    ok = not wrong and len(answers) == len(requests) and 0 < taken < len(requests)
    print(f"{'ok' if ok else 'not ok'} {number} - {kind}, {name}: {len(requests)} documents, {taken} of them valid (seed {seed})")
    return ok


def main(program):
    seed = int(os.environ.get("ADIT_SEED", "1"))
    count = int(os.environ.get("ADIT_DOCS", "3000"))
    plan = [("toml", "values", scalars), ("toml", "random", documents), ("toml", "damaged", damaged),
            ("json", "random", documents), ("json", "damaged", damaged)]
    print(f"1..{len(plan)}")
    results = [run(program, i, *row, seed, count) for i, row in enumerate(plan, 1)]
    sys.exit(not all(results))


if __name__ == "__main__":
    main(sys.argv[1])
