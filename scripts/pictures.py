#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""pictures.py BUILD FOLDER: the pictures of the manual: the status page, adit status and adit top over invented networks"""
import fcntl
import glob
import html
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../tests/api")
import page  # noqa: E402
from lab import TMP, Agent  # noqa: E402

STYLE = """body{margin:0;background:#14171c;color:#d8dee6;font:14px/1.35 'DejaVu Sans Mono',monospace;padding:12px}pre{margin:0}
.c1{font-weight:bold}.c2{color:#8b95a1}.c31{color:#ff7b86}.c32{color:#56d17f}.c33{color:#e5b04a}"""


def terminal(command, width, height, seconds, control):
    """What a program has on the screen after so many seconds, with its colours"""
    pid, fd = pty.fork()
    if not pid:
        os.environ.update(TERM="xterm", LC_ALL="C.UTF-8", ADIT_CONTROL=control)
        time.sleep(0.3)
        os.execv(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    raw, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                raw += os.read(fd, 65536)
            except OSError:
                break
    os.close(fd)
    frames = raw.split(b"\033[H")
    return (frames[-2] if len(frames) > 2 else raw).decode().replace("\r", "")


def as_page(text):
    text = re.sub(r"\033\[(?!\d*m)[0-9;?]*[a-zA-Z]", "", text)
    parts = re.split(r"\033\[(\d*)m", text)
    out = html.escape(parts[0])
    for code, part in zip(parts[1::2], parts[2::2]):
        out += f'<span class="c{code or 0}">{html.escape(part)}</span>' if code not in ("", "0") else html.escape(part)
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><pre>{out}</pre><script>document.body.dataset.ready=1</script>"


def main(build, folder):
    adit, server = os.path.join(build, "src/cli/adit"), os.path.join(build, "tests/api/made_up_server")
    browser = page.Browser()
    with Agent(server, "--peers", "3", http=True) as agent, Agent(server, "--peers", "500", http=True) as many:
        time.sleep(310)  # a graph that is full
        url, much = f"http://127.0.0.1:{agent.port}/", f"http://127.0.0.1:{many.port}/"
        for name, where, width, height, dark in (("light", url, 1100, 900, False), ("dark", url, 1100, 900, True),
                                                 ("phone", url, 360, 780, False), ("500", much, 1100, 900, False),
                                                 ("500-phone-dark", much, 360, 780, True)):
            browser.open(where, width, height, dark)
            time.sleep(1)
            browser.picture(f"{folder}/page-{name}.png")
        for name, command, width, height, seconds in (("status", [adit, "status"], 110, 40, 2), ("top", [adit, "top"], 120, 28, 4)):
            text = terminal(command, width, height, seconds, many.control if name == "top" else agent.control)
            with open(f"{TMP}/{name}.html", "w", encoding="utf-8") as f:
                f.write(as_page(text))
            browser.open(f"file://{TMP}/{name}.html", width * 9, 24 + 19 * max(4, text.rstrip().count("\n") + 1), True)
            browser.picture(f"{folder}/{name}.png")
    with Agent(server, "--none", http=True) as agent:
        browser.open(f"http://127.0.0.1:{agent.port}/", 1100, 500, False)
        browser.picture(f"{folder}/page-no-networks.png")
    with Agent(server, "--peers", "0", http=True) as agent:
        browser.open(f"http://127.0.0.1:{agent.port}/", 1100, 900, False)
        browser.picture(f"{folder}/page-0.png")
    browser.close()
    if shutil.which("pngquant"):  # a third of the size
        subprocess.run(["pngquant", "--force", "--ext", ".png", "96", *glob.glob(folder + "/*.png")], check=True)
    shutil.rmtree(TMP)


main(*sys.argv[1:])
