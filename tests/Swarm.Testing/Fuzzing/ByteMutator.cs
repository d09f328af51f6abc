using System.Buffers.Binary;

namespace Swarm.Testing.Fuzzing;

/// <summary>
/// Knows only bytes: flips, sets, cuts, inserts, doubles and moves them, and writes the integers at which code breaks, at any place and at those
/// named as fields.
/// </summary>
public sealed class ByteMutator : IFuzzMutator
{
    private static readonly long[] Interesting =
    [
        0, 1, -1, 2, 7, 8, 16, 31, 32, 64, 100, 127, 128, 255, 256, 512, 1000, 1024, 4096, 32767, 32768, 65535, 65536, 1 << 20, int.MaxValue, int.MinValue,
        uint.MaxValue, 1L << 32, 1L << 40, 1L << 62, long.MaxValue, long.MinValue, -2, -8,
    ];

    /// <summary>Offsets of integers in every seed, where there are such.</summary>
    public IReadOnlyList<int> Fields { get; init; } = [];

    /// <summary>How many bytes of the front are left alone in nine of ten inputs: those that tell one format from another.</summary>
    public int Signature { get; init; }

    public int MaxLength { get; init; } = 1 << 16;

    /// <summary>Corrects checksums and lengths after the change, in nine of ten inputs, so that what lies behind them is reached.</summary>
    public Func<byte[], byte[]>? Mend { get; init; }

    public byte[] Mutate(FuzzRandom random, IReadOnlyList<byte[]> seeds)
    {
        var bytes = new List<byte>(random.Pick(seeds));
        int guarded = random.Chance(90) ? Math.Min(Signature, bytes.Count) : 0;
        for (int changes = 1 + random.Next(4); changes > 0; changes--)
            Change(random, bytes, guarded, seeds);
        if (bytes.Count > MaxLength)
            bytes.RemoveRange(MaxLength, bytes.Count - MaxLength);
        byte[] result = [.. bytes];
        return Mend is not null && random.Chance(90) ? Mend(result) : result;
    }

    private void Change(FuzzRandom random, List<byte> bytes, int guarded, IReadOnlyList<byte[]> seeds)
    {
        int room = bytes.Count - guarded;
        int at = guarded + random.Next(room);
        switch (random.Next(10))
        {
            case 0 when room > 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when room > 0:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2 when room > 0 && random.Chance(40):
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 3 when room > 0:
                bytes.RemoveRange(at, Math.Min(bytes.Count - at, 1 + random.Next(16)));
                break;
            case 4:
                for (int count = 1 + random.Next(8); count > 0; count--)
                    bytes.Insert(at, (byte)random.Next(256));
                break;
            case 5 when room > 0:
                bytes.InsertRange(guarded + random.Next(room), bytes.GetRange(at, Math.Min(bytes.Count - at, 1 + random.Next(64))));
                break;
            case 6:
                byte[] other = random.Pick(seeds);
                int start = random.Next(other.Length);
                bytes.InsertRange(Math.Min(at, bytes.Count), other.AsSpan(start, Math.Min(other.Length - start, random.Next(64))).ToArray());
                break;
            case 7 or 8 when Fields.Count > 0:
                WriteInteger(random, bytes, random.Pick(Fields));
                break;
            default:
                WriteInteger(random, bytes, at);
                break;
        }
    }

    private static void WriteInteger(FuzzRandom random, List<byte> bytes, int at)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, random.Pick(Interesting) + (random.Chance(20) ? random.Next(3) - 1 : 0));
        int width = 1 << random.Next(4);
        if (random.Chance(15))
            number[..width].Reverse();
        for (int i = 0; i < width && at + i < bytes.Count; i++)
            bytes[at + i] = number[i];
    }
}
