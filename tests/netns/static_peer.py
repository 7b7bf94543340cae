#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""static_peer.py IFACE ADDRESS[,ADDRESS] PORT SECRET_FILE PEER_PUBLIC PEER_HOST PEER_PORT

A home-made tunnel, as people write them: a TUN, a UDP socket, and for each packet a random nonce and
ChaCha20-Poly1305 under the X25519 secret of two keys (wire v1 in doc/static.md). Shares nothing with the C code.
"""
import base64
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000


def open_tun(name, addresses):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    for address in addresses.split(","):
        subprocess.run(["ip", "addr", "add", address, "dev", name] + ["nodad"] * (":" in address), check=True)
    subprocess.run(["ip", "link", "set", name, "mtu", "1400", "up"], check=True)
    return fd


def shared_secret(secret_file, peer_public):
    with open(secret_file) as f:
        own = X25519PrivateKey.from_private_bytes(base64.b64decode(f.read()))
    return own.exchange(X25519PublicKey.from_public_bytes(base64.b64decode(peer_public)))


def main(name, addresses, port, secret_file, peer_public, host, peer_port):
    aead = ChaCha20Poly1305(shared_secret(secret_file, peer_public))
    tun = open_tun(name, addresses)
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("::" if ":" in host else "0.0.0.0", int(port)))
    peer = (host, int(peer_port))
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([tun, sock], [], [])
        if tun in ready:
            packet = os.read(tun, 65536)
            nonce = os.urandom(12)
            sock.sendto(nonce + aead.encrypt(nonce, packet, None), peer)
        if sock in ready:
            datagram, source = sock.recvfrom(65536)
            if source[:2] != peer:
                continue
            try:
                os.write(tun, aead.decrypt(datagram[:12], datagram[12:], None))
            except InvalidTag:
                print("a datagram that does not open", flush=True)


main(*sys.argv[1:])
