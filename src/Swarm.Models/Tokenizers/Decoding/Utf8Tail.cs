using System.Buffers;
using System.Text;

namespace Swarm.Models.Tokenizers.Decoding;

/// <summary>Bytes that may still become a character.</summary>
internal sealed class Utf8Tail
{
    private readonly List<byte> _bytes = [];

    public List<byte> Bytes => _bytes;

    /// <summary>Takes what is certain: whole characters, and U+FFFD for what can be none; an unfinished sequence at the end stays.</summary>
    /// <param name="builder">Takes the text.</param>
    /// <param name="perByte">U+FFFD for each byte rather than for each maximal ill-formed sequence (Unicode 15, section 3.9).</param>
    /// <param name="all">Nothing stays.</param>
    public void Take(StringBuilder builder, bool perByte, bool all)
    {
        ReadOnlySpan<byte> rest = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes);
        while (rest.Length > 0)
        {
            OperationStatus status = Rune.DecodeFromUtf8(rest, out Rune rune, out int length);
            if (status == OperationStatus.NeedMoreData && !all)
                break;
            if (status == OperationStatus.Done)
                builder.Append(rune);
            else
                builder.Append('\uFFFD', perByte ? length : 1);
            rest = rest[length..];
        }

        _bytes.RemoveRange(0, _bytes.Count - rest.Length);
    }
}
