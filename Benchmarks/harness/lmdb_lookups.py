"""lmdb_lookups.py FOLDER KEYS: fills an LMDB with sorted keys; prints three rates of random lookups, then bytes an entry."""

import hashlib
import os
import random
import sys
import time

import lmdb

BATCH = 10_000


def key(number):
    return hashlib.blake2b(number.to_bytes(8, "little"), digest_size=16).digest()


def main(folder, count):
    base = lmdb.open(folder, map_size=1 << 40, sync=False, metasync=False, writemap=True)
    with base.begin(write=True) as change:
        cursor = change.cursor()
        cursor.putmulti(((one, one) for one in sorted(map(key, range(count)))), append=True)
    probes = [key(number) for number in random.Random(1).sample(range(count), min(200_000, count))]
    for _ in range(3):
        with base.begin(buffers=True) as view:
            cursor, found, began = view.cursor(), 0, time.monotonic()
            for first in range(0, len(probes), BATCH):
                found += len(cursor.getmulti(probes[first : first + BATCH]))
            taken = time.monotonic() - began
        assert found == len(probes)
        print(found / taken)
    base.sync(True)
    print(os.stat(os.path.join(folder, "data.mdb")).st_blocks * 512 / count)


main(sys.argv[1], int(sys.argv[2]))
