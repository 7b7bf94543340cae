/* SPDX-License-Identifier: ISC */
/* qr.h - a text as a QR code of half blocks, for a camera in front of a terminal */
#ifndef ADIT_AGENT_QR_H
#define ADIT_AGENT_QR_H

#include <stdbool.h>
#include <stdio.h>

/* invert: for dark letters on a light ground. 0; -E2BIG: too long for any code; -EOPNOTSUPP: built without; -ENOMEM. */
int agent_qr_print(FILE *out, const char *text, bool invert);

#endif
