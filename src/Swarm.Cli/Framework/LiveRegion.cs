using Spectre.Console;

namespace Swarm.Cli.Framework;

/// <summary>What is drawn in place on a terminal, again and again.</summary>
internal static class LiveRegion
{
    // Lines are padded to the longest. A terminal echoes Ctrl-C as ^C behind the last one: where that wrapped, the next drawing would begin a line too low.
    private const int Echo = 2;

    /// <summary>How long its lines may be.</summary>
    public static int Width(IAnsiConsole console) => console.Profile.Width - Echo;
}
