#!/bin/bash
# SPDX-License-Identifier: ISC
#
# endurance.sh - 400 s of TCP over three rekeys; a device stopped for 200 s
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      wA 10.9.0.1           tunnel         wB 10.9.0.2
#
# ADIT_SECONDS (400) and ADIT_STOPPED (200) for shorter runs.
. "$(dirname "$0")/lib.sh"
lab_start
need tcpdump
SECS=${ADIT_SECONDS:-400} STOPPED=${ADIT_STOPPED:-200}
topology_direct
pair adit adit || { not_ok "two devices start"; done_testing; }
check "the tunnel works" reaches A 10.9.0.2

# Rekeys are counted where they show: as changes of the handshake's time.
iperf_server B
on A timeout $((SECS + 30)) iperf3 -J -c 10.9.0.2 -p $IPERF_PORT -t "$SECS" -i 1 -C cubic >"$TMP/iperf.json" 2>&1 &
client=$!
PIDS+=($client)
rekeys=0 last=$(handshake_of "$WA" "$PUBB") rss=
end=$(($(now_ms) + SECS * 1000))
while [ "$(now_ms)" -lt $end ] && ! gone $client; do
	sleep 2
	now=$(handshake_of "$WA" "$PUBB")
	[ "$now" = "$last" ] || rekeys=$((rekeys + 1))
	last=$now
	[ -n "$rss" ] || rss=$(rss_kb "$PIDA")
done
wait $client
stop $IPERF_SERVER
check_not "$SECS s of TCP end well" jq -e .error "$TMP/iperf.json"
expr_true "rekeys" "$rekeys >= int(($SECS - 1) / 125)"
equal "seconds without data" "$(dead_seconds)" 0
expr_true "memory did not grow: KiB more" "$(rss_kb "$PIDA") - $rss <= 1024"
diag "$(mbits) Mbit/s, $(rss_kb "$PIDA") KiB"

# A is stopped while B goes on sending.
run_bg B "$TMP/dump.log" tcpdump -l --immediate-mode -n -tt -i b0 "udp[4:2] = 156 and udp[8:4] = 0x01000000"
DUMP=$BGPID
run_bg B "$TMP/ping" ping -n -D -i 0.1 10.9.0.1
sleep 1
kill -STOP "$PIDA"
sleep "$STOPPED"
from=$(date +%s.%N)
kill -CONT "$PIDA"
check "stopped for $STOPPED s: data within 2 s" wait_for 2 answers A 10.9.0.2
wait_for 6 answers B 10.9.0.1
stop $DUMP INT
# one initiation in 5 s from each side, whatever wakes up late
counts=$(awk -v from="$from" '/IP/ { split($3, a, "."); n[a[4]]++; if (last[a[4]] && $1 - last[a[4]] < 4.9) fast++; last[a[4]] = $1 }
	END { for (i in n) printf "%d initiations from .%s; ", n[i], i; printf "closer than 5 s: %d\n", fast }' "$TMP/dump.log")
diag "$counts"
check "no two initiations of one side within 5 s" grep -q "closer than 5 s: 0" <<<"$counts"
done_testing
