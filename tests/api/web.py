#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""web.py SERVER ADIT: GET only, for this machine only: metrics, health, the API, and what browsers are refused"""
import json
import os
import shutil
import socket
import subprocess
import sys

from lab import Agent, check, done, equal, skip


def promtool(text):
    tool = shutil.which("promtool")
    if not tool:
        skip("promtool has nothing to say of it", "prometheus is not installed")
        return
    p = subprocess.run([tool, "check", "metrics"], input=text, capture_output=True)
    check("promtool has nothing to say of it", p.returncode == 0 and not p.stdout and not p.stderr, p.stdout, p.stderr)


def metrics(agent):
    status, fields, body = agent.http("/metrics")
    text = body.decode()
    equal("metrics: 200", status, 200)
    equal("metrics: type", fields["content-type"], "text/plain; version=0.0.4; charset=utf-8")
    for name in ("wireguard_sent_bytes_total", "wireguard_received_bytes_total", "wireguard_latest_handshake_seconds"):
        check(f"metrics: {name} with the labels of others' dashboards",
              f'{name}{{interface="wg0",public_key="AQAAAQAA' in text and ',allowed_ips="10.0.0.0/32,fd00::1/128",friendly_name="vpn-server"}' in text, text[:500])
    check("metrics: the state of every network", 'adit_network_state{network="home",state="handshaking"} 1' in text and
          'adit_network_state{network="home",state="up"} 0' in text)
    check("metrics: no endpoint", "192.0.2." not in text and "example.com" not in text)
    promtool(body)


def api(agent):
    for path, key in (("status", "networks"), ("networks", "networks"), ("peers?network=office", "peers"), ("history", "networks"),
                      ("events?since=0", "events"), ("hello", "actions"), ("status?network=home&peers=false", "networks")):
        status, fields, body = agent.http("/api/v1/" + path)
        check(f"/api/v1/{path}", status == 200 and fields["content-type"] == "application/json" and key in json.loads(body), status, body)
    hello = json.loads(agent.http("/api/v1/hello")[2])
    equal("HTTP is an observer", hello["role"], "observer")
    check("no endpoint", b"192.0.2." not in agent.http("/api/v1/status")[2])
    for path, want in (("connect?network=web", 404), ("shutdown", 404), ("reload", 404), ("", 404), ("status?network=nowhere", 404),
                       ("status?x=1", 400), ("status?x", 400), ("status?network=%zz", 400), ("status?network=%00", 400),
                       ("peers", 400), ("events?follow=true", 400), ("status?network=%68ome", 200)):
        equal(f"/api/v1/{path}: {want}", agent.http("/api/v1/" + path)[0], want)


def refusals(agent):
    port = agent.port
    for host, want in (("evil", 403), ("evil.example:%d" % port, 403), ("localhost", 200), ("LOCALHOST:%d" % port, 200),
                       ("127.0.0.1", 200), ("[::1]:%d" % port, 200), ("127.0.0.1.evil.example", 403), ("127.0.0.1:80x", 403),
                       ("localhost.evil", 403), ("10.0.0.1", 403), ("[::1", 403), ("127.0.0.1/8", 403)):
        equal(f"Host {host}: {want}", agent.http("/metrics", host=host)[0], want)
    own = f"http://127.0.0.1:{port}"
    for field, want in (("Origin: http://evil.example", 403), ("Origin: null", 403), (f"Origin: {own}", 200),
                        (f"Origin: {own}.evil", 403), (f"Origin: https://127.0.0.1:{port}", 403),
                        ("Referer: http://evil.example/page", 403), (f"Referer: {own}/", 200),
                        ("Sec-Fetch-Site: cross-site", 403), ("Sec-Fetch-Site: same-site", 403),
                        ("Sec-Fetch-Site: same-origin", 200), ("Sec-Fetch-Site: none", 200)):
        equal(f"{field}: {want}", agent.http("/api/v1/status", field)[0], want)
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "get"):
        equal(f"{method}: 405", agent.http("/api/v1/status", method=method)[0], 405)
    status, _, body = agent.http("/metrics", method="HEAD")
    check("HEAD: no body", status == 200 and not body)
    with socket.create_connection(("127.0.0.1", port), 30) as s:
        s.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        check("no Host: 403", s.recv(100).startswith(b"HTTP/1.1 403"))
    with socket.create_connection(("127.0.0.1", port), 30) as s:
        s.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 9000)
        check("a head that is too long: 431 or 400", s.recv(100)[9:12] in (b"431", b"400"))


def silent_ones(agent):
    """Whoever says nothing keeps nobody out."""
    held = [socket.create_connection(("127.0.0.1", agent.port), 30) for _ in range(100)]
    for s in held[::2]:
        s.sendall(b"GET /met")
    equal("a hundred who say nothing, or half of it: a scrape is served", agent.http("/healthz")[0], 200)
    for s in held:
        s.close()


def main(server):
    with Agent(server, http=True) as agent:
        metrics(agent)
        api(agent)
        refusals(agent)
        silent_ones(agent)
        equal("healthz", agent.http("/healthz")[::2], (200, b"ok\n"))
        equal("readyz says what is not", agent.http("/readyz")[::2], (503, b"home: handshaking (no_reply)\n"))
        agent.ask(action="disconnect", network="home")
        equal("readyz when all that shall run does", agent.http("/readyz")[::2], (200, b"ready\n"))
        status, fields, body = agent.http("/")
        check("the page, with a policy of its own", status == 200 and "script-src 'sha256-" in fields["content-security-policy"] and
              b"</html>" in body, status, fields)
        check("nothing from elsewhere in it", b"http://" not in body.replace(b"http://www.w3.org/2000/svg", b"") and b"https://" not in body)
    with Agent(server, "--no-page", "--http-socket", os.path.join(os.path.dirname(agent.dir), "http.sock"),
               http=True) as agent:
        equal("the page is off unless it is asked for", agent.http("/")[0], 404)
        with agent.connect(os.path.dirname(agent.dir) + "/http.sock") as s:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            check("HTTP on a Unix socket", s.recv(100).startswith(b"HTTP/1.1 200"))
        equal("its mode", oct(os.stat(os.path.dirname(agent.dir) + "/http.sock").st_mode & 0o777), "0o600")
    with Agent(server, "--peers", "10000", http=True) as agent:
        status, _, body = agent.http("/metrics")
        equal("10,000 peers in one scrape", body.count(b"wireguard_sent_bytes_total{"), 10001)
    done()


main(sys.argv[1])
