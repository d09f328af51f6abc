using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>Metadata as a lane carries it: a line for each entry: name, tab, value, line feed; names and values as HTTP/2 would carry them.</summary>
internal static class LaneBlock
{
    public const string Path = ":path";
    public const string Authority = ":authority";

    /// <summary>Writes a whole frame.</summary>
    /// <exception cref="RpcException">A value is not printable ASCII.</exception>
    public static void Write(IBufferWriter<byte> target, byte flag, IEnumerable<(string Name, string Value)> own, Metadata metadata)
    {
        var text = new StringBuilder();
        foreach ((string name, string value) in own)
            text.Append(name).Append('\t').Append(value).Append('\n');
        foreach (Metadata.Entry entry in metadata)
        {
            if (!HeaderCodec.IsReserved(entry.Key))
                text.Append(entry.Key).Append('\t').Append(HeaderCodec.Value(entry)).Append('\n');
        }

        Span<byte> frame = target.GetSpan(FrameHeader.Bytes + text.Length);
        int length = Encoding.Latin1.GetBytes(text.ToString(), frame[FrameHeader.Bytes..]);
        Header(frame, flag, length);
        target.Advance(FrameHeader.Bytes + length);
    }

    /// <summary>The five bytes in front.</summary>
    public static void Header(Span<byte> frame, byte flag, int length)
    {
        frame[0] = flag;
        BinaryPrimitives.WriteInt32BigEndian(frame[1..], length);
    }

    /// <summary>Reads a block. Null when it is sound; otherwise what is wrong with it.</summary>
    /// <param name="block">What follows the frame's header.</param>
    /// <param name="own">Gets what belongs to the protocol.</param>
    /// <param name="metadata">Gets what belongs to the caller.</param>
    public static string? Read(ReadOnlySpan<byte> block, Dictionary<string, string> own, Metadata metadata)
    {
        while (!block.IsEmpty)
        {
            int end = block.IndexOf((byte)'\n');
            int tab = block.IndexOf((byte)'\t');
            if (end < 0 || tab <= 0 || tab > end)
                return $"lane block: a line of {(end < 0 ? block.Length : end)} bytes, expected a name, a tab, a value and a line feed";
            string name = Encoding.Latin1.GetString(block[..tab]);
            string value = Encoding.Latin1.GetString(block[(tab + 1)..end]);
            if (HeaderCodec.IsReserved(name))
                own[name] = value;
            else
                HeaderCodec.Add(metadata, name, value);
            block = block[(end + 1)..];
        }

        return null;
    }

    /// <summary>The lines that tell a status.</summary>
    public static IEnumerable<(string Name, string Value)> Lines(Status status)
    {
        yield return (HeaderCodec.Status, ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture));
        if (!string.IsNullOrEmpty(status.Detail))
            yield return (HeaderCodec.Message, StatusText.Encode(status.Detail));
    }
}
