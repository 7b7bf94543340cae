/* SPDX-License-Identifier: ISC */
/* bundle.h - `adit bundle`: what a report of a fault should have with it, without anybody's secrets */
#ifndef ADIT_AGENT_BUNDLE_H
#define ADIT_AGENT_BUNDLE_H

int adit_bundle_main(int argc, char **argv);

#endif
