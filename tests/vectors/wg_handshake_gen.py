#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""wg_handshake_gen.py: a WireGuard handshake computed from the whitepaper and the RFCs alone.

X25519 (RFC 7748) and ChaCha20-Poly1305 (RFC 8439) are written out here in
Python integers, BLAKE2s is hashlib's: nothing is shared with the C code.
Prints wg_handshake_vector.h.
"""
import hashlib
import struct
import sys

P = 2**255 - 19


def x25519(k, u):
    k = bytearray(k)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    k = int.from_bytes(k, "little")
    x1 = int.from_bytes(u, "little") % 2**255
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, x3, z2, z3 = x3, x2, z3, z2
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def public(k):
    return x25519(k, (9).to_bytes(32, "little"))


def chacha_block(key, counter, nonce):
    s = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
    s += list(struct.unpack("<8L", key)) + [counter] + list(struct.unpack("<3L", nonce))
    w = s[:]

    def quarter(a, b, c, d):
        for x, y, z, r in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            w[x] = (w[x] + w[y]) & 0xFFFFFFFF
            v = w[z] ^ w[x]
            w[z] = (v << r | v >> 32 - r) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16L", *((x + y) & 0xFFFFFFFF for x, y in zip(w, s)))


def poly1305(key, msg):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    acc = 0
    for i in range(0, len(msg), 16):
        acc = (acc + int.from_bytes(msg[i:i + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((acc + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def seal(key, counter, plain, ad):
    nonce = bytes(4) + struct.pack("<Q", counter)
    stream = b"".join(chacha_block(key, 1 + i, nonce) for i in range((len(plain) + 63) // 64))
    cipher = bytes(a ^ b for a, b in zip(plain, stream))

    def pad(x):
        return x + bytes(-len(x) % 16)

    data = pad(ad) + pad(cipher) + struct.pack("<QQ", len(ad), len(cipher))
    return cipher + poly1305(chacha_block(key, 0, nonce)[:32], data)


def hash_(*parts):
    return hashlib.blake2s(b"".join(parts)).digest()


def mac(key, *parts):
    return hashlib.blake2s(b"".join(parts), key=key, digest_size=16).digest()


def hmac(key, data):
    key = key.ljust(64, b"\0")
    return hash_(bytes(x ^ 0x5C for x in key), hash_(bytes(x ^ 0x36 for x in key), data))


def kdf(n, key, data):
    prk, out, t = hmac(key, data), [], b""
    for i in range(1, n + 1):
        t = hmac(prk, t + bytes([i]))
        out.append(t)
    return out


def main():
    si, sr = bytes(range(1, 33)), bytes(range(101, 133))
    ei, er = bytes(range(33, 65)), bytes(range(165, 197))
    psk = bytes(range(201, 233))
    sender_i, sender_r = 0x11223344, 0xA1B2C3D4
    seconds, nanoseconds = 1700000000, 123456789
    si_pub, sr_pub, ei_pub, er_pub = (public(k) for k in (si, sr, ei, er))

    ck = hash_(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
    h = hash_(ck, b"WireGuard v1 zx2c4 Jason@zx2c4.com")
    h = hash_(h, sr_pub)
    ck, = kdf(1, ck, ei_pub)
    h = hash_(h, ei_pub)
    ck, k = kdf(2, ck, x25519(ei, sr_pub))
    static = seal(k, 0, si_pub, h)
    h = hash_(h, static)
    ck, k = kdf(2, ck, x25519(si, sr_pub))
    stamp = struct.pack(">QL", 2**62 + 10 + seconds, nanoseconds & ~0xFFFFFF)
    timestamp = seal(k, 0, stamp, h)
    h = hash_(h, timestamp)
    initiation = struct.pack("<LL", 1, sender_i) + ei_pub + static + timestamp
    initiation += mac(hash_(b"mac1----", sr_pub), initiation) + bytes(16)

    ck, = kdf(1, ck, er_pub)
    h = hash_(h, er_pub)
    ck, = kdf(1, ck, x25519(er, ei_pub))
    ck, = kdf(1, ck, x25519(er, si_pub))
    ck, tau, k = kdf(3, ck, psk)
    h = hash_(h, tau)
    empty = seal(k, 0, b"", h)
    response = struct.pack("<LLL", 2, sender_r, sender_i) + er_pub + empty
    response += mac(hash_(b"mac1----", si_pub), response) + bytes(16)

    ti, tr = kdf(2, ck, b"")
    keepalive = struct.pack("<LLQ", 4, sender_r, 0) + seal(ti, 0, b"", b"")
    plain = bytes.fromhex("4500001d000000004011000e0a0000020a000001") + b"WireGuard"
    data = struct.pack("<LLQ", 4, sender_i, 0) + seal(tr, 0, plain + bytes(-len(plain) % 16), b"")

    print("/* SPDX-License-Identifier: ISC */")
    print("/* wg_handshake_vector.h - made by wg_handshake_gen.py; do not edit */")
    for name, value in (("initiator_private", si), ("responder_private", sr), ("initiator_public", si_pub),
                        ("responder_public", sr_pub), ("preshared", psk),
                        ("initiator_random", struct.pack("<L", sender_i) + ei),
                        ("responder_random", struct.pack("<L", sender_r) + er), ("initiation", initiation),
                        ("response", response), ("keepalive", keepalive), ("plain", plain), ("data", data)):
        print(f"static const uint8_t vector_{name}[{len(value)}] = {{")
        for i in range(0, len(value), 16):
            print("\t" + " ".join(f"0x{b:02x}," for b in value[i:i + 16]))
        print("};")
    print(f"#define VECTOR_SECONDS {seconds}\n#define VECTOR_NANOSECONDS {nanoseconds}")


if __name__ == "__main__":
    sys.exit(main())
