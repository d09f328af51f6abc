using System.Buffers.Binary;
using Swarm.Kernels.Codecs;

namespace Swarm.Kernels;

/// <summary>
/// The test vectors of docs/canonical-1.md: inputs from a stated generator, outputs as bits. What a kernel set must answer to bear the
/// name canonical-1.
/// </summary>
internal static partial class KnownAnswers
{
    private const int Rows = 19;
    private const int Columns = 288;
    private const int Tokens = 3;

    private static readonly AttentionShape s_shape = new(4, 2, 16, 0.25f);

    /// <summary>Hash of each case's outputs; the page lists the same.</summary>
    public static IReadOnlyDictionary<string, ulong> Hashes { get; } = new Dictionary<string, ulong>
    {
        ["exp"] = 0x5CEA51C04FFB7C8A,
        ["reciprocal"] = 0xAE20C0113229E2A2,
        ["reciprocal-sqrt"] = 0x8F7907794D7AC8AA,
        ["sigmoid"] = 0x27FB371E8183385C,
        ["tanh"] = 0x1A24AF488BBE942C,
        ["matmul-f32"] = 0x7244F6A9F0089F56,
        ["matmul-f16"] = 0x65CB217BD6264616,
        ["matmul-bf16"] = 0xC477F23146A5B3DD,
        ["matmul-q8_0"] = 0x3442A83C3BDE5D49,
        ["matmul-q4_0"] = 0x3F111A35A5011924,
        ["matmul-q4_1"] = 0x80B936990A3433A2,
        ["matmul-q5_0"] = 0xF53356E2FD4F0A7D,
        ["matmul-q5_1"] = 0xC989D1278356D821,
        ["matmul-q2_k"] = 0xE2D1D82311DDDACD,
        ["matmul-q3_k"] = 0xA9BF2EE1A659FA2F,
        ["matmul-q4_k"] = 0xCA5689046F529B5C,
        ["matmul-q5_k"] = 0x4FA81943DC9059BF,
        ["matmul-q6_k"] = 0x1CF151BB1F372954,
        ["matmul-iq4_nl"] = 0xC9BE6440B62DA16A,
        ["matmul-iq4_xs"] = 0x40A81F357459AC3C,
        ["matmul-mxfp4"] = 0x2FE2E1943173122B,
        ["matmul-corners"] = 0x99068E025C59C6C0,
        ["rms-norm"] = 0x8B024CF8E0FDC3B5,
        ["rotary-interleaved"] = 0xD6814ECCF6B63994,
        ["rotary-half-split"] = 0x4A1098899DACFCB0,
        ["swiglu"] = 0xF8F8182D6B4169B6,
        ["add"] = 0xB078FC0F7482CB56,
        ["kv-page"] = 0x613A90EB60B03DC9,
        ["attention"] = 0x2E11E221538FD5EE,
        ["attention-window"] = 0x4190E284A77F7DBB,
        ["attention-soft-cap"] = 0x140FB894E3038191,
        ["attention-slopes"] = 0xED3126FFA5A650F6,
        ["attention-sinks"] = 0x0B77A3A902429BBC,
        ["attention-values"] = 0x4A8E9AC33D635BFE,
        ["route-softmax-chosen"] = 0x49214D2670BBE47B,
        ["route-softmax"] = 0x3B055C37943105CB,
        ["route-sigmoid"] = 0x4E5A49C3C3027CE0,
        ["add-scaled"] = 0xC4B4FC4D8412707B,
        ["clamped-swiglu"] = 0x829F27C8019428DA,
        ["layer-norm"] = 0x03A31589358C1D78,
        ["gelu"] = 0xB27DD510669B5AE9,
        ["gelu-tanh"] = 0x93A6B58375B983F2,
        ["gelu-sigmoid"] = 0x04B61807D93F8125,
        ["relu"] = 0x72ED3ABA9C53A7F4,
        ["gate-gelu-tanh"] = 0xCAD06200DC6C12F5,
        ["soft-cap"] = 0xD3B010672299F627,
        ["scale"] = 0x5263F3CD46348A47,
        ["codec-f32"] = 0x24FA83E6E1ED1FAA,
        ["codec-f16"] = 0xCCE7B67F03B92356,
        ["codec-int8"] = 0xD141768B91C22E31,
        ["codec-fine"] = 0xCD32344986DBE608,
        ["codec-medium"] = 0x032DB5AAB62FB779,
        ["codec-coarse"] = 0xE89C07A0B368C5B9,
    };

