using System.Text.Json;
using Swarm.Kernels;
using Swarm.Models;
using Swarm.Models.Templates;
using Swarm.Protocol;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Framework;

/// <summary>What an exception means to whoever called the program: a stable code, one line, an exit status.</summary>
internal sealed record Failure(string Code, string Message, int ExitCode, Action<Utf8JsonWriter>? Details = null)
{
    /// <summary>Reads an exception; the interrupted flag tells cancellations by Ctrl-C from others.</summary>
    public static Failure From(Exception exception, bool interrupted) => exception switch
    {
        UsageException e => new Failure("Usage", e.Message, Framework.ExitCode.Usage),
        CommandException e => new Failure(e.Code, e.Message, e.ExitCode),
        ModelException e => new Failure(e.Error.ToString(), e.Message, Framework.ExitCode.Failed),
        TemplateException e => new Failure("TemplateError", $"chat template: {e.Message}", Framework.ExitCode.Failed),
        NumericsException e => new Failure("Numerics", e.Message, Framework.ExitCode.Failed),
        SwarmException e => FromSwarm(e, interrupted),
        OperationCanceledException when interrupted => new Failure("Interrupted", "interrupted", Framework.ExitCode.Interrupted),
        AddressUnavailableException e => new Failure(e.InUse ? "AddressInUse" : "AddressUnavailable", e.Message, Framework.ExitCode.Failed, json => json.WriteString("address", e.Address.ToString())),
        OutOfMemoryException e => new Failure("OutOfMemory", e.Message, Framework.ExitCode.Failed),
        IOException or UnauthorizedAccessException => new Failure("FileError", exception.Message, Framework.ExitCode.Failed),
        AggregateException { InnerExceptions.Count: 1 } e => From(e.InnerExceptions[0], interrupted),
        _ => new Failure("Internal", $"{exception.GetType().Name}: {exception.Message}", Framework.ExitCode.Failed),
    };

    private static Failure FromSwarm(SwarmException exception, bool interrupted)
    {
        if (interrupted && exception.Fault == FaultKind.Cancelled)
            return new Failure("Interrupted", "interrupted", Framework.ExitCode.Interrupted);
        int exitCode = exception.Fault is FaultKind.NoRoute or FaultKind.NoCapacity ? Framework.ExitCode.Unavailable : Framework.ExitCode.Failed;
        return new Failure(exception.Code, exception.Message, exitCode, json =>
        {
            if (exception.Peer is { } peer)
                json.WriteString("peer", peer.ToString());
            if (exception.Blocks is { } blocks)
                json.WriteBlocks("blocks", new BlockSpan(blocks.First, blocks.End));
        });
    }

    /// <summary>The message on one line: stderr gives one line a failure.</summary>
    public string OneLine => Message.ReplaceLineEndings(" ").Trim();
}
