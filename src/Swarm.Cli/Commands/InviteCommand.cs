using Swarm.Cli.Framework;

namespace Swarm.Cli.Commands;

/// <summary>Shows the invite of the swarm that the home remembers.</summary>
internal sealed class InviteCommand : CommandDefinition
{
    public override string Name => "invite";

    public override string Description => "shows this swarm's invite";

    public override Task<int> RunAsync(CommandContext context)
    {
        string invite = context.Home.ReadInvite()
            ?? throw new CommandException("NotAMember", $"no invite in {context.Home.Path}: 'swarm serve' founds a swarm, 'swarm serve --join INVITE' joins one");
        if (context.Events is { } events)
            events.Write("done", json => json.WriteString("invite", invite));
        else
            context.Out.WriteLine(invite);
        return Task.FromResult(ExitCode.Done);
    }
}
