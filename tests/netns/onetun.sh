#!/bin/bash
# SPDX-License-Identifier: ISC
#
# onetun.sh - onetun's command line and variables, with the name of the program changed
#
# Topology: inside.sh. ADIT_MB=1024 is the long form.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/inside.sh"
lab_start
need nc
inside_start
blob "${ADIT_MB:-20}"
inside_servers "$FW/www" http echo late

# What holds for all three: 4, 6, and both protocols on one port.
three() { # WHAT
	equal "$1: ${ADIT_MB:-20} MB down, IPv4" "$(fetch http://127.0.0.1:8080/blob | sum_of)" "$SUM"
	equal "$1: down, IPv6" "$(fetch 'http://[::1]:8081/blob' | sum_of)" "$SUM"
	equal "$1: up, IPv4" "$(fetch -T "$FW/www/blob" http://127.0.0.1:8080/x)" "$SUM"
	equal "$1: up, IPv6" "$(fetch -T "$FW/www/blob" 'http://[::1]:8081/x')" "$SUM"
	equal "$1: TCP,UDP: a connection" "$(echo 1234 | on A timeout 20 nc -N 127.0.0.1 4000)" "5 bytes"
	equal "$1: TCP,UDP: a datagram" "$(on A "$PYTHON" -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('127.0.0.1', 4000)); s.settimeout(10); s.send(b'0 hello'); print(s.recv(99).decode()[:12])")" "0 hello from"
	check_not "$1: ps shows no key" bash -c "ps -ww -p $FWPID -o args= | grep -qF '$KEY'"
	check_not "$1: nor does /proc" grep -qF "$KEY" "/proc/$FWPID/cmdline"
	check_not "$1: nor the log" grep -qF "$KEY" "$TMP/$2"
	equal "$1: no capability" "$(awk '/^Cap(Prm|Eff|Bnd)/ { print $2 }' "/proc/$FWPID/status" | sort -u)" 0000000000000000
	equal "$1: no TUN" "$(find "/proc/$FWPID/fd" -lname '*net/tun' | wc -l)" 0
	stop "$FWPID"
}

# As in onetun's README: all options with values, a key in the arguments.
forward_up line.log 8080 127.0.0.1:8080:10.9.0.2:80 '[::1]:8081:[fd09::2]:80' 127.0.0.1:4000:10.9.0.2:4000:TCP,UDP \
	--endpoint-addr "$B4:51822" --endpoint-public-key "$(key b)" --private-key "$KEY" --source-peer-ip 10.9.0.1,fd09::1 \
	--keep-alive 10 --max-transmission-unit 1420 --log info --endpoint-bind-addr 0.0.0.0:0
three "arguments" line.log

# The same by variables alone.
FWENV=("ONETUN_PORT_FORWARD_1=127.0.0.1:8080:10.9.0.2:80" 'ONETUN_PORT_FORWARD_2=[::1]:8081:[fd09::2]:80'
	"ONETUN_PORT_FORWARD_3=127.0.0.1:4000:10.9.0.2:4000:TCP,UDP" ONETUN_PORT_FORWARD_5=127.0.0.1:8085:10.9.0.2:80
	ONETUN_ENDPOINT_ADDR="$B4:51822" ONETUN_ENDPOINT_PUBLIC_KEY="$(key b)" ONETUN_PRIVATE_KEY="$KEY"
	"ONETUN_SOURCE_PEER_IP=10.9.0.1,fd09::1" ONETUN_KEEP_ALIVE=10 ONETUN_MTU=1380 "ONETUN_LOG=onetun=debug,info"
	ONETUN_ENDPOINT_BIND_ADDR="$A4:51833" ONETUN_PCAP="$FW/x.pcapng")
forward_up variables.log 8080
check_not "variables: forwards end where a number is missing" listening A 8085
equal "variables: our own address and UDP port, no other" "$(on A ss -Hlun | awk '/:51833/ { print $4 }')" "$A4:51833"
three "variables" variables.log
check "variables: the capture can be read" bash -c "tcpdump -nr '$FW/x.pcapng' 2>/dev/null | grep -q '10.9.0.2.80 > 10.9.0.1'"

# An address that is not ours is named before anything starts.
FWENV=()
forward no-address.log 8080:10.9.0.2:80 "${ENDS[@]}" --endpoint-bind-addr 192.0.2.99:0
wait_for 10 gone "$FWPID"
check "an address to bind to that is not ours is an error" grep -q "192.0.2.99:0: Cannot assign" "$TMP/no-address.log"
done_testing
