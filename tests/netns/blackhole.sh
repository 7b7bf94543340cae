#!/bin/bash
# SPDX-License-Identifier: ISC
#
# blackhole.sh - a router drops large packets without a word: adit show says so
#
#   A  198.51.100.1 -- R (drops above 1340) -- 203.0.113.2  B
#      wA 10.9.0.1 ============ tunnel ============ 10.9.0.2 wB
. "$(dirname "$0")/lib.sh"
lab_start
need nft
topology_router
pair adit adit || { not_ok "two devices start"; done_testing; }
check "the tunnel works" reaches A 10.9.0.2
if adit_only "a black hole is named"; then
	suspected() { lab get "$1" adit_black_hole | grep -q 1; }
	stream() { # seconds: A sends to B as fast as it goes
		iperf_server B
		run_bg A "$TMP/stream" iperf3 -c 10.9.0.2 -p $IPERF_PORT -t "$1" -C cubic -b 50M
		STREAM=$BGPID
	}
	# Loss alone is no black hole.
	on R nft -f - <<-'END'
		table inet hole {
			chain forward {
				type filter hook forward priority 0;
				numgen random mod 100 < 3 drop
			}
		}
	END
	stream 4
	wait $STREAM
	check_not "3 % loss: none is suspected" suspected "$WA"
	on R nft delete table inet hole

	run_bg A "$TMP/ping" ping -n -i 0.5 -w 60 10.9.0.2 # small packets pass all the time
	stream 40
	sleep 1
	on R nft -f - <<-'END'
		table inet hole {
			chain forward {
				type filter hook forward priority 0;
				meta length > 1340 drop
			}
		}
	END
	start=$(now_ms)
	check "suspected within 30 s" wait_for 30 suspected "$WA"
	diag "after $(($(now_ms) - start)) ms"
	check "adit show says it" shows "$WA" "black hole"
	check "small packets pass all the while" answers A 10.9.0.2
	on R nft delete table inet hole
	stop $STREAM
	check "large packets pass again" on A ping -n -q -c 3 -i 0.1 -W 1 -M do -s 1392 10.9.0.2
	stream 2
	wait $STREAM
	check_not "and the suspicion goes" suspected "$WA"
fi
done_testing
