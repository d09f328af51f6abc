namespace Swarm.Cli.Framework;

/// <summary>Which swarm a command means: --join, else the one that the home remembers.</summary>
internal static class RememberedInvite
{
    private const string Prefix = "swarm1";

    /// <summary>The invite's text, or null where there is none.</summary>
    public static string? Find(CommandContext context, bool remembered)
    {
        string? join = context.Get(CommonSettings.Join);
        if (join is null)
            return remembered ? context.Home.ReadInvite() : null;
        if (File.Exists(join))
            return File.ReadAllText(join).Trim();
        if (join.StartsWith(Prefix, StringComparison.Ordinal))
            return join.Trim();
        throw new CommandException("InvalidInvite", $"--join: '{Shorten(join)}' is neither a file nor an invite ({Prefix}…)");
    }

    /// <summary>What is said when no swarm is named or remembered.</summary>
    public static CommandException Missing(CommandContext context) => new(
        "NotAMember", $"no swarm: --join INVITE names one, --local needs none, and {context.Home.Path} remembers none");

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
