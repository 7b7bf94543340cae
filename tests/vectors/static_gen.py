#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""static_gen.py: both formats of the static tunnel, computed from doc/static.md alone.

The primitives are those that wg_handshake_gen.py writes out from the RFCs:
nothing is shared with the C code.

static_gen.py                  prints static_vector.h
static_gen.py doc              prints the vectors of doc/static.md
static_gen.py check TOP        compares both with what stands in the tree (TAP)
"""
import os
import struct
import sys

import wg_handshake_gen as rfc

HELLO, ANSWER, DATA = 0x21, 0x22, 0x23


def seal(key, nonce, plain):
    """ChaCha20-Poly1305 (RFC 8439) without additional data, under any nonce."""
    stream = b"".join(rfc.chacha_block(key, 1 + i, nonce) for i in range((len(plain) + 63) // 64))
    cipher = bytes(a ^ b for a, b in zip(plain, stream))
    padded = cipher + bytes(-len(cipher) % 16) + struct.pack("<QQ", 0, len(cipher))
    return cipher + rfc.poly1305(rfc.chacha_block(key, 0, nonce)[:32], padded)


def v1(shared, nonce, plain):
    return nonce + seal(shared, nonce, plain)


def key_id(sender, receiver):
    return rfc.hash_(b"adit static v2 id", sender, receiver)[:8]


def exchange(kind, shared, sender, receiver, index, salt, echo=bytes(32), echo_index=0):
    key, = rfc.kdf(1, rfc.hash_(b"adit static v2 exchange", sender, receiver), shared)
    body = struct.pack("<LL", kind, index) + key_id(sender, receiver) + salt + echo + struct.pack("<L", echo_index)
    return body + rfc.mac(key, body)


def session(shared, first, second, salt_first, salt_second):
    """Keys of what the hello's sender sends, and of what the answer's sender sends."""
    ck, = rfc.kdf(1, rfc.hash_(b"adit static v2 session", first, second), shared)
    return rfc.kdf(2, ck, salt_first + salt_second)


def data(key, index, counter, plain):
    return struct.pack("<LLQ", DATA, index, counter) + seal(key, bytes(4) + struct.pack("<Q", counter), plain)


def vectors():
    a, b = bytes(range(1, 33)), bytes(range(101, 133))
    a_pub, b_pub = rfc.public(a), rfc.public(b)
    shared = rfc.x25519(a, b_pub)
    nonce, salt_a, salt_b = bytes(range(60, 72)), bytes(range(32, 64)), bytes(range(160, 192))
    index_a, index_b = 0x11223344, 0xA1B2C3D4
    # 10.0.0.1 -> 10.0.0.2 and back, UDP, nine bytes of payload after no UDP header: only the IP header is looked at
    there = bytes.fromhex("4500001d000000004011000e0a0000010a000002") + b"from a: 1"
    back = bytes.fromhex("4500001d000000004011000e0a0000020a000001") + b"from b: 1"
    hello = exchange(HELLO, shared, a_pub, b_pub, index_a, salt_a)
    answer = exchange(ANSWER, shared, b_pub, a_pub, index_b, salt_b, salt_a, index_a)
    key_a, key_b = session(shared, a_pub, b_pub, salt_a, salt_b)
    return (("private_a", a), ("private_b", b), ("public_a", a_pub), ("public_b", b_pub), ("shared", shared),
            ("nonce", nonce), ("random_a", struct.pack("<L", index_a) + salt_a),
            ("random_b", struct.pack("<L", index_b) + salt_b), ("plain_a", there), ("plain_b", back),
            ("v1", v1(shared, nonce, there)), ("hello", hello), ("answer", answer), ("key_a", key_a), ("key_b", key_b),
            ("data_a", data(key_a, index_b, 0, there)), ("data_b", data(key_b, index_a, 0, back)))


def header():
    text = "/* SPDX-License-Identifier: ISC */\n/* static_vector.h - made by static_gen.py; do not edit */\n"
    for name, value in vectors():
        text += f"static const uint8_t vector_{name}[{len(value)}] = {{\n"
        for i in range(0, len(value), 16):
            text += "\t" + " ".join(f"0x{x:02x}," for x in value[i:i + 16]) + "\n"
        text += "};\n"
    return text


def document():
    text = "```\n"
    for name, value in vectors():
        for i in range(0, len(value), 32):
            text += f"{'' if i else name:<10} {value[i:i + 32].hex()}\n"
    return text + "```\n"


def check(top):
    bad = 0
    print("1..2")
    for n, (name, want) in enumerate((("tests/vectors/static_vector.h", header()), ("doc/static.md", document())), 1):
        with open(os.path.join(top, name)) as f:
            found = want in f.read()
        bad += not found
        print(f"{'ok' if found else 'not ok'} {n} - {name} has the vectors that the formats give")
    return bad


def main():
    if sys.argv[1:2] == ["check"]:
        return check(sys.argv[2])
    sys.stdout.write(document() if sys.argv[1:] == ["doc"] else header())
    return 0


if __name__ == "__main__":
    sys.exit(main())
