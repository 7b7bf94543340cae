/* SPDX-License-Identifier: ISC */
/* qr.c - a text as a QR code, by libqrencode */
#include "agent/qr.h"

#include <errno.h>
#include <qrencode.h>

#include "crypto/crypto.h"

#define MARGIN 4 /* light modules around, as ISO 18004 wants them */

static bool is_dark(const QRcode *code, int x, int y)
{
	return x >= 0 && y >= 0 && x < code->width && y < code->width && code->data[y * code->width + x] & 1;
}

/* Two modules, one above the other, are one character. */
static void print_line(FILE *out, const QRcode *code, int y, bool invert)
{
	for (int x = -MARGIN; x < code->width + MARGIN; x++) {
		bool upper = is_dark(code, x, y) == invert, lower = is_dark(code, x, y + 1) == invert;

		fputs(upper ? lower ? "\u2588" : "\u2580" : lower ? "\u2584" : " ", out);
	}
	fputc('\n', out);
}

int agent_qr_print(FILE *out, const char *text, bool invert)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);

	if (!code)
		return errno == ERANGE ? -E2BIG : errno == ENOMEM ? -ENOMEM : -EINVAL;
	for (int y = -MARGIN; y < code->width + MARGIN; y += 2)
		print_line(out, code, y, invert);
	adit_wipe(code->data, (size_t)code->width * (size_t)code->width); /* the text may be a key */
	QRcode_free(code);
	return 0;
}
