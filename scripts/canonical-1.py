#!/usr/bin/env python3
"""canonical-1 once more, from docs/canonical-1.md alone: checks every test vector of the page. Needs nothing but Python.

float32 arithmetic is done in binary64 and rounded: for +, - and x of two float32 that equals rounding once (53 >= 2 * 24 + 2 bits).
usage: scripts/canonical-1.py [docs/canonical-1.md]; exit code 1 when a vector differs.
"""
import math
import pathlib
import re
import struct
import sys

INF, NAN = math.inf, math.nan


def f32(x):
    try:
        return struct.unpack("<f", struct.pack("<f", x))[0]
    except OverflowError:
        return math.copysign(INF, x)


def bits(x):
    return 0x7FC00000 if x != x else struct.unpack("<I", struct.pack("<f", x))[0]


def of_bits(i):
    return struct.unpack("<f", struct.pack("<I", i & 0xFFFFFFFF))[0]


def const(text):
    return of_bits(int(text, 16))


def add(a, b):
    return f32(a + b)


def sub(a, b):
    return f32(a - b)


def mul(a, b):
    return f32(a * b)


def to_half(x):
    if x != x:
        return 0x7E00
    return struct.unpack("<H", struct.pack("<e", math.copysign(65504, x) if abs(x) > 65504 else x))[0]


def of_half(h):
    return struct.unpack("<e", struct.pack("<H", h))[0]


# Section 2: the sum.
def canonical_sum(terms):
    l = [0.0] * 8
    for i, term in enumerate(terms):
        l[i % 8] = add(l[i % 8], term)
    return add(add(add(l[0], l[4]), add(l[2], l[6])), add(add(l[1], l[5]), add(l[3], l[7])))


# Section 3: functions.
MAGIC = const("4b400000")


def exp(x):
    if x != x:
        return x
    if x < const("c2aeac4f"):
        return 0.0
    if x > const("42b17217"):
        return INF
    s = add(mul(x, const("3fb8aa3b")), MAGIC)
    n = sub(s, MAGIC)
    r = sub(x, mul(n, const("3f318000")))
    r = sub(r, mul(n, const("b95e8083")))
    p = const("3ab511e6")
    for c in ("3c091d10", "3d2aac79", "3e2aaa49", "3efffffe", "3f800000", "3f800000"):
        p = add(mul(p, r), const(c))
    return of_bits(bits(p) + ((bits(s) - 0x4B400000) << 23))


def reciprocal(x):
    a = abs(x)
    if x != x:
        return x
    if a < 2.0**-126:
        return math.copysign(INF, x)
    if a > 2.0**126:
        return math.copysign(0.0, x)
    y = of_bits(0x7EF311C7 - bits(a))
    for _ in range(3):
        y = add(y, mul(y, sub(1, mul(a, y))))
    return math.copysign(y, x)


def reciprocal_sqrt(x):
    if x != x:
        return x
    if abs(x) < 2.0**-126:
        return INF
    if x < 0:
        return NAN
    if x == INF:
        return 0.0
    y = of_bits(0x5F3759DF - (bits(x) >> 1))
    for _ in range(3):
        e = sub(1, mul(mul(x, y), y))
        y = add(y, mul(mul(0.5, y), e))
    return y


def sigmoid(x):
    e = exp(-abs(x))
    r = reciprocal(add(1, e))
    return mul(e, r) if x < 0 else r


def tanh(x):
    if x != x:
        return x
    a = abs(x)
    if a < const("3f200000"):
        z, p = mul(a, a), const("bbbb560d")
        for c in ("3ca92b6c", "bd5c2224", "3e0883b4", "beaaaa9a"):
            p = add(mul(p, z), const(c))
        t = add(a, mul(mul(a, z), p))
    else:
        e = exp(-add(a, a))
        t = sub(1, mul(add(e, e), reciprocal(add(1, e))))
    return math.copysign(t, x)


