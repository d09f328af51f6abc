using Swarm.Cli.Framework;
using Swarm.Protocol;
using Swarm.Protocol.Membership;

namespace Swarm.Cli.Home;

/// <summary>Which swarm a command means: --join, else the one that the home remembers.</summary>
/// <param name="Invite">What this process becomes a member by, with the addresses to dial first.</param>
/// <param name="Folder">What the home knows of that swarm; null for one that it does not know.</param>
internal sealed record SwarmChoice(SwarmInvite Invite, SwarmFolder? Folder)
{
    private const string Prefix = "swarm1";
    private const int MaxFileBytes = 64 << 10;

    /// <summary>The swarm, or null where none is named or remembered.</summary>
    /// <exception cref="SwarmException">InvalidInvite.</exception>
    public static SwarmChoice? Find(CommandContext context)
    {
        HomeSwarms swarms = new(context.Home);
        if (Named(context) is { } invite)
            return new SwarmChoice(invite, swarms.Find(invite.Swarm));
        return swarms.Current() is { } folder ? new SwarmChoice(folder.ReadMembership(), folder) : null;
    }

    /// <summary>The swarm; every command but serve needs one.</summary>
    /// <exception cref="CommandException">NotAMember says how to name one.</exception>
    public static SwarmChoice Require(CommandContext context) => Find(context) ?? throw new CommandException(
        "NotAMember", $"no swarm: --join INVITE names one, and {context.Home.Path} remembers none ('generate' and 'chat' also run with --local, without any)");

    /// <summary>The invite that --join gives, or the file that it names holds; null without it.</summary>
    public static SwarmInvite? Named(CommandContext context)
    {
        string? join = context.Get(CommonSettings.Join)?.Trim();
        if (join is null)
            return null;
        if (join.StartsWith(Prefix, StringComparison.Ordinal) && !File.Exists(join))
            return SwarmInvite.Parse(join);
        if (!File.Exists(join))
            throw new CommandException("InvalidInvite", $"--join: '{Shorten(join)}' is neither a file nor an invite ({Prefix}…)");
        return SwarmInvite.Parse(PrivateFiles.TryReadText(join, MaxFileBytes) ?? "");
    }

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
