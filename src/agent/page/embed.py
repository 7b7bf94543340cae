#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""embed.py PAGE.html: the page as C, with the Content-Security-Policy that allows its own script and style and nothing else."""
import base64
import hashlib
import re
import sys


def hashes(page, tag):
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return " ".join("'sha256-%s'" % base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in found)


def main(path):
    page = open(path, encoding="utf-8").read()
    policy = (f"default-src 'none'; script-src {hashes(page, 'script')}; style-src {hashes(page, 'style')}; "
              "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    data = page.encode()
    print("/* SPDX-License-Identifier: ISC */\n/* made by page/embed.py from page/status.html */\n"
          '#include "agent/page.h"\n')
    print(f'const char agent_page_policy[] = "{policy}";')
    print(f"const size_t agent_page_len = {len(data)};\nconst unsigned char agent_page[] = {{")
    for i in range(0, len(data), 24):
        print("\t" + ",".join(str(b) for b in data[i:i + 24]) + ",")
    print("};")


main(sys.argv[1])
