using Swarm.Kernels.Codecs;
using Swarm.Protocol.Packets;

namespace Swarm.Protocol.Links;

/// <summary>
/// Hidden states [tokens, hidden] as a codec writes them for the wire, in native memory. Shared by count: who keeps it beyond a call takes a share
/// (<see cref="Share"/>) and gives it back by <see cref="Dispose"/>.
/// </summary>
public sealed class HiddenPacket : IDisposable
{
    private readonly nint _memory;
    private readonly long _capacity;
    private int _shares = 1;

    /// <summary>An empty packet that <paramref name="encodedBytes"/> will fill. The caller has checked the numbers.</summary>
    public HiddenPacket(int tokens, int hidden, ActivationCodec codec, int encodedBytes)
    {
        Tokens = tokens;
        Hidden = hidden;
        Codec = codec;
        EncodedBytes = encodedBytes;
        _capacity = encodedBytes;
        _memory = NativePool.Rent(_capacity);
    }

    private HiddenPacket(int tokens, int hidden, ActivationCodec codec, ReadOnlySpan<float> values)
    {
        Tokens = tokens;
        Hidden = hidden;
        Codec = codec;
        _capacity = codec.MaxEncodedBytes(tokens, hidden);
        _memory = NativePool.Rent(_capacity);
        EncodedBytes = codec.Encode(values, tokens, hidden, Memory((int)_capacity));
    }

    /// <summary>What every part of it says.</summary>
    public PacketHeader Header => new(Tokens, Hidden, Codec.Id, EncodedBytes);

    public int Tokens { get; }

    public int Hidden { get; }

    public ActivationCodec Codec { get; }

    public int EncodedBytes { get; }

    /// <summary>The encoded bytes; borrowed while the caller holds a share.</summary>
    public Span<byte> Bytes => Memory(EncodedBytes);

    /// <summary>Encodes values [tokens, hidden].</summary>
    public static HiddenPacket Encode(ReadOnlySpan<float> values, int tokens, int hidden, ActivationCodec codec) =>
        new(tokens, hidden, codec, values[..(tokens * hidden)]);

    /// <summary>Writes the values [tokens, hidden]; false, with the reason, when the bytes are not what the codec writes.</summary>
    public bool TryDecode(Span<float> values, out string? error) => Codec.TryDecode(Bytes, Tokens, Hidden, values, out error);

    /// <summary>Takes the next part of a packet that arrives. Null when it fits; otherwise field, value and limit.</summary>
    /// <param name="part">The part.</param>
    /// <param name="filled">Bytes there already; grows by the part.</param>
    public string? Add(TensorPart part, ref int filled)
    {
        if (part.Header != Header)
            return $"chunk: {part.Header}, expected {Header}";
        if (part.Offset != filled || part.Length > EncodedBytes - filled)
            return $"chunk: offset {part.Offset} with {part.Length} bytes, expected {filled} with at most {EncodedBytes - filled}";
        part.Bytes.CopyTo(Bytes[filled..]);
        filled += part.Length;
        return null;
    }

    /// <summary>One more holder.</summary>
    public HiddenPacket Share()
    {
        Interlocked.Increment(ref _shares);
        return this;
    }

    /// <summary>One holder less; the last frees the memory.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _shares) == 0)
            NativePool.Return(_memory, _capacity);
    }

    private unsafe Span<byte> Memory(int bytes)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _shares) <= 0, this);
        return new Span<byte>((void*)_memory, bytes);
    }
}
