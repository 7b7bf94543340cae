#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""man.py TOP ADIT: the manual and the completions say what the command table says, and the other way round."""
import re
import shutil
import subprocess
import sys

from drops import reasons
from tap import check, done, read, skip

PAGES = ["man/adit.1", "man/adit-device.8", "man/adit-wg.8"]


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, check=True).stdout


def table(adit):
    """name -> (synopsis, set of option names)"""
    commands = {}
    for line in run(adit, "help", "--dump").splitlines():
        kind, name, *rest = line.split("\t")
        if kind == "command":
            commands[name] = (rest[0], set())
        else:
            commands[name][1].update(re.split(r", *", rest[0]))
    return commands


def plain(mdoc):
    """'Cm device Oo Fl f Oc Ar IFACE' -> 'device [-f] IFACE'"""
    out, glue, flag = "", True, False
    mdoc, op, optional = mdoc.partition("Op ")
    for word in mdoc.split():
        if word in ("Cm", "Ar", "Fl", "Ns"):
            flag = word == "Fl"
            glue = glue or word == "Ns"
            continue
        text = {"Oo": "[", "Oc": "]"}.get(word, "-" + word if flag else word)
        out += text if glue or text == "]" else " " + text
        glue, flag = text == "[", False
    return f"{out} [{plain(optional)}]".lstrip() if op else out


def options(lines):
    """Names in '.It Fl f , Fl -foreground' lines."""
    return {"-" + n for line in lines if line.startswith(".It Fl") for n in re.findall(r"Fl (\S+)", line)}


def manual_commands(page):
    """name -> (synopsis, options), from the COMMANDS section"""
    found, name = {}, None
    for line in page.split(".Sh COMMANDS")[1].split(".Sh ")[0].splitlines():
        if line.startswith(".It Cm "):
            name, _, synopsis = plain(line[len(".It "):]).partition(" ")
            found[name] = (synopsis, set())
        elif name:
            found[name][1].update(options([line]))
    return found


def synopses(page):
    """name -> synopsis, from the SYNOPSIS section"""
    found, words = {}, []
    for line in page.split(".Sh SYNOPSIS")[1].split(".Sh ")[0].splitlines() + [".Nm"]:
        if line == ".Nm":
            text = " ".join(words)
            name, _, synopsis = text.partition(" ")
            found[name] = synopsis
            words = []
        elif line.startswith("."):
            words.append(plain(line[1:]))
    return found


def differences(what, mine, theirs):
    for name in sorted(set(mine) | set(theirs)):
        if mine.get(name) != theirs.get(name):
            yield f"{name}: the table has {mine.get(name)}, {what} has {theirs.get(name)}"


def bash_options(script):
    return {m[1]: set(m[2].split()) - {"--help"} for m in re.finditer(r"^\t(\w+)\) opts='([^']*)'", script, re.M)}


def zsh_options(script):
    blocks = re.split(r"^\t(\w+)\)\n", script, flags=re.M)[1:]
    return {n: set(re.findall(r"'(-[-\w]+)\[", b)) - {"--help"} for n, b in zip(blocks[::2], blocks[1::2])}


def fish_options(script):
    found = {n: set() for n in re.findall(r"-c adit -n __fish_use_subcommand -a (\w+)", script)}
    for name, kind, option in re.findall(r"-c adit -n '__fish_seen_subcommand_from (\w+)' -([sl]) (\S+)", script):
        found[name].add(("-" if kind == "s" else "--") + option)
    return found


def drops_of(page):
    section = page.split(".Sh DROP REASONS")[1].split(".Sh ")[0]
    return dict(re.findall(r"^\.It Cm (\w+)\n(.*)\.$", section, re.M))


def header_drops(top):
    return {n: t[0].upper() + t[1:] for n, _, t in reasons(top)}


def words_of(top, pattern, names):
    return {w for n in names for w in re.findall(pattern, read(top, n))}


def main(top, adit):
    commands = table(adit)
    pages = {n: read(top, n) for n in PAGES}
    check("the table was read", [] if len(commands) > 8 else [str(commands)])
    check("adit(1) has every command and option", differences("adit(1)", commands, manual_commands(pages["man/adit.1"])))
    short = synopses(pages["man/adit.1"])
    check("the synopsis of adit(1) has every command",
          (f"{n}: {short.get(n)!r} should be {s!r}" for n, (s, _) in commands.items() if short.get(n) != s))
    for name in PAGES[1:]:
        have = options(pages[name].splitlines()) - {"--version"}
        check(f"{name} has the options of device", [] if have == commands["device"][1] else [str(have)])
    for shell, parse in (("bash", bash_options), ("zsh", zsh_options), ("fish", fish_options)):
        want = {n: o for n, (_, o) in commands.items()}
        check(f"{shell} completes every command and option", differences(shell, want, parse(run(adit, "completion", shell))))
    check("every command's help has an example and its synopsis",
          (n for n, (s, _) in commands.items()
           if f"Usage: adit {n} {s}".rstrip() + "\n" not in run(adit, n, "--help") or "\nExample:\n  " not in run(adit, n, "--help")))
    check("adit-device(8) has every drop reason", differences("adit-device(8)", header_drops(top), drops_of(pages["man/adit-device.8"])))
    everything = "".join(pages.values())
    own = words_of(top, r'"(adit_\w+)"', ["src/device/uapi_get.c"])
    check("every statistics key is in the manual", sorted(k for k in own if k.rstrip("_") not in everything))
    env = words_of(top, r'(?:getenv|is_set|given_fd|setting)\((?:argv0, )?"(\w+)"', ["src/device/device.c", "src/device/show_text.c", "src/tunnel/environment.c"])
    check("every environment variable is in the manual", sorted(v for v in env - {"TERM", "NOTIFY_SOCKET"} if v not in everything))
    if shutil.which("mandoc"):
        for name in PAGES + ["man/adit.toml.5"]:
            p = subprocess.run(["mandoc", "-Tlint", "-W", "warning", f"{top}/{name}"], capture_output=True, text=True)
            check(f"mandoc takes {name}", p.stdout.splitlines())
    else:
        skip("mandoc takes the pages", "mandoc is not installed")
    done()


if __name__ == "__main__":
    main(*sys.argv[1:3])
