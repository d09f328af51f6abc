using Swarm.Cli.Control;
using Swarm.Cli.Framework;
using Swarm.Cli.Home;

namespace Swarm.Cli.Commands;

/// <summary>Tells this home's nodes to stop taking work, or to take it again.</summary>
internal sealed class PauseCommand(ControlRequest request) : CommandDefinition
{
    public override string Name => ControlSocket.Word(request);

    public override string Description => request == ControlRequest.Pause
        ? "this machine's nodes take no new sessions; running ones go on"
        : "this machine's nodes take sessions again";

    public override async Task<int> RunAsync(CommandContext context)
    {
        List<ControlAnswer> answers = [];
        foreach (string folder in NodeSlot.Folders(context.Home))
        {
            if (await ControlClient.AskAsync(folder, request, context.Time, context.Interrupts.Polite) is { } answer)
                answers.Add(answer);
        }

        if (answers.Count == 0)
            throw new CommandException("NoNode", $"no node of {context.Home.Path} runs on this machine; 'swarm serve' starts one");
        if (context.Events is { } events)
        {
            events.Write("done", json =>
            {
                json.WriteStartArray("nodes");
                foreach (ControlAnswer answer in answers)
                {
                    json.WriteStartObject();
                    json.WriteString("peer", answer.Peer);
                    json.WriteNumber("pid", answer.Pid);
                    json.WriteString("state", answer.State);
                    json.WriteNumber("sessions", answer.Sessions);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            });
            return ExitCode.Done;
        }

        foreach (ControlAnswer answer in answers)
        {
            string peer = answer.Peer[..Math.Min(8, answer.Peer.Length)];
            context.Out.WriteLine($"{peer} (process {answer.Pid}) is {answer.State}, {answer.Sessions} {(answer.Sessions == 1 ? "session" : "sessions")} open");
        }

        return ExitCode.Done;
    }
}
