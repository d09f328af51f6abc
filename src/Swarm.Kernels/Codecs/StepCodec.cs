using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Swarm.Kernels.Codecs;

/// <summary>
/// Every value of a token as an integer times one step, a fraction of the token's median magnitude, however large the value is; the integers entropy coded with fixed tables.
/// A token's row is a head (varint: bytes that follow × 8 + shape) and then, for shapes 0…6: the four states of a <see cref="RangeCoder"/>, its words, and the
/// <see cref="RawBits"/>; the states start from the median's upper half and the first 48 raw bits. Shape 7, for tokens that are no case for steps: binary16, as
/// <see cref="F16Codec"/> writes it. All little-endian. docs/canonical-1.md, section 9.
/// </summary>
internal sealed class StepCodec : ActivationCodec
{
    private const int Plain = 7;
    private const int MostHeadBytes = 3;
    private const int StateBytes = RangeCoder.States * sizeof(uint);
    private const int HeadRawBits = 48;

    private readonly float _fraction;
    private readonly Lazy<StepTable>[] _tables;

    /// <param name="name">Name.</param>
    /// <param name="id">Wire id.</param>
    /// <param name="fraction">The step, of the median magnitude.</param>
    /// <param name="frequencies">A <see cref="StepTable"/> for each shape.</param>
    public StepCodec(string name, byte id, float fraction, string[] frequencies) : base(name, id)
    {
        _fraction = fraction;
        _tables = [.. frequencies.Select(text => new Lazy<StepTable>(() => new StepTable(text)))];
    }

    /// <summary>Whether tokens are rounded on vectors; only a test says otherwise.</summary>
    internal static bool UsesVectors { get; set; } = Vector.IsHardwareAccelerated;

    public override bool TryQuantize(ReadOnlySpan<float> token, Span<int> integers)
    {
        Shapes.Length(integers.Length, token.Length, nameof(integers));
        return StepQuantizer.TryQuantize(token, _fraction, StepScratch.ForThread(token.Length).Keys, integers, UsesVectors, out _);
    }

    private protected override bool HasVariedRows => true;

    // 12 bits a class, 5 beside it, and 12 for an eighth of the values; or 16 in plain.
    private protected override int MaxTokenBytes(int hidden) => MostHeadBytes + (2 * StateBytes) + ((hidden * 9 + 3) / 4);

    private protected override int TokenBytes(ReadOnlySpan<byte> encoding, int hidden) =>
        TryReadHead(encoding, out int length, out _, out int headBytes) ? headBytes + length : 0;

    private protected override int EncodeToken(ReadOnlySpan<float> values, Span<byte> destination)
    {
        StepScratch scratch = StepScratch.ForThread(values.Length);
        if (!StepQuantizer.TryQuantize(values, _fraction, scratch.Keys, scratch.Quanta, UsesVectors, out StepRow row))
            return EncodePlain(values, destination);
        Count(stepped: true);
        Span<byte> raw = scratch.Raw;
        int rawBits = RawBits.Write(scratch.Quanta, scratch.Symbols, raw, UsesVectors);
        ulong head = BinaryPrimitives.ReadUInt64LittleEndian(raw) & (ulong.MaxValue >> (64 - HeadRawBits));
        if (rawBits < HeadRawBits)
            head &= (1UL << rawBits) - 1;
        Span<uint> states = stackalloc uint[RangeCoder.States];
        states[0] = RangeCoder.Least | row.Median;
        for (int state = 1; state < RangeCoder.States; state++)
            states[state] = RangeCoder.Least | (ushort)(head >> (16 * (state - 1)));
        Span<ushort> words = scratch.Words;
        int count = RangeCoder.Encode(_tables[row.Shape].Value, scratch.Symbols, states, words);
        int rest = Math.Max(0, (rawBits - HeadRawBits + 7) >> 3);

        int at = WriteHead(StateBytes + (count * sizeof(ushort)) + rest, row.Shape, destination);
        foreach (uint state in states)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(destination[at..], state);
            at += sizeof(uint);
        }

