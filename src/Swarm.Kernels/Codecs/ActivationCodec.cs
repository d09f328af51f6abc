namespace Swarm.Kernels.Codecs;

/// <summary>
/// How hidden states [tokens, hidden] travel. Encoding is deterministic canonical arithmetic, a token's bytes depend on that token alone,
/// and decoding checks everything, because the bytes come from strangers.
/// </summary>
public abstract class ActivationCodec
{
    /// <summary>Most values of one token.</summary>
    public const int MaxHidden = 65536;

    private protected ActivationCodec(string name, byte id) => (Name, Id) = (name, id);

    /// <summary>Exact float32, 4 bytes a value.</summary>
    public static ActivationCodec F32 { get; } = new F32Codec();

    /// <summary>binary16 to nearest even, saturating at ±65504; 2 bytes a value.</summary>
    public static ActivationCodec F16 { get; } = new F16Codec();

    /// <summary>8 bits with one scale a token and its 8 largest magnitudes apart in binary16; about 1.06 bytes a value.</summary>
    public static ActivationCodec Int8 { get; } = new Int8Codec();

    /// <summary>Every codec, by id.</summary>
    public static IReadOnlyList<ActivationCodec> All { get; } = [F32, F16, Int8];

    /// <summary>Name for people and options.</summary>
    public string Name { get; }

    /// <summary>Number on the wire; never reused.</summary>
    public byte Id { get; }

    /// <summary>The codec of a name; null when there is none.</summary>
    public static ActivationCodec? ByName(string name)
    {
        foreach (ActivationCodec codec in All)
        {
            if (codec.Name == name)
                return codec;
        }

        return null;
    }

    /// <summary>The codec of a wire id; null when there is none.</summary>
    public static ActivationCodec? ById(int id) => id >= 0 && id < All.Count ? All[id] : null;

    /// <summary>Bytes that an encoding of this shape takes at most.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative tokens, or hidden outside 1…<see cref="MaxHidden"/>.</exception>
    /// <exception cref="OverflowException">More than 2 GiB.</exception>
    public int MaxEncodedBytes(int tokens, int hidden)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hidden);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(hidden, MaxHidden);
        return checked(tokens * TokenBytes(hidden));
    }

    /// <summary>Writes the encoding of values [tokens, hidden].</summary>
    /// <returns>Bytes written, at most <see cref="MaxEncodedBytes"/>.</returns>
    /// <exception cref="ArgumentException">A length does not match or the destination is too short.</exception>
    public int Encode(ReadOnlySpan<float> values, int tokens, int hidden, Span<byte> destination)
    {
        int bytes = MaxEncodedBytes(tokens, hidden);
        Shapes.Length(values.Length, (long)tokens * hidden, nameof(values));
        if (destination.Length < bytes)
            throw new ArgumentException($"destination holds {destination.Length} bytes, expected at least {bytes}", nameof(destination));
        int size = TokenBytes(hidden);
        for (int token = 0; token < tokens; token++)
            EncodeToken(values.Slice(token * hidden, hidden), destination.Slice(token * size, size));
        return bytes;
    }

    /// <summary>Reads an encoding; false, with what was wrong, when the bytes are not one of this shape. The destination is then undefined.</summary>
    /// <exception cref="ArgumentException">The destination does not hold tokens × hidden values: the caller's mistake.</exception>
    public bool TryDecode(ReadOnlySpan<byte> source, int tokens, int hidden, Span<float> destination, out string? error)
    {
        int bytes = MaxEncodedBytes(tokens, hidden);
        Shapes.Length(destination.Length, (long)tokens * hidden, nameof(destination));
        error = null;
        if (source.Length != bytes)
        {
            error = $"{Name}: {source.Length} bytes, expected {bytes} for {tokens} tokens of {hidden} values";
            return false;
        }

        int size = TokenBytes(hidden);
        for (int token = 0; token < tokens; token++)
        {
            error = DecodeToken(source.Slice(token * size, size), destination.Slice(token * hidden, hidden));
            if (error is null)
                continue;
            error = $"{Name}: token {token}: {error}";
            return false;
        }

        return true;
    }

    /// <summary>What decoding an encoding gives, in place, without the bytes.</summary>
    public void Round(Span<float> values, int tokens, int hidden)
    {
        _ = MaxEncodedBytes(tokens, hidden);
        Shapes.Length(values.Length, (long)tokens * hidden, nameof(values));
        for (int token = 0; token < tokens; token++)
            RoundToken(values.Slice(token * hidden, hidden));
    }

    private protected abstract int TokenBytes(int hidden);

    private protected abstract void EncodeToken(ReadOnlySpan<float> values, Span<byte> destination);

    private protected abstract string? DecodeToken(ReadOnlySpan<byte> source, Span<float> destination);

    private protected abstract void RoundToken(Span<float> values);
}
