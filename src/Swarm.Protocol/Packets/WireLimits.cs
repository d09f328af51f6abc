namespace Swarm.Protocol.Packets;

/// <summary>What a packet of hidden states may say of itself. Checked from its header, before any memory is taken.</summary>
public static class WireLimits
{
    /// <summary>Rows of a packet.</summary>
    public const int MaxTokensPerPacket = 4096;

    /// <summary>Values of a row.</summary>
    public const int MaxHidden = 65536;

    /// <summary>Bytes of a packet as encoded: 4,096 tokens of 16,384 float32 values.</summary>
    public const int MaxEncodedBytes = 256 << 20;

    /// <summary>Payload bytes of a part. With its header and frame it stays within 64 KiB, far from the large-object heap.</summary>
    public const int MaxChunkPayloadBytes = 60 << 10;
}
