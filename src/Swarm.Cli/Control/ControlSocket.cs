using System.Security.Cryptography;
using System.Text;

namespace Swarm.Cli.Control;

/// <summary>
/// Where a node's control socket lies, and the form of what is said over it: one JSON object on one line each way. The socket's folder is open to its owner only;
/// that is the whole of its protection.
/// </summary>
internal static class ControlSocket
{
    /// <summary>Longest line that either side reads, bytes.</summary>
    public const int MaxLineBytes = 4096;

    /// <summary>How long one side waits for the other.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Longest path of a Unix domain socket that every platform takes, bytes (macOS: 104 with the closing zero).</summary>
    private const int MaxPathBytes = 103;

    private const string FileName = "control.sock";

    /// <summary>The socket of the node that runs in a folder. A path that is too long for a socket moves to a folder of this user below the temporary one.</summary>
    public static string PathOf(string nodeFolder)
    {
        string full = Path.GetFullPath(nodeFolder);
        string path = Path.Combine(full, FileName);
        if (Encoding.UTF8.GetByteCount(path) <= MaxPathBytes)
            return path;
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(full)).AsSpan(0, 8));
        return Path.Combine(Path.GetTempPath(), $"swarm-{name}", FileName);
    }

    public static string Word(ControlRequest request) => request switch
    {
        ControlRequest.Pause => "pause",
        ControlRequest.Resume => "resume",
        _ => "show",
    };

    public static ControlRequest? Read(string? word) => word switch
    {
        "pause" => ControlRequest.Pause,
        "resume" => ControlRequest.Resume,
        "show" => ControlRequest.Show,
        _ => null,
    };
}
