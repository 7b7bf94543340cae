/* SPDX-License-Identifier: ISC */
/* nft_none.c - in place of the other nftables files where libnftnl was not there to build with */
#include "host/nft.h"

#include <errno.h>
#include <stdlib.h>

#include "host/gateway.h"
#include "host/guard.h"
#include "host/replies.h"

struct adit_nft {
	bool asked;
};

static int lacking(struct adit_nft *nft)
{
	nft->asked = true;
	return -EOPNOTSUPP;
}

int adit_nft_open(struct adit_nft **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void adit_nft_close(struct adit_nft *nft)
{
	free(nft);
}

const char *adit_nft_detail(const struct adit_nft *nft)
{
	return nft->asked ?
		       "this adit was built without libnftnl, so it has no killswitch, no replies of full "
		       "tunnels and no gateways" :
		       "";
}

int adit_nft_fd(const struct adit_nft *nft)
{
	(void)nft;
	return -1;
}

bool adit_nft_changed(struct adit_nft *nft)
{
	(void)nft;
	return false;
}

bool adit_nft_keeps(struct adit_nft *nft)
{
	(void)nft;
	return false;
}

int adit_nft_delete(struct adit_nft *nft, const char *table)
{
	(void)table;
	return lacking(nft);
}

/* None of them can be ours: this program never made one. */
int adit_nft_tables(struct adit_nft *nft, void (*found)(void *user, const char *table), void *user)
{
	(void)nft;
	(void)found;
	(void)user;
	return 0;
}

int adit_guard_set(struct adit_nft *nft, const struct adit_step *const *guards, size_t cnt)
{
	(void)guards;
	return cnt ? lacking(nft) : 0;
}

int adit_guard_intact(struct adit_nft *nft, const struct adit_step *const *guards, size_t cnt)
{
	(void)guards;
	return cnt ? lacking(nft) : 1;
}

int adit_replies_set(struct adit_nft *nft, const struct adit_step *step)
{
	(void)step;
	return lacking(nft);
}

int adit_replies_unset(struct adit_nft *nft, const struct adit_step *step)
{
	(void)step;
	return lacking(nft);
}

int adit_replies_intact(struct adit_nft *nft, const struct adit_step *step)
{
	(void)step;
	return lacking(nft);
}

int adit_gateway_set(struct adit_nft *nft, const struct adit_step *step)
{
	(void)step;
	return lacking(nft);
}

int adit_gateway_unset(struct adit_nft *nft, const struct adit_step *step)
{
	(void)step;
	return lacking(nft);
}

int adit_gateway_intact(struct adit_nft *nft, const struct adit_step *step)
{
	(void)step;
	return lacking(nft);
}