    /// <summary>Computes every case, outputs as integers: float32 bits, F16 bits or bytes.</summary>
    public static IEnumerable<(string Name, uint[] Output)> Compute(KernelSet kernels) => Compute(kernels, Enum.GetValues<WeightFormat>());

    /// <summary>The same with products of some weight formats alone.</summary>
    public static IEnumerable<(string Name, uint[] Output)> Compute(KernelSet kernels, IEnumerable<WeightFormat> formats)
    {
        yield return ("exp", Scalars(1, 100f, KernelMath.Exp));
        yield return ("reciprocal", Scalars(2, 1000f, KernelMath.Reciprocal));
        yield return ("reciprocal-sqrt", Scalars(3, 1000f, x => KernelMath.ReciprocalSqrt(MathF.Abs(x))));
        yield return ("sigmoid", Scalars(4, 30f, KernelMath.Sigmoid));
        yield return ("tanh", Scalars(5, 8f, KernelMath.Tanh));
        foreach (WeightFormat format in formats)
            yield return Product(kernels, format);
        yield return ("matmul-corners", MatMulCorners(kernels));
        yield return ("rms-norm", RmsNorm(kernels));
        yield return ("rotary-interleaved", Rotary(kernels, RotaryLayout.Interleaved));
        yield return ("rotary-half-split", Rotary(kernels, RotaryLayout.HalfSplit));
        yield return ("swiglu", SwiGlu(kernels));
        yield return ("add", Add(kernels));
        (uint[] page, uint[] attention) = Attention(kernels);
        if (kernels.NumericsClass == SelfTest.CanonicalClass)
            yield return ("kv-page", page);
        yield return ("attention", attention);
        yield return ("attention-window", Attention(kernels, 40, s_shape with { Window = 85 }));
        yield return ("attention-soft-cap", Attention(kernels, 41, s_shape with { SoftCap = 5 }));
        yield return ("attention-slopes", Attention(kernels, 42, s_shape, slopes: true));
        yield return ("attention-sinks", Attention(kernels, 43, s_shape with { Window = 85 }, sinks: true));
        yield return ("attention-values", Attention(kernels, 44, s_shape with { HeadDimension = 24, ValueDimension = 16 }));
        foreach ((string name, uint[] output) in Experts(kernels).Concat(Activations(kernels)))
            yield return (name, output);
        foreach (ActivationCodec codec in ActivationCodec.All)
            yield return ($"codec-{codec.Name}", Codec(codec));
    }

    /// <summary>FNV-1a, 64 bits, over the outputs as four little-endian bytes each, every NaN as 7FC00000.</summary>
    public static ulong Hash(ReadOnlySpan<uint> output)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (uint value in output)
        {
            for (int shift = 0; shift < 32; shift += 8)
                hash = (hash ^ ((value >> shift) & 0xFF)) * 0x100000001B3;
        }

