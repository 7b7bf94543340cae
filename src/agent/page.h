/* SPDX-License-Identifier: ISC */
/* page.h - the status page (page/status.html), put into the program when it is built */
#ifndef ADIT_AGENT_PAGE_H
#define ADIT_AGENT_PAGE_H

#include <stddef.h>

extern const unsigned char agent_page[];
extern const size_t agent_page_len;
extern const char agent_page_policy[]; /* its Content-Security-Policy */

#endif
