/* SPDX-License-Identifier: ISC */
/*
 * drop.h - why a packet was dropped. One table: the name here is the name in
 * the code, the counters, `adit show`, the UAPI, the metrics and the manual.
 * To add a reason, add a line; the compiler and the lint suite find the rest.
 */
#ifndef ADIT_BASE_DROP_H
#define ADIT_BASE_DROP_H

/* X(name, direction, what it means to an operator); direction: in, out, hs (handshake) */
#define ADIT_DROPS(X)                                                                            \
	X(short, in, "datagram shorter than any message")                                        \
	X(bad_type, in, "unknown message type or reserved bytes not zero")                       \
	X(bad_length, in, "message length does not fit its type")                                \
	X(truncated, in, "datagram larger than the receive buffer")                              \
	X(unknown_index, in, "no session or handshake has this receiver index")                  \
	X(unknown_source, in, "static tunnel: no peer at this address, and no key that fits")    \
	X(unknown_limited, in, "static tunnel: unknown sources send too much")                   \
	X(flood_refused, in, "static tunnel: refused by the kernel while unknown sources flood") \
	X(auth_failed, in, "data message failed authentication")                                 \
	X(replayed, in, "counter seen before, or older than the replay window")                  \
	X(key_expired, in, "session older than 180 s or out of messages")                        \
	X(inner_malformed, in, "decrypted packet is not a whole IPv4 or IPv6 packet")            \
	X(source_not_allowed, in, "inner source address is not among the peer's allowed IPs")    \
	X(interface_down, in, "the interface is down")                                           \
	X(tun_write, in, "the TUN refused the packet")                                           \
	X(bad_mac1, hs, "handshake message not made for our public key")                         \
	X(handshake_queue_full, hs, "too many handshake messages wait")                          \
	X(cookie_required, hs, "under load: no valid mac2, a cookie reply was sent")             \
	X(rate_limited, hs, "under load: this source sends handshakes too fast")                 \
	X(no_identity, hs, "we have no private key")                                             \
	X(bad_handshake, hs, "handshake message failed authentication")                          \
	X(unknown_peer, hs, "handshake from a public key that is not configured")                \
	X(replayed_timestamp, hs, "initiation with a timestamp not newer than the last one")     \
	X(initiation_flood, hs, "initiations of one peer less than 20 ms apart")                 \
	X(unexpected_response, hs, "handshake response that no initiation of ours awaits")       \
	X(low_order_key, hs, "Diffie-Hellman result is all zero")                                \
	X(unexpected_cookie, hs, "cookie reply to a message we did not send")                    \
	X(bad_cookie, hs, "cookie reply failed authentication")                                  \
	X(no_peer, out, "no peer has an allowed IP for the destination")                         \
	X(no_endpoint, out, "the peer has no known endpoint")                                    \
	X(key_used_up, out, "static tunnel, v1: the key has sealed 2^32 packets")                \
	X(count_not_stored, out, "static tunnel, v1: waits until the count of sealed packets is on disk") \
	X(not_ip, out, "outgoing packet is not a whole IPv4 or IPv6 packet")                     \
	X(bad_checksum, out, "strict mode: checksum of an inner packet is wrong")                \
	X(staged_full, out, "waiting for a handshake: the queue is full")                        \
	X(handshake_gave_up, out, "waiting for a handshake that did not come about in 90 s")     \
	X(peer_removed, out, "waiting for a peer that was removed or an interface set down")     \
	X(routing_loop, out, "the tunnel's own datagram was routed into the tunnel")             \
	X(too_big, out, "packet larger than the interface's MTU")                                \
	X(udp_full, out, "socket send buffer full")                                              \
	X(udp_error, out, "the network refused the datagram")                                    \
	X(not_ours, in, "the destination is none of this host's addresses")                      \
	X(bad_ip_header, in, "lengths, options or extension headers of the IP header are wrong") \
	X(bad_source, in, "a source address that no packet may come from")                       \
	X(bad_transport, in, "TCP, UDP or ICMP header is cut off or contradicts the IP header")  \
	X(checksum_wrong, in, "IPv4 header, TCP, UDP or ICMP checksum is wrong")                 \
	X(unknown_protocol, in, "an IP protocol that is none of TCP, UDP and ICMP")              \
	X(bad_fragment, in, "fragment with an impossible offset or length")                      \
	X(fragment_overlap, in, "fragments of one packet overlap: all of it is dropped")         \
	X(fragment_limit, in, "too many fragments wait for the rest of their packets")           \
	X(fragment_timeout, in, "the rest of a fragmented packet did not come within 30 s")      \
	X(echo_limited, in, "echo requests come faster than they are answered")                  \
	X(icmp_ignored, in, "ICMP message not for a host, or about what we did not send")        \
	X(no_socket, in, "UDP: no socket has this port")                                         \
	X(sock_full, in, "UDP: too much waits in the socket already")                            \
	X(no_flow, in, "TCP: no connection and no listener has these endpoints")                 \
	X(syn_backlog_full, in, "TCP: too many connections wait to be accepted")                 \
	X(half_open_dropped, in, "TCP: half-open, dropped for one of another address")           \
	X(out_of_window, in, "TCP: segment outside the receive window")                          \
	X(paws, in, "TCP: segment with an old timestamp")                                        \
	X(bad_ack, in, "TCP: acknowledgement of what was not sent, or far too old")              \
	X(bad_rst, in, "TCP: reset that does not hit the expected sequence number")              \
	X(not_in_flight, in, "ICMP error that quotes TCP bytes which are not in flight")         \
	X(no_memory, in, "memory for it is not left")                                            \
	X(out_queue_full, out, "too many small packets wait to be sent")

enum adit_drop {
	ADIT_DROP_NONE = 0,
#define ADIT_DROP_ENUM(name, direction, text) ADIT_DROP_##name,
	ADIT_DROPS(ADIT_DROP_ENUM)
#undef ADIT_DROP_ENUM
	ADIT_DROP_CNT
};

/* "auth_failed"; "none" for 0. Static storage. */
const char *adit_drop_name(enum adit_drop drop);
/* "in", "out" or "hs". */
const char *adit_drop_direction(enum adit_drop drop);
/* The sentence of the table. */
const char *adit_drop_text(enum adit_drop drop);

#endif
