using System.Buffers.Binary;
using Swarm.Kernels.Codecs;

namespace Swarm.Benchmarks;

/// <summary>
/// Where the time of the codecs with steps goes: the least time of each stage over rows of a small model's width, in nanoseconds a value, on one thread. The rows are drawn
/// from Student's t distribution of three degrees of freedom, with one value in 200 spread over the octaves above; they are many, so that no branch learns them by heart.
/// </summary>
internal sealed class CodecStages
{
    private const int Hidden = 576;
    private const int Rows = 64;
    private const int Passes = 400;

    private readonly float[] _values = new float[Rows * Hidden];

    public CodecStages()
    {
        Random random = new(7);
        for (int index = 0; index < _values.Length; index++)
        {
            double squares = 0;
            for (int degree = 0; degree < 3; degree++)
                squares += Math.Pow(Normal(), 2);
            double value = Normal() / Math.Sqrt(squares / 3);
            _values[index] = (float)(random.Next(200) == 0 ? value * Math.Pow(2, random.Next(2, 12)) : value);
        }

        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
    }

    public void Run()
    {
        Look("fine", ActivationCodec.Fine, StepFrequencies.FineStep, StepFrequencies.Fine);
        Look("medium", ActivationCodec.Medium, StepFrequencies.MediumStep, StepFrequencies.Medium);
        Look("coarse", ActivationCodec.Coarse, StepFrequencies.CoarseStep, StepFrequencies.Coarse);
    }

    private void Look(string name, ActivationCodec codec, float fraction, string[] frequencies)
    {
        StepTable[] tables = [.. frequencies.Select(text => new StepTable(text))];
        int most = codec.MaxEncodedBytes(1, Hidden);
        ushort[] keys = new ushort[Hidden];
        int[][] quanta = Make(() => new int[Hidden]);
        byte[][] symbols = Make(() => new byte[Hidden]);
        byte[][] raw = Make(() => new byte[most + RawBits.Slack]);
        byte[][] encodings = Make(() => new byte[most]);
        ushort[][] words = Make(() => new ushort[Hidden + 1]);
        uint[][] states = Make(() => new uint[RangeCoder.States]);
        byte[][] streams = Make(() => new byte[most]);
        StepRow[] rows = new StepRow[Rows];
        int[] lengths = new int[Rows];
        int[] rawBits = new int[Rows];
        float[] decoded = new float[Hidden];
        int[] taken = new int[Hidden];
        byte[] classes = new byte[Hidden];
        uint[] ends = new uint[RangeCoder.States];

        Time("encode", row => lengths[row] = codec.Encode(Values(row), 1, Hidden, encodings[row]));
        Time("decode", row => codec.TryDecode(encodings[row].AsSpan(0, lengths[row]), 1, Hidden, decoded, out _));
        Time("  median, integers, shape", row => StepQuantizer.TryQuantize(Values(row), fraction, keys, quanta[row], true, out rows[row]));
        Time("  classes and raw bits", row => rawBits[row] = RawBits.Write(quanta[row], symbols[row], raw[row], true));
        Time("  coder's words", row =>
        {
            states[row].AsSpan().Fill(RangeCoder.Least);
            int count = RangeCoder.Encode(tables[rows[row].Shape], symbols[row], states[row], words[row]);
            lengths[row] = count;
        });
        for (int row = 0; row < Rows; row++)
        {
            for (int word = 0; word < lengths[row]; word++)
                BinaryPrimitives.WriteUInt16LittleEndian(streams[row].AsSpan(word * 2), words[row][Hidden + 1 - lengths[row] + word]);
        }

        Time("  words to classes", row =>
        {
            states[row].CopyTo(ends, 0);
            _ = RangeCoder.Decode(tables[rows[row].Shape], ends, streams[row].AsSpan(0, (lengths[row] * 2) + 64), classes);
        });
        Time("  classes and bits to integers", row =>
        {
            ulong head = BinaryPrimitives.ReadUInt64LittleEndian(raw[row]) & 0xFFFF_FFFF_FFFF;
            if (RawBits.Read(symbols[row], head, 48, raw[row].AsSpan(6, (rawBits[row] - 41) / 8), taken, true) is { } error)
                throw new InvalidOperationException(error);
        });
        Time("  integers to values", row => StepQuantizer.Expand(quanta[row], rows[row].Step, decoded, true));

        void Time(string stage, Action<int> run)
        {
            double least = double.MaxValue;
            for (int pass = 0; pass < Passes; pass++)
            {
                long start = TimeProvider.System.GetTimestamp();
                for (int row = 0; row < Rows; row++)
                    run(row);
                least = Math.Min(least, TimeProvider.System.GetElapsedTime(start).TotalNanoseconds);
            }

            Console.WriteLine($"{name,-8}{stage,-32}{least / (Rows * Hidden),8:F2} ns");
        }
    }

    private ReadOnlySpan<float> Values(int row) => _values.AsSpan(row * Hidden, Hidden);

    private static T[][] Make<T>(Func<T[]> one) => [.. Enumerable.Range(0, Rows).Select(_ => one())];
}
