#!/usr/bin/env python3
"""Frequency tables of the codecs fine, medium and coarse: writes src/Swarm.Kernels/Codecs/StepFrequencies.cs. Needs nothing but Python.

A shape is Student's t distribution in units of its median magnitude, mixed with outliers spread evenly over the octaves from 4 to 2^14 medians. No text is looked at.
"""
import math
import pathlib

TOTAL = 4096
STEPS = [("Fine", 0.04), ("Medium", 0.104), ("Coarse", 0.218)]
SHAPES = [(12, 0.004), (6, 0.005), (4, 0.006), (3, 0.006), (2.2, 0.006), (1.6, 0.006), (1, 0.006)]


def classes():
    """First and last magnitude of each class."""
    small = [(m, m) for m in range(8)]
    divided = [((8 + t) << e - 3, ((9 + t) << e - 3) - 1) for e in range(3, 8) for t in range(8)]
    return small + divided + [(1 << e, (1 << e + 1) - 1) for e in range(8, 28)]


class StudentT:
    """Cumulative distribution of the magnitude, in medians of the magnitude."""

    SPACING, COUNT = 0.0005, 40000

    def __init__(self, freedom):
        density = lambda x: (1 + x * x / freedom) ** (-(freedom + 1) / 2)
        self.freedom, self.sums, h = freedom, [0.0], self.SPACING
        for i in range(self.COUNT):
            a = i * h
            self.sums.append(self.sums[-1] + (density(a) + 4 * density(a + h / 2) + density(a + h)) * h / 6)
        self.end = self.COUNT * h
        self.tail = freedom ** ((freedom + 1) / 2) * self.end ** -freedom / freedom
        self.total = self.sums[-1] + self.tail
        low, high = 0.0, 10.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.below(middle) < 0.5 else (low, middle)
        self.median = low

    def below(self, x):
        if x >= self.end:
            return 1 - self.tail * (self.end / x) ** self.freedom / self.total
        i = int(x / self.SPACING)
        return (self.sums[i] + (self.sums[i + 1] - self.sums[i]) * (x / self.SPACING - i)) / self.total


def table(step, shape, outliers):
    def below(x):
        return (1 - outliers) * shape.below(x * shape.median) + outliers * (0 if x <= 4 else min(1.0, math.log2(x / 4) / 12))

    p = [below((last + 0.5) * step) - (below((first - 0.5) * step) if first else 0) for first, last in classes()]
    counts = [max(1, round(x * TOTAL)) for x in p]
    while (missing := TOTAL - sum(counts)) != 0:
        if missing > 0:
            counts[max(range(len(p)), key=lambda i: p[i] * math.log((counts[i] + 1) / counts[i]))] += 1
        else:
            counts[min((i for i in range(len(p)) if counts[i] > 1), key=lambda i: p[i] * math.log(counts[i] / (counts[i] - 1)))] -= 1
    return "".join("%03x" % n for n in counts)


def main():
    shapes = [(StudentT(freedom), outliers) for freedom, outliers in SHAPES]
    lines = [
        "namespace Swarm.Kernels.Codecs;",
        "",
        "/// <summary>",
        "/// How often the classes of <see cref=\"StepClasses\"/> come, of 4096, three hexadecimal digits each: a line a shape. They are fitted to no text: a shape is Student's t",
        "/// distribution of 12, 6, 4, 3, 2.2, 1.6 or 1 degrees of freedom in units of its median magnitude, with 0.4 to 0.6 % of the values spread evenly over the octaves",
        "/// from 4 to 2^14 medians. scripts/codec-tables.py writes this file.",
        "/// </summary>",
        "internal static class StepFrequencies",
        "{",
    ]
    lines += [f"    public const float {name}Step = {step:g}f;" for name, step in STEPS]
    for name, step in STEPS:
        lines += ["", f"    public static readonly string[] {name} =", "    ["]
        lines += [f'        "{table(step, shape, outliers)}",' for shape, outliers in shapes]
        lines += ["    ];"]
    path = pathlib.Path(__file__).resolve().parent.parent / "src/Swarm.Kernels/Codecs/StepFrequencies.cs"
    path.write_text("\n".join(lines + ["}", ""]), encoding="utf-8")


main()
