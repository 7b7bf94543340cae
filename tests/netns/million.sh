#!/bin/bash
# SPDX-License-Identifier: ISC
#
# million.sh - a million peers: loaded under a ping, listed, idle, some of them used
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      wA 10.255.255.254/8   tunnel         wB 10.255.255.253; the initiator, who is COUNT/100 of the peers
#
# ADIT_COUNT=100000 for a shorter run.
. "$(dirname "$0")/lib.sh"
lab_start
need strace
topology_direct
COUNT=${ADIT_COUNT:-1000000}
USED=$((COUNT / 100))
INITIATOR=$(tool initiator) || { not_ok "the initiator compiles"; done_testing; }

WA=${W}a WB=${W}b PUBA=$(key a) PUBB=$(key b)
"$INITIATOR" keys $USED >"$TMP/keys"
"$PYTHON" - "$COUNT" "$TMP/keys" "$TMP/many.conf" "$TMP/used" "$(cat "$TMP/a.key")" "$PUBB" <<'END'
import base64, os, random, sys
count, keys, conf, used, private, first = sys.argv[1:]
count = int(count)
keys = [line.split() for line in open(keys)]
chosen = dict(zip(random.sample(range(count), len(keys)), keys))
with open(conf, "w") as out, open(used, "w") as use:
    out.write("[Interface]\nPrivateKey = %s\nListenPort = 51821\n" % private)
    out.write("[Peer]\nPublicKey = %s\nEndpoint = 198.51.100.2:51822\nAllowedIPs = 10.255.255.253/32\n" % first)
    for i in range(count):
        address = "10.%d.%d.%d" % (i >> 16, i >> 8 & 255, i & 255)
        if i in chosen:
            public = chosen[i][1]
            use.write("%s %s\n" % (chosen[i][0], address))
        else:
            public = base64.b64encode(os.urandom(32)).decode()
        out.write("[Peer]\nPublicKey = %s\nAllowedIPs = %s/32\n" % (public, address))
END

# Idle first: no session is ever made.
device_up A "$WA" adit || { not_ok "a device starts"; done_testing; }
PIDA=$DEVPID
start=$(now_ms)
check "$COUNT peers load by setconf" wg setconf "$WA" "$TMP/many.conf"
diag "loaded in $(($(now_ms) - start)) ms, $(rss_kb "$PIDA") KiB resident"
# the host itself must be quiet inside: no router solicitations, no multicast
on A sysctl -qw "net.ipv6.conf.$WA.disable_ipv6=1"
ip -n "$P-A" link set "$WA" multicast off up
sleep 3
timeout 10 strace -f -qq -o "$TMP/strace" -p "$PIDA" 2>/dev/null
# what was interrupted by attaching is shown, and is no call of the device
calls=$(grep -cvE 'resumed|restart_syscall|\?\?\?|epoll_(p)?wait|unfinished|detached' "$TMP/strace")
equal "idle: no system call in 10 s" "$calls" 0
[ "$calls" = 0 ] || head -n 10 "$TMP/strace" | indent
expr_true "idle: resident MiB" "$(rss_kb "$PIDA") / 1024 <= 1126"
stop "$PIDA"

# Loaded while pinging, next to the bare veth.
device_up A "$WA" adit
PIDA=$DEVPID
device_up B "$WB" adit
wg set "$WA" private-key "$TMP/a.key" listen-port 51821 peer "$PUBB" endpoint $B4:51822 allowed-ips 10.255.255.253/32
wg set "$WB" private-key "$TMP/b.key" listen-port 51822 peer "$PUBA" allowed-ips 10.255.255.254/32
inner A "$WA" 10.255.255.254/8
inner B "$WB" 10.255.255.253/8
check "the tunnel works" reaches A 10.255.255.253
run_bg A "$TMP/ping.tunnel" ping -n -D -i 0.01 10.255.255.253
tunnel=$BGPID
run_bg A "$TMP/ping.bare" ping -n -D -i 0.01 $B4
bare=$BGPID
sleep 1
start=$(now_ms)
check "$COUNT peers load under the ping" wg setconf "$WA" "$TMP/many.conf"
diag "loaded in $(($(now_ms) - start)) ms"
start=$(now_ms)
wg show "$WA" dump >"$TMP/dump"
diag "listed in $(($(now_ms) - start)) ms"
equal "all are listed" "$(($(wc -l <"$TMP/dump") - 2))" "$COUNT"
equal "each once" "$(tail -n +2 "$TMP/dump" | cut -f 1 | sort -u | wc -l)" $((COUNT + 1))
check "adit show lists them too" eval '[ "$(show "$WA" | grep -c ^peer:)" = $((COUNT + 1)) ]'
stop $tunnel INT
stop $bare INT
worst() { sed -n 's/.*time=\([0-9.]*\) ms/\1/p' "$1" | sort -n | tail -n 1; }
lost() { sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p' "$1"; }
diag "worst ping: tunnel $(worst "$TMP/ping.tunnel") ms, bare $(worst "$TMP/ping.bare") ms; lost: tunnel $(lost "$TMP/ping.tunnel") %"
grep -oE "^\[[0-9.]+\].*time=[0-9]{2,}(\.[0-9]+)? ms" "$TMP/ping.tunnel" | awk "{ print \$1, \$6, \$8 }" | tail -n 12 | indent # the slow ones and when
expr_true "no ping above 50 ms more than on the bare veth" "$(worst "$TMP/ping.tunnel") <= $(worst "$TMP/ping.bare") + 50"
expr_true "longest time without an answer, ms" "$(lab gap "$TMP/ping.tunnel") <= $(lab gap "$TMP/ping.bare") + 50"

check "$USED of them, chosen at random, handshake and move data" \
	on B "$INITIATOR" connect $A4 51821 "$PUBA" 10.255.255.254 <"$TMP/used"
diag "$(cat "$TMP/check.out")"
[ -n "$ADIT_STANDIN" ] || diag "drops: $(lab drops "$WA" | tr "\n" " ")"
expr_true "resident MiB, peak" "$(awk '/^VmHWM/ { print $2 }' "/proc/$PIDA/status") / 1024 <= 1126"
equal "sessions are listed" "$(wg show "$WA" latest-handshakes | awk '$2 > 0' | wc -l)" $((USED + 1))
start=$(now_ms)
check "all are removed by an empty setconf" wg setconf "$WA" /dev/null
diag "removed in $(($(now_ms) - start)) ms"
equal "none is left" "$(wg show "$WA" peers | wc -l)" 0
done_testing
