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

    /// <summary>Steps of 0.04 of a token's median magnitude, entropy coded; about 0.96 bytes a value.</summary>
    public static ActivationCodec Fine { get; } = new StepCodec("fine", 3, StepFrequencies.FineStep, StepFrequencies.Fine);

    /// <summary>Steps of 0.104 of it; about 0.79 bytes a value.</summary>
    public static ActivationCodec Medium { get; } = new StepCodec("medium", 4, StepFrequencies.MediumStep, StepFrequencies.Medium);

    /// <summary>Steps of 0.218 of it; about 0.66 bytes a value.</summary>
    public static ActivationCodec Coarse { get; } = new StepCodec("coarse", 5, StepFrequencies.CoarseStep, StepFrequencies.Coarse);

    /// <summary>Every codec, by id.</summary>
    public static IReadOnlyList<ActivationCodec> All { get; } = [F32, F16, Int8, Fine, Medium, Coarse];

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
        return checked(tokens * MaxTokenBytes(hidden));
    }

    /// <summary>Bytes of the first token of an encoding, as its beginning says; 0 where none begins.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Hidden outside 1…<see cref="MaxHidden"/>.</exception>
    public int RowBytes(ReadOnlySpan<byte> encoding, int hidden)
    {
        int most = MaxEncodedBytes(1, hidden);
        int bytes = TokenBytes(encoding, hidden);
        return bytes > most ? 0 : bytes;
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
        int end = 0;
        for (int token = 0; token < tokens; token++)
            end += EncodeToken(values.Slice(token * hidden, hidden), destination[end..]);
        return end;
    }

    /// <summary>Reads an encoding; false, with what was wrong, when the bytes are not one of this shape. The destination is then undefined.</summary>
    /// <exception cref="ArgumentException">The destination does not hold tokens × hidden values: the caller's mistake.</exception>
    public bool TryDecode(ReadOnlySpan<byte> source, int tokens, int hidden, Span<float> destination, out string? error)
    {
        int most = MaxEncodedBytes(tokens, hidden);
        Shapes.Length(destination.Length, (long)tokens * hidden, nameof(destination));
        error = null;
        if (source.Length > most || (!HasVariedRows && source.Length != most))
            error = $"{source.Length} bytes, expected {(HasVariedRows ? "at most " : "")}{most} for {tokens} tokens of {hidden} values";
        int at = 0;
        for (int token = 0; token < tokens && error is null; token++)
        {
            int bytes = RowBytes(source[at..], hidden);
            error = bytes == 0 || bytes > source.Length - at
                ? $"{source.Length - at} bytes are left, expected {(bytes == 0 ? "a length that a token can have" : $"its {bytes}")}"
                : DecodeToken(source.Slice(at, bytes), destination.Slice(token * hidden, hidden));
            if (error is not null)
                error = $"token {token}: {error}";
            at += bytes;
        }

        if (error is null && at < source.Length)
            error = $"{source.Length} bytes, expected {at} for {tokens} tokens of {hidden} values";
        if (error is null)
            return true;
        error = $"{Name}: {error}";
        return false;
    }

    /// <summary>What decoding an encoding gives, in place, without the bytes.</summary>
    public void Round(Span<float> values, int tokens, int hidden)
    {
        _ = MaxEncodedBytes(tokens, hidden);
        Shapes.Length(values.Length, (long)tokens * hidden, nameof(values));
        for (int token = 0; token < tokens; token++)
            RoundToken(values.Slice(token * hidden, hidden));
    }

    /// <summary>The integers that a token's values become before they are packed; false for a codec or a token without. For measuring.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public virtual bool TryQuantize(ReadOnlySpan<float> token, Span<int> integers) => false;

    // The most that a token takes.
    private protected abstract int MaxTokenBytes(int hidden);

    // Tokens of one length may take different bytes.
    private protected virtual bool HasVariedRows => false;

    // What the first token takes by its own word; 0 where the bytes are too few to tell.
    private protected virtual int TokenBytes(ReadOnlySpan<byte> encoding, int hidden) => MaxTokenBytes(hidden);

    // The destination holds at least the most that a token takes. Gives the bytes written.
    private protected abstract int EncodeToken(ReadOnlySpan<float> values, Span<byte> destination);

    // The source has as many bytes as TokenBytes said. Null when they are sound.
    private protected abstract string? DecodeToken(ReadOnlySpan<byte> source, Span<float> destination);

    private protected abstract void RoundToken(Span<float> values);
}
