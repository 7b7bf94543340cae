#!/bin/bash
# SPDX-License-Identifier: ISC
#
# badlink.sh - the bad link of other tests does what it says: a relay on loopback, numbered datagrams through it
. "$(dirname "$0")/lib.sh"
lab_start
space A
BADLINK=$(tool badlink) || skip_all "badlink cannot be built"
cat >"$TMP/send.py" <<'END'
"""send.py COUNT GAP_MS: sends numbered datagrams to the link and prints what came out: number, ms since it was sent, intact"""
import socket, sys, time
count, gap = int(sys.argv[1]), float(sys.argv[2]) / 1000
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.bind(("127.0.0.1", 7002))
out.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sent, left = {}, time.monotonic()
def take(wait):
    out.settimeout(max(wait, 0.0001))
    try:
        while True:
            data, _ = out.recvfrom(2048)
            n = int.from_bytes(data[4:8], "big")
            print(n, round((time.monotonic() - sent.get(n, 0)) * 1000, 2), int(data == b"\4\0\0\0" + data[4:8] + bytes(1000)))
    except OSError:
        pass
for i in range(count):
    sent[i] = time.monotonic()
    link.sendto(b"\4\0\0\0" + i.to_bytes(4, "big") + bytes(1000), ("127.0.0.1", 7001))
    if gap:
        take(gap)
take(2)  # a busy machine lets the link wait
END
# through OPTION...: TMP/out has what came, TMP/stats what the link says
through() {
	local count=$1 gap=$2
	shift 2
	run_bg A "$TMP/link.log" "$BADLINK" 127.0.0.1:7001 127.0.0.1:7002 "$@"
	wait_for 5 grep -q ready "$TMP/link.log"
	on A "$PYTHON" "$TMP/send.py" "$count" "$gap" >"$TMP/out"
	stop "$BGPID"
	grep -v ready "$TMP/link.log" >"$TMP/stats"
}
figure() { jq "$1" "$TMP/stats"; }
numbers() { awk '{ print $1 }' "$TMP/out"; }
in_order() { numbers | sort -nc; }

through 300 0.1 --delay 0
equal "a good link: all arrive" "$(numbers | wc -l)" 300
check "  in order" in_order
equal "  and are counted" "$(figure .up.sent)" 300
through 2000 0 --loss 5 --seed 7
numbers >"$TMP/first"
expr_true "5 % loss" "$(figure .up.lost) > 50 && $(figure .up.lost) < 160"
equal "  nothing else is missing" "$(numbers | wc -l)" $((2000 - $(figure .up.lost)))
through 2000 0 --loss 5 --seed 7
check "  the same seed loses the same" cmp "$TMP/first" <(numbers)
through 2000 0 --loss 5 --seed 8
check_not "  another seed others" cmp "$TMP/first" <(numbers)
through 2000 0 --burst 5,8
expr_true "bursts of 8: lost" "$(figure .up.burst_lost) > 20 && $(figure .up.burst_lost) < 300"
expr_true "  their mean length" "$(numbers | awk 'NR > 1 && $1 > p + 1 { n += $1 - p - 1; b++ } { p = $1 } END { print b ? n / b : 0 }') > 3"
through 50 1 --delay 20
expr_true "20 ms of delay: the least, ms" "$(awk '{ print $2 }' "$TMP/out" | sort -n | head -1) >= 20"
check "  in order" in_order
through 300 0 --rate 8 --queue 100
expr_true "8 Mbit/s with a queue of 100 kB: it was full" "$(figure .up.queue_full) > 100"
expr_true "  and as deep as it may be, bytes" "$(figure .up.queue_bytes_max) > 90000 && $(figure .up.queue_bytes_max) <= 100000"
through 500 0.1 --reorder 10 --late 20
expr_true "10 % reordered" "$(figure .up.reordered) > 20 && $(figure .up.reordered) < 90"
check_not "  out of order" in_order
equal "  and none lost" "$(numbers | sort -u | wc -l)" 500
through 500 0.1 --duplicate 10
equal "10 % twice" "$(numbers | wc -l)" $((500 + $(figure .up.duplicated)))
expr_true "  duplicates" "$(figure .up.duplicated) > 20"
through 500 0.1 --corrupt 10
expr_true "10 % with a wrong bit" "$(figure .up.corrupted) > 20"
equal "  are what came out changed" "$(awk '!$3' "$TMP/out" | wc -l)" "$(figure .up.corrupted)"
through 20 0 --mtu 1000
equal "too large for the link: none arrives" "$(numbers | wc -l) $(figure .up.oversize)" "0 20"
through 500 0.1 --loss 50 --direction down
equal "only down: nothing is lost up" "$(numbers | wc -l)" 500

# a NAT that forgets
run_bg A "$TMP/link.log" "$BADLINK" 127.0.0.1:7001 127.0.0.1:7002
link=$BGPID
wait_for 5 grep -q ready "$TMP/link.log"
cat >"$TMP/ports.py" <<'END'
import os, signal, socket, sys, time
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.bind(("127.0.0.1", 7002))
out.settimeout(5)
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.settimeout(5)
ports = []
for i in range(2):
    link.sendto(b"\4ping", ("127.0.0.1", 7001))
    _, port = out.recvfrom(100)
    out.sendto(b"\4pong", port)
    assert link.recv(100) == b"\4pong"
    ports.append(port)
    os.kill(int(sys.argv[1]), signal.SIGUSR1)
    time.sleep(0.2)
print(ports[0] != ports[1])
END
equal "SIGUSR1: another port, answers still come back" "$(on A "$PYTHON" "$TMP/ports.py" "$link")" True
stop "$link"
equal "  counted" "$(grep -v ready "$TMP/link.log" | jq .rebinds)" 2
done_testing
