using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Swarm.Kernels.Codecs;

namespace Swarm.Kernels.Tests;

public sealed class StepCodecTests
{
    public static TheoryData<string> Names => ["fine", "medium", "coarse"];

    private static float Fraction(string name) => name switch { "fine" => StepFrequencies.FineStep, "medium" => StepFrequencies.MediumStep, _ => StepFrequencies.CoarseStep };

    [Theory]
    [MemberData(nameof(Names))]
    public void Round_HugeChannels_StaysWithinHalfAStepOrTwelveBits(string name)
    {
        foreach (int hidden in new[] { 40, 64, 577, 2048 })
        {
            float[] values = Heavy((ulong)hidden, hidden);
            values[2] = 27_000f;
            values[hidden - 1] = -31_234.567f;
            float median = values.Select(MathF.Abs).Order().ElementAt(hidden / 2);
            float[] rounded = [.. values];
            ActivationCodec.ByName(name)!.Round(rounded, 1, hidden);
            for (int i = 0; i < hidden; i++)
            {
                float allowed = Math.Max(median * Fraction(name) * 0.501f, Math.Abs(values[i]) / 4095f);
                Assert.True(Math.Abs(values[i] - rounded[i]) <= allowed, $"{name} [{i}] {values[i]} became {rounded[i]}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Encode_ScalarAndVectors_GiveTheSameBytes(string name)
    {
        ActivationCodec codec = ActivationCodec.ByName(name)!;
        for (int hidden = 1; hidden <= 600; hidden = hidden < 257 ? hidden + 1 : hidden + 73)
        {
            float[] values = Heavy((ulong)hidden, hidden);
            values[hidden / 3] *= hidden % 5 == 0 ? 1e6f : 1f;
            values[hidden / 2] = hidden % 7 == 0 ? 1e-41f : values[hidden / 2];
            (byte[] scalar, float[] scalarRounded) = Under(vectors: false, () => EncodeAndRound(codec, values));
            (byte[] vector, float[] vectorRounded) = Under(vectors: true, () => EncodeAndRound(codec, values));
            Assert.Equal(scalar, vector);
            Assert.Equal(MemoryMarshal.AsBytes<float>(scalarRounded).ToArray(), MemoryMarshal.AsBytes<float>(vectorRounded).ToArray());
        }
    }

    [Fact]
    public void Encode_WhereThereAreVectors_TakesThem()
    {
        (long vector, long scalar, long plain) = (CodecCounters.Vector, CodecCounters.Scalar, CodecCounters.Plain);
        float[] values = Heavy(3, 2 * 576);
        ActivationCodec.Fine.Encode(values, 2, 576, new byte[ActivationCodec.Fine.MaxEncodedBytes(2, 576)]);
        Assert.Equal(Vector.IsHardwareAccelerated ? (2, 0, 0) : (0, 2, 0), (CodecCounters.Vector - vector, CodecCounters.Scalar - scalar, CodecCounters.Plain - plain));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Encode_NoCaseForSteps_IsBinary16(string name)
    {
        ActivationCodec codec = ActivationCodec.ByName(name)!;
        float[] sparse = new float[40];
        sparse[7] = 3.14159f;
        float[] spiked = [.. Heavy(1, 40).Select((value, i) => i % 4 == 0 ? value * 10_000 : value)];
        float[] infinite = Heavy(2, 40);
        infinite[39] = float.NegativeInfinity;
        float[] nan = Heavy(3, 40);
        nan[0] = float.NaN;
        float[] tiny = [.. Heavy(4, 40).Select(value => value * 1e-30f)];
        float[] vast = [.. Heavy(4, 40).Select(value => value * 1e30f)];
        foreach (float[] token in new[] { new float[40], sparse, spiked, infinite, nan, tiny, vast })
        {
            long plain = CodecCounters.Plain;
            (byte[] bytes, float[] rounded) = EncodeAndRound(codec, token);
            Assert.Equal(plain + 1, CodecCounters.Plain);
            Assert.Equal(2 + 80, bytes.Length);
            float[] halves = [.. token];
            ActivationCodec.F16.Round(halves, 1, 40);
            for (int i = 0; i < 40; i++)
                Assert.True(Bits.Same(halves[i], rounded[i]));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Encode_AnyToken_DependsOnThatTokenAloneAndSaysItsLength(string name)
    {
        ActivationCodec codec = ActivationCodec.ByName(name)!;
        float[] values = Heavy(9, 5 * 100);
        values[250] = float.NaN;
        byte[] together = new byte[codec.MaxEncodedBytes(5, 100)];
        Span<byte> rest = together.AsSpan(0, codec.Encode(values, 5, 100, together));
        for (int token = 0; token < 5; token++)
        {
            byte[] alone = new byte[codec.MaxEncodedBytes(1, 100)];
            int length = codec.Encode(values.AsSpan(token * 100, 100), 1, 100, alone);
            Assert.Equal(length, codec.RowBytes(rest, 100));
            Assert.Equal(alone[..length], rest[..length].ToArray());
            rest = rest[length..];
        }

        Assert.Equal(0, rest.Length);
        Assert.Equal(0, codec.RowBytes([], 100));
        Assert.Equal(0, codec.RowBytes([0xFF, 0xFF, 0x7F], 100));
    }

    [Fact]
    public void TryDecode_EveryBitFlipped_IsRefusedOrReadsAsOtherValues()
    {
        ActivationCodec codec = ActivationCodec.Medium;
        float[] values = Heavy(21, 60);
        byte[] bytes = new byte[codec.MaxEncodedBytes(1, 60)];
        bytes = bytes[..codec.Encode(values, 1, 60, bytes)];
        float[] decoded = new float[60];
        var errors = new HashSet<string>();
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            if (!codec.TryDecode(bytes, 1, 60, decoded, out string? error))
            {
                Assert.StartsWith("medium: ", error!);
                errors.Add(error!.Split(' ')[3]);
            }

            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        // Coder's states that end elsewhere, and bits that no class asked for.
        Assert.Superset(new HashSet<string> { "state", "value" }, errors);
        Assert.True(codec.TryDecode(bytes, 1, 60, decoded, out _));
        for (int length = 0; length < bytes.Length; length++)
            Assert.False(codec.TryDecode(bytes.AsSpan(0, length), 1, 60, decoded, out _));
        Assert.False(codec.TryDecode([.. bytes, 0], 1, 60, decoded, out string? tooLong));
        Assert.Contains("expected", tooLong);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Encode_WhatCostsMost_FitsTheBound(string name)
    {
        ActivationCodec codec = ActivationCodec.ByName(name)!;
        foreach (int hidden in new[] { 1, 8, 64, 500 })
        {
            // As many of the rarest classes as a row of steps may have.
            float[] values = new float[hidden];
            for (int i = 0; i < hidden; i++)
                values[i] = (i % 2 == 0 ? 1 : -1) * (i < (hidden / 2) + 1 ? 1f : i < hidden - (hidden / 8) ? 254.6f * Fraction(name) : 1e7f * (1 + (i % 7)));
            (byte[] bytes, _) = EncodeAndRound(codec, values);
            Assert.InRange(bytes.Length, 1, codec.MaxEncodedBytes(1, hidden));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Members_EveryMagnitude_IsInOneClassAndComesBack(bool vector)
    {
        int[] quanta = [.. Enumerable.Range(-3000, 6001), 4096, -4098, 1 << 20, -(0xFFF << 16), 0xFFF << 16];
        byte[] symbols = new byte[quanta.Length];
        byte[] raw = new byte[(quanta.Length * 2) + 64];
        int bits = RawBits.Write(quanta, symbols, raw, vector);
        int[] back = new int[quanta.Length];
        ulong head = BitConverter.ToUInt64(raw) & 0xFFFF_FFFF_FFFF;
        Assert.Null(RawBits.Read(symbols, head, 48, raw.AsSpan(6, (bits + 7 - 48) / 8), back, vector));
        Assert.Equal(quanta, back);
        Assert.Equal(67, symbols.Max());
    }

    [Fact]
    public void WriteAndRead_OnVectors_GiveWhatScalarsGiveAndAreTaken()
    {
        // All magnitudes below 256 with both signs, in many orders; later ones with large values among them.
        TestNumbers numbers = new(5);
        long eights = CodecCounters.Eights;
        for (int round = 0; round < 40; round++)
        {
            int most = round < 20 ? 255 : 300;
            int[] quanta = [.. numbers.Floats(1024 + round, 1).Select(value => (int)(value * most * 1.02f)).Select(value => Math.Clamp(value, -most, most))];
            (byte[] Symbols, byte[] Raw, int Bits) scalar = Write(vector: false);
            (byte[] Symbols, byte[] Raw, int Bits) vector = Write(vector: true);
            Assert.Equal(scalar.Bits, vector.Bits);
            Assert.Equal(scalar.Symbols, vector.Symbols);
            Assert.Equal(scalar.Raw[..((scalar.Bits + 7) / 8)], vector.Raw[..((scalar.Bits + 7) / 8)]);
            int[] back = new int[quanta.Length];
            Assert.Null(RawBits.Read(vector.Symbols, BitConverter.ToUInt64(vector.Raw) & 0xFFFF_FFFF_FFFF, 48, vector.Raw.AsSpan(6, (vector.Bits + 7 - 48) / 8), back, true));
            Assert.Equal(quanta, back);

            (byte[] Symbols, byte[] Raw, int Bits) Write(bool vector)
            {
                byte[] symbols = new byte[quanta.Length];
                byte[] raw = new byte[(quanta.Length * 2) + 64];
                return (symbols, raw, RawBits.Write(quanta, symbols, raw, vector));
            }
        }

        // Of the first twenty rounds every eight when written, and all but a few at the row's end when read.
        Assert.True(!Avx2.IsSupported || CodecCounters.Eights - eights >= 20 * (128 + 120), $"{CodecCounters.Eights - eights} eights");
        Assert.True(Avx2.IsSupported || CodecCounters.Eights == eights);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TryQuantize_AnyLength_FindsTheMedianThatSortingFinds(bool vector)
    {
        // Few distinct keys, so that many are equal to the median and as many as its place are below some bound.
        for (int count = 1; count <= 300; count++)
        {
            TestNumbers numbers = new((ulong)count);
            int distinct = 1 + (count % 9);
            float[] values = [.. numbers.Floats(count, 1).Select(value => (1 + MathF.Floor(MathF.Abs(value) * distinct)) * (value < 0 ? -0.25f : 0.25f))];
            uint[] keys = [.. values.Select(value => BitConverter.SingleToUInt32Bits(MathF.Abs(value)) >> 16).Order()];
            Assert.True(StepQuantizer.TryQuantize(values, StepFrequencies.MediumStep, new ushort[count], new int[count], vector, out StepRow row));
            Assert.Equal(keys[count / 2], row.Median);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EncodeAndDecode_AfterTheFirstToken_AllocateNothing(string name)
    {
        ActivationCodec codec = ActivationCodec.ByName(name)!;
        float[] values = Heavy(17, 3 * 576);
        byte[] bytes = new byte[codec.MaxEncodedBytes(3, 576)];
        Pass();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Pass();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Pass()
        {
            int length = codec.Encode(values, 3, 576, bytes);
            if (!codec.TryDecode(bytes.AsSpan(0, length), 3, 576, values, out string? error))
                throw new InvalidOperationException(error);
        }
    }

    // A narrow bulk and long tails.
    private static float[] Heavy(ulong seed, int count)
    {
        TestNumbers numbers = new(seed);
        return [.. numbers.Floats(count, 1).Select(value => 2 * value / (1.1f - MathF.Abs(value)))];
    }

    private static (byte[] Bytes, float[] Rounded) EncodeAndRound(ActivationCodec codec, float[] token)
    {
        byte[] bytes = new byte[codec.MaxEncodedBytes(1, token.Length)];
        bytes = bytes[..codec.Encode(token, 1, token.Length, bytes)];
        float[] rounded = [.. token];
        codec.Round(rounded, 1, token.Length);
        float[] decoded = new float[token.Length];
        Assert.True(codec.TryDecode(bytes, 1, token.Length, decoded, out string? error), error);
        for (int i = 0; i < token.Length; i++)
            Assert.True(Bits.Same(decoded[i], rounded[i]), $"[{i}] decoded {decoded[i]}, rounded {rounded[i]}");
        return (bytes, rounded);
    }

    private static T Under<T>(bool vectors, Func<T> action)
    {
        StepCodec.UsesVectors = vectors;
        try
        {
            return action();
        }
        finally
        {
            StepCodec.UsesVectors = Vector.IsHardwareAccelerated;
        }
    }
}
