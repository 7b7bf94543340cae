# SPDX-License-Identifier: ISC
"""Bar plots as plain SVG: the bar is the median, the line on it the spread."""
from html import escape

GROUPS = {
    "tcp": ["tcp1", "tcp1r", "tcp4", "tcp4r", "tcp32", "tcp32r"],
    "udp": ["udp64", "udp512", "udp1340"],
    "rtt": ["rtt", "rttload"],
    "handshakes": ["handshakes"],
}
TITLES = {"tcp": "TCP through the tunnel", "udp": "UDP out of the tunnel, sender without GSO",
          "rtt": "Round trip, median; less is better", "handshakes": "Handshakes answered"}
COLOURS = {"adit": "#1b6ca8", "wireguard-go": "#d9822b", "boringtun": "#8a9a5b", "gotatun": "#9b6b9e"}
BAR, GAP, LEFT, WIDTH = 16, 14, 190, 760


def bars(title, groups, unit, machine):
    # The bare link is named, not drawn: it would make every bar short.
    most = max((s["max"] for g in groups.values() for p, s in g.items() if s and p != "veth"), default=1) or 1
    scale = (WIDTH - LEFT - 120) / most
    y, parts = 46, []
    for name, row in groups.items():
        top = y
        parts.append(f'<text x="8" y="{y + BAR - 4}" class="name">{escape(name)}</text>')
        if row.get("veth"):
            text = f"bare link {row['veth']['median']:.3g} {unit}"
            parts.append(f'<text x="8" y="{y + 2 * BAR - 4}" class="foot">{escape(text)}</text>')
        for program, s in row.items():
            if s and program != "veth":
                parts.append(bar(program, s, y, scale, unit))
                y += BAR
        y = max(y + GAP, top + 2 * BAR + GAP)
    foot = f"{machine['cpu']}, {machine['cpus']} CPUs, Linux {machine['kernel']}"
    parts.append(f'<text x="8" y="{y + 8}" class="foot">{escape(foot)}</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 20}" font-family="sans-serif" '
            'font-size="12"><style>.title{font-size:16px}.name{font-weight:bold}.foot{fill:#666}</style>'
            f'<rect width="100%" height="100%" fill="white"/><text x="8" y="24" class="title">{escape(title)}</text>'
            + "\n".join(parts) + "</svg>\n")


def bar(program, s, y, scale, unit):
    length, low, high = (s[k] * scale for k in ("median", "min", "max"))
    middle = y + BAR / 2
    return (f'<rect x="{LEFT}" y="{y + 1}" width="{length:.1f}" height="{BAR - 2}" fill="{COLOURS.get(program, "#777")}"/>'
            f'<path d="M{LEFT + low:.1f} {middle}H{LEFT + high:.1f}" stroke="black"/>'
            f'<text x="{LEFT + high + 6:.1f}" y="{y + BAR - 4}">{escape(program)} {s["median"]:.3g} {escape(unit)}</text>')
