#!/bin/bash
# SPDX-License-Identifier: ISC
#
# threads.sh - four data threads: nothing is reordered, all of them work, peers come and go
#
#   B1 203.0.113.2 --+
#   B2 203.0.113.6 --+-- A       four veths; wA 10.9.0.1 with four peers 10.9.0.11 ... 10.9.0.14
#   B3 203.0.113.10 -+
#   B4 203.0.113.14 -+
. "$(dirname "$0")/lib.sh"
lab_start
space A
WA=${W}a PUBA=$(key a)
# ADIT_DEVICE: another command line, for a debugger
device_up A "$WA" "${ADIT_DEVICE:-$ADIT device -f} $WA" ADIT_THREADS=4 || { not_ok "a device starts"; done_testing; }
PIDA=$DEVPID
wg set "$WA" private-key "$TMP/a.key" listen-port 51821
inner A "$WA" 10.9.0.1/24
for i in 1 2 3 4; do
	space B$i
	link A a$i B$i b0
	addr A a$i 203.0.113.$((4 * i - 3))/30
	addr B$i b0 203.0.113.$((4 * i - 2))/30
	device_up B$i "$W"b$i adit || { not_ok "a device starts"; done_testing; }
	wg set "$WA" peer "$(key b$i)" endpoint 203.0.113.$((4 * i - 2)):51822 allowed-ips 10.9.0.1$i/32
	wg set "$W"b$i private-key "$TMP/b$i.key" listen-port 51822 \
		peer "$PUBA" endpoint 203.0.113.$((4 * i - 3)):51821 allowed-ips 10.9.0.1/32
	inner B$i "$W"b$i 10.9.0.1$i/24
	check "peer $i answers" reaches A 10.9.0.1$i
done
out_of_order() { jq '[.end.streams[].udp.out_of_order // 0] | add' "$TMP/iperf.json"; }
check "UDP as fast as it goes, to a peer" iperf_udp A B1 10.9.0.11 -b 0 -l 1340 -t 2
equal "out of order" "$(out_of_order)" 0
check "UDP as fast as it goes, from a peer" iperf_udp A B2 10.9.0.12 -b 0 -l 1340 -t 2 -R
equal "out of order, reverse" "$(out_of_order)" 0
check "UDP, eight flows to one peer" iperf_udp A B1 10.9.0.11 -b 0 -l 1340 -t 2 -P 8
equal "out of order, eight flows" "$(out_of_order)" 0

# All four at once, both ways, while a fifth peer comes and goes and sessions are made anew.
packets() { lab get "$WA" adit_thread_packets | tr '\n' ' '; }
before=$(packets)
clients=()
for i in 1 2 3 4; do
	iperf_server B$i
	on A timeout 30 iperf3 -J -c 10.9.0.1$i -p $IPERF_PORT -t 5 -C cubic --bidir >"$TMP/iperf.$i" 2>&1 &
	clients+=($!)
	PIDS+=($!)
done
sleep 0.5
changes=0
end=$(($(now_ms) + 4000))
while [ "$(now_ms)" -lt $end ] && ! gone "$PIDA"; do
	wg set "$WA" peer "$(key fifth)" endpoint 203.0.113.2:9 allowed-ips 10.9.0.99/32,10.8.$((changes % 250)).0/24 persistent-keepalive 1
	wg show "$WA" dump >/dev/null
	wg set "$WA" peer "$(key fifth)" remove
	changes=$((changes + 1))
	if [ $((changes % 6)) = 0 ]; then # a peer removed and added: a new session under traffic
		i=$((1 + changes / 6 % 4))
		wg set "$WA" peer "$(key b$i)" remove
		wg set "$WA" peer "$(key b$i)" endpoint 203.0.113.$((4 * i - 2)):51822 allowed-ips 10.9.0.1$i/32
	fi
done
if gone "$PIDA"; then
	not_ok "the program lives while peers come and go under traffic"
	tail -n 5 "$TMP/$WA.log" | indent
	done_testing
fi
wait "${clients[@]}"
after=$(packets)
diag "$changes changes meanwhile; packets of each thread: before $before, after $after"
for i in 1 2 3 4; do
	check_not "transfer $i went through" jq -e .error "$TMP/iperf.$i"
	expr_true "transfer $i moved data, MB" "$(jq '.end.sum_received.bytes / 1e6 | floor' "$TMP/iperf.$i") > 0"
done
if adit_only "each thread has at least a tenth of the work"; then
	share=$(awk -v a="$before" -v b="$after" 'BEGIN {
		n = split(b, y, " "); split(a, x, " "); least = 1e18
		for (i = 1; i <= n; i++) { d = y[i] - x[i]; sum += d; if (d < least) least = d }
		printf "%.3f", n == 4 && sum ? least / sum : 0
	}')
	expr_true "the least busy of four threads has this share" "$share >= 0.1"
fi
done_testing
