namespace Swarm.Kernels.Codecs;

/// <summary>A thread's working memory for one token of a <see cref="StepCodec"/>; grows to the longest token seen.</summary>
internal sealed class StepScratch
{
    [ThreadStatic]
    private static StepScratch? _ofThread;

    private ushort[] _keys = [];
    private int[] _quanta = [];
    private byte[] _symbols = [];
    private byte[] _raw = [];
    private ushort[] _words = [];

    /// <summary>Upper halves of the magnitudes' bits [n].</summary>
    public Span<ushort> Keys => _keys.AsSpan(0, Length);

    /// <summary>Integers [n].</summary>
    public Span<int> Quanta => _quanta.AsSpan(0, Length);

    /// <summary>Classes [n].</summary>
    public Span<byte> Symbols => _symbols.AsSpan(0, Length);

    /// <summary>Room for the bits beside the classes.</summary>
    public Span<byte> Raw => _raw;

    /// <summary>Room for the coder's words [n + 1].</summary>
    public Span<ushort> Words => _words.AsSpan(0, Length + 1);

    private int Length { get; set; }

    /// <summary>For a token of so many values, until this thread asks for the next.</summary>
    public static StepScratch ForThread(int length)
    {
        StepScratch scratch = _ofThread ??= new StepScratch();
        if (scratch._keys.Length < length)
        {
            scratch._keys = new ushort[length];
            scratch._quanta = new int[length];
            scratch._symbols = new byte[length];
            scratch._raw = new byte[(length * StepClasses.MostRawBits / 8) + RawBits.Slack];
            scratch._words = new ushort[length + 1];
        }

        scratch.Length = length;
        return scratch;
    }
}
