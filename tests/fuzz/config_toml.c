/* SPDX-License-Identifier: ISC */
/* config_toml.c - the TOML reader; config.h says what must hold */
#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return config_fuzz(adit_conf_read_toml, data, size);
}