def gelu(x):
    a = min(abs(x), 16.0) if x == x else 16.0
    t = reciprocal(add(mul(a, const("3e99999a")), 1))
    h = const("3d121fcd")
    for c in ("be20f9e7", "3e534e5d", "bd5be338", "3e03a59a", "3dcc9f80", "3df74dd7", "3df50035"):
        h = add(mul(h, t), const(c))
    part = mul(x, mul(mul(t, h), exp(mul(mul(a, a), -0.5))))
    return part if x < 0 else sub(x, part)


def gelu_tanh(x):
    return mul(x, sigmoid(mul(x, add(mul(mul(x, x), const("3d922279")), const("3fcc4229")))))


def gelu_sigmoid(x):
    return mul(x, sigmoid(mul(x, const("3fd9db23"))))


def relu(x):
    return 0.0 if x < 0 else x


def nearest(x):
    return bits(add(x, MAGIC)) - 0x4B400000


# Section 4: products.
ROWS, COLUMNS, TOKENS = 19, 288, 3


def round_group(values):
    largest = max(abs(x) if x == x else INF for x in values)
    if largest == INF:
        return NAN, [0] * len(values)
    if largest < 2.0**-100:
        return 0.0, [0] * len(values)
    inverse = mul(127, reciprocal(largest))
    return mul(largest, const("3c010204")), [nearest(mul(x, inverse)) for x in values]


CURVE = (-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)
TINY = (0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12)
LESS = {"q4_0": 8, "q5_0": 16, "q3_k": 4, "q6_k": 32}
GROUP_BYTES = {
    "q8_0": 34, "q4_0": 18, "q4_1": 20, "q5_0": 22, "q5_1": 24, "iq4_nl": 18, "mxfp4": 17,
    "q2_k": 84, "q3_k": 110, "q4_k": 144, "q5_k": 176, "q6_k": 210, "iq4_xs": 136,
}  # fmt: skip


def columns_of(kind):
    return 512 if GROUP_BYTES.get(kind, 0) > 34 else COLUMNS


def nibbles(stored):
    return [b & 15 for b in stored] + [b >> 4 for b in stored]


def half_at(stored, offset):
    return of_half(stored[offset] | stored[offset + 1] << 8)


