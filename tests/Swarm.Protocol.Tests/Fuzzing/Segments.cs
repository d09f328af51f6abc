using System.Buffers;

namespace Swarm.Protocol.Tests.Fuzzing;

/// <summary>Bytes in two segments, so that readers meet a border inside of numbers.</summary>
internal sealed class Segments : ReadOnlySequenceSegment<byte>
{
    private Segments(ReadOnlyMemory<byte> memory, long start)
    {
        Memory = memory;
        RunningIndex = start;
    }

    public static ReadOnlySequence<byte> Of(byte[] bytes, int cut)
    {
        if (cut <= 0 || cut >= bytes.Length)
            return new ReadOnlySequence<byte>(bytes);
        var first = new Segments(bytes.AsMemory(0, cut), 0);
        var second = new Segments(bytes.AsMemory(cut), cut);
        first.Next = second;
        return new ReadOnlySequence<byte>(first, 0, second, second.Memory.Length);
    }
}
