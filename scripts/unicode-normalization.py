#!/usr/bin/env python3
"""Writes the Unicode data that normalization needs, which the runtime leaves out in invariant mode.

    python3 scripts/unicode-normalization.py > src/Swarm.Models/Tokenizers/Normalizing/UnicodeNormalization.txt

Lines: `c FIRST LAST CLASS` canonical combining class; `d CODE PART...` canonical decomposition, fully expanded;
`p CODE FIRST SECOND` primary composite; `k CODE PART...` compatibility decomposition, fully expanded, where it differs. Hexadecimal.
"""
import unicodedata as u

print(f"# Unicode {u.unidata_version}, from Python's unicodedata by scripts/unicode-normalization.py (Unicode License V3)")
hangul = range(0xAC00, 0xD7A4)
run = None
for code in range(0x110000):
    cls = u.combining(chr(code))
    if run and run[2] == cls and run[1] == code - 1:
        run[1] = code
        continue
    if run:
        print("c %X %X %X" % tuple(run))
    run = [code, code, cls] if cls else None
for code in range(0x110000):
    if code in hangul or 0xD800 <= code < 0xE000:
        continue
    full = u.normalize("NFD", chr(code))
    if full != chr(code):
        print("d %X %s" % (code, " ".join("%X" % ord(c) for c in full)))
        direct = u.decomposition(chr(code)).split()
        if len(direct) == 2 and u.normalize("NFC", chr(code)) == chr(code):
            print("p %X %s" % (code, " ".join("%X" % int(d, 16) for d in direct)))
    compatible = u.normalize("NFKD", chr(code))
    if compatible != full:
        print("k %X %s" % (code, " ".join("%X" % ord(c) for c in compatible)))
