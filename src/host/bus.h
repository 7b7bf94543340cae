/* SPDX-License-Identifier: ISC */
/*
 * bus.h - the system's D-Bus
 *
 * libsystemd is opened when it is wanted: neither libadit nor a process that has
 * the network carries it. A bus is opened for each call: there are few.
 */
#ifndef ADIT_HOST_BUS_H
#define ADIT_HOST_BUS_H

#include <stdint.h>
#include <systemd/sd-bus.h>

#define ADIT_BUS_FUNCTIONS(X)            \
	X(sd_bus_open_system)            \
	X(sd_bus_flush_close_unref)      \
	X(sd_bus_set_method_call_timeout) \
	X(sd_bus_message_new_method_call) \
	X(sd_bus_message_append)         \
	X(sd_bus_message_append_basic)   \
	X(sd_bus_message_append_array)   \
	X(sd_bus_message_open_container) \
	X(sd_bus_message_close_container) \
	X(sd_bus_message_enter_container) \
	X(sd_bus_message_exit_container) \
	X(sd_bus_message_read)           \
	X(sd_bus_message_read_array)     \
	X(sd_bus_message_unref)          \
	X(sd_bus_call)                   \
	X(sd_bus_call_method)            \
	X(sd_bus_get_property)           \
	X(sd_bus_error_free)             \
	X(sd_bus_error_has_name)

#define ADIT_BUS_DECLARE(name) __typeof__(name) *name##_;
struct adit_bus_functions {
	ADIT_BUS_FUNCTIONS(ADIT_BUS_DECLARE)
};

/* Valid after adit_bus_open. */
extern struct adit_bus_functions adit_sd;

/* A call may take that long. 0; -ENOPKG: no libsystemd; -errno. */
int adit_bus_open(sd_bus **bus, uint64_t timeout_us);

#endif
