/* SPDX-License-Identifier: ISC */
/* config_json.c - the JSON reader; config.h says what must hold */
#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return config_fuzz(adit_conf_read_json, data, size);
}
