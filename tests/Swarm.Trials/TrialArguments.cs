using System.Globalization;

namespace Swarm.Trials;

/// <summary>Flags of a trial: <c>--name value</c> with whole numbers, and switches.</summary>
internal sealed class TrialArguments(IReadOnlyList<string> words)
{
    public int Number(string name, int otherwise)
    {
        int index = IndexOf(name);
        return index < 0 ? otherwise
            : index + 1 < words.Count && int.TryParse(words[index + 1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
            : throw new ArgumentException($"{name} needs a number");
    }

    public bool Has(string name) => IndexOf(name) >= 0;

    private int IndexOf(string name) => words.ToList().IndexOf(name);
}
