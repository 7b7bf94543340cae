# SPDX-License-Identifier: ISC
"""documents.py: random TOML and JSON documents, mostly valid, and ways to damage them"""

WORDS = ["a", "b", "c", "d-1", "_x", "1234", "0", '"a"', "'b'", '"ö"', '"x y"', '""', '"\\u0061"', '"tab\\t"', "'q\"'"]
SCALARS = [
    "0", "1", "-1", "+7", "1_000", "0xdead_BEEF", "0o755", "0b1010", "-0", "9223372036854775807", "-9223372036854775808",
    "9223372036854775808", "-9223372036854775809", "0xffffffffffffffff", "0x7fffffffffffffff", "01", "1__0", "_1", "0x", "1.",
    "1.5", "-0.0", "3.14_15", "1e10", "1E+3", "6.626e-34", "1e400", "1e-400", "123456789012345678901234567890.5", "0e0",
    "5e-324", "2.2250738585072011e-308", "0.1", "9007199254740993.0", "1e", "1.e5", ".5", "+.5", "1_.5", "inf", "-inf", "+nan",
    "nan", "true", "false", "True", "null", "x", "1979-05-27", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00-23:59",
    "1979-05-27t00:32:00.999999z", "07:32:00", "00:32:00.5", "1979-05-27T00:32:00.123456789", "2000-02-29", "1900-02-29",
    "2023-13-01", "24:00:00", "07:32", "1979-05-27 ", "1979-05-27 07", "1979-05-27T07:32:00+24:00", "'lit'", '"basic"', "''", '""',
    '"\\b\\t\\n\\f\\r\\"\\\\"', '"\\u00e9\\U0001F600"', '"\\ud800"', '"\\x41"', "'C:\\x'", '"é漢😀"', '"""\nx\\\n   y"""',
    '"""a""""', '""""b"""""', "'''\r\nx'y''z'''", '"""\\  \n\n  z"""', "''''''", '"""""', '"\t"',
]
NUMBERS = [
    "0", "-0", "1", "-17", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "01", "-", "1.", "1.5", "-0.0",
    "1e5", "1E+5", "1e-5", "1e400", "5e-324", "0.1", "+1", ".5", "1e", "0x10", "123456789012345678901234567890",
    "2.2250738585072011e-308", "9007199254740993.0", "NaN", "Infinity", "-Infinity", "true", "false", "null", "nul", "True",
]
STRINGS = [
    '""', '"a"', '"b"', '"é漢😀"', '"\\u00e9"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\udc00x"', '"\\n\\t\\/\\"\\\\"', '"\\x"',
    '"\\u12"', '"\t"', '"\u007f"', '"\\u0000"', "'x'", '"\\ud800\\u0041"', '"a b"', '"x', '"\\b\\f\\r"',
]
DAMAGE = [b"\n", b"=", b"[", b"]", b"{", b"}", b",", b".", b'"', b"'", b"#", b"\\", b"\r", b"\t", b" ", b"\0", b"\x7f", b"\x01",
          b"\x80", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"0", b"1", b"e", b"_",
          b"-", b"+", b":", b"/", b"a", b'"""', b"'''", b"[[", b"]]", b"\r\n", b"\xe2\x80\xa8", b"true", b"null"]


class Toml:
    """Keys come from few words, so that documents often say something twice."""

    def __init__(self, rng):
        self.rng = rng

    def blank(self):
        return self.rng.choice(["", "", "", " ", "\t", "  "])

    def key(self, most=3):
        parts = [self.rng.choice(WORDS[: self.rng.choice([3, 3, len(WORDS)])]) for _ in range(self.rng.randint(1, most))]
        return (self.blank() + "." + self.blank()).join(parts)

    def between(self):
        return self.rng.choice(["", " ", "\n", " # c, ]\n", "\n\n\t", ""])

    def array(self, depth):
        items = [self.between() + self.value(depth + 1) + self.between() for _ in range(self.rng.randint(0, 4))]
        return "[" + ",".join(items) + self.rng.choice(["", "," if items else ""]) + self.between() + "]"

    def inline(self, depth):
        pairs = [self.blank() + self.pair(depth + 1, 2) + self.blank() for _ in range(self.rng.randint(0, 3))]
        return "{" + ",".join(pairs) + "}"

    def value(self, depth=0):
        kind = self.rng.random()
        if kind < 0.15 and depth < 4:
            return self.array(depth)
        if kind < 0.3 and depth < 4:
            return self.inline(depth)
        good = self.rng.random() < 0.9
        return self.rng.choice(["1", "'x'", "true", "2.5", '"s"', "0x1f", "1979-05-27"]) if good else self.rng.choice(SCALARS)

    def pair(self, depth=0, most=3):
        return self.key(most) + self.blank() + "=" + self.blank() + self.value(depth)

    def line(self):
        kind = self.rng.random()
        if kind < 0.2:
            text = "[" + self.blank() + self.key() + self.blank() + "]"
        elif kind < 0.35:
            text = "[[" + self.blank() + self.key() + self.blank() + "]]"
        elif kind < 0.4:
            text = ""
        else:
            text = self.pair()
        return self.blank() + text + self.blank() + self.rng.choice(["", "", "", "# comment é"])

    def document(self):
        lines = [self.line() for _ in range(self.rng.randint(1, 7))]
        return self.rng.choice(["\n", "\n", "\r\n"]).join(lines) + self.rng.choice(["", "\n"])


class Json:
    def __init__(self, rng):
        self.rng = rng

    def blank(self):
        return self.rng.choice(["", "", "", " ", "\n", "\t", "\r\n"])

    def value(self, depth=0):
        kind = self.rng.random() + (0.2 if depth > 4 else 0)
        if kind < 0.3:
            items = [self.value(depth + 1) for _ in range(self.rng.randint(0, 4))]
            return "[" + self.blank() + (self.blank() + "," + self.blank()).join(items) + self.blank() + "]"
        if kind < 0.65 and depth < 5:
            words = ['"a"', '"b"', '"c"', '"d"', '"é"', '"\\u0065"', '"f"']
            pairs = [self.rng.choice(words) + self.blank() + ":" + self.blank() + self.value(depth + 1)
                     for _ in range(self.rng.randint(0, 3))]
            return "{" + self.blank() + (self.blank() + "," + self.blank()).join(pairs) + self.blank() + "}"
        good = self.rng.random() < 0.9
        return self.rng.choice(["1", "-2.5e3", '"x"', "true", "null"]) if good else self.rng.choice(NUMBERS + STRINGS)

    def document(self):
        return self.blank() + self.value() + self.blank()


def damage(rng, text):
    """One or a few bytes put in, taken out, changed or moved."""
    data = bytearray(text)
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            data[at:at] = rng.choice(DAMAGE)
        elif kind == 1:
            del data[at:at + rng.randint(1, 3)]
        elif kind == 2:
            data[at:at + 1] = rng.choice(DAMAGE)
        else:
            piece = data[at:at + rng.randint(1, 12)]
            to = rng.randrange(len(data) + 1)
            data[to:to] = piece
    return bytes(data)
