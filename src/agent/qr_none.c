/* SPDX-License-Identifier: ISC */
/* qr_none.c - QR codes, where libqrencode was not there at build time */
#include <errno.h>

#include "agent/qr.h"

int agent_qr_print(FILE *out, const char *text, bool invert)
{
	(void)out;
	(void)text;
	(void)invert;
	return -EOPNOTSUPP;
}
