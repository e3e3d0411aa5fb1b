"""A headless Chromium that returns the loaded document of a file, its console messages, and a picture."""

import re
import shutil
import struct
import subprocess
import zlib
from collections import Counter
from pathlib import Path

SECONDS_MAX = 90
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Browser:
    def __init__(self, folder: Path):
        self.folder = folder

    @staticmethod
    def program():
        """Its path; None if it is not installed."""
        return next(filter(None, map(shutil.which, NAMES)), None)

    def ask(self, page, *flags):
        # The sandbox needs rights that containers and root do not have; the page is our own and has no script.
        command = [self.program(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        command += ["--hide-scrollbars", "--no-first-run", f"--user-data-dir={self.folder / 'profile'}"]
        command += ["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", *flags, page.as_uri()]
        done = subprocess.run(command, capture_output=True, timeout=SECONDS_MAX)
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
        return done

    def document(self, page):
        """(the document after loading, the messages on the page's console)"""
        done = self.ask(page, "--dump-dom")
        complaints = re.findall(r":CONSOLE[(:].*", done.stderr.decode(errors="replace"))
        return done.stdout.decode(), complaints

    def colors(self, page, *flags, width=700, height=1300):
        """How many pixels of a picture of the page have each colour, as 0xRRGGBB."""
        picture = self.folder / "picture.png"
        picture.unlink(missing_ok=True)
        self.ask(page, f"--screenshot={picture}", f"--window-size={width},{height}", *flags)
        return Counter(pixels(picture.read_bytes()))


def pixels(png):
    """The pixels of a PNG of 8-bit RGB or RGBA without interlacing (RFC 2083), as 0xRRGGBB."""
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", png[16:29])
    assert depth == 8 and kind in (2, 6) and not interlaced
    size, data, position = (3 if kind == 2 else 4), b"", 8
    while position < len(png):
        length, name = struct.unpack(">I4s", png[position : position + 8])
        if name == b"IDAT":
            data += png[position + 8 : position + 8 + length]
        position += length + 12
    raw, before = zlib.decompress(data), bytearray(width * size)
    for row in range(height):
        start = row * (width * size + 1)
        before = unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + width * size]), before, size)
        for at in range(0, width * size, size):
            yield before[at] << 16 | before[at + 1] << 8 | before[at + 2]


def unfiltered(kind, line, before, size):
    """Undoes a line's filter (RFC 2083, 6)."""
    if kind == 2:
        return bytearray((a + b) & 255 for a, b in zip(line, before))
    for at in range(len(line)) if kind else ():
        left = line[at - size] if at >= size else 0
        above, corner = before[at], before[at - size] if at >= size else 0
        if kind == 1:
            guess = left
        elif kind == 3:
            guess = (left + above) // 2
        else:
            to_left, to_above, to_corner = abs(above - corner), abs(left - corner), abs(left + above - 2 * corner)
            if to_left <= to_above and to_left <= to_corner:
                guess = left
            else:
                guess = above if to_above <= to_corner else corner
        line[at] = (line[at] + guess) & 255
    return line
