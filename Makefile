# SPDX-License-Identifier: ISC
# The everyday words; what they do is in scripts/. Build directory: B=build.
B = build
DESTDIR =
PREFIX = /usr/local
T = 60
QUICK =
.PHONY: all demo test check san fuzz bench lint fmt coverage mutants cross install deb clean

all:
	@scripts/build.sh $(B)

demo:
	@scripts/build.sh $(B) -- src/cli/adit
	@$(B)/src/cli/adit demo

test:
	@scripts/test.sh $(B)

check: # under a minute
	@scripts/test.sh -f $(B)

san:
	@scripts/san.sh

fuzz:
	@scripts/fuzz.sh $(T)

bench: all
	@scripts/bench.sh $(B) $(if $(QUICK),--quick)

lint:
	@scripts/lint.sh $(B)

fmt:
	@scripts/setup.sh lint
	@git ls-files '*.[ch]' | xargs clang-format -i

coverage:
	@scripts/coverage.sh

mutants:
	@scripts/mutants.sh

cross:
	@scripts/cross.sh

install: all
	@meson configure $(B) -Dprefix=$(PREFIX)
	@scripts/build.sh $(B)
	@DESTDIR=$(DESTDIR) meson install -C $(B) --no-rebuild --quiet

deb:
	@scripts/deb.sh $(B)/deb

clean:
	@rm -rf build build-* bench/out
