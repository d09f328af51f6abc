using System.Globalization;
using System.Reflection;

namespace Swarm.Models.Tokenizers.Normalizing;

/// <summary>The data of UAX #15, read from the embedded file when first asked for: the runtime leaves it out in invariant mode.</summary>
internal sealed class UnicodeTables
{
    private static readonly Lazy<UnicodeTables> Loaded = new(() => new UnicodeTables());

    private readonly Dictionary<int, byte> _classes = [];
    private readonly Dictionary<int, int[]> _canonical = [];
    private readonly Dictionary<int, int[]> _compatible = [];
    private readonly Dictionary<(int, int), int> _composites = [];

    private UnicodeTables()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("UnicodeNormalization.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line[0] == '#')
                continue;
            int[] codes = [.. line[2..].Split(' ').Select(c => int.Parse(c, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))];
            switch (line[0])
            {
                case 'c':
                    for (int code = codes[0]; code <= codes[1]; code++)
                        _classes[code] = (byte)codes[2];
                    break;
                case 'd':
                    _canonical[codes[0]] = codes[1..];
                    break;
                case 'k':
                    _compatible[codes[0]] = codes[1..];
                    break;
                case 'p':
                    _composites[(codes[1], codes[2])] = codes[0];
                    break;
            }
        }
    }

    public static UnicodeTables Instance => Loaded.Value;

    /// <summary>The canonical combining class.</summary>
    public int Class(int codePoint) => codePoint < 0x300 ? 0 : _classes.GetValueOrDefault(codePoint);

    /// <summary>The full decomposition, or null where the character stands for itself. Hangul syllables are not here.</summary>
    public int[]? Decomposition(int codePoint, bool compatible) =>
        compatible && _compatible.TryGetValue(codePoint, out int[]? parts) ? parts : _canonical.GetValueOrDefault(codePoint);

    /// <summary>The primary composite of two characters, or -1. Hangul is not here.</summary>
    public int Composite(int first, int second) => _composites.TryGetValue((first, second), out int composite) ? composite : -1;
}
