#!/bin/sh
# SPDX-License-Identifier: ISC
#
# first-network.sh [FOLDER [COMMAND ...]] - a first private network, from its keys to its end
#
# Makes the keys of two machines, says what this one allows, starts the network on it, runs COMMAND while it is up,
# shows what was counted, and stops: this machine is as before. FOLDER (./first-network) keeps the keys, this
# machine's configuration and a wg-quick file for the other one. As root.
#
#   ADDRESS  where the other machine finds this one (default: its first address)
#   PORT     and its UDP port (51820)
set -eu
umask 077
adit=${ADIT:-adit}
folder=${1:-first-network}
[ $# -eq 0 ] || shift
address=${ADDRESS:-$(hostname -I | cut -d' ' -f1)}
port=${PORT:-51820}
case $address in *:*) address="[$address]" ;; esac

echo "== keys"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
[ -e "$folder/this.key" ] || "$adit" genkey -o "$folder/this.key"
[ -e "$folder/other.key" ] || "$adit" genkey -o "$folder/other.key"
cat >"$folder/adit.toml" <<END
[agent]
control_socket = "$folder/control.sock"
state_dir = "$folder/state"

[network.first]
enable = true
interface = "first0"
listen_port = $port
private_key_path = "this.key"
addresses = ["10.77.0.1/24"]

[[network.first.peers]]
name = "other"
public_key = "$("$adit" pubkey <"$folder/other.key")"
allowed_ips = ["10.77.0.2/32"]
END
cat >"$folder/other.conf" <<END
[Interface]
PrivateKey = $(cat "$folder/other.key")
Address = 10.77.0.2/24

[Peer]
PublicKey = $("$adit" pubkey <"$folder/this.key")
Endpoint = $address:$port
AllowedIPs = 10.77.0.0/24
PersistentKeepalive = 25
END
"$adit" check "$folder/adit.toml"
echo "for the other machine: $folder/other.conf"

echo "== what this machine allows"
"$adit" doctor -c "$folder/adit.toml" || echo "(a problem need not be in the way: let us see)"

echo "== start"
export ADIT_CONTROL="$folder/control.sock"
"$adit" start --config "$folder/adit.toml"
trap '"$adit" stop >/dev/null 2>&1 || :' EXIT
status=0
[ $# -eq 0 ] || "$@" || status=$?

echo "== statistics"
"$adit" status first
"$adit" events first

echo "== stop"
"$adit" stop
trap - EXIT
exit $status
