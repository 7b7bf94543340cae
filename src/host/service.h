/* SPDX-License-Identifier: ISC */
/* service.h - the service manager (systemd), as a service of its sees it: what it is told, what it keeps, what it wants */
#ifndef ADIT_HOST_SERVICE_H
#define ADIT_HOST_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#define ADIT_SERVICE_NAME_LEN 32

/* A line of sd_notify(3), and a descriptor with it (-1: none). 0; -ENOENT: there is no manager; -errno. */
int adit_service_tell(const char *text, int fd);

/* Its store of descriptors: what is in it comes back at the next start, as adit_service_left says.
 * It is not known whether one was taken, but by adit_service_look after adit_service_sync. */
int adit_service_store(const char *name, int fd);
int adit_service_forget(const char *name);
/* Everything said so far is done. 0; -ETIMEDOUT. */
int adit_service_sync(void);

/* How many descriptors were left to this process, from ADIT_SERVICE_FDS on; all are close-on-exec now. */
#define ADIT_SERVICE_FDS 3
unsigned adit_service_left(void);
/* The name of the i-th; "" where it has none. */
void adit_service_left_name(unsigned i, char name[ADIT_SERVICE_NAME_LEN]);

struct adit_service {
	bool restarts;   /* it is being stopped to be started again at once */
	uint32_t stored; /* descriptors in its store */
};
/* Asks over D-Bus about the unit this process belongs to. 0 or -errno. */
int adit_service_look(struct adit_service *ret);

#endif
