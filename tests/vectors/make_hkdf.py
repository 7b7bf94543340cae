#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Makes hkdf.h: BLAKE2s, keyed BLAKE2s and the WireGuard paper's KDF_n (5.4),
computed by Python's hashlib and hmac, so by other code than ours.

    make_hkdf.py > hkdf.h
"""
import hashlib
import hmac

# around the 64-byte block, the lengths that handshakes use, and some
LENGTHS = [0, 1, 3, 16, 31, 32, 33, 48, 63, 64, 65, 96, 116, 127, 128, 129, 148, 255, 256, 1024]


def pattern(seed, n):
    """The tests make the same bytes (vectors.h)."""
    out, x = bytearray(), (seed * 2654435761 + 1) & 0xffffffff
    for _ in range(n):
        x = (x * 1664525 + 1013904223) & 0xffffffff
        out.append(x >> 24)
    return bytes(out)


def mac(key, data):
    return hmac.new(key, data, hashlib.blake2s).digest()


def kdf(key, data):
    prk = mac(key, data)
    t1 = mac(prk, b"\x01")
    t2 = mac(prk, t1 + b"\x02")
    return t1, t2, mac(prk, t2 + b"\x03")


print("""/* SPDX-License-Identifier: ISC */
/*
 * hkdf.h - hashes, MACs and KDFs computed by Python's hashlib and hmac; made by
 * make_hkdf.py. Do not edit. Inputs: pattern(seed, len), see vectors.h.
 */
#ifndef ADIT_VECTORS_HKDF_H
#define ADIT_VECTORS_HKDF_H

/* BLAKE2s-256 of pattern(len, len) */
static const struct hash_case {
	unsigned len;
	const char *hash;
} hash_cases[] = {""")
for n in LENGTHS:
    print(f'\t{{ {n}, "{hashlib.blake2s(pattern(n, n)).hexdigest()}" }},')
print("""};

/* BLAKE2s with a 16-byte result, key pattern(7, key_len), of pattern(len, len) */
static const struct mac_case {
	unsigned key_len, len;
	const char *mac;
} mac_cases[] = {""")
for k in (16, 32):
    for n in LENGTHS:
        print(f'\t{{ {k}, {n}, "{hashlib.blake2s(pattern(n, n), key=pattern(7, k), digest_size=16).hexdigest()}" }},')
print("""};

/* KDF_3 with key pattern(len + 1, 32) of pattern(len, len) */
static const struct kdf_case {
	unsigned len;
	const char *t[3];
} kdf_cases[] = {""")
for n in LENGTHS:
    t = kdf(pattern(n + 1, 32), pattern(n, n))
    print(f'\t{{ {n},\n\t  {{ "{t[0].hex()}",\n\t    "{t[1].hex()}",\n\t    "{t[2].hex()}" }} }},')
print("""};

#endif""")
