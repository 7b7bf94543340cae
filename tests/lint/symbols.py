#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""symbols.py BASE.a CRYPTO.a CORE.a...: what a core imports stands in a short list, so that none reads a clock or a file."""
import re
import subprocess
import sys

from tap import check, done

C_LIBRARY = """
    memcpy memmove memset memcmp memchr strlen strnlen strcmp strncmp strchr strrchr strspn strcspn strtod strtoul strtoull
    strcpy snprintf vsnprintf calloc malloc realloc free aligned_alloc qsort bsearch abort __assert_fail
    __stack_chk_fail __memcpy_chk __memmove_chk __memset_chk __snprintf_chk __vsnprintf_chk __strcpy_chk __strncpy_chk
    __ctype_b_loc __isoc99_sscanf _GLOBAL_OFFSET_TABLE_
""".split()
# Memory that is locked and left out of cores, one lock, once-only initialisation, and the clock of the AEAD self-test.
CRYPTO = """
    __errno_location getrlimit getrlimit64 setrlimit setrlimit64 mlock2 mmap64 mmap munmap mlock munlock madvise getpagesize sysconf pthread_mutex_lock pthread_mutex_unlock pthread_once
    call_once clock_gettime explicit_bzero __explicit_bzero_chk getrandom
""".split()
LIBRARIES = re.compile(r"^(EVP_|OPENSSL_|OpenSSL_|OSSL_|ERR_|CRYPTO_|sodium_|crypto_|randombytes_|init_mb_mgr|alloc_mb_mgr|"
                       r"free_mb_mgr|imb_|ipsec)")


def nm(archive, *options):
    out = subprocess.run(["nm", "-P", *options, archive], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in out.splitlines() if len(line.split()) > 1}


def strange(archive, allowed, defined):
    for symbol in sorted(nm(archive, "-u") - defined):
        if symbol not in allowed and not (allowed is not C_LIBRARY and LIBRARIES.match(symbol)):
            yield f"{archive.split('/')[-1]} imports {symbol}"


def main(base, crypto, *cores):
    defined = {a: nm(a, "-g", "--defined-only") for a in (base, crypto, *cores)}
    below_crypto = defined[base] | defined[crypto]
    check("base imports the C library's memory and text functions only", strange(base, C_LIBRARY, defined[base]))
    check("crypto imports its libraries and locked memory only", strange(crypto, C_LIBRARY + CRYPTO, below_crypto))
    check("the other cores import base, crypto and the same C functions only",
          (x for core in cores for x in strange(core, C_LIBRARY, below_crypto | defined[core])))
    check("the archives hold something", (a for a, names in defined.items() if not names))
    check("nothing in them but crypto is a global variable",
          (f"{a.split('/')[-1]}: {x}" for a in (base, *cores) for x in writable(a)))
    done()


def writable(archive):
    """Symbols in .data and .bss; constants that need relocation (.data.rel.ro) are not meant."""
    out = subprocess.run(["objdump", "-t", archive], capture_output=True, text=True, check=True).stdout
    return [line.split()[-1] for line in out.splitlines()
            if re.search(r" O \.t?(data|bss)(?!\.rel\.ro)[\w.]*\t", line) or "*COM*" in line]


if __name__ == "__main__":
    main(*sys.argv[1:])
