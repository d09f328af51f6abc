namespace Swarm.Protocol.Packets;

/// <summary>Puts the parts of one packet together, in memory that its caller owns. Parts come in order, without gaps or overlaps, and all with the header of the first.</summary>
public sealed class TensorPacketReader
{
    private readonly PacketHeader _header;
    private int _received;

    /// <param name="header">What the packet should be: from the step that announced it, or from its first part.</param>
    public TensorPacketReader(in PacketHeader header)
    {
        _header = header;
    }

    public PacketHeader Header => _header;

    /// <summary>Bytes taken so far.</summary>
    public int ReceivedBytes => _received;

    public bool IsComplete => _received == _header.EncodedBytes;

    /// <summary>Takes the next part: copies its payload to its place and compares its checksum. Null when it was taken; otherwise the packet stays as it was.</summary>
    /// <param name="chunk">The part.</param>
    /// <param name="packet">The packet's memory, at least <see cref="PacketHeader.EncodedBytes"/> long.</param>
    public PacketException? Accept(in TensorChunkView chunk, Span<byte> packet)
    {
        if (chunk.Header != _header)
            return Mismatch(chunk.Header);
        if (chunk.Offset != _received)
            return new PacketException(PacketErrorKind.WrongOffset, "offset", chunk.Offset, IsComplete ? "no part after the last" : $"{_received}, the end of the part before");
        if (chunk.TryCopyTo(packet.Slice(_received, chunk.Length)) is { } wrong)
            return wrong;
        _received += chunk.Length;
        return null;
    }

    private PacketException Mismatch(in PacketHeader seen)
    {
        (string field, long value, long expected) = seen switch
        {
            _ when seen.Tokens != _header.Tokens => ("tokens", seen.Tokens, _header.Tokens),
            _ when seen.Hidden != _header.Hidden => ("hidden", seen.Hidden, _header.Hidden),
            _ when seen.CodecId != _header.CodecId => ("codec", seen.CodecId, _header.CodecId),
            _ => ("encoded_bytes", (long)seen.EncodedBytes, _header.EncodedBytes),
        };
        return new PacketException(PacketErrorKind.HeaderMismatch, field, value, $"{expected}, as the packet began");
    }
}
