/* SPDX-License-Identifier: ISC */
/* bus.c - the system's D-Bus */
#include "host/bus.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>

struct adit_bus_functions adit_sd;

static bool load(void)
{
	static bool loaded;
	void *lib = loaded ? NULL : dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	bool all = lib != NULL;

	if (loaded)
		return true;
#define FIND(name) all = all && (*(void **)(&adit_sd.name##_) = dlsym(lib, #name)) != NULL;
	ADIT_BUS_FUNCTIONS(FIND)
	loaded = all;
	return all;
}

int adit_bus_open(sd_bus **bus, uint64_t timeout_us)
{
	int r;

	if (!load())
		return -ENOPKG;
	r = adit_sd.sd_bus_open_system_(bus);
	if (r < 0)
		return r;
	adit_sd.sd_bus_set_method_call_timeout_(*bus, timeout_us);
	return 0;
}
