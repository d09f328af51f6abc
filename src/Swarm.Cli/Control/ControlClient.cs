using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Swarm.Cli.Framework;

namespace Swarm.Cli.Control;

/// <summary>Speaks to the nodes that run on this machine.</summary>
internal static class ControlClient
{
    /// <summary>Asks the node of a folder; null when none runs there.</summary>
    /// <exception cref="CommandException">ControlFailed: the node refuses, or what answers is no node.</exception>
    public static async Task<ControlAnswer?> AskAsync(string nodeFolder, ControlRequest request, TimeProvider time, CancellationToken cancellationToken)
    {
        string path = ControlSocket.PathOf(nodeFolder);
        if (!File.Exists(path))
            return null;
        using CancellationTokenSource late = new(ControlSocket.Patience, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), either.Token);
        }
        catch (SocketException)
        {
            // What a killed process left behind.
            return null;
        }

        try
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes($$"""{"command":"{{ControlSocket.Word(request)}}"}""" + "\n"), either.Token);
            return Read(await LineReader.ReadAsync(socket, either.Token), nodeFolder);
        }
        catch (SocketException exception)
        {
            throw new CommandException("ControlFailed", $"the node in {nodeFolder} broke off: {exception.Message}", inner: exception);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandException("ControlFailed", $"the node in {nodeFolder} did not answer within {ControlSocket.Patience.TotalSeconds:0} s");
        }
    }

    private static ControlAnswer Read(string? line, string nodeFolder)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line ?? "");
            JsonElement root = document.RootElement;
            if (root.TryGetProperty("error", out JsonElement error))
                throw new CommandException("ControlFailed", $"the node in {nodeFolder}: {error.GetString()}");
            return new ControlAnswer(
                root.GetProperty("peer").GetString() ?? "", root.GetProperty("pid").GetInt32(), root.GetProperty("state").GetString() ?? "",
                root.GetProperty("sessions").GetInt32());
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new CommandException("ControlFailed", $"the node in {nodeFolder} answered with no answer of this program", inner: exception);
        }
    }
}
