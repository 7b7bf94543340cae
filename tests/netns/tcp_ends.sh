#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tcp_ends.sh - how connections end: half-closed both ways, reset from either side, refused, without an answer
#
# Topology: inside.sh. Inside, 10.9.8.1 is a host that is silent, 10.9.8.2 one that a router knows nothing of.
# ADIT_MB: megabytes of each transfer (20).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/inside.sh"
lab_start
need nc
inside_start
blob "${ADIT_MB:-20}"
inside_servers "$FW/www" late early linger fate
on B sysctl -qw net.ipv4.ip_forward=1
ip -n "$P-B" route add blackhole 10.9.8.1
ip -n "$P-B" route add unreachable 10.9.8.2
T=${ADIT_TRANSFER:-60}

forward_up ends.log 1080 7007:10.9.0.2:7 7008:10.9.0.2:8 7009:10.9.0.2:9 7010:10.9.0.2:10 7001:10.9.0.2:1 \
	7081:10.9.8.1:80 7082:10.9.8.2:80 --socks5 1080 --http 1081 "${ENDS[@]}"
end() { on A timeout "$((T + 60))" "$PYTHON" "$LIB/tcp_ends.py" "$@" | sed 's/ *$//'; }

# a silent host takes its time, so these go on beside the rest
i=0
for way in 7081 socks5:1080 http:1081; do
	end $way 10.9.8.1 80 none >"$TMP/silent.$i" &
	i=$((i + 1))
done

# nc -N: its end of file first, and a whole answer after
equal "nc -N: ${ADIT_MB:-20} MB, then the answer" "$(on A timeout "$T" nc -N 127.0.0.1 7007 <"$FW/www/blob")" \
	"$((${ADIT_MB:-20} << 20)) bytes"
equal "nc -N: not one byte, then the answer" "$(on A timeout "$T" nc -N 127.0.0.1 7007 </dev/null)" "0 bytes"
equal "nc -N through SOCKS5" "$(on A timeout "$T" nc -N -X 5 -x 127.0.0.1:1080 10.9.0.2 7 <"$FW/www/blob")" \
	"$((${ADIT_MB:-20} << 20)) bytes"
equal "nc -N through HTTP CONNECT" "$(on A timeout "$T" nc -N -X connect -x 127.0.0.1:1081 10.9.0.2 7 <"$FW/www/blob")" \
	"$((${ADIT_MB:-20} << 20)) bytes"

for way in 7000 socks5:1080 http:1081; do
	at() { [ "$way" = 7000 ] && echo "$1" || echo "$way"; }
	# the other way round: the far end's first, and we go on
	rm -f "$FW/www/early"
	equal "$way: all that came before the far end's end of file" \
		"$(end "$(at 7008)" 10.9.0.2 8 early "$FW/www/blob")" "$SUM"
	check "$way: and all that we have sent after" wait_for 10 grep -q "$SUM" "$FW/www/early"
	equal "$way: SO_LINGER 0 far away is a reset here" "$(end "$(at 7009)" 10.9.0.2 9 linger)" reset
	rm -f "$FW/www/fate"
	end "$(at 7010)" 10.9.0.2 10 fate >/dev/null
	check "$way: SO_LINGER 0 here is a reset far away" wait_for 10 grep -qx 'reset 5' "$FW/www/fate"
done
closed=(reset "reply 5" "status 502")
silent=(reset "reply 6" "status 504")
unknown=(reset "reply 4" "status 502")
i=0
for way in 7000 socks5:1080 http:1081; do
	equal "$way: a closed port" "$(end "$(at 7001)" 10.9.0.2 1 none)" "${closed[i]} in time"
	equal "$way: no route there" "$(end "$(at 7082)" 10.9.8.2 80 none)" "${unknown[i]} in time"
	i=$((i + 1))
done
for i in 0 1 2; do
	check "a silent host: ${silent[i]} in the end" wait_for 90 grep -qx "${silent[i]} in time" "$TMP/silent.$i"
done
stop "$FWPID"
done_testing