        if (!BitConverter.IsLittleEndian)
            BinaryPrimitives.ReverseEndianness(words[^count..], words[^count..]);
        MemoryMarshal.AsBytes(words[^count..]).CopyTo(destination[at..]);
        at += count * sizeof(ushort);
        raw.Slice(HeadRawBits / 8, rest).CopyTo(destination[at..]);
        return at + rest;
    }

    private protected override string? DecodeToken(ReadOnlySpan<byte> source, Span<float> destination)
    {
        TryReadHead(source, out int length, out int shape, out int headBytes);
        ReadOnlySpan<byte> body = source.Slice(headBytes, length);
        if (shape == Plain)
            return DecodePlain(body, destination);
        if (length < StateBytes)
            return $"{length} bytes, expected at least {StateBytes}";
        Span<uint> states = stackalloc uint[RangeCoder.States];
        for (int state = 0; state < states.Length; state++)
        {
            states[state] = BinaryPrimitives.ReadUInt32LittleEndian(body[(state * sizeof(uint))..]);
            if (states[state] < RangeCoder.Least)
                return $"state {state} is {states[state]}, expected at least {RangeCoder.Least}";
        }

        body = body[StateBytes..];
        StepScratch scratch = StepScratch.ForThread(destination.Length);
        int words = RangeCoder.Decode(_tables[shape].Value, states, body, scratch.Symbols);
        if (words < 0)
            return $"{body.Length} bytes of classes are too few for {destination.Length} values";
        ulong head = 0;
        for (int state = 0; state < states.Length; state++)
        {
            if (states[state] >> 16 != 1)
                return $"state {state} ends at {states[state]}, expected {RangeCoder.Least} to {(2 * RangeCoder.Least) - 1}";
            if (state > 0)
                head |= (ulong)(ushort)states[state] << (16 * (state - 1));
        }

        ushort median = (ushort)states[0];
        if (median is < StepQuantizer.LeastMedian or > StepQuantizer.LargestMedian)
            return $"median is {median:x4}, expected {StepQuantizer.LeastMedian:x4} to {StepQuantizer.LargestMedian:x4}";
        if (RawBits.Read(scratch.Symbols, head, HeadRawBits, body[words..], scratch.Quanta, UsesVectors) is { } error)
            return error;
        StepQuantizer.Expand(scratch.Quanta, StepQuantizer.StepOf(median, _fraction), destination, UsesVectors);
        return null;
    }

    private protected override void RoundToken(Span<float> values)
    {
        StepScratch scratch = StepScratch.ForThread(values.Length);
        if (StepQuantizer.TryQuantize(values, _fraction, scratch.Keys, scratch.Quanta, UsesVectors, out StepRow row))
            StepQuantizer.Expand(scratch.Quanta, row.Step, values, UsesVectors);
        else
            F16.Round(values, 1, values.Length);
    }

    private static int EncodePlain(ReadOnlySpan<float> values, Span<byte> destination)
    {
        Count(stepped: false);
        int at = WriteHead(values.Length * sizeof(ushort), Plain, destination);
        return at + F16.Encode(values, 1, values.Length, destination[at..]);
    }

    private static string? DecodePlain(ReadOnlySpan<byte> body, Span<float> destination) =>
        F16.TryDecode(body, 1, destination.Length, destination, out string? error) ? null : error;

    private static void Count(bool stepped)
    {
        if (stepped && UsesVectors)
            CodecCounters.Vector++;
        else if (stepped)
            CodecCounters.Scalar++;
        else
            CodecCounters.Plain++;
    }

    private static int WriteHead(int length, int shape, Span<byte> destination)
    {
        uint left = ((uint)length << 3) | (uint)shape;
        int at = 0;
        for (; left >= 0x80; left >>= 7)
            destination[at++] = (byte)(left | 0x80);
        destination[at++] = (byte)left;
        return at;
    }

    // In the fewest bytes, at most three.
    private static bool TryReadHead(ReadOnlySpan<byte> source, out int length, out int shape, out int headBytes)
    {
        int value = 0;
        for (headBytes = 0; headBytes < Math.Min(MostHeadBytes, source.Length);)
        {
            byte part = source[headBytes];
            value |= (part & 0x7F) << (7 * headBytes++);
            if (part >= 0x80)
                continue;
            (length, shape) = (value >> 3, value & 7);
            return part > 0 || headBytes == 1;
        }

        (length, shape) = (0, 0);
        return false;
    }
}
