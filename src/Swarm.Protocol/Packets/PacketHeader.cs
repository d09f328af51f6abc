using Swarm.Kernels.Codecs;

namespace Swarm.Protocol.Packets;

/// <summary>What every part says of its packet.</summary>
/// <param name="Tokens">Rows.</param>
/// <param name="Hidden">Values of a row.</param>
/// <param name="CodecId">Id of the <see cref="ActivationCodec"/>.</param>
/// <param name="EncodedBytes">Bytes of the whole packet.</param>
public readonly record struct PacketHeader(int Tokens, int Hidden, byte CodecId, int EncodedBytes)
{
    /// <summary>Null when the numbers are within the limits and fit together; otherwise what is wrong.</summary>
    internal static PacketException? Check(ulong tokens, ulong hidden, ulong codecId, ulong encodedBytes)
    {
        if (tokens is 0 or > WireLimits.MaxTokensPerPacket)
            return new PacketException(PacketErrorKind.AbsurdShape, "tokens", Seen(tokens), $"1 to {WireLimits.MaxTokensPerPacket}");
        if (hidden is 0 or > WireLimits.MaxHidden)
            return new PacketException(PacketErrorKind.AbsurdShape, "hidden", Seen(hidden), $"1 to {WireLimits.MaxHidden}");
        if (codecId > byte.MaxValue || ActivationCodec.ById((int)codecId) is not { } codec)
            return new PacketException(PacketErrorKind.UnknownCodec, "codec", Seen(codecId), $"0 to {ActivationCodec.All.Count - 1}");
        if (encodedBytes is 0 or > WireLimits.MaxEncodedBytes)
            return new PacketException(PacketErrorKind.TooLarge, "encoded_bytes", Seen(encodedBytes), $"1 to {WireLimits.MaxEncodedBytes}");

        // A row's bytes first: those of all rows may not fit an int.
        long most = codec.MaxEncodedBytes(1, (int)hidden) * (long)tokens;
        return encodedBytes > (ulong)most
            ? new PacketException(PacketErrorKind.TooLarge, "encoded_bytes", Seen(encodedBytes), $"at most {most} for {tokens} × {hidden} values as {codec.Name}")
            : null;
    }

    internal static long Seen(ulong value) => value > long.MaxValue ? long.MaxValue : (long)value;
}
