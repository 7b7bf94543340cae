#!/bin/bash
# SPDX-License-Identifier: ISC
#
# forward_scale.sh - adit forward with many connections: idle, short, hundreds that are busy, and more than descriptors
#
#   topology: forward_lab.sh
#   ADIT_FLOWS   idle connections (5000)
#   ADIT_IDLE    seconds they rest (5; the long form is 600)
#   ADIT_REQUESTS short HTTP requests, 200 at a time (5000; the long form is 100000)
#   ADIT_SECONDS of four iperf3 of ADIT_STREAMS streams (3 and 32; the long form is 30 and 128)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/forward_lab.sh"
forward_lab_start ab nginx
FLOWS=${ADIT_FLOWS:-5000} REQUESTS=${ADIT_REQUESTS:-5000} STREAMS=${ADIT_STREAMS:-32} SECONDS_BUSY=${ADIT_SECONDS:-3}
ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" -ge $((FLOWS + 1000)) ] || FLOWS=$(($(ulimit -n) - 1000))
[ "$FLOWS" -gt 100 ] || skip_all "$(ulimit -n) descriptors are too few"
far_up
ip -n "$P-B" link set "$WB" txqueuelen 10000 # 512 streams begin at once: what is lost here would say nothing of us

# ---- services of the far end ----
cat >"$TMP/nginx.conf" <<END
daemon off; master_process off; pid $TMP/nginx.pid; error_log $TMP/nginx.err;
events { worker_connections 4096; }
http {
	access_log off; client_body_temp_path $TMP/n1; proxy_temp_path $TMP/n2; fastcgi_temp_path $TMP/n3;
	uwsgi_temp_path $TMP/n4; scgi_temp_path $TMP/n5;
	server { listen 10.9.0.2:80 backlog=4096 reuseport; location / { return 200 "hello\n"; } }
}
END
run_bg B "$TMP/nginx.log" nginx -c "$TMP/nginx.conf" -e "$TMP/nginx.err"
# echoes every byte, for as many connections as come
cat >"$TMP/echo.py" <<'END'
import select, socket, sys
listener = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=4096)
listener.setblocking(False)
poll, conns = select.epoll(), {}
poll.register(listener, select.EPOLLIN)
while True:
    for fd, _ in poll.poll():
        if fd == listener.fileno():
            try:
                while True:
                    c, _ = listener.accept()
                    c.setblocking(False)
                    conns[c.fileno()] = c
                    poll.register(c, select.EPOLLIN)
            except OSError:
                continue
        c = conns[fd]
        try:
            data = c.recv(65536)
        except OSError:
            data = b""
        if data:
            c.send(data)
        else:
            poll.unregister(fd)
            conns.pop(fd).close()
END
run_bg B "$TMP/echo.log" "$PYTHON" "$TMP/echo.py" 10.9.0.2 7
# flows COUNT PORT: opens them, tells, waits for a line; a byte through each; waits for a line; ends
cat >"$TMP/flows.py" <<'END'
import resource, socket, sys
count, port = int(sys.argv[1]), int(sys.argv[2])
def through(c):
    c.settimeout(30)
    c.sendall(b"x")
    return c.recv(10) == b"x"
conns = []
for i in range(count):
    conns.append(socket.create_connection(("127.0.0.1", port), 30))
    if i % 100 == 99:
        through(conns[-1])
print("open", sum(map(through, conns)), flush=True)
while sys.stdin.readline():
    alive = 0
    for c in conns:
        try:
            alive += through(c)
        except OSError as e:
            print(e, file=sys.stderr)
    print("alive", alive, flush=True)
END
wait_for 5 listening B 7
wait_for 5 listening B 80
for i in 1 2 3 4; do
	run_bg B "$TMP/iperf$i.server" iperf3 -s -J -p 520$i
done
forward fw.log 7007:10.9.0.2:7 8080:10.9.0.2:80 5201-5204:10.9.0.2:5201-5204 "${FORWARD_ENDS[@]}" --log warn
wait_for 5 listening A 8080
page() { [ "$(on A curl -sS -m 10 http://127.0.0.1:8080/ 2>&1)" = hello ]; }
check "a page" page

settled() { # PID: less than 3 % of a core in half a second
	local t
	t=$(cpu_ticks "$1")
	sleep 0.5
	[ $(($(cpu_ticks "$1") - t)) -le 2 ]
}

# ---- idle connections ----
before=$(rss_kb "$FWPID")
coproc ON { ip netns exec "$P-A" "$PYTHON" "$TMP/flows.py" "$FLOWS" 7007 2>"$TMP/flows.err"; }
on_pid=$ON_PID # bash forgets its own when it has ended
PIDS+=("$on_pid")
read -r -t 120 -u "${ON[0]}" opened || opened=none
equal "$FLOWS connections" "$opened" "open $FLOWS"
after=$(rss_kb "$FWPID")
expr_true "  cost, in kB" "$after - $before <= 2048 * $FLOWS / 1000 + 1024"
check "  at rest they cost no time" wait_for 10 settled "$FWPID"
sleep "${ADIT_IDLE:-5}"
echo go >&"${ON[1]}"
read -r -t 120 -u "${ON[0]}" alive || alive=none
equal "  all are alive after ${ADIT_IDLE:-5} s" "$alive" "alive $FLOWS"
expr_true "  kB since" "$(rss_kb "$FWPID") - $before <= 2048 * $FLOWS / 1000 + 1024"
diag "$before kB before, $after kB with $FLOWS connections"
kill "$on_pid"
wait "$on_pid" 2>/dev/null
all_closed() { [ "$(forward_status | jq '[.services[].open] | add')" = 0 ]; }
check "  and gone when the client goes" wait_for 10 all_closed