def six(k):
    """Scales and minimums of Q4_K and Q5_K, one for each 16 columns."""
    pairs = [
        (k[i] % 64, k[i + 4] % 64) if i < 4 else (k[i + 4] % 16 + k[i - 4] // 64 * 16, k[i + 4] // 16 + k[i] // 64 * 16)
        for i in range(8)
    ]
    return [[pairs[i // 2][which] for i in range(16)] for which in (0, 1)]


def take_apart(kind, b):
    """A stored group: d, minimum in float or None, integers w, scales and minimums for each 16 of them."""
    wide = columns_of(kind) == 512
    d, m, s, u = 0.0, None, [1] * 16, None
    places = [(c // 128, c // 32 % 4, c % 32) for c in range(256)]
    if kind == "q8_0":
        d, w = half_at(b, 0), [q - 256 if q > 127 else q for q in b[2:]]
    elif kind == "mxfp4":
        d, w = (NAN if b[0] == 255 else 2.0 ** (b[0] - 128)), nibbles(b[1:])
    elif not wide:
        d, w = half_at(b, 0), nibbles(b[-16:])
        if kind in ("q4_1", "q5_1"):
            m = half_at(b, 2)
        if kind in ("q5_0", "q5_1"):
            w = [q + 16 * (b[-20 + i // 8] >> i % 8 & 1) for i, q in enumerate(w)]
    elif kind == "q2_k":
        d, m, s, u = half_at(b, 80), half_at(b, 82), [x & 15 for x in b[:16]], [x >> 4 for x in b[:16]]
        w = [b[16 + 32 * x + z] >> 2 * y & 3 for x, y, z in places]
    elif kind == "q3_k":
        d, k = half_at(b, 108), b[96:108]
        s = [(k[i % 8] >> i // 8 * 4 & 15) + 16 * (k[8 + i % 4] >> i // 4 * 2 & 3) - 32 for i in range(16)]
        w = [(b[32 + 32 * x + z] >> 2 * y & 3) + 4 * (b[z] >> (4 * x + y) & 1) for x, y, z in places]
    elif kind == "q4_k":
        d, m, (s, u) = half_at(b, 0), half_at(b, 2), six(b[4:16])
        w = [q for i in range(16, 144, 32) for q in nibbles(b[i : i + 32])]
    elif kind == "q5_k":
        d, m, (s, u) = half_at(b, 0), half_at(b, 2), six(b[4:16])
        w = [q for i in range(48, 176, 32) for q in nibbles(b[i : i + 32])]
        w = [q + 16 * (b[16 + i % 32] >> i // 32 & 1) for i, q in enumerate(w)]
    elif kind == "q6_k":
        d, s = half_at(b, 208), [x - 256 if x > 127 else x for x in b[192:208]]
        w = [(b[64 * x + 32 * (y % 2) + z] >> y // 2 * 4 & 15) + 16 * (b[128 + 32 * x + z] >> 2 * y & 3) for x, y, z in places]
    else:
        d, h = half_at(b, 0), b[2] | b[3] << 8
        s = [(b[4 + i // 4] >> i // 2 % 2 * 4 & 15) + 16 * (h >> i // 2 * 2 & 3) - 32 for i in range(16)]
        w = [q for i in range(8, 136, 16) for q in nibbles(b[i : i + 16])]
    if kind[:2] == "iq" or kind == "mxfp4":
        w = [(TINY if kind == "mxfp4" else CURVE)[q] for q in w]
    return d, m, [q - LESS.get(kind, 0) for q in w], s, u


def group_terms(group, rounded):
    """The terms of a stored group, one for each 32 columns; rounded are theirs."""
    d, m, w, s, u = group
    for i, (dx, x) in enumerate(rounded):
        halves = [(range(32 * i + h, 32 * i + h + 16), x[h : h + 16], 2 * i + h // 16) for h in (0, 16)]
        total = sum(s[part] * sum(w[c] * q for c, q in zip(cs, qs)) for cs, qs, part in halves)
        assert abs(total) < 2**24
        term = mul(f32(total), mul(d, dx))
        if u:
            least = sum(u[part] * sum(qs) for cs, qs, part in halves)
            term = sub(term, mul(f32(least), mul(m, dx)))
        elif m is not None:
            term = add(term, mul(m, mul(f32(sum(x)), dx)))
        yield term


def matmul(kind, weights, values, bias):
    output, columns = [], columns_of(kind)
    for t in range(TOKENS):
        token = values[t * columns : (t + 1) * columns]
        groups = [round_group(token[i : i + 32]) for i in range(0, columns, 32)]
        for r in range(ROWS):
            if kind in GROUP_BYTES:
                step = len(groups) // len(weights[r])
                terms = [t for i, w in enumerate(weights[r]) for t in group_terms(w, groups[i * step : (i + 1) * step])]
                result = canonical_sum(terms)
            else:
                result = canonical_sum([mul(w, x) for w, x in zip(weights[r], token)])
            output.append(add(result, bias[r]) if bias else result)
    return output


# Section 6: attention of one query.
def attend(query, keys, values, position, scale, window=0, cap=0, slope=None, sink=None):
    first = max(0, position - window + 1) if window else 0
    o = None
    for page in range(first // 64, position // 64 + 1):
        js = range(max(first, page * 64), min(position, page * 64 + 63) + 1)
        scores = [mul(canonical_sum([mul(a, b) for a, b in zip(query, keys[j])]), scale) for j in js]
        if cap:
            scores = [mul(tanh(mul(s, f32(1 / cap))), cap) for s in scores]
        if slope is not None:
            scores = [add(s, mul(slope, float(j - position))) for s, j in zip(scores, js)]
        top = max([s for s in scores if s == s], default=-INF)
        # The lanes count from the page's beginning.
        before = [0.0] * (js[0] - page * 64)
        e = [exp(sub(s, top)) for s in scores]
        total = canonical_sum(before + e)
        weighted = [canonical_sum(before + [mul(a, values[j][d]) for a, j in zip(e, js)]) for d in range(len(values[0]))]
        if o is None:
            m, l, o = top, total, weighted
            continue
        larger = max(m, top)
        a, c = exp(sub(m, larger)), exp(sub(top, larger))
        m, l = larger, add(mul(l, a), mul(total, c))
        o = [add(mul(x, a), mul(y, c)) for x, y in zip(o, weighted)]
    if sink is not None:
        larger = max(m, sink)
        a = exp(sub(m, larger))
        l = add(mul(l, a), exp(sub(sink, larger)))
        o = [mul(x, a) for x in o]
    return [mul(x, reciprocal(l)) for x in o]


# Section 11: experts.
def choose(scores, count):
    ranked = sorted(range(len(scores)), key=lambda i: (-(-INF if scores[i] != scores[i] else scores[i]), i))
    return sorted(ranked[:count])


def route(logits, chosen, kind, groups=1, chosen_groups=1, by_two=False, correction=None, normed=False, scale=1.0):
    score = [sigmoid(x) if kind == "sigmoid" else x for x in logits]
    picked = [add(s, c) for s, c in zip(score, correction)] if correction else score
    size = len(logits) // groups
    best = [sorted(picked[g * size : (g + 1) * size], reverse=True) for g in range(groups)]
    kept = choose([add(b[0], b[1]) if by_two else b[0] for b in best], chosen_groups)
    experts = choose([s if i // size in kept else -INF for i, s in enumerate(picked)], chosen)
    if kind == "sigmoid":
        weights = [score[i] for i in experts]
        factor = reciprocal(add(canonical_sum(weights), const("1e3ce508"))) if normed else 1.0
    else:
        summed = [logits[i] for i in experts] if kind == "chosen" else logits
        weights = [exp(sub(logits[i], max(summed))) for i in experts]
        factor = reciprocal(canonical_sum([exp(sub(x, max(summed))) for x in summed]))
    return experts, [mul(mul(w, factor), scale) for w in weights]


def routes(seed, kind, corrected=False, **how):
    g, output = Generator(seed), []
    logits = g.floats(96, 6)
    logits[::2] = [mul(f32(nearest(mul(x, 4))), 0.25) for x in logits[::2]]
    correction = g.floats(12, 0.5) if corrected else None
    for t in range(8):
        experts, weights = route(logits[t * 12 : t * 12 + 12], 3, kind, correction=correction, **how)
        output += experts + [bits(w) for w in weights]
    return output


def add_scaled():
    g = Generator(43)
    target, source, factors = g.floats(76, 10), g.floats(38, 3), g.floats(2, 1)
    for i, row in enumerate((3, 1)):
        for c in range(19):
            target[row * 19 + c] = add(target[row * 19 + c], mul(source[i * 19 + c], factors[i]))
    return target


def clamped_gate(g, u):
    g, u = min(g, 7.0), max(-7.0, min(u, 7.0))
    return mul(mul(g, sigmoid(mul(g, f32(1.702)))), add(u, 1))


# Section 8: inputs.
class Generator:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    def float(self, magnitude):
        return mul(mul(f32((self.next() >> 40) - (1 << 23)), 2.0**-23), f32(magnitude))

    def floats(self, count, magnitude):
        return [self.float(magnitude) for _ in range(count)]


def stored_rows(generator, kind):
    return [stored_row(generator, kind) for _ in range(ROWS)]


def stored_row(generator, kind):
    if kind == "f32":
        return generator.floats(COLUMNS, 1)
    if kind == "f16":
        return [of_half(to_half(x)) for x in generator.floats(COLUMNS, 1)]
    if kind == "bf16":
        return [of_bits(bits(x) & 0xFFFF0000) for x in generator.floats(COLUMNS, 1)]
    row, wide = [], columns_of(kind) == 512
    for _ in range(2 if wide else COLUMNS // 32):
        stored = [generator.next() & 255 for _ in range(GROUP_BYTES[kind])]
        place = {"q2_k": 80, "q3_k": 108, "q6_k": 208}.get(kind, 0)
        if kind == "mxfp4":
            stored[0] = 118 + generator.next() % 8
        else:
            stored[place : place + 2] = struct.pack("<H", to_half(generator.float(0.001 if wide else 0.02)))
        if kind in ("q4_1", "q5_1", "q2_k", "q4_k", "q5_k"):
            stored[place + 2 : place + 4] = struct.pack("<H", to_half(generator.float(0.005 if wide else 0.1)))
        row.append(take_apart(kind, stored))
    return row


def rotary(layout):
    values = Generator(31).floats(3 * 2 * 24, 4)
    frequencies = [f32(10000.0 ** (-i / 8)) for i in range(8)]
    for t in range(3):
        for h in range(2):
            for i, frequency in enumerate(frequencies):
                angle = mul(f32(1000 + t), frequency)
                c, s = f32(math.cos(angle)), f32(math.sin(angle))
                first = (t * 2 + h) * 24 + (2 * i if layout == "interleaved" else i)
                second = first + (1 if layout == "interleaved" else 8)
                x0, x1 = values[first], values[second]
                values[first] = sub(mul(x0, c), mul(x1, s))
                values[second] = add(mul(x1, c), mul(x0, s))
    return values


def rms_norm():
    g = Generator(30)
    values, weights, output = g.floats(150, 50), g.floats(75, 2), []
    for token in (values[:75], values[75:]):
        mean = mul(canonical_sum([mul(x, x) for x in token]), f32(1 / 75))
        factor = reciprocal_sqrt(add(mean, f32(1e-5)))
        output += [mul(mul(x, factor), w) for x, w in zip(token, weights)]
    return output


def layer_norm():
    g = Generator(50)
    values, weights, biases, output = g.floats(150, 50), g.floats(75, 2), g.floats(75, 1), []
    for token in (values[:75], values[75:]):
        mean = mul(canonical_sum(token), f32(1 / 75))
        apart = [sub(x, mean) for x in token]
        variance = mul(canonical_sum([mul(d, d) for d in apart]), f32(1 / 75))
        factor = reciprocal_sqrt(add(variance, f32(1e-5)))
        output += [add(mul(mul(d, factor), w), b) for d, w, b in zip(apart, weights, biases)]
    return output


def attention(seed=34, positions=70, size=16, slopes=False, sinks=False, **rest):
    g = Generator(seed)
    keys, values = g.floats(positions * 2 * size, 3), g.floats(positions * 32, 3)
    slopes = g.floats(4, 0.2) if slopes else [None] * 4
    sinks = g.floats(4, 40) if sinks else [None] * 4
    queries = g.floats(8 * 4 * size, 3)
    k = [[[of_half(to_half(x)) for x in keys[(j * 2 + h) * size : (j * 2 + h + 1) * size]] for j in range(positions)] for h in range(2)]
    v = [[[of_half(to_half(x)) for x in values[(j * 2 + h) * 16 : (j * 2 + h + 1) * 16]] for j in range(positions)] for h in range(2)]
    page, output = [], []
    for h in range(2):
        page += [to_half(k[h][j][d]) for d in range(size) for j in range(64)]
        page += [to_half(v[h][j][d]) for j in range(64) for d in range(16)]
    for t in range(8):
        for h in range(4):
            query = queries[(t * 4 + h) * size : (t * 4 + h + 1) * size]
            output += attend(query, k[h // 2], v[h // 2], positions - 8 + t, 0.25, slope=slopes[h], sink=sinks[h], **rest)
    return page, output


# Section 10.
def step_row(token, c, tables):
    n = len(token)
    keys = [(bits(x) & 0x7FFFFFFF) >> 16 for x in token]
    median = sorted(keys)[n // 2]
    row = None
    if max(keys) < 0x7F80 and 0x1780 <= median <= 0x6780:
        inverse = reciprocal(mul(of_bits(median << 16), c))
        sizes = [step_size(abs(x), inverse) for x in token]
        if sum(m >= 256 for m in sizes) <= n // 8:
            shape = sum(bound * n <= 256 * sum(k >= median + 256 for k in keys) for bound in (5, 8, 13, 17, 22, 32))
            row = step_body(sizes, [x < 0 for x in token], median, tables[shape])
    if row is None:
        row, shape = b"".join(struct.pack("<H", to_half(x)) for x in token), 7
    head, left = b"", len(row) * 8 + shape
    while left >= 128:
        head, left = head + bytes([left & 127 | 128]), left >> 7
    return head + bytes([left]) + row


def step_size(magnitude, inverse):
    y = min(mul(magnitude, inverse), 268369920.0)
    if y < 4096:
        return nearest(y)
    b = bits(y)
    return int(of_bits((b + 0x7FF + (b >> 12 & 1)) & ~0xFFF))


def step_body(sizes, negative, median, table):
    frequencies = [int(table[3 * i : 3 * i + 3], 16) for i in range(68)]
    classes, raw, count = [], 0, 0
    for m, sign in zip(sizes, negative):
        e = m.bit_length() - 1
        below = 0 if m < 8 else e - 3 if m < 256 else min(e, 11)
        classes.append(m if m < 8 else 8 * (e - 3) + 8 + (m >> e - 3 & 7) if m < 256 else 40 + e)
        if m == 0:
            continue
        kept = m >> e - below if m >= 256 else m
        raw |= (((kept & (1 << below) - 1) << 1) | sign) << count
        count += 1 + below
    states = [65536 + median] + [65536 + (raw >> 16 * i & 0xFFFF) for i in range(3)]
    words = []
    for i in range(len(sizes) - 1, -1, -1):
        x, f = states[i % 4], frequencies[classes[i]]
        if x >= f << 20:
            words.insert(0, x & 0xFFFF)
            x >>= 16
        states[i % 4] = (x // f) * 4096 + sum(frequencies[: classes[i]]) + x % f
    rest = (max(0, count - 48) + 7) // 8
    return struct.pack("<4I", *states) + b"".join(struct.pack("<H", w) for w in words) + (raw >> 48).to_bytes(rest, "little")


def step_codecs(values, page):
    for name, c in (("fine", "3d23d70a"), ("medium", "3dd4fdf4"), ("coarse", "3e5f3b64")):
        tables = re.findall(rf"^    {name} \d ([0-9a-f]{{204}})$", page, re.M)
        yield "codec-" + name, b"".join(step_row(token, const(c), tables) for token in (values[:80], values[80:]))


def codecs(page):
    values = Generator(35).floats(160, 5)
    values[3], values[100], values[120] = 27000.0, -70000.0, f32(1e-40)
    eight = b""
    for token in (values[:80], values[80:]):
        apart = sorted(sorted(range(80), key=lambda i: (-abs(token[i]), i))[:8])
        scale, rounded = round_group([0.0 if i in apart else x for i, x in enumerate(token)])
        eight += struct.pack("<f", scale) + b"".join(struct.pack("<HH", i, to_half(token[i])) for i in apart)
        eight += bytes(q & 255 for q in rounded)
    return {
        "codec-f32": b"".join(struct.pack("<f", x) for x in values),
        "codec-f16": b"".join(struct.pack("<H", to_half(x)) for x in values),
        "codec-int8": eight,
        **dict(step_codecs(values, page)),
    }


def answers():
    yield "exp", map(exp, Generator(1).floats(64, 100))
    yield "reciprocal", map(reciprocal, Generator(2).floats(64, 1000))
    yield "reciprocal-sqrt", [reciprocal_sqrt(abs(x)) for x in Generator(3).floats(64, 1000)]
    yield "sigmoid", map(sigmoid, Generator(4).floats(64, 30))
    yield "tanh", map(tanh, Generator(5).floats(64, 8))
    late = ("q5_0", "q5_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs", "mxfp4")
    for seed, kind in [*enumerate(("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1"), 10), *enumerate(late, 60)]:
        g = Generator(seed)
        weights, values, bias = stored_rows(g, kind), g.floats(TOKENS * columns_of(kind), 4), g.floats(ROWS, 1)
        yield "matmul-" + kind, matmul(kind, weights, values, bias)
    g = Generator(20)
    weights, values = stored_rows(g, "q8_0"), g.floats(TOKENS * COLUMNS, 4)
    values[0:96] = [0.0] * 32 + [f32(1e-31)] * 32 + [f32(-1e-39)] * 32
    values[96], values[COLUMNS + 5], values[2 * COLUMNS + 40] = f32(3e38), INF, NAN
    yield "matmul-corners", matmul("q8_0", weights, values, None)
    yield "rms-norm", rms_norm()
    yield "rotary-interleaved", rotary("interleaved")
    yield "rotary-half-split", rotary("half-split")
    g = Generator(32)
    yield "swiglu", [mul(mul(a, sigmoid(a)), b) for a, b in zip(g.floats(75, 100), g.floats(75, 3))]
    g = Generator(33)
    yield "add", [add(a, b) for a, b in zip(g.floats(75, 100), g.floats(75, 1e-3))]
    yield "attention", attention()[1]
    yield "attention-window", attention(40, 150, window=85)[1]
    yield "attention-soft-cap", attention(41, 150, cap=5)[1]
    yield "attention-slopes", attention(42, 150, slopes=True)[1]
    yield "attention-sinks", attention(43, 150, window=85, sinks=True)[1]
    yield "attention-values", attention(44, 150, size=24)[1]
    yield "add-scaled", add_scaled()
    g = Generator(44)
    yield "clamped-swiglu", map(clamped_gate, g.floats(75, 12), g.floats(75, 12))
    yield "layer-norm", layer_norm()
    for seed, name, function in ((51, "gelu", gelu), (52, "gelu-tanh", gelu_tanh), (53, "gelu-sigmoid", gelu_sigmoid), (54, "relu", relu)):
        yield name, map(function, Generator(seed).floats(75, 6))
    g = Generator(55)
    yield "gate-gelu-tanh", [mul(gelu_tanh(a), b) for a, b in zip(g.floats(75, 6), g.floats(75, 3))]
    yield "soft-cap", [mul(30, tanh(mul(x, f32(1 / 30)))) for x in Generator(56).floats(75, 90)]
    yield "scale", [mul(x, 59.75) for x in Generator(57).floats(75, 2)]


def fnv(output):
    h = 0xCBF29CE484222325
    for value in output:
        for byte in struct.pack("<I", value):
            h = ((h ^ byte) * 0x100000001B3) & ((1 << 64) - 1)
    return h


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    page = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else root / "docs" / "canonical-1.md").read_text(encoding="utf-8")
    listed = {m[1]: m for m in re.finditer(r"^\| `([\w-]+)` \| (\d+) \| `([0-9a-f]{16})` \| `([^`]*)`", page, re.M)}
    mine = {name: [bits(x) for x in values] for name, values in answers()}
    mine["kv-page"] = attention()[0]
    mine["route-softmax-chosen"] = routes(40, "chosen")
    mine["route-softmax"] = routes(41, "all", groups=4, chosen_groups=2, scale=16.0)
    mine["route-sigmoid"] = routes(42, "sigmoid", corrected=True, groups=4, chosen_groups=2, by_two=True, normed=True, scale=2.5)
    mine.update({name: list(data) for name, data in codecs(page).items()})
    wrong = sorted(listed.keys() ^ mine.keys())
    for name in listed.keys() & mine.keys():
        row, output = listed[name], mine[name]
        first = " ".join("%08x" % x for x in output[:6])
        if (len(output), fnv(output), first) != (int(row[2]), int(row[3], 16), row[4]):
            wrong.append(name)
    print(f"{len(listed)} vectors on the page, {len(mine)} computed, different: {' '.join(wrong) or 'none'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
