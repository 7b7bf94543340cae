#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""top.py SERVER ADIT: adit top on a pseudo-terminal: it draws, resizes, scrolls, and leaves the terminal as it was"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

from lab import Agent, check, done, equal

ADIT = sys.argv[2]


class Terminal:
    """A program on a terminal, and the screen that it draws: as many of a VT100's sequences as it uses."""

    def __init__(self, agent, width, height):
        self.raw, self.width, self.height = b"", width, height
        self.screen = []
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ.update(TERM="xterm", LC_ALL="C.UTF-8")
            time.sleep(0.3)  # until it has its size
            os.execv(ADIT, [ADIT, "top", "--interval", "0.2", "--control", agent.control])
        self.before = termios.tcgetattr(self.fd)
        self.resize(width, height)

    def resize(self, width, height):
        self.width, self.height = width, height
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def read(self, until, seconds=20):
        """Goes on until the last whole frame fulfils it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    part = os.read(self.fd, 65536)
                except OSError:
                    return False
                self.raw += part
                frames = self.raw.split(b"\033[H")
                if len(frames) > 2:
                    self.screen = [re.sub(r"\033\[[0-9;?]*[a-zA-Z]", "", line) for line in frames[-2].decode("utf-8").replace("\r", "").split("\n")]
                if self.screen and until(self.screen):
                    return True
        return False

    def end(self):
        while select.select([self.fd], [], [], 10)[0]:
            try:
                part = os.read(self.fd, 65536)
            except OSError:
                break
            if not part:
                break
            self.raw += part
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def fits(t):
    return lambda s: len(s) <= t.height and all(len(line) <= t.width for line in s)


def has(text):
    return lambda s: any(text in line for line in s)


def main(server):
    with Agent(server, "--peers", "60") as agent:
        t = Terminal(agent, 120, 30)
        check("it draws", t.read(has("1 of 3 networks up")), t.raw[-500:])
        check("networks, peers, and bars of traffic", t.read(lambda s: has("office")(s) and has("laptop-1 ")(s) and re.search("[▁-█]", "".join(s))), t.screen)
        check("no line is cut by the terminal", fits(t)(t.screen) and len(t.screen) == 30, len(t.screen))
        check("the busiest peer is the first", t.screen[[i for i, l in enumerate(t.screen) if l.startswith("PEER")][0] + 1].startswith("vpn-server"))
        check("columns of traffic hold rates, and nothing where there is none yet", not any(re.search(r"\d [KMGT]?i?B(?!/s)", line) for line in t.screen), t.screen)
        check("a sentence that is too long is cut, and says so", any(len(line) == 120 and "no_reply: " in line and line.endswith("…") for line in t.screen), t.screen)
        equal("keys are taken without an echo", termios.tcgetattr(t.fd)[3] & (termios.ECHO | termios.ICANON), 0)
        t.resize(70, 15)
        check("a smaller window", t.read(lambda s: fits(t)(s) and len(s) == 15), [len(t.screen)])
        os.write(t.fd, b"\033[6~\033[6~")
        check("it scrolls", t.read(lambda s: not has("laptop-1 ")(s) and has("laptop-")(s)), t.screen)
        os.write(t.fd, b"\033[5~\033[5~\033[5~")
        check("and back", t.read(has("vpn-server")), t.screen)
        t.resize(8, 2)
        check("a window of 8 by 2", t.read(lambda s: fits(t)(s) and len(s) == 2), t.screen)
        os.write(t.fd, b"q")
        equal("q ends it", t.end(), 0)
        check("the screen and the cursor are back", t.raw.endswith(b"\033[?25h\033[?1049l"), t.raw[-60:])
        for nr in (signal.SIGINT, signal.SIGTERM):
            t = Terminal(agent, 100, 24)
            t.read(has("networks up"))
            attributes = t.before[3]
            os.kill(t.pid, nr)
            equal(f"{nr.name} ends it", t.end(), 0)
            check(f"{nr.name}: the screen and the cursor are back", t.raw.endswith(b"\033[?25h\033[?1049l") and attributes & termios.ECHO)
        t = Terminal(agent, 100, 24)
        t.read(has("networks up"))
        agent.process.terminate()
        equal("the agent ends: so does it, with an error", t.end(), 1)
        check("the agent ends: the screen is back", b"\033[?1049l" in t.raw and b"the agent ended" in t.raw, t.raw[-200:])
    done()


main(sys.argv[1])
