using System.Text;

namespace Swarm.Models.Sampling;

/// <summary>
/// Ends a text at a stop string. What may still become one is held back. The stop whose last character comes first wins, the longest of those that end
/// together; so the result does not depend on how the text is cut into tokens.
/// </summary>
public sealed class StopMatcher
{
    /// <summary>Most stop strings of one generation, and most characters of one.</summary>
    public const int MaxStops = 64, MaxStopChars = 1024;

    private readonly string[] _stops;
    private readonly StringBuilder _held = new();

    /// <param name="stops">Texts that end the generation; may be none.</param>
    /// <exception cref="ModelException"><see cref="ModelError.InvalidArgument"/>: too many, or one that is empty or too long.</exception>
    public StopMatcher(IReadOnlyList<string> stops)
    {
        ArgumentNullException.ThrowIfNull(stops);
        if (stops.Count > MaxStops)
            throw new ModelException(ModelError.InvalidArgument, $"There are {stops.Count} stop strings; the limit is {MaxStops}.");
        foreach (string stop in stops)
            if (stop.Length is 0 or > MaxStopChars)
                throw new ModelException(ModelError.InvalidArgument, $"A stop string has {stop.Length} characters; expected 1 to {MaxStopChars}.");
        _stops = [.. stops.OrderByDescending(s => s.Length)];
    }

    /// <summary>The stop string met, or null. After it nothing more is given.</summary>
    public string? Met { get; private set; }

    /// <summary>The text that is certain to come before any stop string.</summary>
    public string Push(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (Met is not null)
            return "";
        if (_stops.Length == 0)
            return text;
        foreach (char c in text)
        {
            _held.Append(c);
            Met = Array.Find(_stops, s => EndsWith(s, s.Length));
            if (Met is null)
                continue;
            _held.Length -= Met.Length;
            return Take(0);
        }

        return Take(Possible());
    }

    /// <summary>What was held back, at the end of a text that met no stop.</summary>
    public string Flush() => Take(0);

    /// <summary>The length of the longest end of the held text with which a stop begins.</summary>
    private int Possible()
    {
        int longest = 0;
        foreach (string stop in _stops)
            for (int length = Math.Min(stop.Length - 1, _held.Length); length > longest; length--)
                if (EndsWith(stop, length))
                    longest = length;
        return longest;
    }

    private bool EndsWith(string stop, int length)
    {
        if (length > _held.Length)
            return false;
        for (int i = 0; i < length; i++)
            if (_held[_held.Length - length + i] != stop[i])
                return false;
        return true;
    }

    private string Take(int keep)
    {
        string text = _held.ToString(0, _held.Length - keep);
        _held.Remove(0, text.Length);
        return text;
    }
}
