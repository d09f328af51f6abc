using System.Net.Sockets;
using System.Text;

namespace Swarm.Cli.Control;

/// <summary>Reads one bounded line from a socket.</summary>
internal static class LineReader
{
    /// <returns>The line without its end; null when the other side closes before, or says more than a line may hold.</returns>
    public static async Task<string?> ReadAsync(Socket socket, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[ControlSocket.MaxLineBytes];
        int length = 0;
        while (length < buffer.Length)
        {
            int read = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
            if (read == 0)
                return null;
            int end = buffer.AsSpan(length, read).IndexOf((byte)'\n');
            if (end >= 0)
                return Encoding.UTF8.GetString(buffer, 0, length + end);
            length += read;
        }

        return null;
    }
}
