#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Makes wycheproof.h from Project Wycheproof's JSON files (C2SP/wycheproof, testvectors).

    make_wycheproof.py DIRECTORY > wycheproof.h

DIRECTORY holds x25519_test.json, chacha20_poly1305_test.json and
xchacha20_poly1305_test.json. Of long rows of like cases only some are taken.
"""
import collections
import json
import os
import sys

WRAP = 104 # characters of hex a source line


def cases(directory, name):
    with open(os.path.join(directory, name)) as f:
        data = json.load(f)
    for group in data["testGroups"]:
        for test in group["tests"]:
            yield group, test, data


def literal(text):
    parts = [text[i:i + WRAP] for i in range(0, len(text), WRAP)] or [""]
    return "\n\t  ".join(f'"{p}"' for p in parts)


def few(limit):
    """Says yes to the first `limit` cases of a kind."""
    seen = collections.Counter()

    def ask(kind):
        seen[kind] += 1
        return seen[kind] <= limit
    return ask


def x25519(directory):
    some = few(1)
    print("static const struct x25519_case x25519_cases[] = {")
    for _, t, _ in cases(directory, "x25519_test.json"):
        if "EdgeCaseMultiplication" in t["flags"] and "LowOrderPublic" not in t["flags"]:
            if not some((t["comment"], t["result"])):
                continue
        zero = "true" if not int(t["shared"], 16) else "false"
        print(f'\t{{ {t["tcId"]}, {zero},\n\t  {literal(t["private"])},\n\t  {literal(t["public"])},'
              f'\n\t  {literal(t["shared"])} }},')
    print("};\n")


def aead(directory, file, table, iv_bits):
    some_random, some_poly, some_tags = few(1), few(12), few(1)
    print(f"static const struct aead_case {table}[] = {{")
    for group, t, _ in cases(directory, file):
        if group["ivSize"] != iv_bits or group["tagSize"] != 128:
            continue
        if t["flags"] == ["Pseudorandom"] and not some_random((len(t["msg"]), )):
            continue
        if len(t["msg"]) > 600:
            continue
        if t["flags"] == ["EdgeCasePoly1305"] and not some_poly(0):
            continue
        if t["flags"] == ["ModifiedTag"] and not some_tags(t["comment"].split(" expected")[0]):
            continue
        valid = "true" if t["result"] == "valid" else "false"
        print(f'\t{{ {t["tcId"]}, {valid},')
        for key in ("key", "iv", "aad", "msg", "ct", "tag"):
            print(f'\t  {literal(t[key])}{"," if key != "tag" else " },"}')
    print("};\n")


def main():
    directory = sys.argv[1]
    _, _, data = next(cases(directory, "x25519_test.json"))
    print(f"""/* SPDX-License-Identifier: ISC */
/*
 * wycheproof.h - edge cases from Project Wycheproof (C2SP/wycheproof, {data.get("generatorVersion", "?")}),
 * a selection made by make_wycheproof.py. Do not edit.
 */
#ifndef ADIT_VECTORS_WYCHEPROOF_H
#define ADIT_VECTORS_WYCHEPROOF_H

#include <stdbool.h>

struct x25519_case {{
	int id;
	bool zero; /* the result is all zero */
	const char *private, *public, *shared;
}};

struct aead_case {{
	int id;
	bool valid;
	const char *key, *nonce, *ad, *plain, *cipher, *tag;
}};
""")
    x25519(directory)
    aead(directory, "chacha20_poly1305_test.json", "chacha_cases", 96)
    aead(directory, "xchacha20_poly1305_test.json", "xchacha_cases", 192)
    print("#endif")


main()