# ---- short connections ----
on A timeout 900 ab -q -s 60 -n "$REQUESTS" -c 200 http://127.0.0.1:8080/ >"$TMP/ab" 2>&1
equal "$REQUESTS requests by ab, 200 at a time: failed" "$(awk '/^Failed requests/ { print $3 } /^Complete requests/ { print $3 }' "$TMP/ab" | xargs)" \
	"$REQUESTS 0" || indent "$TMP/ab"
grep -E '^(Requests per|Time per)|^ +(50|99|100)%' "$TMP/ab" | indent
check "  none is left" wait_for 10 all_closed
check "  a page afterwards" page

# ---- hundreds that are busy ----
busy() { # OPTION...
	local i pids=()
	for i in 1 2 3 4; do
		on A timeout $((SECONDS_BUSY + 60)) iperf3 -J --get-server-output -c 127.0.0.1 -p 520$i -P "$STREAMS" \
			-t "$SECONDS_BUSY" "$@" >"$TMP/busy$i" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in 1 2 3 4; do
		jq -e '.error' "$TMP/busy$i" && return 1
		# at who receives: who sends has filled megabytes of socket buffers before he waits
		[ $# -gt 0 ] || jq .server_output_json "$TMP/busy$i" >"$TMP/received$i"
		[ $# -eq 0 ] || cp "$TMP/busy$i" "$TMP/received$i"
		jq '.intervals |= .[:-1]' "$TMP/received$i" >"$TMP/whole" # the last is what is left of a second
		[ "$(dead_seconds "$TMP/whole")" = 0 ] || { jq -c '[.intervals[].sum.bytes]' "$TMP/received$i"; return 1; }
		# every stream has moved something
		jq -e '[.end.streams[] | .receiver.bytes == 0] | any | not' "$TMP/busy$i" || { echo "a stream has moved nothing"; return 1; }
	done
}
check "four iperf3 of $STREAMS streams up, no second is dead" busy
diag "$(jq '.end.sum_received.bits_per_second / 1e6 | floor' "$TMP"/busy[1-4] | xargs) Mbit/s"
check "  nothing spins afterwards" wait_for 10 settled "$FWPID"
check "four iperf3 of $STREAMS streams down" busy -R
diag "$(jq '.end.sum_received.bits_per_second / 1e6 | floor' "$TMP"/busy[1-4] | xargs) Mbit/s"
check "  nothing spins afterwards" wait_for 10 settled "$FWPID"
check "  a page afterwards" page
diag "peak $(awk '/VmHWM/ { print $2 }' "/proc/$FWPID/status") kB, now $(rss_kb "$FWPID") kB"
stop "$FWPID"

# ---- 64 descriptors, 500 connections ----
run_bg A "$TMP/few.log" bash -c 'ulimit -n 64; exec "$@"' - setpriv --reuid 65534 --regid 65534 --clear-groups "$BIN/adit" forward \
	7007:10.9.0.2:7 8080:10.9.0.2:80 -r 7:127.0.0.1:9007 "${FORWARD_ENDS[@]}" --control "$BIN/control" --log warn
FWPID=$BGPID
wait_for 5 listening A 8080
cat >"$TMP/crowd.py" <<'END'
import select, socket, sys, time
conns, poll = {}, select.epoll()
for i in range(500):
    c = socket.create_connection(("127.0.0.1", 7007), 30)  # the kernel answers, whether or not we are accepted
    c.sendall(b"%d." % i)
    conns[c.fileno()] = [c, b"%d." % i, b""]
    poll.register(c, select.EPOLLIN)
print("open", flush=True)
sys.stdin.readline()
served, end = 0, time.monotonic() + 60
while conns and time.monotonic() < end:
    for fd, _ in poll.poll(1):
        c, sent, got = conns[fd]
        got += c.recv(100)
        if got == sent:
            served += 1
        if got in (sent, b""):
            poll.unregister(fd)
            conns.pop(fd)[0].close()
        else:
            conns[fd][2] = got
print(served, flush=True)
END
coproc CROWD { ip netns exec "$P-A" "$PYTHON" "$TMP/crowd.py" 2>"$TMP/crowd.err"; }
PIDS+=("$CROWD_PID")
read -r -t 60 -u "${CROWD[0]}" opened
check "500 connections and 64 descriptors: it does not spin" wait_for 10 settled "$FWPID"
check "  it says why they wait" grep -q "raise the limit of open files" "$TMP/few.log"
equal "  it says so once" "$(grep -c "raise the limit" "$TMP/few.log")" 1
echo go >&"${CROWD[1]}"
read -r -t 90 -u "${CROWD[0]}" served
equal "  all are served, one after another" "$served" 500
check "  status answers" forward_status
check "  a page afterwards" page
run_bg A "$TMP/echo-a.log" "$PYTHON" "$TMP/echo.py" 127.0.0.1 9007
wait_for 5 listening A 9007
cat >"$TMP/inside.py" <<'END'
import socket, threading, time
served = []
def one(i):
    c = socket.create_connection(("10.9.0.1", 7), 100)  # its SYN is sent again until there is room
    c.settimeout(60)
    c.sendall(b"%d." % i)
    time.sleep(0.1)
    if c.recv(100) == b"%d." % i:
        served.append(i)
    c.close()
threads = [threading.Thread(target=one, args=(i,)) for i in range(60)]
for t in threads: t.start()
for t in threads: t.join()
print(len(served))
END
before=$(cpu_ticks "$FWPID")
equal "60 connections from inside, with a third of that to give: all are served" "$(on B "$PYTHON" "$TMP/inside.py" 2>"$TMP/inside.err")" 60 ||
	indent "$TMP/inside.err"
expr_true "  it did not spin, ticks" "$(cpu_ticks "$FWPID") - $before < 100"
done_testing
