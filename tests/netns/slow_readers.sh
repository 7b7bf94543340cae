#!/bin/bash
# SPDX-License-Identifier: ISC
#
# slow_readers.sh - many clients that take a large file at 1 kB/s, and a server that takes nothing from many clients:
# memory stays under its ceiling, the fast side waits, others are served, and afterwards all is as before
#
# Topology: inside.sh. ADIT_CURLS=500 ADIT_SECONDS=60 ADIT_MB=1024 is the long form (60, 4, 64).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/inside.sh"
lab_start
CURLS=${ADIT_CURLS:-60} SECS=${ADIT_SECONDS:-4}
inside_start
truncate -s "${ADIT_MB:-64}M" "$FW/www/blob" # zeros: what counts is that they are many
echo hello >"$FW/www/index.html"
inside_servers "$FW/www" http stall

# What the process has of its own, without the program's file: that is read in piece by piece as it is first used.
memory_kb() { awk '/^RssAnon/ { print $2 }' "/proc/$FWPID/status"; }
buffers() { metric adit_buffer_bytes; }
settled() { [ "$(metric adit_tcp_connections)" = 0 ] && [ "$(buffers)" -lt $((256 << 10)) ]; }
back() { [ "$(memory_kb)" -le $((before + before / 10)) ]; }

for mib in 64 16; do
	forward_up "slow.$mib.log" 9080 8080:10.9.0.2:80 "${ENDS[@]}" --memory $mib -i 127.0.0.1:9080
	# before: as it is when it has worked once, alone
	equal "$mib MiB: a page" "$(fetch http://127.0.0.1:8080/)" hello
	fetch -o /dev/null http://127.0.0.1:8080/blob
	wait_for 10 settled
	sleep 1
	before=$(memory_kb)
	start=$(now_ms)
	on A bash -c "for ((i = 0; i < $CURLS; i++)); do curl -s -m $((SECS + 60)) --limit-rate 1k -o /dev/null http://127.0.0.1:8080/blob & done
		echo \$(jobs -p) >'$TMP/curls'; wait" 2>/dev/null &
	curls=$!
	PIDS+=($curls)
	all_open() { [ "$(metric adit_tcp_connections)" -ge "$CURLS" ]; }
	check "$mib MiB: $CURLS downloads have begun" wait_for 60 all_open
	most=0 buffered=0
	while [ $(($(now_ms) - start)) -lt $((SECS * 1000)) ]; do
		m=$(memory_kb) b=$(buffers)
		[ "$m" -gt $most ] && most=$m
		[ "$b" -gt $buffered ] && buffered=$b
		sleep 0.3
	done
	all_open && ok "$mib MiB: all of them go on" || not_ok "$mib MiB: all of them go on ($(metric adit_tcp_connections))"
	came=$(metric adit_forward_bytes_total 'direction="in"')
	diag "$mib MiB: before $before kB, most $most kB, buffers $((buffered >> 10)) kB, $((came >> 20)) MB came in"
	expr_true "$mib MiB: buffers stay under their ceiling" "$buffered <= $mib * 1048576 * 3 / 4"
	expr_true "$mib MiB: so does the process, above what it had" "$most - $before <= $mib * 1024"
	# beyond our buffers: what the kernel holds of each, 512 KiB unsent and a receive buffer that does not grow
	expr_true "$mib MiB: the server is held back" "$came - ${ADIT_MB:-64} * 1048576 <= ($mib + $CURLS) * 1048576"
	equal "$mib MiB: somebody who comes now is served" "$(fetch http://127.0.0.1:8080/)" hello
	# shellcheck disable=SC2046
	kill $(cat "$TMP/curls") 2>/dev/null
	wait $curls 2>/dev/null
	check "$mib MiB: connections and buffers go" wait_for 30 settled
	check "$mib MiB: memory is within 10 % of before" wait_for 30 back || diag "before $before kB, now $(memory_kb) kB"
	stop "$FWPID"
done

# The other way: all of them send what nobody takes.
forward_up stall.log 9080 8080:10.9.0.2:80 8011:10.9.0.2:11 "${ENDS[@]}" --memory 16 -i 127.0.0.1:9080
run_bg A "$TMP/senders" "$PYTHON" -c "
import select, socket, time
socks, poll, data, sent = {}, select.poll(), bytes(1 << 16), 0
for _ in range($CURLS):
    c = socket.create_connection(('127.0.0.1', 8011), 30)
    c.setblocking(False)
    socks[c.fileno()] = c
    poll.register(c, select.POLLOUT)
while ready := poll.poll(2000): # until no socket has taken anything for so long
    for fd, _ in ready:
        sent += socks[fd].send(data)
print('stuck after', sent, flush=True)
time.sleep(600)"
senders=$BGPID
check "what is sent to a server that reads nothing comes to a halt" wait_for 60 grep -q stuck "$TMP/senders"
diag "$(cat "$TMP/senders"), buffers $(($(buffers) >> 10)) kB"
expr_true "buffers stay under their ceiling" "$(buffers) <= 16 * 1048576"
expr_true "and are used" "$(buffers) > 4 * 1048576"
equal "somebody else is served" "$(fetch http://127.0.0.1:8080/)" hello
equal "with many bytes too" "$(fetch http://127.0.0.1:8080/blob | wc -c)" $((${ADIT_MB:-64} << 20))
equal "nobody was disconnected" "$(metric adit_forward_connections '8011[^}]*')" "$CURLS"
stop "$senders"
stop "$FWPID"
done_testing
