using Swarm.Cli.Framework;
using Swarm.Cli.Home;

namespace Swarm.Cli.Commands;

/// <summary>Shows the invite of the swarm that the home remembers.</summary>
internal sealed class InviteCommand : CommandDefinition
{
    public override string Name => "invite";

    public override string Description => "shows this swarm's invite";

    public override Task<int> RunAsync(CommandContext context)
    {
        SwarmFolder swarm = new HomeSwarms(context.Home).Current()
            ?? throw new CommandException("NotAMember", $"no invite in {context.Home.Path}: 'swarm serve' founds a swarm, 'swarm serve --join INVITE' joins one");
        string invite = swarm.ReadInvite().ToText();
        if (context.Events is { } events)
            events.Write("done", json => json.WriteString("invite", invite));
        else
            context.Out.WriteLine(invite);
        return Task.FromResult(ExitCode.Done);
    }
}
