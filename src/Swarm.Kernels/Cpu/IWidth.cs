namespace Swarm.Kernels.Cpu;

/// <summary>
/// What the kernels ask of a vector width. A value of <typeparamref name="TV"/> is a register of <see cref="Lanes"/> 32-bit lanes; an operation's
/// name says how it reads them. Each is exact or rounds every lane once, so that widths agree bit for bit.
/// </summary>
internal unsafe interface IWidth<TV>
    where TV : struct
{
    static abstract CpuWidth Width { get; }

    /// <summary>32-bit lanes: 4, 8 or 16.</summary>
    static abstract int Lanes { get; }

    static abstract TV Load(void* from);

    static abstract void Store(void* to, TV value);

    static abstract TV All(float value);

    static abstract TV AllInt(int value);

    static abstract TV Add(TV a, TV b);

    static abstract TV Sub(TV a, TV b);

    static abstract TV Mul(TV a, TV b);

    /// <summary>All ones where a &lt; b as floats.</summary>
    static abstract TV Less(TV a, TV b);

    /// <summary>All ones where a = b as floats; not where either is NaN.</summary>
    static abstract TV Same(TV a, TV b);

    static abstract TV AddInt(TV a, TV b);

    static abstract TV SubInt(TV a, TV b);

    static abstract TV MaxInt(TV a, TV b);

    static abstract TV GreaterInt(TV a, TV b);

    static abstract TV EqualInt(TV a, TV b);

    static abstract TV ShiftLeft(TV value, int bits);

    static abstract TV ShiftRight(TV value, int bits);

    static abstract TV And(TV a, TV b);

    static abstract TV Or(TV a, TV b);

    /// <summary>a where the mask has ones, else b.</summary>
    static abstract TV Select(TV mask, TV a, TV b);

    static abstract TV ToFloat(TV ints);

    static abstract TV AddShort(TV a, TV b);

    /// <summary>Int16 lanes w₀x₀ + w₁x₁ of neighbouring bytes, w unsigned and at most 63, x signed.</summary>
    static abstract TV PairsUnsigned(TV w, TV x);

    /// <summary>|w| of signed bytes, or whatever else <see cref="PairsSigned"/> wants computed once for many x.</summary>
    static abstract TV Magnitude(TV w);

    /// <summary>Int16 lanes w₀x₀ + w₁x₁ of neighbouring bytes, both signed, |x| at most 127; with w's <see cref="Magnitude"/>.</summary>
    static abstract TV PairsSigned(TV w, TV magnitude, TV x);

    /// <summary>Whether the processor has an instruction for <see cref="DotUnsigned"/> and <see cref="DotSigned"/>.</summary>
    static abstract bool HasDot { get; }

    /// <summary>Int32 lanes: sum + w₀x₀ + w₁x₁ + w₂x₂ + w₃x₃ of four neighbouring bytes, w unsigned and at most 15, x signed.</summary>
    static abstract TV DotUnsigned(TV sum, TV w, TV x);

    /// <summary>The same with w signed, |x| at most 127; with w's <see cref="Magnitude"/>.</summary>
    static abstract TV DotSigned(TV sum, TV w, TV magnitude, TV x);

    /// <summary>Int32 lanes, sums of neighbouring int16 lanes.</summary>
    static abstract TV SumPairs(TV shorts);

    /// <summary>Int32 lanes a₀b₀ + a₁b₁ of neighbouring int16 lanes, not all four −32768.</summary>
    static abstract TV MulPairs(TV a, TV b);

    /// <summary>Int16 lanes, shifted left.</summary>
    static abstract TV ShiftShorts(TV shorts, int bits);

    /// <summary>The low int16 of each 32-bit lane, twice.</summary>
    static abstract TV TwiceLow(TV pairs);

    /// <summary>The high int16 of each 32-bit lane, twice.</summary>
    static abstract TV TwiceHigh(TV pairs);

    /// <summary>For each byte of at most 15 its entry in a table of 16.</summary>
    static abstract TV Lookup(ReadOnlySpan<sbyte> table, TV indices);

    /// <summary>Int32 lanes of <see cref="Lanes"/> unsigned bytes in memory.</summary>
    static abstract TV LoadBytes(void* from);

    /// <summary>Int16 lanes of twice <see cref="Lanes"/> signed bytes in memory.</summary>
    static abstract TV LoadBytePairs(void* from);

    /// <summary>Int32 lanes of <see cref="Lanes"/> int16 in memory.</summary>
    static abstract TV LoadShorts(void* from);

    /// <summary>Writes the low 16 bits of each lane.</summary>
    static abstract void StoreShorts(void* to, TV ints);

    /// <summary>Writes the low 8 bits of each lane.</summary>
    static abstract void StoreBytes(void* to, TV ints);

    static abstract int MaxAcross(TV ints);

    static abstract int SumAcross(TV ints);
}
