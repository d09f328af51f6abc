using System.Net.Sockets;
using System.Text.Json;
using Swarm.Cli.Home;

namespace Swarm.Cli.Control;

/// <summary>Answers <c>swarm pause</c> and <c>swarm resume</c> for one running node, on a socket that only this user can reach.</summary>
internal sealed class ControlServer : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly string _path;
    private readonly Func<ControlRequest, Task<ControlAnswer>> _answer;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _accepting;

    private ControlServer(Socket listener, string path, Func<ControlRequest, Task<ControlAnswer>> answer, TimeProvider time)
    {
        _listener = listener;
        _path = path;
        _answer = answer;
        _time = time;
        _accepting = AcceptAsync();
    }

    /// <summary>Listens for the node that holds this folder's lock; a socket that a dead process left there is replaced.</summary>
    /// <exception cref="IOException">The folder cannot be made, or belongs to somebody else.</exception>
    /// <exception cref="SocketException">The platform has no such sockets.</exception>
    public static ControlServer Listen(string nodeFolder, Func<ControlRequest, Task<ControlAnswer>> answer, TimeProvider time)
    {
        string path = ControlSocket.PathOf(nodeFolder);
        PrivateFiles.CreateFolder(Path.GetDirectoryName(path)!);
        File.Delete(path);
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(8);
            return new ControlServer(listener, path, answer, time);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _closing.Dispose();
        File.Delete(_path);
    }

    private async Task AcceptAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                // One after another: whoever holds the line longer than the patience is cut off.
                using Socket connection = await _listener.AcceptAsync(_closing.Token);
                await AnswerAsync(connection);
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The caller went away, or this side closes.
            }
        }
    }

    private async Task AnswerAsync(Socket connection)
    {
        using CancellationTokenSource late = new(ControlSocket.Patience, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _closing.Token);
        string? line = await LineReader.ReadAsync(connection, either.Token);
        await connection.SendAsync(await ReplyAsync(line), either.Token);
    }

    private async Task<byte[]> ReplyAsync(string? line)
    {
        string? defect = Understand(line, out ControlRequest request);
        ControlAnswer? answer = null;
        if (defect is null)
        {
            try
            {
                answer = await _answer(request);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                // Whatever the node says against it, its caller is told; the node goes on.
                defect = exception.Message;
            }
        }

        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            if (answer is not null)
            {
                json.WriteString("peer", answer.Peer);
                json.WriteNumber("pid", answer.Pid);
                json.WriteString("state", answer.State);
                json.WriteNumber("sessions", answer.Sessions);
            }
            else
            {
                json.WriteString("error", defect);
            }

            json.WriteEndObject();
        }

        buffer.WriteByte((byte)'\n');
        return buffer.ToArray();
    }

    private static string? Understand(string? line, out ControlRequest request)
    {
        request = default;
        if (line is null)
            return $"no line of at most {ControlSocket.MaxLineBytes} bytes came";
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            string? word = document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("command", out JsonElement command)
                && command.ValueKind == JsonValueKind.String
                    ? command.GetString()
                    : null;
            if (ControlSocket.Read(word) is not { } known)
                return $"command: '{word}', expected show, pause or resume";
            request = known;
            return null;
        }
        catch (JsonException)
        {
            return "the line is not JSON";
        }
    }
}
