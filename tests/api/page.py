#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""page.py SERVER ADIT [FOLDER]: the status page in a headless Chromium, with 0, 3 and 500 peers, light, dark and on a
telephone; with FOLDER, screenshots are kept there"""
import base64
import contextlib
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

from lab import TMP, Agent, check, done, equal, skip_all, wait_for

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Socket:
    """As much of RFC 6455 as the browser's own protocol takes: text, masked, in whole messages."""

    def __init__(self, url):
        host, port, path = re.match(r"ws://([^:/]+):(\d+)(/.*)", url).groups()
        self.s = socket.create_connection((host, int(port)), 30)
        key = base64.b64encode(os.urandom(16)).decode()
        self.s.sendall((f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self.f = self.s.makefile("rb")
        while self.f.readline() not in (b"\r\n", b""):
            pass

    def send(self, text):
        data, mask = text.encode(), os.urandom(4)
        n = len(data)
        head = struct.pack("!BB", 0x81, 0x80 | n) if n < 126 else struct.pack("!BBH", 0x81, 0xfe, n) if n < 65536 else \
            struct.pack("!BBQ", 0x81, 0xff, n)
        self.s.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def receive(self):
        text = b""
        while True:
            first, n = struct.unpack("!BB", self.f.read(2))
            n = struct.unpack("!H", self.f.read(2))[0] if n == 126 else struct.unpack("!Q", self.f.read(8))[0] if n == 127 else n
            text += self.f.read(n)
            if first & 0x80:
                return text.decode()


class Browser:
    def __init__(self):
        self.folder = tempfile.mkdtemp(dir=TMP)
        self.process = subprocess.Popen(
            [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--hide-scrollbars", "--remote-debugging-port=0",
             f"--user-data-dir={self.folder}", "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port = wait_for(self.port, 60)
        pages = [p for p in json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=30)) if p["type"] == "page"]
        self.socket, self.nr, self.said = Socket(pages[0]["webSocketDebuggerUrl"]), 0, []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def port(self):
        with contextlib.suppress(OSError):
            with open(self.folder + "/DevToolsActivePort", encoding="ascii") as f:
                return int(f.readline() or 0)
        return 0

    def call(self, method, **params):
        self.nr += 1
        self.socket.send(json.dumps({"id": self.nr, "method": method, "params": params}))
        while True:
            m = json.loads(self.socket.receive())
            if m.get("id") == self.nr:
                return m.get("result", {})
            self.said.append(m)

    def run(self, script):
        r = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return r.get("result", {}).get("value")

    def complaints(self):
        """Errors of the page and of its policy, and requests to anywhere else"""
        for m in self.said:
            p = m.get("params", {})
            if m["method"] == "Runtime.exceptionThrown":
                yield p["exceptionDetails"].get("exception", {}).get("description", "exception")
            if m["method"] == "Log.entryAdded" and p["entry"]["level"] == "error":
                yield p["entry"]["text"]
            if m["method"] == "Network.requestWillBeSent" and not re.match(r"(http://127\.0\.0\.1:|data:|about:)", p["request"]["url"]):
                yield "asked for " + p["request"]["url"]

    def open(self, url, width, height, dark):
        self.said.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url=url)
        return wait_for(lambda: self.run("document.body && document.body.dataset.ready"), 40)

    def leave(self):
        """Before the agent ends: else its page complains, perhaps when the next one is looked at."""
        self.call("Page.navigate", url="about:blank")
        wait_for(lambda: self.run("location.href") == "about:blank")

    def picture(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    def key(self, name, code):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code)

    def close(self):
        self.process.terminate()
        self.process.wait(30)


# Contrast of text with what is behind it, WCAG 2's formula; those below 4.5.
CONTRAST = """(() => {
 const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b; };
 const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)|transparent/.test(c)) return c; }
  return 'rgb(255,255,255)'; };
 const bad = new Set();
 for (const e of document.querySelectorAll('body *')) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility() || e.closest('script,noscript')) continue;
  const a = lum(getComputedStyle(e).color), b = lum(ground(e));
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < 4.5) bad.add(e.tagName + '.' + e.className + ' ' + ratio.toFixed(2));
 }
 return [...bad];
})()"""
# Elements wider than the window, unless they stand in one that scrolls.
WIDE = """[...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1 &&
 !e.closest('.scroll') && !e.closest('.skip')).map(e => e.tagName + '.' + e.className)"""


def look(browser, name, folder):
    equal(f"{name}: nothing is wider than the window", browser.run(WIDE), [])
    equal(f"{name}: every text can be read", browser.run(CONTRAST), [])
    equal(f"{name}: no error, nothing asked for elsewhere", list(browser.complaints()), [])
    if folder:
        browser.picture(f"{folder}/page-{name}.png")


def text_of(browser, css):
    return browser.run(f"[...document.querySelectorAll({json.dumps(css)})].map(e => e.innerText)")


def three_peers(browser, agent, url, folder):
    check("3 peers: the page is there", browser.open(url, 1280, 900, False))
    equal("3 peers: networks", text_of(browser, "#networks h2"), ["office", "home", "web"])
    equal("3 peers: states", text_of(browser, ".card .top .state"), ["up", "handshaking", "down"])
    equal("3 peers: rows", browser.run("document.querySelectorAll('#networks section:first-child tbody tr').length"), 3)
    check("3 peers: traffic is in rates, or not known yet",
          all(re.search("^–$|B/s$", t) for t in text_of(browser, "#networks td[data-head=Received], #networks td[data-head=Sent]")))
    check("3 peers: what is wrong is said", "no_reply" in " ".join(text_of(browser, ".why")))
    check("3 peers: drops by reason", any("Dropped packets" in t for t in text_of(browser, "#networks section")))
    check("3 peers: a graph comes", wait_for(lambda: browser.run("document.querySelectorAll('polyline.rx').length"), 30))
    look(browser, "light", folder)
    agent.ask(action="connect", network="web")
    check("3 peers: an event shows as it happens",
          wait_for(lambda: any("web" in t and "up" in t for t in text_of(browser, "#events li"))), text_of(browser, "#events li"))
    check("3 peers: and the state", wait_for(lambda: text_of(browser, ".card .top .state") == ["up", "handshaking", "up"]))
    browser.run("document.activeElement.blur(); scrollTo(0, 0)")
    browser.key("Tab", 9)
    equal("by keyboard: Tab begins with the way past the head", browser.run("document.activeElement.className"), "skip")
    browser.open(url, 1280, 900, True)
    wait_for(lambda: browser.run("document.querySelectorAll('polyline.rx').length"), 30)
    look(browser, "dark", folder)
    browser.open(url, 360, 780, False)
    look(browser, "phone", folder)
    browser.open(url, 320, 780, True)
    look(browser, "narrow phone", None)


def many_peers(browser, url, folder):
    check("500 peers: the page is there", browser.open(url, 1280, 900, False))
    equal("500 peers: the first fifty", browser.run("document.querySelectorAll('#networks section:first-child tbody tr').length"), 50)
    browser.run("document.querySelector('#networks input').focus()")
    browser.call("Input.insertText", text="laptop-49")
    equal("500 peers: sought by name", text_of(browser, "#networks section:first-child .tools .faint"), ["11 of 500 peers"])
    look(browser, "500-sought", None)
    browser.run("const i = document.querySelector('#networks input'); i.value = ''; i.dispatchEvent(new Event('input'))")
    browser.run("document.querySelector('#networks section:first-child > button').focus()")
    browser.key("Enter", 13)
    browser.call("Input.dispatchKeyEvent", type="char", text="\r")
    equal("500 peers: the rest, by keyboard",
          wait_for(lambda: browser.run("document.querySelectorAll('#networks section:first-child tbody tr').length") == 500), True)
    browser.run("scrollTo(0, 0)")
    wait_for(lambda: browser.run("document.querySelectorAll('polyline.rx').length"), 30)
    look(browser, "500", folder)


def main(server, folder=None):
    if not CHROMIUM:
        skip_all("chromium is not installed")
    browser = Browser()
    try:
        with Agent(server, http=True) as agent:
            three_peers(browser, agent, f"http://127.0.0.1:{agent.port}/", folder)
            browser.leave()
        with Agent(server, "--peers", "500", http=True) as agent:
            many_peers(browser, f"http://127.0.0.1:{agent.port}/", folder)
            browser.leave()
        with Agent(server, "--peers", "0", http=True) as agent:
            browser.open(f"http://127.0.0.1:{agent.port}/", 1280, 900, False)
            check("no peers: it says so", "This network has no peers yet." in text_of(browser, "#networks section:first-child p.faint"),
                  text_of(browser, "#networks section:first-child p.faint"))
            look(browser, "no-peers", folder)
            browser.leave()
        with Agent(server, "--none", http=True) as agent:
            url = f"http://127.0.0.1:{agent.port}/"
            browser.open(url, 1280, 900, False)
            equal("no networks: it says so", text_of(browser, "#nothing h2"), ["No networks"])
            look(browser, "no-networks", folder)
        equal("an agent that is gone: it says so",
              wait_for(lambda: text_of(browser, "#summary")) and wait_for(lambda: "trying again" in text_of(browser, "#summary")[0]), True)
    finally:
        browser.close()
    done()


if __name__ == "__main__":
    main(sys.argv[1], *sys.argv[3:4])