        return hash;
    }

    private static uint[] ToBits(ReadOnlySpan<float> values)
    {
        uint[] bits = new uint[values.Length];
        for (int i = 0; i < bits.Length; i++)
            bits[i] = float.IsNaN(values[i]) ? 0x7FC00000 : BitConverter.SingleToUInt32Bits(values[i]);
        return bits;
    }

    private static uint[] Scalars(ulong seed, float magnitude, Func<float, float> function)
    {
        float[] values = new Generator(seed).Floats(64, magnitude);
        for (int i = 0; i < values.Length; i++)
            values[i] = function(values[i]);
        return ToBits(values);
    }

    private static byte[] StoredRows(Generator generator, WeightFormat format)
    {
        byte[] stored = new byte[WeightFormats.RowBytes(format, ColumnsOf(format)) * Rows];
        int size = WeightFormats.GroupBytes(format);
        for (int offset = 0; offset < stored.Length; offset += size)
        {
            Span<byte> group = stored.AsSpan(offset, size);
            switch (format)
            {
                case WeightFormat.F32:
                    BinaryPrimitives.WriteSingleLittleEndian(group, generator.Float(1f));
                    break;
                case WeightFormat.F16:
                    BinaryPrimitives.WriteUInt16LittleEndian(group, HalfBits.FromSingle(generator.Float(1f)));
                    break;
                case WeightFormat.BF16:
                    BinaryPrimitives.WriteUInt16LittleEndian(group, (ushort)(BitConverter.SingleToUInt32Bits(generator.Float(1f)) >> 16));
                    break;
                default:
                    foreach (ref byte stored8 in group)
                        stored8 = (byte)generator.Next();
                    WriteScales(generator, format, group);
                    break;
            }
        }

        return stored;
    }

    private static void WriteScales(Generator generator, WeightFormat format, Span<byte> group)
    {
        if (format == WeightFormat.MXFP4)
        {
            group[0] = (byte)(118 + (generator.Next() & 7));
            return;
        }

        bool wide = WeightFormats.GroupLength(format) == 256;
        BinaryPrimitives.WriteUInt16LittleEndian(group[StoredGroup.ScaleOffset(format)..], HalfBits.FromSingle(generator.Float(wide ? 0.001f : 0.02f)));
        if (StoredGroup.HasMinimum(format))
            BinaryPrimitives.WriteUInt16LittleEndian(group[StoredGroup.MinimumOffset(format)..], HalfBits.FromSingle(generator.Float(wide ? 0.005f : 0.1f)));
    }

    private static int ColumnsOf(WeightFormat format) => WeightFormats.GroupLength(format) == 256 ? 512 : Columns;

    /// <summary>The product of one weight format.</summary>
    public static (string Name, uint[] Output) Product(KernelSet kernels, WeightFormat format) => ($"matmul-{WeightFormats.Name(format)}", MatMul(kernels, format));

    private static uint[] MatMul(KernelSet kernels, WeightFormat format)
    {
        Generator generator = new((format <= WeightFormat.Q4_1 ? 10UL : 54UL) + (ulong)format);
        byte[] stored = StoredRows(generator, format);
        float[] input = generator.Floats(Tokens * ColumnsOf(format), 4f), bias = generator.Floats(Rows, 1f);
        return MatMul(kernels, format, stored, input, bias);
    }

    // Activations that are zero, tiny, huge, infinite and NaN, one group each, over Q8_0.
    private static uint[] MatMulCorners(KernelSet kernels)
    {
        Generator generator = new(20);
        byte[] stored = StoredRows(generator, WeightFormat.Q8_0);
        float[] input = generator.Floats(Tokens * Columns, 4f);
        input.AsSpan(0, 32).Clear();
        input.AsSpan(32, 32).Fill(1e-31f);
        input.AsSpan(64, 32).Fill(-1e-39f);
        input[96] = 3e38f;
        input[Columns + 5] = float.PositiveInfinity;
        input[2 * Columns + 40] = float.NaN;
        return MatMul(kernels, WeightFormat.Q8_0, stored, input, []);
    }

    private static uint[] MatMul(KernelSet kernels, WeightFormat format, byte[] stored, float[] input, float[] bias)
    {
        int row = stored.Length / Rows;
        using WeightMatrix weights = kernels.Pack(format, Rows, ColumnsOf(format), (first, count) => stored.AsSpan(first * row, count * row));
        float[] output = new float[Tokens * Rows];
        kernels.MatMul(weights, input, Tokens, bias, output);
        return ToBits(output);
    }

    private static uint[] RmsNorm(KernelSet kernels)
    {
        Generator generator = new(30);
        float[] input = generator.Floats(2 * 75, 50f), weight = generator.Floats(75, 2f), output = new float[input.Length];
        kernels.RmsNorm(input, weight, 1e-5f, 2, output);
        return ToBits(output);
    }

    private static uint[] Rotary(KernelSet kernels, RotaryLayout layout)
    {
        float[] values = new Generator(31).Floats(3 * 2 * 24, 4f);
        float[] frequencies = new float[8];
        for (int i = 0; i < frequencies.Length; i++)
            frequencies[i] = (float)HostMath.Pow(10000, -i / 8.0);
        kernels.Rotary(values, 3, 2, 24, new RotaryTable(layout, frequencies), 1000);
        return ToBits(values);
    }

    private static uint[] SwiGlu(KernelSet kernels)
    {
        Generator generator = new(32);
        float[] gate = generator.Floats(75, 100f), up = generator.Floats(75, 3f);
        kernels.SwiGlu(gate, up);
        return ToBits(gate);
    }

    private static uint[] Add(KernelSet kernels)
    {
        Generator generator = new(33);
        float[] target = generator.Floats(75, 100f), addend = generator.Floats(75, 1e-3f);
        kernels.Add(target, addend);
        return ToBits(target);
    }

    private static (uint[] Page, uint[] Output) Attention(KernelSet kernels)
    {
        Generator generator = new(34);
        return Attention(kernels, generator, s_shape, 70, generator.Floats(70 * s_shape.KeyWidth, 3f), generator.Floats(70 * s_shape.ValueWidth, 3f));
    }

    // Over three pages; slopes and sinks are drawn last.
    private static uint[] Attention(KernelSet kernels, ulong seed, AttentionShape shape, bool slopes = false, bool sinks = false)
    {
        const int Positions = 150;
        Generator generator = new(seed);
        float[] keys = generator.Floats(Positions * shape.KeyWidth, 3f), values = generator.Floats(Positions * shape.ValueWidth, 3f);
        return Attention(
            kernels, generator, shape with { Slopes = slopes ? generator.Floats(shape.Heads, 0.2f) : null, Sinks = sinks ? generator.Floats(shape.Heads, 40f) : null },
            Positions, keys, values).Output;
    }

    private static unsafe (uint[] Page, uint[] Output) Attention(
        KernelSet kernels, Generator generator, AttentionShape shape, int positions, float[] keys, float[] values)
    {
        const int Queries = 8;
        float[] queries = generator.Floats(Queries * shape.QueryWidth, 3f), output = new float[Queries * shape.OutputWidth];
        int bytes = kernels.KvPageBytes(shape), count = (positions + KernelSet.PagePositions - 1) / KernelSet.PagePositions;
        using NativeBuffer memory = new((long)count * bytes);
        new Span<byte>(memory.Pointer, count * bytes).Clear();
        nint[] pages = new nint[count];
        for (int i = 0; i < count; i++)
            pages[i] = (nint)memory.Pointer + i * bytes;
        kernels.StoreKeyValues(shape, pages, 0, 0, positions, keys, values);
        kernels.Attention(shape, pages, 0, positions - Queries, Queries, queries, output);
        ushort* halves = (ushort*)memory.Pointer;
        uint[] page = new uint[bytes / sizeof(ushort)];
        for (int i = 0; i < page.Length; i++)
            page[i] = halves[i];
        return (page, ToBits(output));
    }

    private static uint[] Codec(ActivationCodec codec)
    {
        float[] values = new Generator(35).Floats(2 * 80, 5f);
        values[3] = 27000f;
        values[100] = -70000f;
        values[120] = 1e-40f;
        byte[] encoded = new byte[codec.MaxEncodedBytes(2, 80)];
        int bytes = codec.Encode(values, 2, 80, encoded);
        return Array.ConvertAll(encoded[..bytes], value => (uint)value);
    }

    /// <summary>SplitMix64; a float is the 24 upper bits less 2^23, times 2^-23, times the magnitude (each product rounded to float32).</summary>
    internal sealed class Generator(ulong seed)
    {
        private ulong _state = seed;

        public ulong Next()
        {
            ulong z = _state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }

        public float Float(float magnitude) => ((int)(Next() >> 40) - (1 << 23)) * (1f / (1 << 23)) * magnitude;

        public float[] Floats(int count, float magnitude)
        {
            float[] values = new float[count];
            for (int i = 0; i < count; i++)
                values[i] = Float(magnitude);
            return values;
        }
    }
}
